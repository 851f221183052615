/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_run_places.c -- where large objects begin that take the place of others
 *
 * ctest: timeout=300
 */
#include <string.h>

#include "harness/heaps.h"

static struct heaps pool;
static struct heap *heap;

static void
open_heap(void)
{
	heaps_open(&pool, 512 * MIB, HARDENING_DEFAULT);
	heap = dir_attach(&pool.dir, true);
	must(heap != NULL);
}

static void *
take_from(struct heap *h, size_t npages)
{
	bool clean;

	return heap_alloc_large(h, npages, RUN_LG_PAGE, &clean);
}

static void *
take(size_t npages)
{
	return take_from(heap, npages);
}

static void
give(void *p)
{
	must(heap_free(heap, p) == FREE_DONE);
}

/* objects that take the place of smaller ones, wherever the next page is */
static void
assert_begins_at_places(void)
{
	for (size_t i = 0; i < 32; i++) {
		must(take(1) != NULL);
		give(take(17));
		assert_int_equal((uintptr_t)take(64) % (16 * RUN_PAGE), 0);
		cache_release(heap);
	}
	assert_int_equal(heaps_nfindings(&pool), 0);
	heaps_close(&pool);
}

/* what the cache has no room for begins at such a place too */
static void
alloc__in_the_place_of_another_but_larger__begins_at_a_place(void **state)
{
	(void)state;
	open_heap();
	assert_begins_at_places();
}

/* what another heap keeps is as good as free, and each may keep a quarter */
static void
alloc__another_heap_keeps_a_quarter__begins_at_a_place(void **state)
{
	enum { MIB_PAGES = 1 << (20 - RUN_LG_PAGE) };
	struct heap *other;

	(void)state;
	open_heap();
	other = dir_attach(&pool.dir, false);
	must(other != NULL);
	must(take_from(other, 50 * MIB_PAGES) != NULL);
	must(heap_free(other, take_from(other, 90 * MIB_PAGES)) == FREE_DONE);
	assert_int_equal(other->cache.npages, 90 * MIB_PAGES);
	assert_begins_at_places();
}

/* objects that are only added lie close together */
static void
alloc__of_no_other__begins_at_the_next_page(void **state)
{
	char *p, *q;

	(void)state;
	open_heap();
	must(take(1) != NULL);
	p = take(65);
	q = take(65);
	assert_ptr_equal(q, p + 65 * RUN_PAGE);
	heaps_close(&pool);
}

/* begins -- of n objects replaced at random, those at pages not yet seen */
static size_t
begins(struct rng *rng, bool *seen, void **live, size_t nlive, size_t n)
{
	size_t ndifferent = 0;

	for (size_t i = 0; i < n; i++) {
		void **p = &live[rng_between(rng, 0, nlive - 1)];
		size_t lg = rng_between(rng, 4, 11);
		size_t page;

		if (*p != NULL)
			give(*p);
		*p = take(rng_between(rng, (size_t)1 << lg, (size_t)2 << lg));
		must(*p != NULL);
		page = run_page(&pool.s.rs, *p);
		ndifferent += !seen[page];
		seen[page] = true;
	}
	return ndifferent;
}

/*
 * So that no page of them is touched for the first time.  A single heap's
 * figure is 0 to 110 by chance, 16 on the average, so that of eight is looked
 * at; with each object at the next free page it is 150 to 320.
 */
static void
all__large_objects_at_random__soon_begin_at_known_places(void **state)
{
	enum { HEAPS = 8, LIVE = 16, WARM = 200000, MORE = 20000 };
	static bool seen[(512 * MIB) / RUN_PAGE];
	size_t ndifferent = 0;
	struct rng rng;

	(void)state;
	rng_init(&rng, "places");
	for (size_t i = 0; i < HEAPS; i++) {
		void *live[LIVE] = {NULL};

		memset(seen, 0, sizeof(seen));
		open_heap();
		(void)begins(&rng, seen, live, LIVE, WARM);
		ndifferent += begins(&rng, seen, live, LIVE, MORE);
		assert_int_equal(heaps_nfindings(&pool), 0);
		heaps_close(&pool);
	}
	assert_in_range(ndifferent, 0, HEAPS * MORE / 200);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			alloc__in_the_place_of_another_but_larger__begins_at_a_place),
		cmocka_unit_test(
			alloc__another_heap_keeps_a_quarter__begins_at_a_place),
		cmocka_unit_test(alloc__of_no_other__begins_at_the_next_page),
		cmocka_unit_test(
			all__large_objects_at_random__soon_begin_at_known_places),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
