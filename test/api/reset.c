/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * reset.c -- vmem_reset() empties a pool, which is then as new
 */
#include "harness/test.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/options.h"
#include "harness/region.h"
#include "harness/threads.h"

/* reset -- and errno is kept */
static void
reset(VMEM *vmp)
{
	errno = E2BIG;
	assert_int_equal(vmem_reset(vmp), 0);
	assert_int_equal(errno, E2BIG);
	assert_int_equal(vmem_check(vmp), 1);
}

/* fill -- all of a pool with objects of one size; how many */
static size_t
fill(VMEM *vmp, size_t size)
{
	size_t n = 0;

	while (vmem_malloc(vmp, size) != NULL)
		n++;
	return n;
}

static void
assert_as_new(VMEM *vmp, const struct vmem_stats *fresh)
{
	struct vmem_stats s = stats_of(vmp);

	assert_int_equal(s.allocated, 0);
	assert_int_equal(s.active, 0);
	assert_int_equal(s.kept, 0);
	assert_int_equal(s.small_nmalloc, 0);
	assert_int_equal(s.small_ndalloc, 0);
	assert_int_equal(s.large_nmalloc, 0);
	assert_int_equal(s.large_ndalloc, 0);
	assert_int_equal(s.refused, 0);
	assert_int_equal(s.reclaims, 0);
	assert_int_equal(s.threads, 0);
	assert_int_equal(s.heaps, fresh->heaps);
	assert_int_equal(s.free, fresh->free);
	assert_int_equal(s.metadata, fresh->metadata);
	assert_int_equal(s.size, fresh->size);
	assert_int_equal(s.hardening, fresh->hardening);
}

static void
reset__full_pool__is_as_new(void **state)
{
	const size_t sizes[] = {1000, 300, 100 * KIB, 1000};
	VMEM *vmp = test_file_pool(VMEM_MIN_POOL);
	struct vmem_stats fresh = stats_of(vmp);
	size_t first = 0;

	(void)state;
	reset(vmp); /* a new one */
	assert_as_new(vmp, &fresh);
	for (size_t i = 0; i < NELEM(sizes); i++) {
		size_t n = fill(vmp, sizes[i]);
		uint64_t mapped = stats_of(vmp).mapped;

		assert_true(n * sizes[i] > VMEM_MIN_POOL / 2);
		if (i == 0)
			first = n;
		else if (sizes[i] == sizes[0])
			assert_int_equal(n, first);
		vmem_free(vmp, vmp); /* refused */
		reset(vmp);
		assert_as_new(vmp, &fresh);
		assert_int_equal(stats_of(vmp).mapped, mapped);
		reset(vmp);
		assert_as_new(vmp, &fresh);
	}
	vmem_delete(vmp);
}

static bool
is_zero(const unsigned char *p, size_t size)
{
	return p[0] == 0 && memcmp(p, p + 1, size - 1) == 0;
}

static void
reset__memory_used_before__calloc_is_zero(void **state)
{
	VMEM *vmp = test_file_pool(VMEM_MIN_POOL);
	unsigned char *p;

	(void)state;
	for (size_t size = 200; size <= 4 * MIB; size *= 20) {
		while ((p = vmem_malloc(vmp, size)) != NULL)
			memset(p, 0xa5, size);
		reset(vmp);
		while ((p = vmem_calloc(vmp, 1, size)) != NULL)
			assert_true(is_zero(p, size));
		reset(vmp);
	}
	vmem_delete(vmp);
}

static void
reset__objects_of_before__are_none(void **state)
{
	VMEM *vmp = test_file_pool(VMEM_MIN_POOL);
	void *small = vmem_malloc(vmp, 100), *freed = vmem_malloc(vmp, 100);
	void *large = vmem_malloc(vmp, 100 * KIB);

	(void)state;
	vmem_free(
		vmp, freed); /* the thread keeps it for the next of its size */
	reset(vmp);
	vmem_free(vmp, small);
	assert_non_null(strstr(vmem_errormsg(), "no object"));
	assert_int_equal(vmem_malloc_usable_size(vmp, large), 0);
	assert_null(vmem_realloc(vmp, large, 200 * KIB));
	assert_int_equal(stats_of(vmp).refused, 1);
	assert_int_equal(stats_of(vmp).allocated, 0);
	assert_int_equal(vmem_check(vmp), 1);
	vmem_delete(vmp);
}

/* a pool and what the threads of a test do in it */
struct shared {
	VMEM *vmp;
	pthread_barrier_t *used, *emptied;
	struct objects sets[6];
};

static void
work(size_t idx, struct rng *rng, void *arg)
{
	struct shared *shared = arg;

	objects_init(&shared->sets[idx], shared->vmp);
	objects_churn(
		&shared->sets[idx], rng, TEST_SANITIZED ? 500 : 5000, 3000);
}

/* threads that have ended, and this one, whose heap is older than the pool */
static void
reset__threads_before_and_after__no_object_twice(void **state)
{
	struct shared shared = {.vmp = test_file_pool(32 * MIB)};
	struct rng rng;

	(void)state;
	rng_init(&rng, "reset");
	for (size_t round = 0; round < 3; round++) {
		objects_init(&shared.sets[3], shared.vmp);
		objects_churn(&shared.sets[3], &rng, 1000, 3000);
		threads_run(3, work, &shared, "reset threads");
		for (size_t i = 0; i < 4; i++)
			objects_verify(&shared.sets[i]);
		assert_int_equal(vmem_check(shared.vmp), 1);
		reset(shared.vmp);
		for (size_t i = 0; i < 4; i++)
			objects_abandon(&shared.sets[i]);
	}
	vmem_delete(shared.vmp);
}

/* each round all threads use it, and then one of them empties it */
static void
live(size_t idx, struct rng *rng, void *arg)
{
	struct shared *shared = arg;
	struct objects *set = &shared->sets[idx];

	for (size_t round = 0; round < 20; round++) {
		objects_init(set, shared->vmp);
		objects_churn(set, rng, 300, 40000);
		objects_verify(set);
		pthread_barrier_wait(shared->used);
		if (round % 6 == idx) {
			must(vmem_check(shared->vmp) == 1);
			must(vmem_reset(shared->vmp) == 0);
			must(vmem_check(shared->vmp) == 1);
		}
		pthread_barrier_wait(shared->emptied);
		objects_abandon(set);
	}
}

static void
reset__by_threads_that_live_on__all_begin_anew(void **state)
{
	pthread_barrier_t used, emptied;
	struct shared shared = {.vmp = test_file_pool(64 * MIB),
		.used = &used,
		.emptied = &emptied};

	(void)state;
	must(pthread_barrier_init(&used, NULL, 6) == 0);
	must(pthread_barrier_init(&emptied, NULL, 6) == 0);
	threads_run(6, live, &shared, "reset barrier");
	assert_int_equal(vmem_check(shared.vmp), 1);
	assert_int_equal(stats_of(shared.vmp).refused, 0);
	vmem_delete(shared.vmp);
}

/* what the header forbids, and must bear: objects of before are used on */
static void
careless(size_t idx, struct rng *rng, void *arg)
{
	struct shared *shared = arg;
	void *ptrs[64] = {NULL};

	for (size_t i = 0; i < 20000; i++) {
		size_t at = rng_between(rng, 0, NELEM(ptrs) - 1);

		if (idx == 0 && i % 100 == 0)
			must(vmem_reset(shared->vmp) == 0);
		if (i % 3 == 0 && ptrs[at] != NULL) {
			ptrs[at] = vmem_realloc(shared->vmp, ptrs[at],
				rng_between(rng, 1, 300 * KIB));
			continue;
		}
		vmem_free(shared->vmp, ptrs[at]);
		ptrs[at] = vmem_malloc(shared->vmp,
			rng_between(rng, 0, i % 5 == 0 ? 200 * KIB : 2000));
	}
}

static void
reset__while_others_use_old_objects__no_harm_to_the_pool(void **state)
{
	struct shared shared = {.vmp = NULL};

	(void)state;
	if (TEST_TSAN)
		test_skip("old objects are a race by themselves");
	must(setenv("VMEM_OPTIONS", "hardening=2", 1) == 0);
	shared.vmp = test_file_pool(VMEM_MIN_POOL);
	must(unsetenv("VMEM_OPTIONS") == 0);
	threads_run(4, careless, &shared, "reset careless");
	assert_int_equal(vmem_check(shared.vmp), 1);
	reset(shared.vmp);
	assert_true(fill(shared.vmp, 1000) > 0);
	vmem_delete(shared.vmp);
}

static void
reset__region__nothing_outside_is_touched(void **state)
{
	struct region region;

	(void)state;
	region_open(&region, VMEM_MIN_POOL + 5 * 4096);
	region_dirty(&region, 7);
	VMEM *vmp = vmem_create_in_region(region.addr, region.size);

	for (unsigned i = 0; i < 3; i++) {
		assert_true(fill(vmp, 5000) > 0);
		reset(vmp);
	}
	assert_int_equal(use(vmp) > MIB, 1);
	vmem_delete(vmp);
	region_close(&region); /* looks at what is around it */
}

static void
reset__no_pool__is_refused(void **state)
{
	VMEM *vmp = test_file_pool(VMEM_MIN_POOL);
	char other[16];

	(void)state;
	vmem_delete(vmp);
	assert_int_equal(vmem_reset(vmp), -1);
	assert_bad_handle(vmp);
	assert_int_equal(vmem_reset(NULL), -1);
	assert_bad_handle(NULL);
	assert_int_equal(vmem_reset((VMEM *)(void *)other), -1);
	assert_bad_handle(other);
}

/* what was made over it is not touched, whichever the handle means */
static void
reset__pool_that_another_lies_over__is_refused(void **state)
{
	struct region region;

	(void)state;
	region_open(&region, 2 * VMEM_MIN_POOL);
	VMEM *lower = vmem_create_in_region(region.addr, region.size);
	VMEM *upper = vmem_create_in_region(
		region.addr + VMEM_MIN_POOL, VMEM_MIN_POOL);
	char *text = vmem_strdup(upper, "untouched");

	assert_int_equal(vmem_reset(lower), -1);
	assert_bad_handle(lower);
	assert_string_equal(text, "untouched");
	vmem_delete(upper);
	vmem_delete(lower);
	region_close(&region);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reset__full_pool__is_as_new),
		cmocka_unit_test(reset__memory_used_before__calloc_is_zero),
		cmocka_unit_test(reset__objects_of_before__are_none),
		cmocka_unit_test(
			reset__threads_before_and_after__no_object_twice),
		cmocka_unit_test(
			reset__by_threads_that_live_on__all_begin_anew),
		cmocka_unit_test(
			reset__while_others_use_old_objects__no_harm_to_the_pool),
		cmocka_unit_test(reset__region__nothing_outside_is_touched),
		cmocka_unit_test(reset__no_pool__is_refused),
		cmocka_unit_test(
			reset__pool_that_another_lies_over__is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
