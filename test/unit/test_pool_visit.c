/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_pool_visit.c -- when a thread gets a heap of its own in a pool where it
 * is not the first
 */
#include "pool/pool_internal.h"

#include "harness/test.h"

#include <pthread.h>
#include <sys/mman.h>

#define POOL  (16 * MIB)
#define MOST  600
#define OFTEN 200 /* pools that a thread can come to in turn, with heaps */
#define LAPS  40  /* a pair each: more than 64 operations */

static VMEM *pools[MOST];
static void *regions[MOST];
static size_t nheaps; /* pools in which the thread has a heap */

static void
use(VMEM *vmp)
{
	vmem_free(vmp, vmem_malloc(vmp, 100));
}

static void *
go_round(void *arg)
{
	size_t n = *(size_t *)arg;

	for (size_t lap = 0; lap < LAPS; lap++)
		for (size_t i = 0; i < n; i++)
			use(pools[i]);
	for (size_t i = 0; i < n; i++)
		nheaps += thread_entry(pools[i])->heap != NULL;
	return NULL;
}

static void *
stay_in_each(void *arg)
{
	size_t n = *(size_t *)arg;

	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < LAPS; k++)
			use(pools[i]);
	for (size_t i = 0; i < n; i++)
		nheaps += thread_entry(pools[i])->heap != NULL;
	return NULL;
}

/* count_own -- of n pools, in which a second thread does that */
static size_t
count_own(void *(*what)(void *), size_t n)
{
	pthread_t thread;

	for (size_t i = 0; i < n; i++) {
		regions[i] = mmap(NULL, POOL, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		must(regions[i] != MAP_FAILED);
		pools[i] = vmem_create_in_region(regions[i], POOL);
		must(pools[i] != NULL);
		use(pools[i]);
	}
	nheaps = 0;
	must(pthread_create(&thread, NULL, what, &n) == 0);
	must(pthread_join(thread, NULL) == 0);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(vmem_check(pools[i]), 1);
		vmem_delete(pools[i]);
		must(munmap(regions[i], POOL) == 0);
	}
	return nheaps;
}

static void
malloc__few_pools_in_turn__thread_has_a_heap_in_each(void **state)
{
	(void)state;
	if (!thread_fast_allowed())
		test_skip("no private heaps on this kernel");
	assert_int_equal(count_own(go_round, 1), 1);
	assert_int_equal(count_own(go_round, OFTEN), OFTEN);
}

static void
malloc__many_pools_in_turn__thread_uses_the_shared_heaps(void **state)
{
	(void)state;
	if (!thread_fast_allowed())
		test_skip("no private heaps on this kernel");
	assert_int_equal(count_own(go_round, MOST), 0);
}

static void
malloc__many_pools_one_after_another__thread_has_a_heap_in_each(void **state)
{
	(void)state;
	if (!thread_fast_allowed())
		test_skip("no private heaps on this kernel");
	assert_int_equal(count_own(stay_in_each, MOST), MOST);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			malloc__few_pools_in_turn__thread_has_a_heap_in_each),
		cmocka_unit_test(
			malloc__many_pools_in_turn__thread_uses_the_shared_heaps),
		cmocka_unit_test(
			malloc__many_pools_one_after_another__thread_has_a_heap_in_each),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
