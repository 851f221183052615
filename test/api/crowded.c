/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * crowded.c -- many threads with a few objects of many sizes each
 *
 * ctest: timeout=120
 */
#include "harness/test.h"

#include <pthread.h>

#include "harness/region.h"

#define NTHREADS   (TEST_SANITIZED ? 50 : 200)
#define POOL_BYTES ((size_t)NTHREADS * 5 / 4 * MIB)
#define NSIZES     33
#define STEP       32
#define NBEFORE    200

static VMEM *vmp;
static pthread_barrier_t all_have, all_done;
static size_t nrefused; /* atomic */

static void *
use(void *arg)
{
	void *objects[NSIZES];

	/* as often as makes a heap of its own worth while */
	for (size_t i = 0; i < NBEFORE; i++)
		vmem_free(vmp, vmem_malloc(vmp, 16));
	for (size_t i = 0; i < NSIZES; i++) {
		objects[i] = vmem_malloc(vmp, 16 + i * STEP);
		if (objects[i] == NULL)
			__atomic_fetch_add(&nrefused, 1, __ATOMIC_RELAXED);
	}
	(void)pthread_barrier_wait(&all_have);
	(void)pthread_barrier_wait(&all_done);
	for (size_t i = 0; i < NSIZES; i++)
		vmem_free(vmp, objects[i]);
	return arg;
}

/*
 * With first slabs as large as those of a pool with one thread the pool was
 * full, and everything was searched for room again and again.
 */
static void
malloc__a_few_of_each_size_in_each_thread__leaves_room(void **state)
{
	static pthread_t threads[NTHREADS];
	struct vmem_stats stats;
	struct region region;

	(void)state;
	region_open(&region, POOL_BYTES);
	vmp = vmem_create_in_region(region.addr, region.size);
	assert_non_null(vmp);
	must(pthread_barrier_init(&all_have, NULL, NTHREADS + 1) == 0);
	must(pthread_barrier_init(&all_done, NULL, NTHREADS + 1) == 0);
	for (size_t i = 0; i < NTHREADS; i++)
		must(pthread_create(&threads[i], NULL, use, NULL) == 0);
	(void)pthread_barrier_wait(&all_have);
	assert_int_equal(vmem_stats_get(vmp, &stats, sizeof(stats)), 0);
	(void)pthread_barrier_wait(&all_done);
	for (size_t i = 0; i < NTHREADS; i++)
		must(pthread_join(threads[i], NULL) == 0);
	print_message("  %zu of %zu KiB free, %zu times searched\n",
		(size_t)stats.free / KIB, POOL_BYTES / KIB,
		(size_t)stats.reclaims);
	assert_int_equal(nrefused, 0);
	assert_int_equal(stats.reclaims, 0);
	assert_in_range(stats.free, POOL_BYTES / 3, POOL_BYTES);
	assert_int_equal(vmem_check(vmp), 1);
	vmem_delete(vmp);
	region_close(&region);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			malloc__a_few_of_each_size_in_each_thread__leaves_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
