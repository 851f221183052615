/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * strings.c -- vmem_strdup() and vmem_wcsdup()
 */
#include "harness/test.h"

#include <stdlib.h>
#include <string.h>
#include <wchar.h>

static bool
is_inside(VMEM *vmp, const void *ptr)
{
	return (uintptr_t)ptr > (uintptr_t)vmp &&
	       (uintptr_t)ptr < (uintptr_t)vmp + VMEM_MIN_POOL;
}

static void
strdup__every_length__copies_into_the_pool(void **state)
{
	VMEM *vmp = test_pool(VMEM_MIN_POOL);
	char text[5001];

	(void)state;
	for (size_t len = 0; len < sizeof(text); len += 1 + len / 50) {
		char *copy;

		memset(text, 'a' + (int)(len % 26), len);
		text[len] = '\0';
		errno = E2BIG;
		copy = vmem_strdup(vmp, text);
		assert_int_equal(errno, E2BIG);
		assert_non_null(copy);
		assert_true(is_inside(vmp, copy));
		assert_string_equal(copy, text);
		assert_true(vmem_malloc_usable_size(vmp, copy) > len);
		memset(text, 'z', len);
		copy[0] = '\0';
		vmem_free(vmp, copy);
	}
	assert_int_equal(vmem_check(vmp), 1);
	test_pool_delete(vmp, VMEM_MIN_POOL);
}

static void
wcsdup__every_length__copies_into_the_pool(void **state)
{
	VMEM *vmp = test_pool(VMEM_MIN_POOL);
	wchar_t text[2001];

	(void)state;
	for (size_t len = 0; len < NELEM(text); len += 1 + len / 50) {
		wchar_t *copy;

		wmemset(text, (wchar_t)(0x3b1 + len % 24), len);
		text[len] = L'\0';
		errno = E2BIG;
		copy = vmem_wcsdup(vmp, text);
		assert_int_equal(errno, E2BIG);
		assert_non_null(copy);
		assert_true(is_inside(vmp, copy));
		assert_int_equal((uintptr_t)copy % sizeof(wchar_t), 0);
		assert_int_equal(wcscmp(copy, text), 0);
		assert_true(vmem_malloc_usable_size(vmp, copy) >=
			    (len + 1) * sizeof(wchar_t));
		vmem_free(vmp, copy);
	}
	assert_int_equal(vmem_check(vmp), 1);
	test_pool_delete(vmp, VMEM_MIN_POOL);
}

static void
strdup__no_room__gives_enomem(void **state)
{
	VMEM *vmp = test_pool(VMEM_MIN_POOL);
	char *text = malloc(VMEM_MIN_POOL);
	wchar_t *wide = malloc(VMEM_MIN_POOL);

	(void)state;
	assert_non_null(text);
	assert_non_null(wide);
	memset(text, 'x', VMEM_MIN_POOL - 1);
	text[VMEM_MIN_POOL - 1] = '\0';
	errno = 0;
	assert_null(vmem_strdup(vmp, text));
	assert_int_equal(errno, ENOMEM);

	wmemset(wide, L'x', VMEM_MIN_POOL / sizeof(wchar_t) - 1);
	wide[VMEM_MIN_POOL / sizeof(wchar_t) - 1] = L'\0';
	errno = 0;
	assert_null(vmem_wcsdup(vmp, wide));
	assert_int_equal(errno, ENOMEM);

	while (vmem_strdup(vmp, "a short one") != NULL)
		continue;
	assert_int_equal(errno, ENOMEM);
	assert_int_equal(vmem_check(vmp), 1);
	free(wide);
	free(text);
	test_pool_delete(vmp, VMEM_MIN_POOL);
}

static void
strdup__null__gives_einval(void **state)
{
	VMEM *vmp = test_pool(VMEM_MIN_POOL);

	(void)state;
	errno = 0;
	assert_null(vmem_strdup(vmp, NULL));
	assert_int_equal(errno, EINVAL);
	assert_true(strlen(vmem_errormsg()) > 0);
	errno = 0;
	assert_null(vmem_wcsdup(vmp, NULL));
	assert_int_equal(errno, EINVAL);
	test_pool_delete(vmp, VMEM_MIN_POOL);
}

/* the source may be an object of the same pool */
static void
strdup__of_a_string_in_the_pool__copies(void **state)
{
	VMEM *vmp = test_pool(VMEM_MIN_POOL);
	char *a = vmem_strdup(vmp, "some text"), *b;

	(void)state;
	assert_non_null(a);
	for (unsigned i = 0; i < 1000; i++) {
		b = vmem_strdup(vmp, a);
		assert_non_null(b);
		assert_ptr_not_equal(a, b);
		vmem_free(vmp, a);
		a = b;
	}
	assert_string_equal(a, "some text");
	test_pool_delete(vmp, VMEM_MIN_POOL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(strdup__every_length__copies_into_the_pool),
		cmocka_unit_test(wcsdup__every_length__copies_into_the_pool),
		cmocka_unit_test(strdup__no_room__gives_enomem),
		cmocka_unit_test(strdup__null__gives_einval),
		cmocka_unit_test(strdup__of_a_string_in_the_pool__copies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
