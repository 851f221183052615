/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * index.h -- an inverted index: for each word the documents that have it
 *
 *     index --> shards[] --> buckets[] --> word --> word ...
 *           |                               +--> postings {doc, count, line}
 *           +-> docs[] --> name
 *
 * Every byte of it, the root included, is in a pool:
 *
 *  - the index may be larger than the DRAM that one cares to spend on it: put
 *    the pool on CXL memory (a device DAX node, or a mount on it) and the rest
 *    of the program stays where it was;
 *  - each tenant's index has a pool, so none can take another's memory, and
 *    one that fills up gets a NULL where the others notice nothing;
 *  - dropping an index of ten million objects is one vmem_delete().
 *
 * Threads: index_add() by any number at once; each word belongs to one of
 * NSHARDS shards, and each shard has a lock.  index_query() by any number at
 * once, when no more is added: it takes no lock.
 */
#ifndef INDEX_INDEX_H
#define INDEX_INDEX_H

#include "mem.h"

#include <pthread.h>
#include <stdint.h>

#define NSHARDS 64

struct posting {
	uint32_t doc;
	uint32_t count; /* occurrences in this document */
	uint32_t line;  /* of the first one */
};

struct word {
	struct word *next;        /* in the same bucket */
	struct posting *postings; /* ascending by doc */
	uint32_t npostings;
	uint32_t capacity; /* in postings */
	uint32_t hash;
	uint32_t len;
	char text[]; /* len bytes, not terminated */
};

struct shard {
	pthread_mutex_t lock; /* protects the fields below */
	struct word **buckets;
	size_t nbuckets; /* a power of two */
	size_t nwords;
	size_t npostings;
};

struct index {
	struct shard shards[NSHARDS];
	pthread_mutex_t docs_lock; /* protects the fields below */
	char **docs; /* names by number; NULL: there was no room for it */
	size_t ndocs;
	size_t docs_capacity;
};

/* a document that has all words of a query */
struct hit {
	uint32_t doc;
	uint32_t score; /* occurrences of the words, summed */
	uint32_t line;  /* of the first word's first occurrence */
};

struct hits {
	struct hit *hits; /* best first; ties by document number */
	size_t nhits;
	size_t capacity;
};

/* index_create -- an empty index; NULL when the pool has no room */
struct index *index_create(struct mem *mem);

/* index_destroy -- release everything, object by object */
void index_destroy(struct index *ix, struct mem *mem);

/*
 * index_add -- put a document into the index
 *
 * text    is changed (case is folded); not needed after the call
 * Returns 0; -1 when the pool has no room, and then the index is as it was.
 */
int index_add(struct index *ix, struct mem *mem, const char *name, char *text,
	size_t len);

/* index_trim -- give back what the lists have in reserve: all is added */
void index_trim(struct index *ix, struct mem *mem);

size_t index_nwords(const struct index *ix);
size_t index_npostings(const struct index *ix);

/* index_lookup -- the entry of a word in lower case; NULL: occurs nowhere */
const struct word *index_lookup(
	const struct index *ix, const char *text, uint32_t len, uint32_t hash);

/*
 * index_query -- the documents that have all words of `query`
 *
 * Returns 0 and the hits, to be released with hits_release(); -1 when the pool
 *         has no room for them.  No words, or a word that is nowhere: no hits.
 */
int index_query(const struct index *ix, struct mem *mem, const char *query,
	struct hits *ret_hits);

void hits_release(struct hits *hits, struct mem *mem);

#endif /* INDEX_INDEX_H */
