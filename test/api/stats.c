/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * stats.c -- vmem_stats_print(): the order of the text, and its letters
 */
#include "harness/test.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "harness/objects.h"
#include "harness/printed.h"

#define BEGIN_LINE    "___ Begin jemalloc statistics ___"
#define END_LINE      "--- End jemalloc statistics ---"
#define ARENA_COLUMNS "allocated nmalloc ndalloc nrequests"
#define BIN_COLUMNS                                                            \
	"bin size regs pgs allocated nmalloc ndalloc nrequests nfills "        \
	"nflushes newruns reruns curruns"
#define LARGE_COLUMNS "size pages nmalloc ndalloc nrequests curruns"

static VMEM *
pool_with_objects(size_t nobjects)
{
	VMEM *vmp = test_pool(VMEM_MIN_POOL);

	for (size_t i = 0; i < nobjects; i++)
		assert_non_null(vmem_malloc(vmp, i * 37 % 20000));
	return vmp;
}

/* after -- the first line that starts so, behind the place; it must be there */
static const char *
after(const char *place, const char *start)
{
	const char *line = printed_line(place, start);

	if (line == NULL)
		print_error("no line starts with: %s\n", start);
	assert_non_null(line);
	return printed_next_line(line);
}

static void
assert_line(const char *text, const char *expected)
{
	const char *line = printed_line(text, expected);

	assert_non_null(line);
	assert_true(line[strlen(expected)] == '\n');
}

static void
stats_print__no_letters__has_all_lines_in_order(void **state)
{
	VMEM *vmp = pool_with_objects(100);
	const char *text = printed_stats(vmp, NULL), *place;
	char expected[64];

	(void)state;
	assert_int_equal(strncmp(text, BEGIN_LINE "\n", sizeof(BEGIN_LINE)), 0);
	place = after(text, BEGIN_LINE);
	place = after(place, "Version: ");
	place = after(place, "Assertions ");
	place = after(place, "Run-time option settings:");
	place = after(place, "CPUs: ");
	place = after(place, "Arenas: ");
	place = after(place, "Pointer size: 8");
	place = after(place, "Quantum size: 16");
	place = after(place, "Page size: ");
	place = after(place, "Allocated: ");
	place = printed_table(place, ARENA_COLUMNS);
	assert_non_null(place);
	place = printed_table(place, BIN_COLUMNS);
	assert_non_null(place);
	place = printed_table(place, LARGE_COLUMNS);
	assert_non_null(place);
	place = after(place, END_LINE);
	assert_string_equal(place, "");

	snprintf(expected, sizeof(expected), "CPUs: %ld",
		sysconf(_SC_NPROCESSORS_ONLN));
	assert_line(text, expected);
	snprintf(expected, sizeof(expected), "Page size: %ld",
		sysconf(_SC_PAGESIZE));
	assert_line(text, expected);
	assert_true(printed_line(text, "Assertions enabled\n") != NULL ||
		    printed_line(text, "Assertions disabled\n") != NULL);
	assert_null(printed_line(place, BEGIN_LINE));
	test_pool_delete(vmp, VMEM_MIN_POOL);
}

/* every line between the two is "  opt.NAME: value" */
static void
stats_print__options__are_indented_lines(void **state)
{
	VMEM *vmp = pool_with_objects(0);
	const char *text = printed_stats(vmp, NULL);
	const char *line = after(text, "Run-time option settings:");
	size_t n = 0;

	(void)state;
	for (; strncmp(line, "CPUs: ", 6) != 0;
		line = printed_next_line(line)) {
		const char *colon = strchr(line, ':');

		assert_int_equal(strncmp(line, "  opt.", 6), 0);
		assert_non_null(colon);
		assert_true(colon < printed_next_line(line));
		assert_int_equal(colon[1], ' ');
		n++;
	}
	assert_true(n > 0);
	test_pool_delete(vmp, VMEM_MIN_POOL);
}

/* the arena's table has its four rows, active and mapped */
static void
stats_print__arena_table__has_all_rows(void **state)
{
	static const char *const rows[] = {
		"small:", "large:", "huge:", "total:", "active:", "mapped:"};
	VMEM *vmp = pool_with_objects(100);
	const char *line =
		printed_table(printed_stats(vmp, NULL), ARENA_COLUMNS);

	(void)state;
	for (size_t i = 0; i < NELEM(rows); i++) {
		uint64_t numbers[4];

		line = printed_line(line, rows[i]);
		assert_non_null(line);
		assert_int_equal(
			printed_numbers(line, numbers, 4), i < 4 ? 4 : 1);
	}
	test_pool_delete(vmp, VMEM_MIN_POOL);
}

static bool
has_arena_table(const char *text)
{
	return printed_table(text, ARENA_COLUMNS) != NULL;
}

static bool
has_bins_table(const char *text)
{
	return printed_table(text, BIN_COLUMNS) != NULL;
}

static bool
has_large_table(const char *text)
{
	return printed_table(text, LARGE_COLUMNS) != NULL;
}

static void
stats_print__each_letter__omits_its_part(void **state)
{
	VMEM *vmp = pool_with_objects(100);
	const char *text;

	(void)state;
	text = printed_stats(vmp, "g");
	assert_null(printed_line(text, "Version:"));
	assert_null(printed_line(text, "Assertions"));
	assert_null(printed_line(text, "Run-time option"));
	assert_null(printed_line(text, "  opt."));
	assert_null(printed_line(text, "CPUs:"));
	assert_null(printed_line(text, "Page size:"));
	assert_non_null(printed_line(text, "Allocated: "));
	assert_true(has_arena_table(text));
	assert_true(has_bins_table(text));
	assert_true(has_large_table(text));

	text = printed_stats(vmp, "b");
	assert_false(has_bins_table(text));
	assert_true(has_large_table(text));
	assert_non_null(printed_line(text, "Version:"));

	text = printed_stats(vmp, "l");
	assert_true(has_bins_table(text));
	assert_false(has_large_table(text));

	text = printed_stats(vmp, "a");
	assert_true(has_arena_table(text));
	text = printed_stats(vmp, "m");
	assert_true(has_arena_table(text));
	text = printed_stats(vmp, "ma");
	assert_false(has_arena_table(text));
	assert_non_null(printed_line(text, "Allocated: "));

	text = printed_stats(vmp, "gmabl");
	after(text, BEGIN_LINE);
	after(text, "Allocated: ");
	after(text, END_LINE);
	assert_false(has_arena_table(text));
	assert_false(has_bins_table(text));
	assert_false(has_large_table(text));
	test_pool_delete(vmp, VMEM_MIN_POOL);
}

static void
stats_print__unknown_letters__are_ignored(void **state)
{
	VMEM *vmp = pool_with_objects(100);
	char *expected = strdup(printed_stats(vmp, NULL));

	(void)state;
	assert_non_null(expected);
	assert_string_equal(printed_stats(vmp, ""), expected);
	assert_string_equal(printed_stats(vmp, "xyz! \n%s%n"), expected);
	free(expected);
	expected = strdup(printed_stats(vmp, "gb"));
	assert_non_null(expected);
	assert_string_equal(printed_stats(vmp, "?b?ggg*"), expected);
	free(expected);
	test_pool_delete(vmp, VMEM_MIN_POOL);
}

static void
stats_print__any_call__keeps_errno_and_the_pool(void **state)
{
	VMEM *vmp = pool_with_objects(1000);

	(void)state;
	for (unsigned i = 0; i < 50; i++) {
		errno = E2BIG;
		(void)printed_stats(vmp, i % 2 == 0 ? NULL : "J");
		assert_int_equal(errno, E2BIG);
		assert_int_equal(vmem_check(vmp), 1);
		assert_non_null(vmem_malloc(vmp, 100));
	}
	test_pool_delete(vmp, VMEM_MIN_POOL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			stats_print__no_letters__has_all_lines_in_order),
		cmocka_unit_test(stats_print__options__are_indented_lines),
		cmocka_unit_test(stats_print__arena_table__has_all_rows),
		cmocka_unit_test(stats_print__each_letter__omits_its_part),
		cmocka_unit_test(stats_print__unknown_letters__are_ignored),
		cmocka_unit_test(
			stats_print__any_call__keeps_errno_and_the_pool),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
