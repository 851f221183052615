/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * misuse_threads.c -- objects freed twice where another thread has a part
 *
 * ctest: threads
 */
#include "harness/test.h"

#include <stdlib.h>
#include <string.h>

#include "harness/objects.h"
#include "harness/threads.h"

static const size_t sizes[] = {8, 64, 100, 1024, 5000, 9000, 33000, MIB};

struct job {
	VMEM *vmp;
	void *ptr;
	bool told; /* whether the free left a message in its thread */
};

static void *
free_in_thread(void *arg)
{
	struct job *job = arg;

	must(vmem_errormsg()[0] == '\0');
	vmem_free(job->vmp, job->ptr);
	job->told = vmem_errormsg()[0] != '\0';
	return NULL;
}

/* free_elsewhere -- free in a thread of its own; whether it was refused */
static bool
free_elsewhere(VMEM *vmp, void *ptr)
{
	struct job job = {vmp, ptr, false};

	in_thread(free_in_thread, &job);
	return job.told;
}

/* free_here -- free in this thread; whether it was refused */
static bool
free_here(VMEM *vmp, void *ptr)
{
	char before[256];

	must(vmem_create(NULL, 1) == NULL);
	strncpy(before, vmem_errormsg(), sizeof(before) - 1);
	before[sizeof(before) - 1] = '\0';
	vmem_free(vmp, ptr);
	return strcmp(before, vmem_errormsg()) != 0;
}

static void
assert_works(VMEM *vmp, struct rng *rng)
{
	struct objects set;
	void *ptr;

	assert_int_equal(vmem_check(vmp), 1);
	objects_init(&set, vmp);
	objects_churn(&set, rng, 5000, 10000);
	objects_verify(&set);
	objects_fini(&set);
	assert_int_equal(vmem_check(vmp), 1);
	ptr = vmem_malloc(vmp, 12 * MIB);
	assert_non_null(ptr);
	vmem_free(vmp, ptr);
}

/*
 * exact_pool -- a pool in which every double free is found at once
 *
 * By default a slot that lies in its owner's cache when another thread frees
 * it again, or the other way round, is found when the two meet, if they do.
 */
static VMEM *
exact_pool(void)
{
	VMEM *vmp;

	must(setenv("VMEM_OPTIONS", "hardening=2", 1) == 0);
	vmp = test_pool(VMEM_MIN_POOL);
	must(unsetenv("VMEM_OPTIONS") == 0);
	return vmp;
}

static void
free__by_another_thread_then_by_the_owner__is_refused(void **state)
{
	VMEM *vmp = exact_pool();
	struct rng rng;

	(void)state;
	rng_init(&rng, __func__);
	for (size_t i = 0; i < NELEM(sizes); i++) {
		void *ptr = vmem_malloc(vmp, sizes[i]);

		assert_non_null(ptr);
		assert_false(free_elsewhere(vmp, ptr));
		assert_true(free_here(vmp, ptr));
		assert_works(vmp, &rng);
	}
	test_pool_delete(vmp, VMEM_MIN_POOL);
}

static void
free__by_the_owner_then_by_another_thread__is_refused(void **state)
{
	VMEM *vmp = exact_pool();
	struct rng rng;

	(void)state;
	rng_init(&rng, __func__);
	for (size_t i = 0; i < NELEM(sizes); i++) {
		void *keep = vmem_malloc(vmp, sizes[i]);
		void *ptr = vmem_malloc(vmp, sizes[i]);

		assert_non_null(ptr);
		assert_false(free_here(vmp, ptr));
		/*
		 * It may be told late, when the owner looks at what others
		 * freed; but the object must not be handed out twice.
		 */
		(void)free_elsewhere(vmp, ptr);
		(void)free_elsewhere(vmp, ptr);
		vmem_free(vmp, keep);
		assert_works(vmp, &rng);
	}
	test_pool_delete(vmp, VMEM_MIN_POOL);
}

static void
free__by_two_other_threads__second_is_refused(void **state)
{
	VMEM *vmp = test_pool(VMEM_MIN_POOL);
	struct rng rng;

	(void)state;
	rng_init(&rng, __func__);
	for (size_t i = 0; i < NELEM(sizes); i++) {
		void *keep = vmem_malloc(vmp, sizes[i]);
		void *ptr = vmem_malloc(vmp, sizes[i]);

		assert_non_null(ptr);
		assert_false(free_elsewhere(vmp, ptr));
		assert_true(free_elsewhere(vmp, ptr));
		vmem_free(vmp, keep);
		assert_works(vmp, &rng);
	}
	test_pool_delete(vmp, VMEM_MIN_POOL);
}

/* freed here, freed there, and then handed out: every pointer only once */
static void
malloc__after_double_frees__gives_each_object_once(void **state)
{
	enum { COUNT = 64 };
	VMEM *vmp = exact_pool();

	(void)state;
	for (size_t i = 0; i < NELEM(sizes) && sizes[i] <= 9000; i++) {
		void *ptr[COUNT];
		struct objects set;

		for (size_t j = 0; j < COUNT; j++) {
			ptr[j] = vmem_malloc(vmp, sizes[i]);
			assert_non_null(ptr[j]);
		}
		for (size_t j = 0; j < COUNT; j++) {
			vmem_free(vmp, ptr[j]);
			(void)free_elsewhere(vmp, ptr[j]);
		}
		objects_init(&set, vmp);
		for (size_t j = 0; j < 4 * COUNT; j++)
			assert_true(objects_add(&set, sizes[i]));
		objects_verify(&set);
		objects_fini(&set);
		assert_int_equal(vmem_check(vmp), 1);
	}
	test_pool_delete(vmp, VMEM_MIN_POOL);
}

static void *
free_interior(void *arg)
{
	struct job *job = arg;
	char *ptr = job->ptr;

	vmem_free(job->vmp, ptr + 8);
	must(vmem_errormsg()[0] != '\0');
	must(vmem_realloc(job->vmp, ptr + 8, 100) == NULL);
	must(vmem_malloc_usable_size(job->vmp, ptr + 8) == 0);
	return NULL;
}

static void
free__interior_pointer_by_another_thread__is_refused(void **state)
{
	VMEM *vmp = test_pool(VMEM_MIN_POOL);
	struct rng rng;

	(void)state;
	rng_init(&rng, __func__);
	for (size_t i = 1; i < NELEM(sizes); i++) {
		struct job job = {vmp, vmem_malloc(vmp, sizes[i]), false};

		assert_non_null(job.ptr);
		test_fill(job.ptr, sizes[i], i);
		in_thread(free_interior, &job);
		assert_true(test_holds(job.ptr, sizes[i], i));
		vmem_free(vmp, job.ptr);
		assert_works(vmp, &rng);
	}
	test_pool_delete(vmp, VMEM_MIN_POOL);
}

/* objects that threads free and resize as they like */
struct shared {
	VMEM *vmp;
	void *ptr[8]; /* atomic */
};

static void
quarrel(size_t idx, struct rng *rng, void *arg)
{
	struct shared *shared = arg;
	struct deadline end = deadline_in(STRESS_MS / 2);

	(void)idx;
	while (!deadline_is_over(end)) {
		void **at = &shared->ptr[rng_between(
			rng, 0, NELEM(shared->ptr) - 1)];
		void *ptr = __atomic_load_n(at, __ATOMIC_ACQUIRE);
		size_t size = rng_between(rng, 1, 300 * KIB);

		if (rng_between(rng, 0, 2) == 0)
			vmem_free(shared->vmp, ptr);
		else if (ptr != NULL)
			ptr = vmem_realloc(shared->vmp, ptr, size);
		if (ptr == NULL || rng_between(rng, 0, 3) == 0)
			ptr = vmem_calloc(shared->vmp, 1, size);
		__atomic_store_n(at, ptr, __ATOMIC_RELEASE);
	}
}

static void
realloc__while_others_free_and_resize_it__no_harm(void **state)
{
	struct shared shared = {.vmp = NULL};

	(void)state;
	if (TEST_TSAN)
		test_skip("objects of nobody are a race by themselves");
	shared.vmp = exact_pool();
	threads_run(4, quarrel, &shared, "misuse quarrel");
	assert_int_equal(vmem_check(shared.vmp), 1);
	vmem_delete(shared.vmp);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			free__by_another_thread_then_by_the_owner__is_refused),
		cmocka_unit_test(
			free__by_the_owner_then_by_another_thread__is_refused),
		cmocka_unit_test(free__by_two_other_threads__second_is_refused),
		cmocka_unit_test(
			malloc__after_double_frees__gives_each_object_once),
		cmocka_unit_test(
			free__interior_pointer_by_another_thread__is_refused),
		cmocka_unit_test(
			realloc__while_others_free_and_resize_it__no_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
