/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_reserve.c -- what of a sparse pool is reserved, and that nothing else is
 * touched, up to a full file system
 *
 * Where a file system cannot be mounted, its case is skipped and says why.
 *
 * ctest: timeout=120 not-valgrind not-aarch64
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
#include "base/bitmap.h"
#include "base/os.h"
#include "harness/fs.h"
#include "run/run.h"

#include <cmocka.h>

#define MIB       ((size_t)1 << 20)
#define NDRAWS    2000
#define RUN_PAGES ((size_t)37)

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
	return (RUN_MAP_OFF + page * sizeof(uint64_t)) / RUN_PAGE;
}

/* is_wanted -- of a new sparse pool, by the words of run.h */
static bool
is_wanted(const struct run_space *rs, size_t page)
{
	size_t bits = run_page(rs, rs->dirty);

	/* the header, the bitmaps and summaries */
	if (page < map_page_of(0) || (page >= bits && page < rs->first))
		return true;
	/* the map of these, and of the page behind them */
	return page >= map_page_of(0) && page <= map_page_of(rs->first);
}

static bool
is_held(const struct run_space *rs, size_t page)
{
	size_t first;

	return run_next_held(rs, page, &first) > 0 && first == page;
}

static size_t
count_resident(const char *base, size_t size)
{
	size_t n = 0;

	for (size_t at = 0; at < size; at += RUN_PAGE)
		n += os_is_resident(base + at);
	return n;
}

static void
behind__sparse_pools_of_all_sizes__have_what_is_used(void **state)
{
	static const size_t sizes[] = {14 * MIB, 15 * MIB, 256 * MIB,
		(size_t)8 << 30, (size_t)100 << 30};
	const struct run_behind behind = {.granule = RUN_PAGE,
		.reserved = RUN_PAGE,
		.give = BACKING_GIVE_MEMORY};
	uint64_t random = 1;
	struct run_space rs;
	(void)state;

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		char *base = mmap(NULL, sizes[i], PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

		assert_true(base != MAP_FAILED);
		assert_true(
			run_space_reserve(base, sizes[i], RUN_PAGE, RUN_PAGE));
		run_space_init(&rs, base, sizes[i], true);
		run_space_behind(&rs, &behind);
		assert_true(run_is_bare(&rs));
		for (unsigned n = 0; n < NDRAWS; n++) {
			size_t most = n % 2 == 0 ? rs.npages : 2 * rs.first;
			size_t page = draw(&random, most);

			assert_int_equal(
				is_held(&rs, page), is_wanted(&rs, page));
			page = run_step_over(&rs, page);
			assert_true(page == rs.npages || is_wanted(&rs, page));
		}
		assert_int_equal(rs.nhollow,
			bitmap_count(rs.hollow, rs.bias, rs.npages));
		munmap(base, sizes[i]);
	}
}

/*
 * All of a file system that has less room than the pool is taken: each run is
 * written, and nothing raises SIGBUS; what was not reserved is not in memory.
 */
static void
reserve__file_system_that_becomes_full__ends_with_no_run(void **state)
{
	const struct backing_want want = {
		.from = BACKING_AT_PATH, .size = 60 * MIB, .sparse = true};
	struct backing_want at;
	struct run_behind behind;
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
	at = want;
	at.path = fs.path;
	assert_int_equal(backing_open(&b, &at), 0);
	assert_int_equal(b.reserved, b.granule);
	assert_true(run_space_reserve(b.base, b.size, b.granule, b.reserved));
	run_space_init(&rs, b.base, b.size, true);
	behind = (struct run_behind){
		.granule = b.granule, .reserved = b.reserved, .give = b.give};
	run_space_behind(&rs, &behind);
	assert_int_equal(
		count_resident(b.base, b.size), rs.npages - rs.nhollow);
	/* the page map of a run's length, the bits, and little else */
	assert_true(count_resident(b.base, b.size) < 16);
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
		/* what came of a try that failed has gone back */
		assert_int_equal(
			count_resident(b.base, b.size), rs.npages - rs.nhollow);
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

/* what there cannot be is not asked for, and nothing comes of it */
static void
reserve__more_than_there_can_be__asks_for_nothing(void **state)
{
	const size_t size = 256 * MIB, most = 64 * MIB;
	const struct run_behind behind = {.granule = RUN_PAGE,
		.reserved = RUN_PAGE,
		.give = BACKING_GIVE_MEMORY,
		.most = most};
	struct run_space rs;
	struct desc *d;
	bool clean;
	char *base = mmap(NULL, size, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	(void)state;

	assert_true(base != MAP_FAILED);
	assert_true(run_space_reserve(base, size, RUN_PAGE, RUN_PAGE));
	run_space_init(&rs, base, size, true);
	run_space_behind(&rs, &behind);
	/* the descriptors' first pages are there from here on */
	d = run_alloc(&rs, 1, 1, RUN_LARGE, 0, NULL);
	assert_non_null(d);
	size_t before = count_resident(base, size);

	assert_null(run_alloc(&rs, most / RUN_PAGE + 1, 1, RUN_LARGE, 0, NULL));
	assert_false(run_resize(&rs, d, most / RUN_PAGE + 2, &clean));
	assert_int_equal(rs.nrefused, 2);
	assert_int_equal(rs.is_short, 0);
	assert_int_equal(count_resident(base, size), before);
	assert_int_equal(
		rs.nhollow, bitmap_count(rs.hollow, rs.bias, rs.npages));
	d = run_alloc(&rs, most / RUN_PAGE, 1, RUN_LARGE, 0, NULL);
	assert_non_null(d);
	assert_true(count_resident(base, size) >= before + most / RUN_PAGE);
	munmap(base, size);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			behind__sparse_pools_of_all_sizes__have_what_is_used),
		cmocka_unit_test(
			reserve__file_system_that_becomes_full__ends_with_no_run),
		cmocka_unit_test(
			reserve__more_than_there_can_be__asks_for_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
