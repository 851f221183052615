/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * run_cache.h -- large runs that a heap keeps for its next large objects
 *
 * What is freed is joined with the cached runs beside it; an object takes the
 * front of the shortest run that is long enough, and the rest stays.  So most
 * large objects come and go without the page tree and without a lock: also the
 * descriptors that this takes and leaves are kept by the heap.  The oldest runs
 * go back when more pages or runs are cached than may be, and when a
 * period of the pool's decay has not needed them: the fewest pages that there
 * were in it.  A heap that its thread does not use keeps them until a trim.
 *
 * The descriptor of a cached run says so (RUN_CACHED), which is how a second
 * free of it is seen, and is on two lists of the heap, the runs of its class,
 * newest first, and all by age, and in its table of edges.
 *
 * All functions need the heap's holder.
 */
#ifndef TCACHE_RUN_CACHE_H
#define TCACHE_RUN_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "run/run.h"
#include "tcache/run_edges.h"

#define LARGE_CLASSES    128u /* of large runs: 4 a doubling of pages */
#define RUN_CACHE_WORDS  (LARGE_CLASSES / 64u)
#define RUN_CACHE_LOOKED 8u    /* runs of its own class that a size looks at */
#define RUN_CACHE_MOST   1024u /* runs: 8 in each bucket of an edge */
#define RUN_CACHE_SPARES 32u   /* descriptors without a run */

/* lists are of granule numbers */
struct run_cache {
	uint32_t npages; /* in all runs of the cache */
	uint32_t nruns;
	uint32_t oldest, newest;
	uint32_t period;  /* of the pool's decay; see cache_decay() */
	uint32_t low;     /* fewest pages in that period; at most npages */
	uint32_t nlone;   /* runs that came into an empty cache */
	uint32_t nplaces; /* objects that were freed and not replaced */
	uint32_t spare;   /* first descriptor without a run, by next */
	uint32_t nspare;
	uint64_t has[RUN_CACHE_WORDS]; /* classes that have a run */
	uint32_t head[LARGE_CLASSES];  /* newest run of each class */
	struct run_edges edges;
};

struct heap;
struct heap_dir;

/* large_class -- class of a large run */
unsigned large_class(size_t npages);

/* large_class_pages -- the most pages that a class holds */
size_t large_class_pages(unsigned cls);

/*
 * cache_get -- npages pages out of the cache, RUN_CACHED still; or NULL
 * Then they best come from the runs at a multiple of 2^*ret_lg_align bytes.
 */
struct desc *cache_get(struct heap *h, size_t npages, unsigned *ret_lg_align);

/* cache_most -- pages that a heap may ever keep */
uint32_t cache_most(const struct heap_dir *dir);

/* cache_put -- keep a RUN_CACHED run, or give it back when it is too large */
void cache_put(struct heap *h, struct desc *d);

/*
 * cache_grow -- make d npages long with pages of the run behind it
 * Returns false when that is not in the heap's cache, or too short.
 */
bool cache_grow(struct heap *h, struct desc *d, size_t npages);

/* cache_behind -- the run behind that one, if the heap keeps it, or NULL */
struct desc *cache_behind(const struct heap *h, const struct desc *d);

/* cache_decay -- give back what the period that is over has not needed */
void cache_decay(struct heap *h);

/*
 * cache_check -- verify the run cache of a heap of a frozen pool, after
 * run_check_all(); returns how many runs are in it
 */
size_t cache_check(const struct run_check *c, const struct heap *h);

/* cache_release -- give all cached runs back, and the spare descriptors */
void cache_release(struct heap *h);

#endif
