/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * calloc.c -- vmem_calloc(): zero whatever was there before; overflow
 *
 * ctest: timeout=300 not-tsan
 */
#include "harness/test.h"

#include <string.h>
#include <sys/mman.h>

#include "harness/objects.h"
#include "harness/region.h"

static bool
is_zero(const char *p, size_t size)
{
	return size == 0 || (p[0] == 0 && memcmp(p, p + 1, size - 1) == 0);
}

/* assert_calloc_zeroes -- fill the pool with zeroed objects, all usable bytes
 */
static void
assert_calloc_zeroes(VMEM *vmp, size_t nmemb, size_t size)
{
	char *ptr;
	size_t n = 0;

	errno = 0;
	while ((ptr = vmem_calloc(vmp, nmemb, size)) != NULL) {
		assert_true(is_zero(ptr, nmemb * size));
		memset(ptr, 0xff, nmemb * size);
		assert_int_equal(errno, 0);
		n++;
	}
	assert_int_equal(errno, ENOMEM);
	assert_true(n > 0);
}

static const struct {
	size_t nmemb, size;
} shapes[] = {{1, 1}, {3, 7}, {1, 16}, {10, 10}, {1, 1000}, {4096, 1},
	{17, 257}, {1, 9000}, {100, 333}, {1024, 64}, {3, 100000}, {1, 2 << 20},
	{5, 2 << 20}};

static void
calloc__region_of_random_bytes__is_zero(void **state)
{
	struct region region;

	(void)state;
	region_open(&region, VMEM_MIN_POOL);
	for (size_t i = 0; i < NELEM(shapes); i++) {
		VMEM *vmp;

		region_dirty(&region, (unsigned)i);
		vmp = vmem_create_in_region(region.addr, region.size);
		assert_non_null(vmp);
		assert_calloc_zeroes(vmp, shapes[i].nmemb, shapes[i].size);
		vmem_delete(vmp);
	}
	region_close(&region);
}

static void
calloc__file_pool__is_zero(void **state)
{
	(void)state;
	for (size_t i = 0; i < NELEM(shapes); i++) {
		VMEM *vmp = test_file_pool(VMEM_MIN_POOL);

		assert_calloc_zeroes(vmp, shapes[i].nmemb, shapes[i].size);
		vmem_delete(vmp);
	}
}

/* objects that were in use before, of the same and of other sizes */
static void
calloc__reused_objects__are_zero(void **state)
{
	VMEM *vmp = test_pool(32 * MIB);
	struct objects set;
	struct rng rng;

	(void)state;
	rng_init(&rng, __func__);
	objects_init(&set, vmp);
	for (unsigned round = 0; round < 20; round++) {
		size_t high = (size_t)16 << rng_between(&rng, 0, 14);

		objects_fill(&set, &rng, 1, high);
		objects_drop_half(&set, &rng);
		for (unsigned i = 0; i < 500; i++) {
			size_t size = rng_between(&rng, 0, high);
			char *ptr = vmem_calloc(vmp, 1, size);

			if (ptr == NULL)
				continue;
			assert_true(is_zero(ptr, size));
			objects_keep(&set, ptr, size);
		}
		objects_verify(&set);
		objects_drop_all(&set);
	}
	objects_fini(&set);
	test_pool_delete(vmp, 32 * MIB);
}

static void
calloc__freed_and_taken_again__is_zero_each_time(void **state)
{
	static const size_t sizes[] = {1, 8, 48, 500, 4096, 10000, 33000,
		200000, 2 * MIB, 4 * MIB, 11 * MIB};
	VMEM *vmp = test_pool(VMEM_MIN_POOL);

	(void)state;
	for (size_t i = 0; i < NELEM(sizes); i++) {
		for (unsigned round = 0; round < 20; round++) {
			char *ptr = vmem_calloc(vmp, sizes[i], 1);

			assert_non_null(ptr);
			assert_true(is_zero(ptr, sizes[i]));
			memset(ptr, 0xa5, vmem_malloc_usable_size(vmp, ptr));
			vmem_free(vmp, ptr);
		}
	}
	test_pool_delete(vmp, VMEM_MIN_POOL);
}

static void
calloc__product_overflows__gives_enomem(void **state)
{
	static const size_t pairs[][2] = {{SIZE_MAX, 2}, {2, SIZE_MAX},
		{SIZE_MAX, SIZE_MAX}, {SIZE_MAX / 2 + 1, 2},
		{(size_t)1 << 32, (size_t)1 << 32}, {SIZE_MAX / 8 + 1, 8},
		{((size_t)1 << 33) + 1, (size_t)1 << 31}, {SIZE_MAX, 1},
		{1, SIZE_MAX}, {SIZE_MAX / 3, 4}, {(size_t)1 << 62, 4},
		{(SIZE_MAX / 16) + 2, 16}};
	VMEM *vmp = test_pool(VMEM_MIN_POOL);

	(void)state;
	for (size_t i = 0; i < NELEM(pairs); i++) {
		errno = 0;
		assert_null(vmem_calloc(vmp, pairs[i][0], pairs[i][1]));
		assert_int_equal(errno, ENOMEM);
		assert_true(strlen(vmem_errormsg()) > 0);
	}
	assert_int_equal(vmem_check(vmp), 1);
	test_pool_delete(vmp, VMEM_MIN_POOL);
}

static void
calloc__product_0__gives_unique_pointers(void **state)
{
	static const size_t pairs[][2] = {
		{0, 0}, {0, 1}, {1, 0}, {0, SIZE_MAX}, {SIZE_MAX, 0}};
	VMEM *vmp = test_pool(VMEM_MIN_POOL);
	void *ptr[NELEM(pairs)];

	(void)state;
	for (size_t i = 0; i < NELEM(pairs); i++) {
		ptr[i] = vmem_calloc(vmp, pairs[i][0], pairs[i][1]);
		assert_non_null(ptr[i]);
		for (size_t j = 0; j < i; j++)
			assert_ptr_not_equal(ptr[i], ptr[j]);
	}
	for (size_t i = 0; i < NELEM(pairs); i++)
		vmem_free(vmp, ptr[i]);
	assert_int_equal(vmem_check(vmp), 1);
	test_pool_delete(vmp, VMEM_MIN_POOL);
}

static void
calloc__every_size__is_aligned_as_malloc(void **state)
{
	VMEM *vmp = test_pool(128 * MIB);

	(void)state;
	for (size_t size = 1; size <= 9000; size++) {
		size_t align = size < 16 ? 8 : 16;
		char *ptr = vmem_calloc(vmp, 1, size);

		if (size >= 16 && size <= 4096 && (size & (size - 1)) == 0)
			align = size;
		assert_non_null(ptr);
		assert_int_equal((uintptr_t)ptr % align, 0);
		assert_true(is_zero(ptr, size));
	}
	test_pool_delete(vmp, 128 * MIB);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(calloc__region_of_random_bytes__is_zero),
		cmocka_unit_test(calloc__file_pool__is_zero),
		cmocka_unit_test(calloc__reused_objects__are_zero),
		cmocka_unit_test(
			calloc__freed_and_taken_again__is_zero_each_time),
		cmocka_unit_test(calloc__product_overflows__gives_enomem),
		cmocka_unit_test(calloc__product_0__gives_unique_pointers),
		cmocka_unit_test(calloc__every_size__is_aligned_as_malloc),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
