/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * valgrind.c -- what valgrind's memcheck finds in a program that uses pools
 *
 * Runs this program under valgrind, with what to do as its argument.
 *
 * ctest: not-asan not-tsan not-valgrind
 */
#include "harness/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define ERROR_EXIT 99

static char program[4096];

static int
exec_under_valgrind(void *what)
{
	char name[] = "valgrind", leaks[] = "--leak-check=full";
	char error[] = "--error-exitcode=99";
	char *argv[] = {name, leaks, error, program, what, NULL};

	execvp("valgrind", argv);
	return TEST_EXIT_SKIPPED;
}

/* run -- the text of a run; skips where there is no valgrind */
static const char *
run(const char *what, int *ret_code)
{
	static char out[100000];
	char copy[32];

	snprintf(copy, sizeof(copy), "%s", what);
	*ret_code =
		test_child_output(exec_under_valgrind, copy, out, sizeof(out));
	if (*ret_code == TEST_EXIT_SKIPPED)
		test_skip("there is no valgrind here");
	return out;
}

static void
valgrind__sound_program__finds_nothing(void **state)
{
	int code;
	const char *out = run("sound", &code);

	(void)state;
	assert_int_equal(code, 0);
	assert_non_null(strstr(out, "ERROR SUMMARY: 0 errors"));
}

static void
valgrind__object_of_a_deleted_pool__is_a_leak(void **state)
{
	int code;
	const char *out = run("leak", &code);

	(void)state;
	assert_int_equal(code, ERROR_EXIT);
	assert_non_null(strstr(out, "definitely lost: 4 bytes in 1 blocks"));
	assert_non_null(strstr(out, "vmem_malloc"));
	assert_non_null(strstr(out, "ERROR SUMMARY: 1 errors"));
}

static void
valgrind__write_past_the_end__is_an_invalid_write(void **state)
{
	int code;
	const char *out = run("past", &code);

	(void)state;
	assert_int_equal(code, ERROR_EXIT);
	assert_non_null(strstr(out, "Invalid write of size 1"));
	assert_non_null(strstr(out, "0 bytes after a block of size 48"));
	assert_non_null(strstr(out, "ERROR SUMMARY: 1 errors"));
}

static void
valgrind__read_after_free__is_an_invalid_read(void **state)
{
	int code;
	const char *out = run("freed", &code);

	(void)state;
	assert_int_equal(code, ERROR_EXIT);
	assert_non_null(strstr(out, "Invalid read of size 1"));
}

static void
valgrind__fresh_object_used__is_uninitialised(void **state)
{
	int code;
	const char *out = run("fresh", &code);

	(void)state;
	assert_int_equal(code, ERROR_EXIT);
	assert_non_null(strstr(out, "uninitialised"));
}

static void
valgrind__deleted_region_read__is_uninitialised(void **state)
{
	int code;
	const char *out = run("deleted", &code);

	(void)state;
	assert_int_equal(code, ERROR_EXIT);
	assert_non_null(strstr(out, "uninitialised"));
}

static void
use_soundly(VMEM *vmp)
{
	for (size_t size = 1; size < 5 * MIB; size = size * 3 + 1) {
		char *ptr = vmem_calloc(vmp, 1, size);

		if (ptr[size - 1] != 0)
			abort();
		ptr = vmem_realloc(vmp, ptr, size * 2);
		if (ptr == NULL || ptr[0] != 0)
			abort();
		memset(ptr, 1, size * 2);
		ptr = vmem_realloc(vmp, ptr, size / 2 + 1);
		if (ptr == NULL || ptr[size / 2] != 1)
			abort();
		vmem_free(vmp, ptr);
		ptr = vmem_aligned_alloc(vmp, 256, size);
		memset(ptr, 1, size);
		vmem_free(vmp, ptr);
	}
	if (vmem_check(vmp) != 1)
		abort();
	vmem_stats_print(vmp, "gmabl");
}

/* what the program that is run does */
static int
act(const char *what)
{
	VMEM *vmp = test_pool(VMEM_MIN_POOL);
	char *volatile ptr = NULL;
	int seen = 0;

	if (strcmp(what, "sound") == 0)
		use_soundly(vmp);
	if (strcmp(what, "leak") == 0)
		ptr = vmem_malloc(vmp, 4);
	if (strcmp(what, "past") == 0) {
		ptr = vmem_malloc(vmp, 48);
		ptr[48] = 1;
		vmem_free(vmp, ptr);
	}
	if (strcmp(what, "freed") == 0) {
		ptr = vmem_calloc(vmp, 1, 48);
		vmem_free(vmp, ptr);
		seen = ptr[5] == 'x';
	}
	if (strcmp(what, "fresh") == 0) {
		ptr = vmem_malloc(vmp, 48);
		seen = ptr[5] == 'x' ? 1 : 0;
		vmem_free(vmp, ptr);
	}
	if (strcmp(what, "sound") == 0) {
		test_pool_delete(vmp, VMEM_MIN_POOL);
		return 0;
	}
	vmem_delete(vmp);
	if (strcmp(what, "deleted") == 0) {
		ptr = (char *)vmp + MIB;
		if (ptr[0] == 'x')
			seen = 1;
	}
	ptr = NULL;
	printf("%s\n", seen ? "seen" : "");
	return 0;
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(valgrind__sound_program__finds_nothing),
		cmocka_unit_test(valgrind__object_of_a_deleted_pool__is_a_leak),
		cmocka_unit_test(
			valgrind__write_past_the_end__is_an_invalid_write),
		cmocka_unit_test(valgrind__read_after_free__is_an_invalid_read),
		cmocka_unit_test(valgrind__fresh_object_used__is_uninitialised),
		cmocka_unit_test(
			valgrind__deleted_region_read__is_uninitialised),
	};
	ssize_t n;

	if (argc == 2)
		return act(argv[1]);
	n = readlink("/proc/self/exe", program, sizeof(program) - 1);
	must(n > 0);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
