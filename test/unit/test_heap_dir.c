/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_heap_dir.c -- which of the heaps that threads have left a thread gets
 *
 * ctest: timeout=300
 */
#include "harness/heaps.h"

#define NFEW  5u
#define SLOT  ((size_t)8192)
#define NMANY 150u /* more than are kept in order */

static struct heaps pool;
static struct heap *heaps[NMANY];

static void
open_heaps(unsigned n)
{
	heaps_open(&pool, 256 * MIB, HARDENING_DEFAULT);
	for (unsigned i = 0; i < n; i++) {
		heaps[i] = dir_attach(&pool.dir, false);
		must(heaps[i] != NULL);
		must(i == 0 || heaps[i]->id > heaps[i - 1]->id);
	}
}

static void
attach__heaps_parked_in_any_order__gives_the_oldest_first(void **state)
{
	struct rng rng;

	(void)state;
	rng_init(&rng, __func__);
	open_heaps(NFEW);
	for (unsigned round = 0; round < 100; round++) {
		unsigned order[NFEW];

		for (unsigned i = 0; i < NFEW; i++) {
			unsigned j = (unsigned)rng_between(&rng, 0, i);

			order[i] = order[j];
			order[j] = i;
		}
		for (unsigned i = 0; i < NFEW; i++)
			dir_park(heaps[order[i]]);
		for (unsigned i = 0; i < NFEW; i++)
			assert_ptr_equal(
				dir_attach(&pool.dir, false), heaps[i]);
		assert_int_equal(heaps_nfindings(&pool), 0);
	}
	heaps_close(&pool);
}

/* the youngest first, so that each has to go past all others */
static void
attach__more_heaps_than_are_kept_in_order__gives_each_once(void **state)
{
	bool had[NMANY] = {false};

	(void)state;
	open_heaps(NMANY);
	for (unsigned i = NMANY; i > 0; i--)
		dir_park(heaps[i - 1]);
	assert_ptr_equal(dir_attach(&pool.dir, false), heaps[0]);
	dir_park(heaps[0]);
	for (unsigned i = 0; i < NMANY; i++)
		dir_park(dir_attach(&pool.dir, false));
	assert_int_equal(heaps_nfindings(&pool), 0);
	for (unsigned i = 0; i < NMANY; i++) {
		struct heap *h = dir_attach(&pool.dir, false);
		unsigned which = 0;

		while (which < NMANY && heaps[which] != h)
			which++;
		assert_in_range(which, 0, NMANY - 1);
		assert_false(had[which]);
		had[which] = true;
	}
	assert_int_equal(pool.dir.nheaps, NMANY);
	heaps_close(&pool);
}

/* fill_slab -- of that heap; returns one of its objects */
static void *
fill_slab(struct heap *h)
{
	const struct bin *b = heap_bin(h, h->table, class_of(h->table, SLOT));
	void *p = heaps_malloc(h, SLOT);
	const struct slab *s = b->slab;

	must(p != NULL && s != NULL);
	while (b->slab == s)
		must(heaps_malloc(h, SLOT) != NULL);
	return p;
}

static unsigned
nwaiting(void)
{
	unsigned n = 0;

	for (unsigned i = 1; i < NMANY; i++)
		n += heaps[i]->inbox != RUN_NO_GRANULE;
	return n;
}

/* of many a part each time, as others wait for the lock; but all in the end */
static void
steal__more_heaps_than_are_looked_at__goes_on_with_the_next(void **state)
{
	void *objects[NMANY];
	unsigned cls, before, ncalls = 0;

	(void)state;
	open_heaps(NMANY);
	cls = class_of(heaps[0]->table, 2 * SLOT);
	for (unsigned i = 1; i < NMANY; i++)
		objects[i] = fill_slab(heaps[i]);
	for (unsigned i = 1; i < NMANY; i++)
		dir_park(heaps[i]);
	/* a full slab that others free in comes to the heap's inbox */
	for (unsigned i = 1; i < NMANY; i++)
		must(heaps_free(heaps[0], objects[i]) == FREE_DONE);
	assert_int_equal(nwaiting(), NMANY - 1);
	for (before = nwaiting(); before > 0; ncalls++) {
		unsigned now;

		assert_false(dir_steal(heaps[0], cls));
		assert_int_equal(heaps_nfindings(&pool), 0);
		now = nwaiting();
		assert_in_range(before - now, 1, 64);
		before = now;
	}
	assert_in_range(ncalls, NMANY / 64 + 1, NMANY / 64 + 1);
	/* and what is there is found, wherever the last look was */
	assert_true(dir_steal(heaps[0], class_of(heaps[0]->table, SLOT)));
	assert_int_equal(heaps_nfindings(&pool), 0);
	heaps_close(&pool);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			attach__heaps_parked_in_any_order__gives_the_oldest_first),
		cmocka_unit_test(
			attach__more_heaps_than_are_kept_in_order__gives_each_once),
		cmocka_unit_test(
			steal__more_heaps_than_are_looked_at__goes_on_with_the_next),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
