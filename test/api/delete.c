/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * delete.c -- vmem_delete(), and handles that are no live pool
 *
 * ctest: threads
 */
#include "harness/test.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <wchar.h>

#include "harness/fs.h"
#include "harness/objects.h"
#include "harness/proc.h"
#include "harness/region.h"
#include "harness/threads.h"

static void
delete__file_pool__unmaps_and_gives_the_space_back(void **state)
{
	struct proc_count before = proc_count();
	size_t vm_size = test_vm_size();

	(void)state;
	for (unsigned i = 0; i < 50; i++) {
		VMEM *vmp = vmem_create(test_dir(), VMEM_MIN_POOL);
		char line[4352];
		uintptr_t start, end;
		void *ptr;

		assert_non_null(vmp);
		ptr = vmem_malloc(vmp, MIB);
		assert_non_null(ptr);
		memset(ptr, 1, MIB);
		vmem_delete(vmp);
		assert_false(
			test_mapping(vmp, &start, &end, line, sizeof(line)));
		assert_false(test_mapping((char *)vmp + VMEM_MIN_POOL - 1,
			&start, &end, line, sizeof(line)));
	}
	assert_true(proc_is_unchanged(before));
	assert_true(test_vm_size() < vm_size + VMEM_MIN_POOL);
}

static void
delete__pool_with_objects__needs_no_free_before(void **state)
{
	struct region region;
	struct objects set;
	struct rng rng;

	(void)state;
	rng_init(&rng, __func__);
	region_open(&region, VMEM_MIN_POOL);
	for (unsigned i = 0; i < 10; i++) {
		VMEM *vmp = vmem_create_in_region(region.addr, region.size);

		assert_non_null(vmp);
		objects_init(&set, vmp);
		objects_fill(&set, &rng, 1, 100 * KIB);
		assert_true(set.bytes >= VMEM_MIN_POOL / 10 * 8);
		vmem_delete(vmp);
		objects_abandon(&set);
	}
	region_close(&region);
}

/* every call refuses a handle that is no live pool */
static void
assert_all_refuse(VMEM *vmp)
{
	static char byte;

	errno = 0;
	assert_int_equal(vmem_check(vmp), -1);
	assert_bad_handle(vmp);
	errno = 0;
	assert_null(vmem_malloc(vmp, 16));
	assert_bad_handle(vmp);
	errno = 0;
	assert_null(vmem_malloc(vmp, 0));
	assert_bad_handle(vmp);
	errno = 0;
	assert_null(vmem_malloc(vmp, 5 * MIB));
	assert_bad_handle(vmp);
	errno = 0;
	assert_null(vmem_calloc(vmp, 3, 16));
	assert_bad_handle(vmp);
	errno = 0;
	assert_null(vmem_aligned_alloc(vmp, 64, 16));
	assert_bad_handle(vmp);
	errno = 0;
	assert_null(vmem_realloc(vmp, NULL, 16));
	assert_bad_handle(vmp);
	errno = 0;
	assert_null(vmem_strdup(vmp, "text"));
	assert_bad_handle(vmp);
	errno = 0;
	assert_null(vmem_wcsdup(vmp, L"text"));
	assert_bad_handle(vmp);
	errno = 0;
	vmem_stats_print(vmp, NULL);
	assert_bad_handle(vmp);
	errno = 0;
	vmem_delete(vmp);
	assert_bad_handle(vmp);

	/* an object that is in no pool, either */
	errno = 0;
	assert_null(vmem_realloc(vmp, &byte, 16));
	assert_int_equal(errno, EINVAL);
	assert_true(strlen(vmem_errormsg()) > 0);
	errno = 0;
	assert_int_equal(vmem_malloc_usable_size(vmp, &byte), 0);
	assert_int_equal(errno, EINVAL);
	vmem_free(vmp, &byte);
	assert_true(strlen(vmem_errormsg()) > 0);
	vmem_free(vmp, NULL);
	assert_int_equal(vmem_malloc_usable_size(vmp, NULL), 0);
}

static void
ignore_text(const char *text)
{
	(void)text;
	fail_msg("%s", "something was printed");
}

static void
any_call__null_handle__is_refused(void **state)
{
	(void)state;
	vmem_set_funcs(NULL, NULL, NULL, NULL, ignore_text);
	assert_all_refuse(NULL);
	vmem_set_funcs(NULL, NULL, NULL, NULL, NULL);
}

static void
any_call__dead_region_pool__is_refused(void **state)
{
	struct region region;
	VMEM *vmp;

	(void)state;
	region_open(&region, VMEM_MIN_POOL);
	vmp = vmem_create_in_region(region.addr, region.size);
	assert_non_null(vmp);
	assert_non_null(vmem_malloc(vmp, 100));
	vmem_delete(vmp);
	assert_all_refuse(vmp);
	region_close(&region);
	assert_all_refuse(vmp); /* not even mapped */
}

static void
any_call__dead_file_pool__is_refused(void **state)
{
	VMEM *vmp = test_file_pool(VMEM_MIN_POOL);

	(void)state;
	assert_non_null(vmem_malloc(vmp, 100));
	vmem_delete(vmp);
	assert_all_refuse(vmp);
}

static void
any_call__garbage_handle__is_refused(void **state)
{
	static char zeros[3 * 4096];
	VMEM *vmp = test_pool(VMEM_MIN_POOL);
	char *object = vmem_malloc(vmp, 100);
	uintptr_t values[] = {1, 2, 3, 4, 5, 6, 7, 8, 4095, 4096, UINTPTR_MAX,
		UINTPTR_MAX - 7, UINTPTR_MAX & ~(uintptr_t)4095,
		(uintptr_t)1 << 63, UINT64_C(0x00007ffffffff000),
		UINT64_C(0xffff800000000000), (uintptr_t)zeros,
		(uintptr_t)&zeros[1], (uintptr_t)&vmp, (uintptr_t)object,
		(uintptr_t)vmp + 1, (uintptr_t)vmp + 2, (uintptr_t)vmp + 4,
		(uintptr_t)vmp + 8, (uintptr_t)vmp + 4096, (uintptr_t)vmp + MIB,
		(uintptr_t)vmp - 4096, (uintptr_t)vmp + VMEM_MIN_POOL};

	(void)state;
	assert_non_null(object);
	for (size_t i = 0; i < NELEM(values); i++)
		assert_all_refuse((VMEM *)values[i]);
	assert_int_equal(vmem_check(vmp), 1);
	vmem_free(vmp, object);
	test_pool_delete(vmp, VMEM_MIN_POOL);
}

/*
 * A thread that is new in a pool, and one whose pools are gone: what they know
 * of pools is not taken for a handle.
 */
static void *
refuse_in_thread(void *vmp)
{
	VMEM *gone = test_pool(VMEM_MIN_POOL);
	void *ptr = vmem_malloc(vmp, 100);
	int on_stack = 0;

	must(ptr != NULL);
	must(vmem_malloc(gone, 100) != NULL);
	test_pool_delete(gone, VMEM_MIN_POOL);
	for (size_t k = 0; k < 72; k++) {
		/* 0 to 7, then each bit */
		uintptr_t low = k < 8 ? k : (uintptr_t)1 << (k - 8);
		VMEM *bad[] = {(VMEM *)low, (VMEM *)((uintptr_t)gone ^ low),
			(VMEM *)((uintptr_t)vmp ^ low)};

		for (size_t i = 0; i < NELEM(bad); i++) {
			if (bad[i] == vmp)
				continue;
			must(vmem_malloc(bad[i], 100) == NULL);
			must(vmem_calloc(bad[i], 1, 100) == NULL);
			must(vmem_realloc(bad[i], &on_stack, 100) == NULL);
			must(vmem_malloc_usable_size(bad[i], &on_stack) == 0);
			vmem_free(bad[i], &on_stack);
			must(vmem_check(bad[i]) == -1);
			vmem_delete(bad[i]);
		}
	}
	vmem_free(vmp, ptr);
	return NULL;
}

static void
any_call__near_handles_in_new_threads__are_refused(void **state)
{
	VMEM *vmp = test_pool(VMEM_MIN_POOL);

	(void)state;
	assert_non_null(vmem_malloc(vmp, 100));
	(void)refuse_in_thread(vmp);
	for (unsigned i = 0; i < 4; i++)
		in_thread(refuse_in_thread, vmp);
	assert_int_equal(vmem_check(vmp), 1);
	test_pool_delete(vmp, VMEM_MIN_POOL);
}

static void
any_call__random_handle__is_refused(void **state)
{
	struct rng rng;

	(void)state;
	rng_init(&rng, __func__);
	for (unsigned i = 0; i < 2000; i++) {
		uintptr_t value = (uintptr_t)rng_next(&rng);

		value >>= rng_between(&rng, 0, 63);
		assert_all_refuse((VMEM *)value);
	}
}

/* the copy of a pool's bytes elsewhere is no pool */
static void
any_call__copy_of_a_live_pool__is_refused(void **state)
{
	struct region region, copy;
	VMEM *vmp;

	(void)state;
	region_open(&region, VMEM_MIN_POOL);
	region_open(&copy, VMEM_MIN_POOL);
	vmp = vmem_create_in_region(region.addr, region.size);
	assert_non_null(vmp);
	memcpy(copy.addr + 4096, region.addr + 4096, VMEM_MIN_POOL - 4096);
	assert_all_refuse((VMEM *)(void *)copy.addr);
	vmem_delete(vmp);
	region_close(&copy);
	region_close(&region);
}

static void
delete__twice__second_is_refused_and_others_live_on(void **state)
{
	VMEM *other = test_pool(VMEM_MIN_POOL);
	VMEM *vmp = test_pool(VMEM_MIN_POOL);
	void *ptr = vmem_malloc(other, 1000);

	(void)state;
	assert_non_null(ptr);
	test_fill(ptr, 1000, 1);
	vmem_delete(vmp);
	for (unsigned i = 0; i < 3; i++) {
		errno = 0;
		vmem_delete(vmp);
		assert_bad_handle(vmp);
	}
	assert_true(test_holds(ptr, 1000, 1));
	assert_int_equal(vmem_check(other), 1);
	test_pool_delete(other, VMEM_MIN_POOL);
	munmap((void *)vmp, VMEM_MIN_POOL);
}

/* objects of a deleted pool are refused through a live one */
static void
free__object_of_a_deleted_pool__is_refused(void **state)
{
	VMEM *live = test_pool(VMEM_MIN_POOL);
	VMEM *dead = test_pool(VMEM_MIN_POOL);
	void *ptr = vmem_malloc(dead, 100);

	(void)state;
	assert_non_null(ptr);
	vmem_delete(dead);
	errno = 0;
	assert_int_equal(vmem_malloc_usable_size(live, ptr), 0);
	assert_int_equal(errno, EINVAL);
	errno = 0;
	assert_null(vmem_realloc(live, ptr, 200));
	assert_int_equal(errno, EINVAL);
	vmem_free(live, ptr);
	assert_int_equal(vmem_check(live), 1);
	test_pool_delete(live, VMEM_MIN_POOL);
	munmap((void *)dead, VMEM_MIN_POOL);
}

static void *
work_and_delete(void *vmp)
{
	void *ptr = vmem_malloc(vmp, 100);

	must(ptr != NULL);
	vmem_free(vmp, ptr);
	vmem_delete(vmp);
	return NULL;
}

static void
delete__from_another_thread__works(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 20; i++) {
		VMEM *vmp = test_file_pool(VMEM_MIN_POOL);

		assert_non_null(vmem_malloc(vmp, 1000));
		in_thread(work_and_delete, vmp);
		assert_all_refuse(vmp);
	}
}

static void
create__address_of_a_deleted_pool__starts_afresh(void **state)
{
	struct region region;

	(void)state;
	region_open(&region, VMEM_MIN_POOL);
	for (unsigned i = 0; i < 100; i++) {
		VMEM *vmp = vmem_create_in_region(region.addr, region.size);
		void *ptr;

		assert_ptr_equal(vmp, region.addr);
		ptr = vmem_malloc(vmp, 12 * MIB);
		assert_non_null(ptr);
		vmem_delete(vmp);
	}
	region_close(&region);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			delete__file_pool__unmaps_and_gives_the_space_back),
		cmocka_unit_test(
			delete__pool_with_objects__needs_no_free_before),
		cmocka_unit_test(any_call__null_handle__is_refused),
		cmocka_unit_test(any_call__dead_region_pool__is_refused),
		cmocka_unit_test(any_call__dead_file_pool__is_refused),
		cmocka_unit_test(any_call__garbage_handle__is_refused),
		cmocka_unit_test(
			any_call__near_handles_in_new_threads__are_refused),
		cmocka_unit_test(any_call__random_handle__is_refused),
		cmocka_unit_test(any_call__copy_of_a_live_pool__is_refused),
		cmocka_unit_test(
			delete__twice__second_is_refused_and_others_live_on),
		cmocka_unit_test(free__object_of_a_deleted_pool__is_refused),
		cmocka_unit_test(delete__from_another_thread__works),
		cmocka_unit_test(
			create__address_of_a_deleted_pool__starts_afresh),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
