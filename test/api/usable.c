/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * usable.c -- vmem_malloc_usable_size()
 */
#include "harness/test.h"

#include <string.h>
#include <sys/mman.h>

#include "harness/objects.h"
#include "harness/region.h"

static void
usable_size__null__is_0(void **state)
{
	VMEM *vmp = test_pool(VMEM_MIN_POOL);

	(void)state;
	errno = E2BIG;
	assert_int_equal(vmem_malloc_usable_size(vmp, NULL), 0);
	assert_int_equal(errno, E2BIG);
	test_pool_delete(vmp, VMEM_MIN_POOL);
}

static void
usable_size__small_requests__are_close(void **state)
{
	static const size_t limits[][2] = {{10, 8}, {100, 16}, {200, 32},
		{500, 64}, {1000, 128}, {2000, 256}, {3000, 512}};
	static const size_t pools[] = {VMEM_MIN_POOL, 256 * MIB, GIB};

	(void)state;
	for (size_t p = 0; p < NELEM(pools); p++) {
		VMEM *vmp = test_pool(pools[p]);

		for (size_t i = 0; i < NELEM(limits); i++) {
			size_t size = limits[i][0], usable;
			void *ptr = vmem_malloc(vmp, size);

			assert_non_null(ptr);
			usable = vmem_malloc_usable_size(vmp, ptr);
			assert_in_range(usable, size, size + limits[i][1]);
		}
		test_pool_delete(vmp, pools[p]);
	}
}

/*
 * Objects of every size side by side; each is written to its very end, and
 * none shows in another.
 */
static void
usable_size__all_bytes_written__touch_no_neighbour(void **state)
{
	struct region region;
	struct objects set;
	VMEM *vmp;

	(void)state;
	region_open(&region, 192 * MIB);
	vmp = vmem_create_in_region(region.addr, region.size);
	assert_non_null(vmp);
	objects_init(&set, vmp);
	for (size_t size = 0; size < 9000; size++) {
		for (unsigned i = 0; i < 3; i++) {
			void *ptr = vmem_malloc(vmp, size);
			size_t usable = vmem_malloc_usable_size(vmp, ptr);

			assert_non_null(ptr);
			assert_true(usable >= size);
			objects_keep(&set, ptr, usable);
		}
	}
	for (size_t size = 9000; size < 8 * MIB; size = size * 4 / 3 + 1) {
		void *ptr = vmem_malloc(vmp, size);

		assert_non_null(ptr);
		objects_keep(&set, ptr, vmem_malloc_usable_size(vmp, ptr));
	}
	objects_verify(&set);
	assert_int_equal(vmem_check(vmp), 1);
	objects_fini(&set);
	assert_int_equal(vmem_check(vmp), 1);
	vmem_delete(vmp);
	region_close(&region);
}

static void
usable_size__growing_request__never_shrinks(void **state)
{
	VMEM *vmp = test_pool(64 * MIB);
	size_t last = 0;

	(void)state;
	for (size_t size = 0; size < 4 * MIB;
		size = size < 40000 ? size + 1 : size * 9 / 8) {
		void *ptr = vmem_malloc(vmp, size);
		size_t usable = vmem_malloc_usable_size(vmp, ptr);

		assert_non_null(ptr);
		assert_true(usable >= size);
		assert_true(usable >= last);
		last = usable;
		vmem_free(vmp, ptr);
	}
	test_pool_delete(vmp, 64 * MIB);
}

static void
usable_size__every_kind_of_object__is_enough(void **state)
{
	VMEM *vmp = test_pool(64 * MIB);

	(void)state;
	for (size_t size = 1; size < 4 * MIB; size = size * 5 / 4 + 1) {
		void *ptr = vmem_calloc(vmp, size, 1);

		assert_true(vmem_malloc_usable_size(vmp, ptr) >= size);
		ptr = vmem_realloc(vmp, ptr, size * 2);
		assert_true(vmem_malloc_usable_size(vmp, ptr) >= size * 2);
		ptr = vmem_realloc(vmp, ptr, size / 2 + 1);
		assert_true(vmem_malloc_usable_size(vmp, ptr) >= size / 2 + 1);
		vmem_free(vmp, ptr);
		ptr = vmem_aligned_alloc(vmp, 1024, size);
		assert_true(vmem_malloc_usable_size(vmp, ptr) >= size);
		vmem_free(vmp, ptr);
	}
	test_pool_delete(vmp, 64 * MIB);
}

static void
usable_size__no_live_object__is_0(void **state)
{
	VMEM *vmp = test_pool(VMEM_MIN_POOL);
	char *ptr = vmem_malloc(vmp, 1000);
	int on_stack = 0;
	void *bad[] = {&on_stack, ptr + 1, ptr + 16, ptr + 999,
		(char *)vmp + 4096, vmp, (char *)vmp + VMEM_MIN_POOL};

	(void)state;
	assert_non_null(ptr);
	for (size_t i = 0; i < NELEM(bad); i++) {
		errno = 0;
		assert_int_equal(vmem_malloc_usable_size(vmp, bad[i]), 0);
		assert_int_equal(errno, EINVAL);
	}
	vmem_free(vmp, ptr);
	errno = 0;
	assert_int_equal(vmem_malloc_usable_size(vmp, ptr), 0);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(vmem_check(vmp), 1);
	test_pool_delete(vmp, VMEM_MIN_POOL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(usable_size__null__is_0),
		cmocka_unit_test(usable_size__small_requests__are_close),
		cmocka_unit_test(
			usable_size__all_bytes_written__touch_no_neighbour),
		cmocka_unit_test(usable_size__growing_request__never_shrinks),
		cmocka_unit_test(usable_size__every_kind_of_object__is_enough),
		cmocka_unit_test(usable_size__no_live_object__is_0),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
