/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * 2026_stats_beside.c -- the statistics of a pool that another process works in
 *
 * In a child they were read from heaps that the parent was giving back, and at
 * level 3 counted for what was no size class any more: a SIGSEGV.
 *
 * ctest: timeout=120 not-valgrind
 */
#include "harness/test.h"

#include "harness/beside.h"

static void
read_all(VMEM *vmp)
{
	(void)stats_of(vmp);
}

static void
stats__in_children_while_the_parent_works__end(void **state)
{
	(void)state;
	beside_run(3, true, STRESS_MS, read_all);
}

static void
stats__in_a_parent_while_children_work__end(void **state)
{
	(void)state;
	beside_run(3, false, STRESS_MS, read_all);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			stats__in_children_while_the_parent_works__end),
		cmocka_unit_test(stats__in_a_parent_while_children_work__end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
