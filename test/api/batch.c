/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * batch.c -- vmem_malloc_batch() and vmem_free_batch()
 *
 * ctest: threads
 */
#include "harness/test.h"

#include <inttypes.h>
#include <string.h>

#include "harness/objects.h"
#include "harness/threads.h"

#define NPTRS 1000

static void
batch__any_size__distinct_objects(void **state)
{
	const size_t sizes[] = {0, 8, 100, 4096, 30 * KIB, 100 * KIB};
	/* from 64 MiB on not all that is free already is known as such */
	VMEM *vmp = test_file_pool(60 * MIB);
	void *ptrs[NPTRS];
	struct rng rng;

	(void)state;
	rng_init(&rng, "batch");
	for (size_t i = 0; i < NELEM(sizes); i++) {
		size_t count = rng_between(&rng, 1, 500);
		struct objects set;

		errno = E2BIG;
		assert_int_equal(
			vmem_malloc_batch(vmp, sizes[i], count, ptrs), count);
		assert_int_equal(errno, E2BIG);
		objects_init(&set, vmp);
		for (size_t j = 0; j < count; j++)
			objects_keep(&set, ptrs[j], sizes[i]);
		objects_verify(&set);
		assert_int_equal(vmem_check(vmp), 1);
		objects_abandon(&set);
		vmem_free_batch(vmp, ptrs, count);
		assert_int_equal(errno, E2BIG);
		for (size_t j = 0; j < count; j++)
			assert_int_equal(
				vmem_malloc_usable_size(vmp, ptrs[j]), 0);
	}
	assert_int_equal(vmem_check(vmp), 1);
	vmem_delete(vmp);
}

static void
batch__pool_too_small__gives_what_there_is(void **state)
{
	VMEM *vmp = test_file_pool(VMEM_MIN_POOL);
	void *ptrs[NPTRS];
	size_t n;

	(void)state;
	errno = 0;
	n = vmem_malloc_batch(vmp, 100 * KIB, NPTRS, ptrs);
	assert_int_equal(errno, ENOMEM);
	assert_in_range(n, 120, 143);
	assert_null(vmem_malloc(vmp, 100 * KIB));
	vmem_free_batch(vmp, ptrs, n);
	assert_int_equal(vmem_malloc_batch(vmp, 100 * KIB, NPTRS, ptrs), n);
	vmem_delete(vmp);
}

static void
batch__nothing_and_no_pool__as_said(void **state)
{
	VMEM *vmp = test_file_pool(VMEM_MIN_POOL);
	void *ptrs[2];

	(void)state;
	errno = E2BIG;
	assert_int_equal(vmem_malloc_batch(vmp, 100, 0, NULL), 0);
	vmem_free_batch(vmp, NULL, 0);
	assert_int_equal(errno, E2BIG);
	assert_int_equal(vmem_malloc_batch(vmp, 100, 2, NULL), 0);
	assert_error(EINVAL, "no place for 2 objects");
	errno = E2BIG;
	vmem_free_batch(vmp, NULL, 2);
	assert_error(E2BIG, "no pointers to 2 objects");
	ptrs[0] = NULL;
	ptrs[1] = vmem_malloc(vmp, 10);
	vmem_free_batch(vmp, ptrs, 2);
	vmem_delete(vmp);
	assert_int_equal(vmem_malloc_batch(vmp, 100, 2, ptrs), 0);
	assert_bad_handle(vmp);
}

static void
work(size_t idx, struct rng *rng, void *arg)
{
	void *ptrs[200];

	for (size_t round = 0; round < 200; round++) {
		size_t size = rng_between(rng, 1, 2000);
		size_t n = vmem_malloc_batch(
			arg, size, rng_between(rng, 1, 200), ptrs);

		for (size_t i = 0; i < n; i++)
			test_fill(ptrs[i], size, idx + i);
		for (size_t i = 0; i < n; i++)
			must(test_holds(ptrs[i], size, idx + i));
		vmem_free_batch(arg, ptrs, n);
	}
}

static void
batch__threads__do_not_meet(void **state)
{
	VMEM *vmp = test_file_pool(VMEM_MIN_POOL);

	(void)state;
	threads_run(4, work, vmp, "batch threads");
	assert_int_equal(vmem_check(vmp), 1);
	vmem_delete(vmp);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(batch__any_size__distinct_objects),
		cmocka_unit_test(batch__pool_too_small__gives_what_there_is),
		cmocka_unit_test(batch__nothing_and_no_pool__as_said),
		cmocka_unit_test(batch__threads__do_not_meet),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
