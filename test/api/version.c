/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * version.c -- vmem_check_version()
 */
#include "harness/test.h"

#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#define NTHREADS 4
#define MANY     1000u /* more than the library has room for */

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

/* the text is static: neither another nor an error of the thread changes it */
static void
check_version__other_errors_follow__text_stays(void **state)
{
	const char *minor = vmem_check_version(1, 9);
	const char *major = vmem_check_version(7, 0);

	(void)state;
	assert_null(vmem_create(NULL, VMEM_MIN_POOL));
	assert_string_equal(
		minor, "libvmem minor version mismatch (need 9, found 2)");
	assert_string_equal(
		major, "libvmem major version mismatch (need 7, found 1)");
	assert_string_equal(vmem_errormsg(), "invalid (NULL) path");
	assert_ptr_equal(vmem_check_version(1, 9), minor);
}

static void *
check_elsewhere(void *arg)
{
	(void)arg;
	return (void *)(uintptr_t)vmem_check_version(3, 0);
}

static void
check_version__thread_has_ended__text_stays(void **state)
{
	pthread_t thread;
	void *text;

	(void)state;
	must(pthread_create(&thread, NULL, check_elsewhere, NULL) == 0);
	must(pthread_join(thread, &text) == 0);
	assert_string_equal(
		text, "libvmem major version mismatch (need 3, found 1)");
}

static void *
check_many(void *arg)
{
	const unsigned *first = arg;
	static const char start[] = "libvmem minor version mismatch";

	for (unsigned i = 0; i < MANY; i++) {
		unsigned need = *first + i % (MANY / 2);
		char expected[64];
		const char *text = vmem_check_version(1, need);

		snprintf(expected, sizeof(expected), "%s (need %u, found 2)",
			start, need);
		if (text == NULL || strcmp(text, vmem_errormsg()) != 0 ||
			(strcmp(text, expected) != 0 &&
				strcmp(text, start) != 0))
			return arg;
	}
	return NULL;
}

/* each gets its own number's text, or one without a number */
static void
check_version__many_numbers_in_threads__no_other_ones_text(void **state)
{
	unsigned first[NTHREADS];
	pthread_t threads[NTHREADS];
	const char *before = vmem_check_version(1, 9);

	(void)state;
	for (unsigned i = 0; i < NTHREADS; i++) {
		first[i] = 1000 + i / 2 * 10; /* some of them at once */
		must(pthread_create(&threads[i], NULL, check_many, &first[i]) ==
			0);
	}
	for (unsigned i = 0; i < NTHREADS; i++) {
		void *wrong;

		must(pthread_join(threads[i], &wrong) == 0);
		assert_null(wrong);
	}
	assert_ptr_equal(vmem_check_version(1, 9), before);
	assert_string_equal(
		before, "libvmem minor version mismatch (need 9, found 2)");
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
		cmocka_unit_test(
			check_version__other_errors_follow__text_stays),
		cmocka_unit_test(check_version__thread_has_ended__text_stays),
		cmocka_unit_test(
			check_version__many_numbers_in_threads__no_other_ones_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
