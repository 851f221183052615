/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_reserve.c -- what of a sparse pool is reserved, and that nothing else is
 * touched, up to a full file system
 *
 * Where a file system cannot be mounted, its case is skipped and says why.
 *
 * ctest: timeout=120 not-valgrind
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "backing/backing.h"
#include "base/arith.h"
#include "base/os.h"
#include "harness/fs.h"
#include "run/run.h"

#include <cmocka.h>

#define MIB        ((size_t)1 << 20)
#define BASE       ((void *)(64 << 20)) /* of layouts that nobody touches */
#define NDRAWS     2000
#define RUN_PAGES  ((size_t)37)
#define AHEAD_MOST 1024 /* pages */

static uint64_t
draw(uint64_t *state, uint64_t n)
{
	*state = *state * UINT64_C(6364136223846793005) + 1;
	return (*state >> 33) % n;
}

/* map_page_of -- where the page map has its entry */
static size_t
map_page_of(size_t page)
{
	return (RUN_MAP_OFF + page * sizeof(uint32_t)) / RUN_PAGE;
}

/* is_wanted -- by the words of run.h: is the page one that is reserved? */
static bool
is_wanted(const struct run_space *rs, size_t page)
{
	size_t low = rs->reserved_low, high = rs->reserved_high;
	size_t bits = run_page(rs, rs->dirty);

	/* the header, the bitmaps and summaries, and what runs are made of */
	if (page < map_page_of(0) || (page >= bits && page < rs->first) ||
		(page >= rs->first && page < low) ||
		(page >= max_size(rs->meta_pages, rs->first) && page < high))
		return true;
	/* the map of these, and of the page behind them */
	return (page >= map_page_of(0) &&
		       page <= map_page_of(min_size(low, rs->npages - 1))) ||
	       (page >= map_page_of(rs->meta_pages) &&
		       page <= map_page_of(min_size(high, rs->npages - 1)));
}

/* is_reserved -- by the function */
static bool
is_reserved(const struct run_space *rs, size_t page)
{
	size_t first;

	return run_next_reserved(rs, page, &first) > 0 && first == page;
}

static void
compare(const struct run_space *rs, uint64_t *state)
{
	size_t first = 0, n, page = 0, end = SIZE_MAX;
	unsigned nranges = 0;

	for (; (n = run_next_reserved(rs, page, &first)) > 0;
		page = end = first + n) {
		/* in order, and not beside one another */
		assert_true(first >= page && first != end);
		assert_true(first + n <= rs->npages);
		assert_true(is_wanted(rs, first));
		assert_true(is_wanted(rs, first + n - 1));
		assert_true(first == 0 || !is_wanted(rs, first - 1));
		assert_true(
			first + n == rs->npages || !is_wanted(rs, first + n));
		assert_true(++nranges <= 4);
	}
	assert_int_equal(first, rs->npages);
	for (unsigned i = 0; i < NDRAWS; i++) {
		page = draw(state, rs->npages);
		assert_int_equal(is_reserved(rs, page), is_wanted(rs, page));
		page = run_step_over(rs, page);
		assert_true(page == rs->npages || page < rs->first ||
			    is_wanted(rs, page));
	}
}

static void
next_reserved__pools_of_all_sizes__is_what_is_used(void **state)
{
	static const size_t sizes[] = {14 * MIB, 15 * MIB, 256 * MIB,
		(size_t)8 << 30, (size_t)100 << 30, (size_t)15 << 40};
	uint64_t random = 1;
	struct run_space rs;
	(void)state;

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		run_space_layout(&rs, BASE, sizes[i]);
		run_space_sparse(&rs);
		compare(&rs, &random);
		for (unsigned n = 0; n < 20; n++) {
			size_t low = min_size(rs.first, rs.meta_pages);
			size_t high = max_size(rs.first, rs.meta_pages);

			rs.reserved_low =
				(uint32_t)(low +
					   draw(&random,
						   rs.meta_pages - low + 1));
			rs.reserved_high =
				(uint32_t)(high +
					   draw(&random, rs.npages - high + 1));
			compare(&rs, &random);
		}
		run_space_full(&rs);
		compare(&rs, &random);
		assert_false(run_is_bare(&rs));
		assert_true(is_reserved(&rs, 0));
	}
}

static size_t
count_resident(const struct backing *b)
{
	size_t n = 0;

	for (size_t at = 0; at < b->size; at += RUN_PAGE)
		n += os_is_resident(b->base + at);
	return n;
}

static size_t
count_reserved(const struct run_space *rs)
{
	size_t n, sum = 0, first;

	for (size_t page = 0; (n = run_next_reserved(rs, page, &first)) > 0;
		page = first + n)
		sum += n;
	return sum;
}

/*
 * All of a file system that has less room than the pool is taken: each run is
 * written, and nothing raises SIGBUS; what was not reserved is not in memory.
 */
static void
reserve__file_system_that_becomes_full__ends_with_no_run(void **state)
{
	struct fs fs;
	struct backing b;
	struct run_space rs;
	struct desc *d;
	size_t nruns = 0, most;
	FILE *other;
	static char block[16 * RUN_PAGE];
	(void)state;

	if (fs_mount(&fs, FS_TMPFS, 64) == NULL) {
		print_message("skipped: %s\n", fs.skip);
		skip();
	}
	assert_int_equal(
		backing_open_kept(&b, fs.path, 60 * MIB, BACKING_SPARSE), 0);
	assert_true(b.sparse);
	assert_true(run_space_reserve(b.base, b.size));
	run_space_init(&rs, b.base, b.size, true);
	run_space_sparse(&rs);
	assert_int_equal(count_resident(&b), count_reserved(&rs));
	/* the page map of a run's length, the bits, and little else */
	assert_true(count_resident(&b) < 16);
	/* somebody else leaves about a third of it */
	(void)snprintf(block, sizeof(block), "%s/other", fs.path);
	other = fopen(block, "w");
	assert_non_null(other);
	memset(block, 'x', sizeof(block));
	for (size_t n = 0; n < 40 * MIB; n += sizeof(block))
		assert_int_equal(fwrite(block, sizeof(block), 1, other), 1);
	assert_int_equal(fflush(other), 0);
	most = b.size / RUN_PAGE / RUN_PAGES;
	while ((d = run_alloc(&rs, RUN_PAGES, 1, RUN_LARGE, 0, NULL)) != NULL) {
		memset(d->base, 'y', RUN_PAGES * RUN_PAGE);
		/* more when less to spare had to do, at the end */
		assert_in_range(count_resident(&b) - count_reserved(&rs), 0,
			AHEAD_MOST);
		nruns++;
	}
	/* to within one run and what is reserved ahead */
	assert_true(nruns * RUN_PAGES * RUN_PAGE > 20 * MIB);
	assert_true(nruns < most);
	assert_true(fs_free_bytes(fs.path) < (RUN_PAGES + 4) * RUN_PAGE);
	(void)fclose(other);
	backing_close(&b);
	assert_true(fs_unmount(&fs));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			next_reserved__pools_of_all_sizes__is_what_is_used),
		cmocka_unit_test(
			reserve__file_system_that_becomes_full__ends_with_no_run),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
