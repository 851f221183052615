/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/findings.h"

#include "base/error.h"

#include "harness/test.h"

#include <errno.h>
#include <string.h>

#define ODD_ERRNO 12345

static void
finding__first_and_others__is_the_first_ones_text(void **state)
{
	static char longest[1000];
	struct findings f = {0};

	(void)state;
	errno = ODD_ERRNO;
	assert_false(finding(&f, "page %d", 3));
	assert_int_equal(f.count, 1);
	assert_string_equal(error_text(), "pool is inconsistent: page 3");
	assert_false(finding(&f, "page %d", 4));
	assert_int_equal(f.count, 2);
	assert_string_equal(error_text(), "pool is inconsistent: page 3");
	f.count = 0;
	memset(longest, 'x', sizeof(longest) - 1);
	assert_false(finding(&f, "%s", longest));
	assert_true(strlen(error_text()) < 300);
	assert_int_equal(errno, ODD_ERRNO);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			finding__first_and_others__is_the_first_ones_text),
	};

	error_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
