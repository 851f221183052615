/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * free.c -- vmem_free() of live objects, by any thread
 */
#include "harness/test.h"

#include <stdio.h>
#include <string.h>

#include "harness/objects.h"
#include "harness/threads.h"

#define COUNT 5000

static void
free__null__does_nothing(void **state)
{
	VMEM *vmp = test_pool(VMEM_MIN_POOL);
	char before[256];

	(void)state;
	snprintf(before, sizeof(before), "%s", vmem_errormsg());
	for (unsigned i = 0; i < 1000; i++) {
		errno = E2BIG;
		vmem_free(vmp, NULL);
		assert_int_equal(errno, E2BIG);
	}
	assert_string_equal(vmem_errormsg(), before);
	assert_int_equal(vmem_check(vmp), 1);
	test_pool_delete(vmp, VMEM_MIN_POOL);
}

static void
free__any_size__keeps_errno(void **state)
{
	VMEM *vmp = test_pool(VMEM_MIN_POOL);

	(void)state;
	for (size_t size = 0; size < 12 * MIB; size = size * 3 / 2 + 1) {
		void *ptr = vmem_malloc(vmp, size);

		assert_non_null(ptr);
		errno = E2BIG;
		vmem_free(vmp, ptr);
		assert_int_equal(errno, E2BIG);
	}
	test_pool_delete(vmp, VMEM_MIN_POOL);
}

/* free keeps errno also when it refuses */
static void
free__refused_pointer__keeps_errno(void **state)
{
	VMEM *vmp = test_pool(VMEM_MIN_POOL);
	int on_stack = 0;

	(void)state;
	errno = E2BIG;
	vmem_free(vmp, &on_stack);
	assert_int_equal(errno, E2BIG);
	vmem_free(NULL, &on_stack);
	assert_int_equal(errno, E2BIG);
	test_pool_delete(vmp, VMEM_MIN_POOL);
}

static void
free__every_order__gives_all_of_it_back(void **state)
{
	VMEM *vmp = test_pool(VMEM_MIN_POOL);
	struct objects set;
	struct rng rng;

	(void)state;
	rng_init(&rng, __func__);
	objects_init(&set, vmp);
	for (unsigned round = 0; round < 12; round++) {
		void *ptr;

		objects_fill(&set, &rng, 1, (size_t)64 << round);
		if (round % 3 == 0) { /* first in, first out */
			for (size_t i = 0; i < set.n / 2; i++) {
				struct object o = set.v[i];

				set.v[i] = set.v[set.n - 1 - i];
				set.v[set.n - 1 - i] = o;
			}
		}
		while (round % 3 == 1 && set.n > 0)
			objects_drop(&set, rng_between(&rng, 0, set.n - 1));
		objects_drop_all(&set);
		ptr = vmem_malloc(vmp, 12 * MIB);
		assert_non_null(ptr);
		vmem_free(vmp, ptr);
		assert_int_equal(vmem_check(vmp), 1);
	}
	objects_fini(&set);
	test_pool_delete(vmp, VMEM_MIN_POOL);
}

struct work {
	VMEM *vmp;
	struct objects set;
	uint64_t seed;
};

static void *
add_in_thread(void *arg)
{
	struct work *work = arg;
	struct rng rng;

	rng_init_from(&rng, work->seed);
	for (unsigned i = 0; i < COUNT; i++)
		must(objects_add(&work->set, rng_between(&rng, 0, 3000)));
	return NULL;
}

static void *
drop_in_thread(void *arg)
{
	struct work *work = arg;

	errno = E2BIG;
	objects_drop_all(&work->set);
	must(errno == E2BIG);
	return NULL;
}

static void
free__object_of_an_ended_thread__is_as_any(void **state)
{
	struct work work = {.vmp = test_pool(32 * MIB)};
	struct rng rng;
	void *ptr;

	(void)state;
	rng_init(&rng, __func__);
	for (unsigned round = 0; round < 10; round++) {
		work.seed = rng_next(&rng);
		objects_init(&work.set, work.vmp);
		in_thread(add_in_thread, &work);
		if (round % 2 == 0)
			in_thread(drop_in_thread, &work);
		objects_fini(&work.set);
		assert_int_equal(vmem_check(work.vmp), 1);
	}
	ptr = vmem_malloc(work.vmp, 27 * MIB);
	assert_non_null(ptr);
	test_pool_delete(work.vmp, 32 * MIB);
}

static void
free__object_of_the_main_thread_by_another__is_as_any(void **state)
{
	struct work work = {.vmp = test_pool(32 * MIB)};
	struct rng rng;

	(void)state;
	rng_init(&rng, __func__);
	for (unsigned round = 0; round < 10; round++) {
		work.seed = rng_next(&rng);
		objects_init(&work.set, work.vmp);
		add_in_thread(&work);
		in_thread(drop_in_thread, &work);
		objects_abandon(&work.set);
		assert_int_equal(vmem_check(work.vmp), 1);
	}
	assert_non_null(vmem_malloc(work.vmp, 27 * MIB));
	test_pool_delete(work.vmp, 32 * MIB);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(free__null__does_nothing),
		cmocka_unit_test(free__any_size__keeps_errno),
		cmocka_unit_test(free__refused_pointer__keeps_errno),
		cmocka_unit_test(free__every_order__gives_all_of_it_back),
		cmocka_unit_test(free__object_of_an_ended_thread__is_as_any),
		cmocka_unit_test(
			free__object_of_the_main_thread_by_another__is_as_any),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
