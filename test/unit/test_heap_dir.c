/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_heap_dir.c -- which of the heaps that threads have left a thread gets
 *
 * ctest: timeout=300
 */
#include "harness/heaps.h"

#define NFEW  5u
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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			attach__heaps_parked_in_any_order__gives_the_oldest_first),
		cmocka_unit_test(
			attach__more_heaps_than_are_kept_in_order__gives_each_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
