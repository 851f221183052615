/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * large_data.c -- a copy of the library in a program with much data is found,
 * and large files of data are not read for one
 */
#include "harness/test.h"

#include <string.h>

#include "inspect/finder.h"

#define PLACE    UINT64_C(0x200000000000)
#define DATA     ((uint64_t)100 << 20)
#define REGISTRY (PLACE + DATA - ((uint64_t)1 << 20))

static const uint64_t magic[2] = REGISTRY_MAGIC;
static unsigned nreads;

/* read_zeros -- and a registry among them */
static int
read_zeros(struct source *s, uint64_t from, void *to, size_t size)
{
	struct registry r = {.self = (void *)(uintptr_t)REGISTRY,
		.layout = REGISTRY_LAYOUT,
		.record_size = sizeof(struct record),
		.pool_size = sizeof(struct pool),
		.heap_size = sizeof(struct heap),
		.slab_size = sizeof(struct slab)};

	(void)s;
	nreads++;
	memset(to, 0, size);
	memcpy(r.magic, magic, sizeof(magic));
	if (REGISTRY >= from && REGISTRY + sizeof(r) <= from + size)
		memcpy((char *)to + (REGISTRY - from), &r, sizeof(r));
	return 0;
}

static void
close_zeros(struct source *s)
{
	(void)s;
}

static const struct source_ops ops = {.read = read_zeros, .close = close_zeros};

/* copies -- that are found in data beside a mapping of a file of that name */
static unsigned
copies(const char *beside)
{
	struct region text = {PLACE - RUN_PAGE, PLACE, false, true,
		(char *)(uintptr_t)beside};
	struct region data = {
		PLACE, PLACE + DATA, true, true, (char[]){"/bin/program"}};
	struct libraries found;
	struct source *s = source_new(&ops);

	must(s != NULL);
	must(source_add_region(s, &text) == 0);
	must(source_add_region(s, &data) == 0);
	nreads = 0;
	must(finder_libraries(&found, s) == 0);
	source_close(s);
	return found.n;
}

static void
finder_libraries__much_data__finds_the_library(void **state)
{
	(void)state;
	assert_int_equal(copies("/bin/program"), 1);
}

static void
finder_libraries__large_file_of_data__is_not_read(void **state)
{
	(void)state;
	assert_int_equal(copies("/bin/other"), 0);
	assert_int_equal(nreads, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			finder_libraries__much_data__finds_the_library),
		cmocka_unit_test(
			finder_libraries__large_file_of_data__is_not_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
