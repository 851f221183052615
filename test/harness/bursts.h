/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * bursts.h -- objects of one heap that are allocated and freed by the thousand
 *
 * For unit/ only, where each program includes it in one file.
 */
#ifndef HARNESS_BURSTS_H
#define HARNESS_BURSTS_H

#include "harness/heaps.h"
#include "tcache/heap_deep.h"

#include <string.h>

#define POOL_BYTES (DEEP_MOST * DEEP_SHARE)
#define MOST       6000 /* objects of a burst */
#define ROUNDS     24   /* bursts after which a bin has a deep LIFO */

enum order { IN_ORDER, REVERSED, SHUFFLED, NORDERS };

static struct heaps pool;
static struct heap *heap;
static void *objects[MOST];

static inline void
open_pool(size_t size, enum hardening level)
{
	heaps_open(&pool, size, level);
	heap = dir_attach(&pool.dir, true);
	must(heap != NULL);
}

static inline struct bin *
bin_of(size_t size)
{
	return heap_bin(heap, heap->table, class_of(heap->table, size));
}

static inline void
shuffle(struct rng *rng, size_t n)
{
	for (size_t i = n - 1; i > 0; i--) {
		size_t j = rng_between(rng, 0, i);
		void *p = objects[i];

		objects[i] = objects[j];
		objects[j] = p;
	}
}

static inline void
allocate(size_t size, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		objects[i] = heaps_malloc(heap, size);
		must(objects[i] != NULL);
		test_fill(objects[i], size, i);
	}
	/* none was given out twice */
	for (size_t i = 0; i < n; i++)
		must(test_holds(objects[i], size, i));
}

static inline void
free_all(size_t n, enum order order)
{
	for (size_t i = 0; i < n; i++) {
		size_t at = order == REVERSED ? n - 1 - i : i;

		must(heaps_free(heap, objects[at]) == FREE_DONE);
	}
}

static inline void
burst(size_t size, size_t n, enum order order)
{
	allocate(size, n);
	free_all(n, order);
}

/* bursts -- until the bin has had reason enough for a deep LIFO */
static inline void
bursts(size_t size, size_t n)
{
	for (unsigned i = 0; i < ROUNDS; i++)
		burst(size, n, (enum order)(i % SHUFFLED));
}

/* bursts_for_all -- until as many bins as may have one each have a deep LIFO */
static inline void
bursts_for_all(void)
{
	for (size_t size = 16; size <= 16 * DEEP_MOST; size += 16)
		bursts(size, 1000);
}

/* unused -- nothing lives: all memory has to come back */
static inline void
assert_unused(void)
{
	heap_rest(heap);
	dir_park(heap);
	dir_collect(&pool.dir, pool.dir.all);
	must(heaps_nfindings(&pool) == 0);
	must(pool.s.rs.nfree == pool.nfree);
	heaps_close(&pool);
}

/* prepare -- a bin with a deep LIFO, the first n of `objects` in it */
static inline struct bin *
prepare(size_t size, size_t n)
{
	struct bin *b = bin_of(size);

	bursts(size, 1000);
	must(b->deep != NULL);
	allocate(size, n);
	heap_flush(heap);
	free_all(n, IN_ORDER);
	must(bin_held(b) == n);
	return b;
}

#endif
