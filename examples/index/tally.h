/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tally.h -- the different words of one document, with how often they occur
 *
 * An open-addressing hash table that lives from the reading of a document to
 * its being in the index.  The texts stay in the document's buffer.
 * Threads: used by one at a time.
 */
#ifndef INDEX_TALLY_H
#define INDEX_TALLY_H

#include "mem.h"
#include "token.h"

struct tally_entry {
	struct token token; /* the first occurrence; text NULL: entry unused */
	uint32_t count;
};

struct tally {
	struct tally_entry *entries;
	size_t nentries; /* a power of two */
	size_t nused;    /* under three quarters of it */
};

/* tally_count -- count the words of a text; -1 when the pool has no room */
int tally_count(struct tally *tally, struct mem *mem, char *text, size_t len);

void tally_clear(struct tally *tally, struct mem *mem);

#endif /* INDEX_TALLY_H */
