/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/log.h"

#include "base/error.h"

#include "harness/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ODD_ERRNO 12345

static char printed[4096];
static int nprinted;

static void
keep(const char *text)
{
	errno = EBADF; /* what a print function does to errno is not seen */
	nprinted++;
	snprintf(printed, sizeof(printed), "%s", text);
}

static void
print__function_set__gets_the_text(void **state)
{
	(void)state;
	log_set_print(keep);
	nprinted = 0;
	errno = ODD_ERRNO;
	log_print("a text\n");
	assert_int_equal(errno, ODD_ERRNO);
	assert_int_equal(nprinted, 1);
	assert_string_equal(printed, "a text\n");
	log_set_print(NULL);
}

static void
emit__any_level__makes_one_line(void **state)
{
	char expected[128];

	(void)state;
	log_set_print(keep);
	for (int level = 0; level <= 4; level++) {
		errno = ODD_ERRNO;
		log_emit(level, "src/some/where.c", 12, "f", "x %d", 3);
		assert_int_equal(errno, ODD_ERRNO);
		snprintf(expected, sizeof(expected),
			"<libvmem>: <%d> [where.c:12 f] x 3\n", level);
		assert_string_equal(printed, expected);
	}
	log_emit(1, "plain.c", 1, "g", "y");
	assert_string_equal(printed, "<libvmem>: <1> [plain.c:1 g] y\n");
	log_set_print(NULL);
}

static void
emit__line_too_long__is_cut_and_ends(void **state)
{
	static char longest[3000];

	(void)state;
	memset(longest, 'x', sizeof(longest) - 1);
	log_set_print(keep);
	log_emit(1, "plain.c", 1, "g", "%s", longest);
	assert_in_range(strlen(printed), 900, 1023);
	assert_int_equal(printed[strlen(printed) - 1], '\n');
	log_set_print(NULL);
}

/* a child's log goes where the environment says */
static char path[256];

static int
log_in_child(void *arg)
{
	(void)arg;
	if (setenv("VMEM_LOG_FILE", path, 1) != 0)
		return 1;
	log_init("libvmem", "VMEM");
	log_print("first\n");
	log_print("second\n");
	return 0;
}

static void
print__file_named__is_appended_to(void **state)
{
	char text[256], out[256];

	(void)state;
	snprintf(path, sizeof(path), "%s/log", test_dir());
	assert_int_equal(
		test_child_output(log_in_child, NULL, out, sizeof(out)), 0);
	assert_string_equal(out, "");
	assert_int_equal(
		test_child_output(log_in_child, NULL, out, sizeof(out)), 0);
	test_read_file(path, text, sizeof(text));
	assert_string_equal(text, "first\nsecond\nfirst\nsecond\n");
	assert_int_equal(unlink(path), 0);
}

static int
log_with_pid(void *arg)
{
	char expected[300], text[64];

	if (log_in_child(arg) != 0)
		return 1;
	snprintf(expected, sizeof(expected), "%s%d", path, (int)getpid());
	test_read_file(expected, text, sizeof(text));
	return unlink(expected) == 0 && strcmp(text, "first\nsecond\n") == 0
		       ? 0
		       : 2;
}

static void
print__name_ends_with_a_dash__gets_the_process_id(void **state)
{
	(void)state;
	snprintf(path, sizeof(path), "%s/log-", test_dir());
	assert_int_equal(test_child(log_with_pid, NULL), 0);
}

static void
print__empty_name__is_standard_error(void **state)
{
	char out[256];

	(void)state;
	path[0] = '\0';
	assert_int_equal(
		test_child_output(log_in_child, NULL, out, sizeof(out)), 0);
	assert_string_equal(out, "first\nsecond\n");
}

#ifdef VMEM_DEBUG
#define TRACES 1
#else
#define TRACES 0
#endif

static int
trace_in_child(void *arg)
{
	if (setenv("VMEM_LOG_LEVEL", arg, 1) != 0 ||
		unsetenv("VMEM_LOG_FILE") != 0)
		return 1;
	log_init("libvmem", "VMEM");
	LOG(1, "one");
	LOG(2, "two");
	LOG(3, "three");
	return 0;
}

static void
log__level_set__writes_up_to_it(void **state)
{
	static const char *const levels[] = {"0", "1", "2", "3", "4"};

	(void)state;
	for (int i = 0; i < (int)NELEM(levels); i++) {
		char out[512];

		assert_int_equal(
			test_child_output(trace_in_child,
				(void *)(uintptr_t)levels[i], out, sizeof(out)),
			0);
		assert_int_equal(strstr(out, "one") != NULL, TRACES && i >= 1);
		assert_int_equal(strstr(out, "two") != NULL, TRACES && i >= 2);
		assert_int_equal(
			strstr(out, "three") != NULL, TRACES && i >= 3);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(print__function_set__gets_the_text),
		cmocka_unit_test(emit__any_level__makes_one_line),
		cmocka_unit_test(emit__line_too_long__is_cut_and_ends),
		cmocka_unit_test(print__file_named__is_appended_to),
		cmocka_unit_test(
			print__name_ends_with_a_dash__gets_the_process_id),
		cmocka_unit_test(print__empty_name__is_standard_error),
		cmocka_unit_test(log__level_set__writes_up_to_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
