/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * aligned.c -- vmem_aligned_alloc()
 */
#include "harness/test.h"

#include <string.h>
#include <sys/mman.h>

#include "harness/objects.h"
#include "harness/region.h"

#define MAX_ALIGNMENT (8 * MIB)

static const size_t sizes[] = {0, 1, 3, 7, 8, 13, 16, 24, 48, 100, 333, 1000,
	4095, 4096, 4097, 10000, 65537, 300001};

static void
aligned_alloc__every_power_of_two__is_aligned(void **state)
{
	VMEM *vmp = test_pool(256 * MIB);
	struct objects set;

	(void)state;
	objects_init(&set, vmp);
	for (size_t align = 1; align <= MAX_ALIGNMENT; align *= 2) {
		for (size_t i = 0; i < NELEM(sizes); i++) {
			void *ptr;

			errno = E2BIG;
			ptr = vmem_aligned_alloc(vmp, align, sizes[i]);
			assert_non_null(ptr);
			assert_int_equal(errno, E2BIG);
			assert_int_equal((uintptr_t)ptr % align, 0);
			assert_int_equal((uintptr_t)ptr % 8, 0);
			assert_true(
				vmem_malloc_usable_size(vmp, ptr) >= sizes[i]);
			objects_keep(&set, ptr, sizes[i]);
		}
		if (align >= 64 * KIB) /* they are far apart: make room */
			objects_drop_all(&set);
	}
	objects_verify(&set);
	assert_int_equal(vmem_check(vmp), 1);
	objects_fini(&set);
	assert_int_equal(vmem_check(vmp), 1);
	test_pool_delete(vmp, 256 * MIB);
}

/* alignment counts from address 0, wherever the pool starts */
static void
aligned_alloc__pool_at_odd_pages__aligns_the_address(void **state)
{
	char *map = mmap(NULL, VMEM_MIN_POOL + 9 * MIB, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	(void)state;
	assert_true(map != MAP_FAILED);
	for (size_t off = 0; off < 8 * MIB; off += 4096 * 97) {
		VMEM *vmp =
			vmem_create_in_region(map + off, VMEM_MIN_POOL + 4096);

		assert_non_null(vmp);
		for (size_t align = 16; align <= 4 * MIB; align *= 2) {
			void *ptr = vmem_aligned_alloc(vmp, align, 100);

			assert_non_null(ptr);
			assert_int_equal((uintptr_t)ptr % align, 0);
			memset(ptr, 1, 100);
			vmem_free(vmp, ptr);
		}
		assert_int_equal(vmem_check(vmp), 1);
		vmem_delete(vmp);
	}
	munmap(map, VMEM_MIN_POOL + 9 * MIB);
}

static void
aligned_alloc__no_power_of_two__gives_einval(void **state)
{
	static const size_t aligns[] = {0, 3, 5, 6, 7, 9, 12, 15, 17, 24, 48,
		100, 1000, 4095, 4097, 12288, MIB - 1, MIB + 1, SIZE_MAX,
		SIZE_MAX - 1, SIZE_MAX / 2, SIZE_MAX / 2 + 2};
	VMEM *vmp = test_pool(VMEM_MIN_POOL);

	(void)state;
	for (size_t i = 0; i < NELEM(aligns); i++) {
		for (size_t j = 0; j < NELEM(sizes); j++) {
			errno = 0;
			assert_null(
				vmem_aligned_alloc(vmp, aligns[i], sizes[j]));
			assert_int_equal(errno, EINVAL);
			assert_true(strlen(vmem_errormsg()) > 0);
		}
		/* the alignment is looked at first */
		errno = 0;
		assert_null(vmem_aligned_alloc(vmp, aligns[i], SIZE_MAX));
		assert_int_equal(errno, EINVAL);
	}
	assert_int_equal(vmem_check(vmp), 1);
	test_pool_delete(vmp, VMEM_MIN_POOL);
}

static void
aligned_alloc__does_not_fit_the_pool__gives_enomem(void **state)
{
	static const size_t pairs[][2] = {{(size_t)1 << 63, 1},
		{(size_t)1 << 62, 1}, {(size_t)1 << 48, 0}, {16, SIZE_MAX},
		{4096, SIZE_MAX - 4095}, {4096, SIZE_MAX - 4096},
		{(size_t)1 << 63, (size_t)1 << 63}, {64, SIZE_MAX / 2 + 1},
		{64, SIZE_MAX / 2}, {MIB, VMEM_MIN_POOL}, {1, VMEM_MIN_POOL},
		{1, SIZE_MAX}};
	VMEM *vmp = test_pool(VMEM_MIN_POOL);

	(void)state;
	for (size_t i = 0; i < NELEM(pairs); i++) {
		void *ptr;

		errno = 0;
		ptr = vmem_aligned_alloc(vmp, pairs[i][0], pairs[i][1]);
		assert_null(ptr);
		assert_int_equal(errno, ENOMEM);
	}
	assert_int_equal(vmem_check(vmp), 1);
	assert_non_null(vmem_malloc(vmp, 12 * MIB));
	test_pool_delete(vmp, VMEM_MIN_POOL);
}

/* any alignment of which the pool holds a multiple works */
static void
aligned_alloc__largest_that_fits__works(void **state)
{
	VMEM *vmp = test_file_pool(64 * MIB); /* 4 MiB aligned itself */
	uintptr_t end = (uintptr_t)vmp + 64 * MIB;

	(void)state;
	for (size_t align = MIB; align <= GIB; align *= 2) {
		uintptr_t first =
			((uintptr_t)vmp + 4 * MIB + align - 1) / align * align;
		void *ptr = vmem_aligned_alloc(vmp, align, 100);

		if (first + MIB < end) {
			assert_non_null(ptr);
			assert_int_equal((uintptr_t)ptr % align, 0);
			vmem_free(vmp, ptr);
		} else if (ptr == NULL) {
			assert_int_equal(errno, ENOMEM);
		}
	}
	assert_int_equal(vmem_check(vmp), 1);
	vmem_delete(vmp);
}

/* aligned objects cost no more room than the alignment asks for */
static void
aligned_alloc__pages_until_no_room__fill_the_pool(void **state)
{
	VMEM *vmp = test_pool(VMEM_MIN_POOL);
	size_t n = 0;

	(void)state;
	while (vmem_aligned_alloc(vmp, 4096, 4096) != NULL)
		n++;
	assert_int_equal(errno, ENOMEM);
	assert_true(n * 4096 >= 13 * MIB);
	assert_int_equal(vmem_check(vmp), 1);
	test_pool_delete(vmp, VMEM_MIN_POOL);
}

static void
aligned_alloc__freed_and_resized__are_as_any_object(void **state)
{
	VMEM *vmp = test_pool(32 * MIB);
	struct objects set;
	struct rng rng;

	(void)state;
	rng_init(&rng, __func__);
	objects_init(&set, vmp);
	for (unsigned i = 0; i < (TEST_SANITIZED ? 2000 : 20000); i++) {
		size_t align = (size_t)1 << rng_between(&rng, 0, 16);
		size_t size = rng_between(&rng, 1, 5000);
		void *ptr = vmem_aligned_alloc(vmp, align, size);

		if (ptr != NULL) {
			assert_int_equal((uintptr_t)ptr % align, 0);
			objects_keep(&set, ptr, size);
		}
		if (ptr == NULL || i % 3 == 0)
			objects_drop(&set, rng_between(&rng, 0, set.n - 1));
		if (i % 5 == 0 && set.n > 0)
			(void)objects_resize(&set,
				rng_between(&rng, 0, set.n - 1),
				rng_between(&rng, 1, 10000));
	}
	objects_verify(&set);
	assert_int_equal(vmem_check(vmp), 1);
	objects_fini(&set);
	assert_non_null(vmem_malloc(vmp, 27 * MIB));
	test_pool_delete(vmp, 32 * MIB);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(aligned_alloc__every_power_of_two__is_aligned),
		cmocka_unit_test(
			aligned_alloc__pool_at_odd_pages__aligns_the_address),
		cmocka_unit_test(aligned_alloc__no_power_of_two__gives_einval),
		cmocka_unit_test(
			aligned_alloc__does_not_fit_the_pool__gives_enomem),
		cmocka_unit_test(aligned_alloc__largest_that_fits__works),
		cmocka_unit_test(
			aligned_alloc__pages_until_no_room__fill_the_pool),
		cmocka_unit_test(
			aligned_alloc__freed_and_resized__are_as_any_object),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
