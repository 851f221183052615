/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * 2026_stats_beside.c -- the statistics of a pool that another process works in
 *
 * In a child they were read from heaps that the parent was giving back, and at
 * level 3 counted for what was no size class any more: a SIGSEGV.  And there
 * could be less than no live objects.  Reading them leaves no mark either,
 * which the parent would take for damage, or wait for.
 *
 * ctest: timeout=120 not-valgrind
 */
#include "harness/test.h"

#include "harness/beside.h"

/* read_all -- of several moments, but no figure is one that cannot be */
static void
read_all(VMEM *vmp)
{
	struct vmem_stats s = stats_of(vmp);

	must(s.small_ndalloc <= s.small_nmalloc);
	must(s.large_ndalloc <= s.large_nmalloc);
	must(s.small_allocated <= INT64_MAX && s.large_allocated <= INT64_MAX);
	must(s.allocated <= INT64_MAX);
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

static void
stats__by_a_child_that_only_reads__leave_the_pool_alone(void **state)
{
	VMEM *vmp = create_level(1, VMEM_MIN_POOL);
	struct deadline end = deadline_in(STRESS_MS);
	pid_t pid;
	int status;

	(void)state;
	for (size_t i = 0; i < BESIDE_OBJECTS; i++)
		must(vmem_malloc(vmp, i + 1) != NULL);
	pid = fork();
	must(pid >= 0);
	if (pid == 0) {
		(void)alarm(TEST_CHILD_SECONDS);
		for (;;)
			read_all(vmp);
	}
	while (!deadline_is_over(end))
		assert_int_equal(vmem_check(vmp), 1);
	must(kill(pid, SIGKILL) == 0);
	must(waitpid(pid, &status, 0) == pid);
	assert_int_equal(vmem_check(vmp), 1);
	read_all(vmp);
	vmem_delete(vmp);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			stats__in_children_while_the_parent_works__end),
		cmocka_unit_test(stats__in_a_parent_while_children_work__end),
		cmocka_unit_test(
			stats__by_a_child_that_only_reads__leave_the_pool_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
