/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * malloc.c -- vmem_malloc(): alignment, size 0, no room, impossible sizes
 *
 * ctest: timeout=300 not-tsan
 */
#include "harness/test.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "harness/objects.h"
#include "harness/region.h"

#define MAX_SIZE   9000
#define POOL_BYTES (64 * MIB)

static size_t
alignment_of(size_t size)
{
	if (size < 16)
		return 8;
	if (size <= 4096 && (size & (size - 1)) == 0)
		return size;
	return 16;
}

static bool
is_inside(VMEM *vmp, size_t pool_size, const void *ptr, size_t size)
{
	uintptr_t low = (uintptr_t)vmp, p = (uintptr_t)ptr;

	return p > low && p + size <= low + pool_size;
}

/* all sizes at once, several of each, so that whole slabs are seen */
static void
malloc__every_size__is_aligned_writable_and_apart(void **state)
{
	VMEM *vmp = test_pool(256 * MIB);
	struct objects set;

	(void)state;
	objects_init(&set, vmp);
	for (size_t size = 1; size <= MAX_SIZE; size++) {
		for (unsigned i = 0; i < 4; i++) {
			const struct object *o;

			assert_true(objects_add(&set, size));
			o = &set.v[set.n - 1];
			assert_int_equal(
				(uintptr_t)o->ptr % alignment_of(size), 0);
			assert_true(is_inside(vmp, 256 * MIB, o->ptr, size));
		}
	}
	objects_verify(&set);
	assert_int_equal(vmem_check(vmp), 1);
	objects_fini(&set);
	test_pool_delete(vmp, 256 * MIB);
}

static void
malloc__powers_of_two_to_a_page__are_self_aligned(void **state)
{
	VMEM *vmp = test_pool(POOL_BYTES);

	(void)state;
	for (size_t size = 8; size <= 4096; size *= 2) {
		for (unsigned i = 0; i < 1000; i++) {
			void *ptr = vmem_malloc(vmp, size);

			assert_non_null(ptr);
			assert_int_equal((uintptr_t)ptr % size, 0);
		}
	}
	for (size_t size = 8192; size <= 4 * MIB; size *= 2) {
		void *ptr = vmem_malloc(vmp, size);

		assert_non_null(ptr);
		assert_int_equal((uintptr_t)ptr % 16, 0);
	}
	test_pool_delete(vmp, POOL_BYTES);
}

/* alignment holds as well when the pool starts anywhere and is nearly full */
static void
malloc__until_no_room__every_object_is_aligned(void **state)
{
	static const size_t sizes[] = {
		1, 8, 15, 16, 24, 32, 64, 128, 256, 512, 1024, 2048, 4096};
	struct region region;

	(void)state;
	region_open(&region, VMEM_MIN_POOL + 777);
	for (size_t i = 0; i < NELEM(sizes); i++) {
		VMEM *vmp = vmem_create_in_region(region.addr, region.size);
		void *ptr;

		assert_non_null(vmp);
		while ((ptr = vmem_malloc(vmp, sizes[i])) != NULL)
			assert_int_equal(
				(uintptr_t)ptr % alignment_of(sizes[i]), 0);
		assert_int_equal(vmem_check(vmp), 1);
		vmem_delete(vmp);
	}
	region_close(&region);
}

static int
compare_pointers(const void *a, const void *b)
{
	uintptr_t x = *(const uintptr_t *)a, y = *(const uintptr_t *)b;

	return (x > y) - (x < y);
}

static void
malloc__size_0__gives_unique_live_pointers(void **state)
{
	enum { COUNT = 10000 };
	static uintptr_t ptr[COUNT], sorted[COUNT];
	VMEM *vmp = test_pool(VMEM_MIN_POOL);

	(void)state;
	for (size_t i = 0; i < COUNT; i++) {
		errno = 0;
		ptr[i] = (uintptr_t)vmem_malloc(vmp, 0);
		assert_int_not_equal(ptr[i], 0);
		assert_int_equal(errno, 0);
		assert_int_equal(ptr[i] % 8, 0);
		sorted[i] = ptr[i];
	}
	qsort(sorted, COUNT, sizeof(sorted[0]), compare_pointers);
	for (size_t i = 1; i < COUNT; i++)
		assert_int_not_equal(sorted[i - 1], sorted[i]);
	for (size_t i = 0; i < COUNT; i++)
		vmem_free(vmp, (void *)ptr[i]);
	assert_int_equal(vmem_check(vmp), 1);
	assert_non_null(vmem_malloc(vmp, 12 * MIB));
	test_pool_delete(vmp, VMEM_MIN_POOL);
}

static void
malloc__success__keeps_errno(void **state)
{
	VMEM *vmp = test_pool(POOL_BYTES);

	(void)state;
	for (size_t size = 0; size < 4 * MIB; size = size * 2 + 1) {
		void *ptr;

		errno = E2BIG;
		ptr = vmem_malloc(vmp, size);
		assert_non_null(ptr);
		vmem_free(vmp, ptr);
		ptr = vmem_calloc(vmp, 1, size);
		assert_non_null(ptr);
		ptr = vmem_realloc(vmp, ptr, size + 77);
		assert_non_null(ptr);
		assert_true(vmem_malloc_usable_size(vmp, ptr) >= size + 77);
		assert_null(vmem_realloc(vmp, ptr, 0));
		ptr = vmem_aligned_alloc(vmp, 32, size);
		assert_non_null(ptr);
		vmem_free(vmp, ptr);
		assert_int_equal(vmem_check(vmp), 1);
		assert_int_equal(errno, E2BIG);
	}
	test_pool_delete(vmp, POOL_BYTES);
}

static void
malloc__impossible_size__gives_enomem_at_once(void **state)
{
	static const size_t sizes[] = {SIZE_MAX, SIZE_MAX - 1, SIZE_MAX - 7,
		SIZE_MAX - 15, SIZE_MAX - 4095, SIZE_MAX - 4096,
		SIZE_MAX / 2 + 1, SIZE_MAX / 2, SIZE_MAX / 2 - 4096,
		(size_t)1 << 62, (size_t)1 << 47, (size_t)1 << 32,
		((size_t)1 << 32) + 16, POOL_BYTES + 1, POOL_BYTES,
		POOL_BYTES - 1};
	VMEM *vmp = test_pool(POOL_BYTES);
	uint64_t start = test_ms();

	(void)state;
	for (unsigned round = 0; round < 1000; round++) {
		for (size_t i = 0; i < NELEM(sizes); i++) {
			errno = 0;
			assert_null(vmem_malloc(vmp, sizes[i]));
			assert_int_equal(errno, ENOMEM);
		}
	}
	assert_true(test_ms() - start < 10000);
	assert_true(strlen(vmem_errormsg()) > 0);
	assert_int_equal(vmem_check(vmp), 1);
	assert_non_null(vmem_malloc(vmp, POOL_BYTES / 10 * 9));
	test_pool_delete(vmp, POOL_BYTES);
}

static void
malloc__no_room__gives_enomem_and_the_pool_goes_on(void **state)
{
	static const size_t sizes[] = {8, 100, 1000, 4096, 9000, 70000, MIB};

	(void)state;
	for (size_t i = 0; i < NELEM(sizes); i++) {
		VMEM *vmp = test_pool(VMEM_MIN_POOL);
		void *ptr = NULL, *next;

		while ((next = vmem_malloc(vmp, sizes[i])) != NULL)
			ptr = next;
		assert_int_equal(errno, ENOMEM);
		assert_non_null(ptr);
		for (unsigned round = 0; round < 100; round++) {
			errno = 0;
			assert_null(vmem_malloc(vmp, sizes[i]));
			assert_int_equal(errno, ENOMEM);
		}
		/* one out, one in */
		for (unsigned round = 0; round < 100; round++) {
			vmem_free(vmp, ptr);
			errno = 0;
			ptr = vmem_malloc(vmp, sizes[i]);
			assert_non_null(ptr);
			assert_int_equal(errno, 0);
		}
		assert_int_equal(vmem_check(vmp), 1);
		test_pool_delete(vmp, VMEM_MIN_POOL);
	}
}

static void
malloc__random_mix_against_a_model__keeps_contents(void **state)
{
	static const size_t highest[] = {16, 256, 4096, 64 * KIB, MIB};
	struct rng rng;

	(void)state;
	rng_init(&rng, __func__);
	for (size_t i = 0; i < NELEM(highest); i++) {
		VMEM *vmp = test_pool(32 * MIB);
		struct objects set;

		objects_init(&set, vmp);
		for (unsigned round = 0; round < 5; round++) {
			objects_churn(&set, &rng, TEST_SANITIZED ? 2000 : 20000,
				highest[i]);
			objects_verify(&set);
			assert_int_equal(vmem_check(vmp), 1);
		}
		objects_fini(&set);
		assert_int_equal(vmem_check(vmp), 1);
		assert_non_null(vmem_malloc(vmp, 27 * MIB));
		test_pool_delete(vmp, 32 * MIB);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			malloc__every_size__is_aligned_writable_and_apart),
		cmocka_unit_test(
			malloc__powers_of_two_to_a_page__are_self_aligned),
		cmocka_unit_test(
			malloc__until_no_room__every_object_is_aligned),
		cmocka_unit_test(malloc__size_0__gives_unique_live_pointers),
		cmocka_unit_test(malloc__success__keeps_errno),
		cmocka_unit_test(malloc__impossible_size__gives_enomem_at_once),
		cmocka_unit_test(
			malloc__no_room__gives_enomem_and_the_pool_goes_on),
		cmocka_unit_test(
			malloc__random_mix_against_a_model__keeps_contents),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
