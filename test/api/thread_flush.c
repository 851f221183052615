/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * thread_flush.c -- an idle thread holds nothing after vmem_thread_flush()
 */
#include "harness/test.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "harness/options.h"
#include "harness/threads.h"

static void
flush(VMEM *vmp)
{
	errno = E2BIG;
	must(vmem_thread_flush(vmp) == 0);
	must(errno == E2BIG);
}

/* use_up -- small and large objects come and go; bytes that the thread keeps */
static uint64_t
use_up(VMEM *vmp)
{
	static const size_t sizes[] = {
		16, 100, 1000, 5000, 20000, 50000, 200000};
	void *ptrs[NELEM(sizes)][20];

	for (size_t i = 0; i < NELEM(sizes); i++)
		for (size_t j = 0; j < NELEM(ptrs[i]); j++)
			must((ptrs[i][j] = vmem_malloc(vmp, sizes[i])) != NULL);
	for (size_t i = 0; i < NELEM(sizes); i++)
		for (size_t j = 0; j < NELEM(ptrs[i]); j++)
			vmem_free(vmp, ptrs[i][j]);
	return stats_of(vmp).kept;
}

static void
flush__all_freed__nothing_is_kept(void **state)
{
	VMEM *vmp = test_file_pool(64 * MIB);
	uint64_t before = stats_of(vmp).free;

	(void)state;
	for (unsigned i = 0; i < (TEST_SANITIZED ? 6 : 30); i++) {
		struct vmem_stats s;

		assert_true(use_up(vmp) > 0);
		flush(i % 2 == 0 ? vmp : NULL);
		s = stats_of(vmp);
		assert_int_equal(s.kept, 0);
		assert_int_equal(s.allocated, 0);
		assert_int_equal(s.active, 0);
		assert_int_equal(s.threads, 0);
		/* all but a page of descriptors or two */
		assert_true(s.free + 2 * 4096 >= before);
		assert_int_equal(vmem_check(vmp), 1);
	}
	vmem_delete(vmp);
}

static void
flush__live_objects__stay_and_can_be_freed(void **state)
{
	VMEM *vmp = test_file_pool(64 * MIB);
	struct objects set;
	struct rng rng;

	(void)state;
	rng_init(&rng, "flush");
	objects_init(&set, vmp);
	for (unsigned i = 0; i < (TEST_SANITIZED ? 20 : 100); i++) {
		objects_churn(&set, &rng, 200, 40000);
		flush(vmp);
		flush(vmp); /* it has nothing any more */
		if (i % 10 == 0)
			assert_int_equal(vmem_check(vmp), 1);
	}
	objects_verify(&set);
	objects_fini(&set);
	flush(vmp);
	assert_int_equal(stats_of(vmp).kept, 0);
	vmem_delete(vmp);
}

/* the pages really go: what an idle thread kept is the system's again */
static void
flush__then_trim__memory_goes_back(void **state)
{
	struct vmem_options o = options_of(VMEM_SOURCE_MEMFD);
	VMEM *vmp;

	(void)state;
	o.size = 64 * MIB;
	o.decay_ms = VMEM_DECAY_NEVER;
	vmp = create(&o);
	assert_true(use_up(vmp) > 0);
	flush(vmp);
	assert_int_equal(vmem_trim(vmp, 0), 1);
	assert_true(stats_of(vmp).mapped < 512 * KIB);
	assert_true(test_resident(vmp, 64 * MIB) < 512 * KIB);
	assert_true(use_up(vmp) > 0);
	vmem_delete(vmp);

	/* without a trim: by the decay, at once */
	o.decay_ms = 0;
	o.sparse = 1;
	vmp = create(&o);
	(void)use_up(vmp);
	flush(vmp);
	assert_true(stats_of(vmp).mapped < 512 * KIB);
	vmem_delete(vmp);
}

/* an idle thread, and one that goes on */
struct pair {
	VMEM *vmp;
	pthread_barrier_t barrier;
	bool flush;
	void *ptrs[3000];
};

static void *
idle(void *arg)
{
	struct pair *pair = arg;

	/* every other object lives on, so that slabs are half free */
	for (size_t i = 0; i < NELEM(pair->ptrs); i++)
		must((pair->ptrs[i] = vmem_malloc(pair->vmp, 1000)) != NULL);
	for (size_t i = 0; i < NELEM(pair->ptrs); i += 2)
		vmem_free(pair->vmp, pair->ptrs[i]);
	if (pair->flush)
		flush(pair->vmp);
	pthread_barrier_wait(&pair->barrier);
	pthread_barrier_wait(&pair->barrier);
	for (size_t i = 1; i < NELEM(pair->ptrs); i += 2)
		vmem_free(pair->vmp, pair->ptrs[i]);
	return NULL;
}

/* what the other finds without a search of everything */
static void
try_pair(bool flushes, uint64_t *ret_more)
{
	struct pair pair = {.vmp = test_file_pool(64 * MIB), .flush = flushes};
	pthread_t thread;
	uint64_t before;

	vmem_free(pair.vmp, vmem_malloc(pair.vmp, 10)); /* the first heap */
	must(pthread_barrier_init(&pair.barrier, NULL, 2) == 0);
	must(pthread_create(&thread, NULL, idle, &pair) == 0);
	pthread_barrier_wait(&pair.barrier);
	before = stats_of(pair.vmp).active;
	for (size_t i = 0; i < NELEM(pair.ptrs); i += 2)
		must(vmem_malloc(pair.vmp, 1000) != NULL);
	*ret_more = stats_of(pair.vmp).active - before;
	pthread_barrier_wait(&pair.barrier);
	must(pthread_join(thread, NULL) == 0);
	assert_int_equal(stats_of(pair.vmp).reclaims, 0);
	assert_int_equal(vmem_check(pair.vmp), 1);
	vmem_delete(pair.vmp);
}

static void
flush__slabs_with_room__others_use_them(void **state)
{
	uint64_t without, with;

	(void)state;
	try_pair(false, &without);
	try_pair(true, &with);
	print_message(
		"%" PRIu64 " bytes more, %" PRIu64 " without\n", with, without);
	assert_true(with < without / 10);
}

/* what others have freed for it goes as well */
static void *
free_all(void *arg)
{
	struct pair *pair = arg;

	for (size_t i = 0; i < NELEM(pair->ptrs); i++)
		vmem_free(pair->vmp, pair->ptrs[i]);
	flush(NULL);
	return NULL;
}

static void
flush__freed_by_another_thread__goes_too(void **state)
{
	struct pair pair = {.vmp = test_file_pool(64 * MIB)};

	(void)state;
	for (unsigned round = 0; round < 5; round++) {
		for (size_t i = 0; i < NELEM(pair.ptrs); i++)
			must((pair.ptrs[i] = vmem_malloc(
				      pair.vmp, 10 + i * 5)) != NULL);
		in_thread(free_all, &pair);
		assert_true(stats_of(pair.vmp).kept > 0);
		flush(pair.vmp);
		assert_int_equal(stats_of(pair.vmp).kept, 0);
		assert_int_equal(vmem_check(pair.vmp), 1);
	}
	vmem_delete(pair.vmp);
}

/* more threads than heaps: some use the shared one */
static void
work(size_t idx, struct rng *rng, void *arg)
{
	struct pair *pair = arg;
	struct objects set;

	(void)idx;
	objects_init(&set, pair->vmp);
	for (unsigned i = 0; i < (TEST_SANITIZED ? 6 : 20); i++) {
		objects_churn(&set, rng, i % 2 == 0 ? 20 : 200, 9000);
		flush(i % 3 == 0 ? NULL : pair->vmp);
	}
	objects_fini(&set);
	pthread_barrier_wait(&pair->barrier);
	flush(pair->vmp);
}

static void
flush__many_threads__nothing_is_kept(void **state)
{
	enum { THREADS = TEST_SANITIZED ? 18 : 24 };
	struct pair pair = {.vmp = test_file_pool(VMEM_MIN_POOL)};

	(void)state;
	must(pthread_barrier_init(&pair.barrier, NULL, THREADS) == 0);
	threads_run(THREADS, work, &pair, "flush threads");
	assert_int_equal(stats_of(pair.vmp).allocated, 0);
	assert_int_equal(vmem_check(pair.vmp), 1);
	/* what was freed in heaps that are nobody's is left to a trim */
	assert_true(vmem_trim(pair.vmp, 0) >= 0);
	assert_int_equal(stats_of(pair.vmp).kept, 0);
	vmem_delete(pair.vmp);
}

static void
flush__several_pools__null_is_all(void **state)
{
	VMEM *pools[20];

	(void)state;
	flush(NULL);
	for (size_t i = 0; i < NELEM(pools); i++) {
		pools[i] = test_file_pool(VMEM_MIN_POOL);
		for (size_t j = 0; j < 100; j++)
			vmem_free(pools[i], vmem_malloc(pools[i], 1000 * j));
		assert_true(stats_of(pools[i]).kept > 0);
	}
	vmem_delete(pools[7]);
	flush(pools[3]);
	assert_int_equal(stats_of(pools[3]).kept, 0);
	assert_true(stats_of(pools[4]).kept > 0);
	flush(NULL);
	for (size_t i = 0; i < NELEM(pools); i++) {
		if (i == 7)
			continue;
		assert_int_equal(stats_of(pools[i]).kept, 0);
		assert_int_equal(stats_of(pools[i]).threads, 0);
		vmem_delete(pools[i]);
	}
	flush(NULL);
}

static void
flush__no_pool__is_refused(void **state)
{
	VMEM *vmp = test_file_pool(VMEM_MIN_POOL);
	char other[16];

	(void)state;
	flush(vmp); /* which it has never used */
	assert_int_equal(stats_of(vmp).threads, 0);
	vmem_free(vmp, vmem_malloc(vmp, 10));
	vmem_delete(vmp);
	assert_int_equal(vmem_thread_flush(vmp), -1);
	assert_bad_handle(vmp);
	assert_int_equal(vmem_thread_flush((VMEM *)(void *)other), -1);
	assert_bad_handle(other);
}

/* a child is a guest in the shared heap, and may tidy that up */
static int
in_child(void *arg)
{
	for (size_t i = 0; i < 200; i++)
		vmem_free(arg, vmem_malloc(arg, i * 100));
	flush(arg);
	flush(NULL);
	vmem_free(arg, vmem_malloc(arg, 100));
	return 0;
}

static void
flush__forked_child__works(void **state)
{
	VMEM *file = test_file_pool(VMEM_MIN_POOL);
	VMEM *region = test_pool(VMEM_MIN_POOL);

	(void)state;
	vmem_free(file, vmem_malloc(file, 100));
	vmem_free(region, vmem_malloc(region, 100));
	assert_int_equal(test_child(in_child, file), 0);
	assert_int_equal(test_child(in_child, region), 0);
	flush(NULL);
	assert_int_equal(vmem_check(file), 1);
	assert_int_equal(vmem_check(region), 1);
	vmem_delete(file);
	test_pool_delete(region, VMEM_MIN_POOL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(flush__all_freed__nothing_is_kept),
		cmocka_unit_test(flush__live_objects__stay_and_can_be_freed),
		cmocka_unit_test(flush__then_trim__memory_goes_back),
		cmocka_unit_test(flush__slabs_with_room__others_use_them),
		cmocka_unit_test(flush__freed_by_another_thread__goes_too),
		cmocka_unit_test(flush__many_threads__nothing_is_kept),
		cmocka_unit_test(flush__several_pools__null_is_all),
		cmocka_unit_test(flush__no_pool__is_refused),
		cmocka_unit_test(flush__forked_child__works),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
