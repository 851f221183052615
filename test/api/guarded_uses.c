/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * guarded_uses.c -- at hardening level 3 all else works as at any
 */
#include "harness/test.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "harness/guarded.h"
#include "harness/objects.h"

static void
aligned_and_calloc__any_size__are_as_promised(void **state)
{
	VMEM *vmp = guarded_pool();

	(void)state;
	for (size_t align = 1; align <= 64 * KIB; align *= 2)
		for (size_t i = 0; i < NELEM(guarded_sizes); i++) {
			char *p = vmem_aligned_alloc(
				vmp, align, guarded_sizes[i]);

			assert_non_null(p);
			assert_int_equal((uintptr_t)p % align, 0);
			memset(p, 'a', guarded_sizes[i]);
			vmem_free(vmp, p);
			p = vmem_calloc(vmp, 1, guarded_sizes[i]);
			for (size_t at = 0; at < guarded_sizes[i]; at++)
				must(p[at] == 0);
			memset(p, 'c', guarded_sizes[i]);
			vmem_free(vmp, p);
		}
	for (size_t size = 1; size <= 4096; size *= 2)
		assert_int_equal((uintptr_t)object(vmp, size) % size, 0);
	assert_int_equal(stats_of(vmp).refused, 0);
	assert_int_equal(vmem_check(vmp), 1);
	vmem_delete(vmp);
}

static int
note(void *ptr, size_t usable, void *arg)
{
	size_t *sum = arg;

	(void)ptr;
	sum[0]++;
	sum[1] += usable;
	return 0;
}

static void
walk_and_stats__some_wait__tell_of_live_ones(void **state)
{
	VMEM *vmp = guarded_pool();
	size_t sum[2] = {0, 0};
	void *small = object(vmp, 100), *large = object(vmp, 100000);
	struct vmem_stats s;

	(void)state;
	vmem_free(vmp, object(vmp, 100));
	vmem_free(vmp, object(vmp, 100000));
	assert_int_equal(vmem_walk(vmp, note, sum), 0);
	assert_int_equal(sum[0], 2);
	assert_int_equal(sum[1], 100100);
	s = stats_of(vmp);
	assert_int_equal(s.small_nmalloc - s.small_ndalloc, 1);
	assert_int_equal(s.large_nmalloc - s.large_ndalloc, 1);
	assert_int_equal(s.small_allocated, 128);
	assert_int_equal(s.large_allocated, 25 * 4096);
	vmem_free(vmp, small);
	vmem_free(vmp, large);
	assert_int_equal(stats_of(vmp).allocated, 0);
	assert_int_equal(vmem_trim(vmp, 0), 1);
	vmem_delete(vmp);
}

static void
realloc__no_room_for_two__resizes_in_place(void **state)
{
	VMEM *vmp = guarded_pool();
	uint64_t before = stats_of(vmp).refused;
	char *p = object(vmp, 20 * MIB);

	(void)state;
	assert_ptr_equal(vmem_realloc(vmp, p, 20 * MIB), p);
	assert_ptr_equal(vmem_realloc(vmp, p, 25 * MIB), p);
	assert_int_equal(vmem_malloc_usable_size(vmp, p), 25 * MIB);
	assert_int_equal(p[20 * MIB - 1], 'o');
	memset(p, 'o', 25 * MIB);
	assert_int_equal(vmem_check(vmp), 1);
	assert_ptr_equal(vmem_realloc(vmp, p, 18 * MIB), p);
	assert_non_null(vmem_malloc(vmp, 10 * MIB));
	assert_int_equal(vmem_check(vmp), 1);
	poke(p, 18 * MIB);
	vmem_free(vmp, p);
	assert_found(vmp, before, "written behind its end");
	vmem_delete(vmp);
}

static void
malloc__full__takes_what_waits(void **state)
{
	VMEM *vmp = guarded_pool();
	size_t first = 0, again = 0;
	void *p;

	(void)state;
	while (vmem_malloc(vmp, 1000) != NULL)
		first++;
	assert_int_equal(errno, ENOMEM);
	assert_int_equal(vmem_reset(vmp), 0);
	assert_int_equal(vmem_check(vmp), 1);
	for (size_t i = 0; i < 300; i++)
		vmem_free(vmp, object(vmp, 1000));
	assert_non_null(p = vmem_malloc(vmp, 27 * MIB));
	vmem_free(vmp, p);
	while (vmem_malloc(vmp, 1000) != NULL)
		again++;
	assert_true(again >= first - first / 50);
	assert_int_equal(vmem_check(vmp), 1);
	vmem_delete(vmp);
}

static void
churn__any_size__keeps_contents(void **state)
{
	VMEM *vmp = guarded_pool();
	struct objects set;
	struct rng rng;

	(void)state;
	rng_init(&rng, "churn");
	objects_init(&set, vmp);
	for (size_t i = 0; i < 10; i++) {
		objects_churn(&set, &rng, 2000, i % 3 == 0 ? 200000 : 10000);
		objects_verify(&set);
		assert_int_equal(vmem_check(vmp), 1);
	}
	objects_fill(&set, &rng, 1, 5000);
	objects_churn(&set, &rng, 500, 5000);
	objects_verify(&set);
	objects_fini(&set);
	assert_int_equal(vmem_check(vmp), 1);
	assert_int_equal(stats_of(vmp).refused, 0);
	assert_int_equal(stats_of(vmp).allocated, 0);
	vmem_delete(vmp);
}

static int
child_frees(void *arg)
{
	void **job = arg;
	uint64_t before = stats_of(job[0]).refused;

	vmem_free(job[0], job[1]);
	vmem_free(job[0], job[1]);
	must(stats_of(job[0]).refused == before + 1);
	must(vmem_malloc(job[0], 100) != NULL);
	must(vmem_check(job[0]) == 1);
	return 0;
}

static void
fork__child_uses_it__finds_as_well(void **state)
{
	VMEM *vmp = guarded_pool();
	void *job[] = {vmp, object(vmp, 100)};

	(void)state;
	vmem_free(vmp, object(vmp, 100));
	assert_int_equal(test_child(child_frees, job), 0);
	assert_int_equal(vmem_check(vmp), 1);
	vmem_delete(vmp);
}

static int
overflow_with_abort(void *arg)
{
	(void)arg;
	must(setenv("VMEM_OPTIONS", "abort=1", 1) == 0);
	VMEM *vmp = guarded_pool();
	char *p = vmem_malloc(vmp, 24);

	poke(p, 24);
	vmem_free(vmp, p);
	return 0;
}

static int
double_free_with_abort(void *arg)
{
	(void)arg;
	must(setenv("VMEM_OPTIONS", "abort=1,hardening=1", 1) == 0);
	VMEM *vmp = guarded_pool();
	char *p = vmem_malloc(vmp, 24);

	vmem_free(vmp, p);
	vmem_free(vmp, p);
	return 0;
}

static void
free__abort_is_asked_for__ends_the_process(void **state)
{
	char out[4096];

	(void)state;
	assert_int_equal(
		test_child_output(overflow_with_abort, NULL, out, sizeof(out)),
		TEST_SIGNAL(SIGABRT));
	assert_non_null(strstr(out, "Error (libvmem): "));
	assert_non_null(strstr(out, "written behind its end, at 24 bytes"));
	assert_int_equal(test_child_output(double_free_with_abort, NULL, out,
				 sizeof(out)),
		TEST_SIGNAL(SIGABRT));
	assert_non_null(strstr(out, "freed already"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(aligned_and_calloc__any_size__are_as_promised),
		cmocka_unit_test(walk_and_stats__some_wait__tell_of_live_ones),
		cmocka_unit_test(realloc__no_room_for_two__resizes_in_place),
		cmocka_unit_test(malloc__full__takes_what_waits),
		cmocka_unit_test(churn__any_size__keeps_contents),
		cmocka_unit_test(fork__child_uses_it__finds_as_well),
		cmocka_unit_test(free__abort_is_asked_for__ends_the_process),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
