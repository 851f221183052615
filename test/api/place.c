/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * place.c -- vmem_pool_of(), vmem_move() and vmem_malloc_at_least()
 */
#include "harness/test.h"

#include <inttypes.h>
#include <string.h>

static void
pool_of__any_address_of_a_live_pool__is_found(void **state)
{
	VMEM *a = test_file_pool(VMEM_MIN_POOL);
	VMEM *b = test_file_pool(VMEM_MIN_POOL);
	char *p = vmem_malloc(a, 100), *q = vmem_malloc(b, 100 * KIB);
	char here;

	(void)state;
	errno = E2BIG;
	assert_ptr_equal(vmem_pool_of(p), a);
	assert_ptr_equal(vmem_pool_of(p + 50), a);
	assert_ptr_equal(vmem_pool_of(q + 100 * KIB - 1), b);
	assert_ptr_equal(vmem_pool_of(a), a);
	assert_null(vmem_pool_of(&here));
	assert_null(vmem_pool_of(NULL));
	vmem_delete(a);
	assert_null(vmem_pool_of(p));
	assert_ptr_equal(vmem_pool_of(q), b);
	assert_int_equal(errno, E2BIG);
	vmem_delete(b);
}

static void
move__object__is_in_the_other_pool_whole(void **state)
{
	VMEM *a = test_file_pool(VMEM_MIN_POOL);
	VMEM *b = test_file_pool(VMEM_MIN_POOL);
	const size_t sizes[] = {0, 1, 100, 4096, 50 * KIB, MIB};

	(void)state;
	for (size_t i = 0; i < NELEM(sizes); i++) {
		char *p = vmem_malloc(a, sizes[i]), *q;

		test_fill(p, sizes[i], i);
		errno = E2BIG;
		q = vmem_move(b, a, p);
		assert_int_equal(errno, E2BIG);
		assert_ptr_equal(vmem_pool_of(q), b);
		assert_true(test_holds(q, sizes[i], i));
		assert_int_equal(vmem_malloc_usable_size(a, p), 0);
		/* it is there already, whatever the source is said to be */
		assert_ptr_equal(vmem_move(b, a, q), q);
		vmem_free(b, q);
	}
	vmem_delete(a);
	vmem_delete(b);
}

static void
move__no_room_or_no_object__stays(void **state)
{
	VMEM *a = test_file_pool(VMEM_MIN_POOL);
	VMEM *b = test_file_pool(VMEM_MIN_POOL);
	char *p = vmem_malloc(a, MIB);

	(void)state;
	while (vmem_malloc(b, MIB) != NULL)
		;
	test_fill(p, MIB, 1);
	errno = 0;
	assert_null(vmem_move(b, a, p));
	assert_int_equal(errno, ENOMEM);
	assert_true(test_holds(p, MIB, 1));
	assert_null(vmem_move(b, a, NULL));
	assert_error(EINVAL, "no object to move");
	errno = 0;
	assert_null(vmem_move(b, a, p + 64));
	assert_int_equal(errno, EINVAL);
	assert_non_null(strstr(vmem_errormsg(), "vmem_move: "));
	assert_null(vmem_move(b, NULL, p));
	assert_bad_handle(NULL);
	vmem_delete(b);
	assert_null(vmem_move(b, a, p));
	assert_bad_handle(b);
	assert_true(test_holds(p, MIB, 1));
	vmem_free(a, p);
	assert_int_equal(vmem_check(a), 1);
	vmem_delete(a);
}

static void
malloc_at_least__any_size__all_of_it_can_be_used(void **state)
{
	VMEM *vmp = test_file_pool(VMEM_MIN_POOL);

	(void)state;
	for (size_t size = 0; size < 200 * KIB; size = size * 5 / 4 + 1) {
		size_t usable = 0;
		char *p;

		errno = E2BIG;
		p = vmem_malloc_at_least(vmp, size, &usable);
		assert_non_null(p);
		assert_int_equal(errno, E2BIG);
		assert_true(usable >= size);
		assert_int_equal(usable, vmem_malloc_usable_size(vmp, p));
		memset(p, 1, usable);
		vmem_free(vmp, p);
	}
	assert_int_equal(vmem_check(vmp), 1);
	vmem_delete(vmp);
}

static void
malloc_at_least__failed__usable_is_as_it_was(void **state)
{
	VMEM *vmp = test_file_pool(VMEM_MIN_POOL);
	size_t usable = 42;

	(void)state;
	errno = 0;
	assert_null(vmem_malloc_at_least(vmp, VMEM_MIN_POOL, &usable));
	assert_int_equal(errno, ENOMEM);
	assert_null(vmem_malloc_at_least(NULL, 1, &usable));
	assert_bad_handle(NULL);
	assert_null(vmem_malloc_at_least(vmp, 1, NULL));
	assert_error(EINVAL, "no place for the usable size");
	assert_int_equal(usable, 42);
	vmem_delete(vmp);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pool_of__any_address_of_a_live_pool__is_found),
		cmocka_unit_test(move__object__is_in_the_other_pool_whole),
		cmocka_unit_test(move__no_room_or_no_object__stays),
		cmocka_unit_test(
			malloc_at_least__any_size__all_of_it_can_be_used),
		cmocka_unit_test(malloc_at_least__failed__usable_is_as_it_was),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
