/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * thread_exit.c -- threads that come and go, and what they leave in a pool
 *
 * ctest: timeout=300 threads
 */
#include "harness/test.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "harness/objects.h"
#include "harness/threads.h"

#define NWAVE 200

struct legacy {
	VMEM *vmp;
	struct objects set[NWAVE];
};

static void
leave_objects(size_t idx, struct rng *rng, void *arg)
{
	struct legacy *legacy = arg;
	struct objects *set = &legacy->set[idx];

	objects_init(set, legacy->vmp);
	for (unsigned i = 0; i < 30; i++)
		must(objects_add(set, rng_between(rng, 1, 900)));
}

static void
free_objects_of_another(size_t idx, struct rng *rng, void *arg)
{
	struct legacy *legacy = arg;

	(void)rng;
	objects_fini(&legacy->set[(idx + 77) % NWAVE]);
}

/* objects of 200 ended threads, freed by 200 others, wave after wave */
static void
threads__200_in_waves_in_14_mib__leave_and_free(void **state)
{
	static struct legacy legacy;
	struct deadline end = deadline_in(STRESS_MS);
	unsigned nwaves = 0;

	(void)state;
	legacy.vmp = test_pool(VMEM_MIN_POOL);
	do {
		void *ptr;

		threads_run(NWAVE, leave_objects, &legacy, __func__);
		assert_int_equal(vmem_check(legacy.vmp), 1);
		threads_run(NWAVE, free_objects_of_another, &legacy, __func__);
		assert_int_equal(vmem_check(legacy.vmp), 1);
		ptr = vmem_malloc(legacy.vmp, 12 * MIB);
		assert_non_null(ptr);
		vmem_free(legacy.vmp, ptr);
		nwaves++;
	} while (!deadline_is_over(end));
	print_message("%u waves\n", nwaves);
	test_pool_delete(legacy.vmp, VMEM_MIN_POOL);
}

/*
 * Destructors of thread-specific data run in rounds, and the order of keys is
 * the system's: some use the pool after the library has left the thread.
 */
struct tsd {
	VMEM *vmp;
	void *ptr;
	unsigned rounds_left;
	pthread_key_t *key;
};

#define NKEYS 3

/* rounds of destructors that set their key anew; the sanitizer needs the last
 */
#define NROUNDS (TEST_TSAN ? 1 : 3)

static pthread_key_t keys[NKEYS];

static void
use_in_destructor(void *arg)
{
	struct tsd *tsd = arg;
	char *ptr;

	must(test_holds(tsd->ptr, 100, (uint64_t)(uintptr_t)tsd));
	vmem_free(tsd->vmp, tsd->ptr);
	for (size_t size = 1; size < 20000; size *= 3) {
		ptr = vmem_malloc(tsd->vmp, size);
		must(ptr != NULL);
		memset(ptr, 1, size);
		vmem_free(tsd->vmp, ptr);
	}
	if (tsd->rounds_left == 0) {
		vmem_free(tsd->vmp, tsd);
		return;
	}
	tsd->rounds_left--;
	tsd->ptr = vmem_malloc(tsd->vmp, 100);
	must(tsd->ptr != NULL);
	test_fill(tsd->ptr, 100, (uint64_t)(uintptr_t)tsd);
	must(pthread_setspecific(*tsd->key, tsd) == 0);
}

static void
set_destructors(size_t idx, struct rng *rng, void *arg)
{
	VMEM *vmp = arg;
	size_t first = idx % NKEYS;

	for (size_t i = 0; i < NKEYS; i++) {
		struct tsd *tsd = vmem_malloc(vmp, sizeof(*tsd));

		must(tsd != NULL);
		tsd->vmp = vmp;
		tsd->ptr = vmem_malloc(vmp, 100);
		must(tsd->ptr != NULL);
		test_fill(tsd->ptr, 100, (uint64_t)(uintptr_t)tsd);
		tsd->rounds_left = (unsigned)rng_between(rng, 0, NROUNDS);
		tsd->key = &keys[(first + i) % NKEYS];
		must(pthread_setspecific(*tsd->key, tsd) == 0);
	}
}

static void
threads__free_in_destructors__works(void **state)
{
	VMEM *vmp;
	struct deadline end = deadline_in(STRESS_MS / 2);

	(void)state;
	/* keys made before and after the library's first use */
	assert_int_equal(pthread_key_create(&keys[0], use_in_destructor), 0);
	vmp = test_pool(VMEM_MIN_POOL);
	assert_non_null(vmem_malloc(vmp, 1));
	for (size_t i = 1; i < NKEYS; i++)
		assert_int_equal(
			pthread_key_create(&keys[i], use_in_destructor), 0);
	do {
		threads_run(32, set_destructors, vmp, __func__);
		assert_int_equal(vmem_check(vmp), 1);
	} while (!deadline_is_over(end));
	assert_non_null(vmem_malloc(vmp, 12 * MIB));
	for (size_t i = 0; i < NKEYS; i++)
		assert_int_equal(pthread_key_delete(keys[i]), 0);
	test_pool_delete(vmp, VMEM_MIN_POOL);
}

/*
 * a thread that ends while others work in the same pool, again and again, and
 * one more checks it
 */
#define CHECKER 4

struct mixed {
	VMEM *vmp;
	struct deadline end;
};

static void *
work_for_a_moment(void *arg)
{
	struct mixed *mixed = arg;
	struct objects set;
	struct rng rng;

	rng_init_from(&rng, (uint64_t)pthread_self());
	objects_init(&set, mixed->vmp);
	objects_churn(&set, &rng, 50, 2000);
	objects_fini(&set);
	return NULL;
}

static void
work_or_start_threads(size_t idx, struct rng *rng, void *arg)
{
	struct mixed *mixed = arg;
	struct objects set;

	objects_init(&set, mixed->vmp);
	while (!deadline_is_over(mixed->end)) {
		pthread_t thread;

		if (idx == CHECKER) {
			/* it reads heaps that their threads are leaving */
			must(vmem_check(mixed->vmp) == 1);
			must(vmem_trim(mixed->vmp, MIB) >= 0);
			continue;
		}
		if (idx % 2 == 0) {
			objects_churn(&set, rng, 200, 5000);
			while (set.n > 300)
				objects_drop(&set, set.n - 1);
			continue;
		}
		must(pthread_create(&thread, NULL, work_for_a_moment, mixed) ==
			0);
		must(pthread_join(thread, NULL) == 0);
	}
	objects_fini(&set);
}

static void
threads__come_and_go_while_others_work__works(void **state)
{
	struct mixed mixed = {test_pool(32 * MIB), deadline_in(STRESS_MS)};

	(void)state;
	threads_run(CHECKER + 1, work_or_start_threads, &mixed, __func__);
	assert_int_equal(vmem_check(mixed.vmp), 1);
	assert_non_null(vmem_malloc(mixed.vmp, 27 * MIB));
	test_pool_delete(mixed.vmp, 32 * MIB);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			threads__200_in_waves_in_14_mib__leave_and_free),
		cmocka_unit_test(threads__free_in_destructors__works),
		cmocka_unit_test(threads__come_and_go_while_others_work__works),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
