/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * version.c -- vmem_check_version()
 */
#include "harness/test.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

static void
check_version__present_and_older_minor__is_fine(void **state)
{
	(void)state;
	assert_int_equal(VMEM_MAJOR_VERSION, 1);
	assert_int_equal(VMEM_MINOR_VERSION, 2);
	for (unsigned minor = 0; minor <= VMEM_MINOR_VERSION; minor++) {
		errno = E2BIG;
		assert_null(vmem_check_version(VMEM_MAJOR_VERSION, minor));
		assert_int_equal(errno, E2BIG);
	}
}

static void
assert_told(unsigned major, unsigned minor, const char *expected)
{
	const char *text;

	errno = E2BIG;
	text = vmem_check_version(major, minor);
	assert_int_equal(errno, E2BIG);
	assert_non_null(text);
	assert_string_equal(text, expected);
	assert_string_equal(vmem_errormsg(), expected);
}

static void
check_version__other_major__tells_which(void **state)
{
	(void)state;
	assert_told(2, 0, "libvmem major version mismatch (need 2, found 1)");
	assert_told(2, 9, "libvmem major version mismatch (need 2, found 1)");
	assert_told(0, 0, "libvmem major version mismatch (need 0, found 1)");
	assert_told(UINT_MAX, 0,
		"libvmem major version mismatch (need 4294967295, found 1)");
}

static void
check_version__newer_minor__tells_which(void **state)
{
	(void)state;
	assert_told(1, 9, "libvmem minor version mismatch (need 9, found 2)");
	assert_told(1, 3, "libvmem minor version mismatch (need 3, found 2)");
	assert_told(1, UINT_MAX,
		"libvmem minor version mismatch (need 4294967295, found 2)");
}

/* the text outlives a call that is fine */
static void
check_version__mismatch_then_fine__text_stays(void **state)
{
	const char *text = vmem_check_version(1, 9);

	(void)state;
	assert_non_null(text);
	assert_null(vmem_check_version(1, 0));
	assert_string_equal(
		text, "libvmem minor version mismatch (need 9, found 2)");
	assert_string_equal(vmem_errormsg(),
		"libvmem minor version mismatch (need 9, found 2)");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			check_version__present_and_older_minor__is_fine),
		cmocka_unit_test(check_version__other_major__tells_which),
		cmocka_unit_test(check_version__newer_minor__tells_which),
		cmocka_unit_test(check_version__mismatch_then_fine__text_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
