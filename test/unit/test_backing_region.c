/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_backing_region.c -- memory of the caller
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "backing/backing.h"
#include "backing/backing_internal.h"
#include "base/os.h"
#include "harness/fs.h"
#include "harness/proc.h"

#include <cmocka.h> /* last: its fail() is another than base/error.h's */

#define MIB       ((size_t)1 << 20)
#define GIB       (1024 * MIB)
#define POOL_SIZE (14 * MIB)
#define LARGE     (5 * GIB)

/* address -- as a number that a file has */
static const char *
address(uintptr_t value)
{
	const char *result;

	memcpy(&result, &value, sizeof(result));
	return result;
}

static void
open_region__odd_size__leaves_the_rest_out(void **state)
{
	size_t page = os_page_size();
	struct proc_count before;
	struct backing b;
	char *region;

	(void)state;
	region = os_map(8 * page);
	assert_non_null(region);
	memset(region, 0xff, 8 * page);
	before = proc_count();
	assert_int_equal(backing_open_region(&b, region, 8 * page - 1), 0);
	assert_int_equal(b.kind, BACKING_REGION);
	assert_ptr_equal(b.base, region);
	assert_int_equal(b.size, 7 * page);
	assert_int_equal(b.granule, page);
	assert_false(b.zero);
	assert_true(backing_guard(&b, true));
	assert_false(proc_can_read(region));
	assert_true(proc_can_read(region + page));
	assert_false(backing_guard(&b, false));
	backing_close(&b);
	for (size_t i = 0; i < 8 * page; i++)
		assert_int_equal((unsigned char)region[i], 0xff);
	assert_true(proc_is_unchanged(before));
	os_unmap(region, 8 * page);
}

static void
open_region__of_huge_pages__has_no_guard(void **state)
{
	struct backing file, b;
	struct fs fs;

	(void)state;
	fs_mount_or_skip(&fs, FS_HUGETLBFS, 16);
	assert_int_equal(backing_open_path(&file, fs.path, POOL_SIZE), 0);
	assert_int_equal(backing_open_region(&b, file.base, POOL_SIZE), 0);
	errno = 0;
	assert_false(backing_guard(&b, true));
	assert_true(proc_can_read(b.base));
	assert_false(backing_guard(&b, false));
	assert_int_equal(errno, 0);
	backing_close(&b);
	assert_true(proc_can_read(b.base));
	backing_close(&file);
	assert_true(fs_unmount(&fs));
}

/* map_large -- memory that gets pages when it is touched */
static char *
map_large(int kind)
{
	char *region = mmap(NULL, LARGE, PROT_READ | PROT_WRITE,
		kind | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	assert_true(region != MAP_FAILED);
	return region;
}

static bool
reads_as_zero(char *region)
{
	struct proc_count before = proc_count();
	struct backing b;

	errno = ENOTTY;
	assert_int_equal(backing_open_region(&b, region, LARGE), 0);
	assert_int_equal(errno, ENOTTY);
	backing_close(&b);
	assert_true(proc_is_unchanged(before));
	return b.zero;
}

/* read_is_free -- is a page that is only read the system's one of zeroes? Some
 * kernels give it a page of its own, as if it had been written to. */
static bool
read_is_free(void)
{
	size_t size = os_page_size();
	char *page = mmap(NULL, size, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	bool is_free;

	assert_true(page != MAP_FAILED);
	assert_int_equal(*(volatile char *)page, 0);
	is_free = backing_untouched(page, size);
	assert_int_equal(munmap(page, size), 0);
	return is_free;
}

static void
open_region__large_and_untouched__is_zero(void **state)
{
	char *region = map_large(MAP_PRIVATE);

	(void)state;
	assert_true(reads_as_zero(region));
	/* of two mappings */
	assert_int_equal(mprotect(region + GIB, GIB, PROT_READ), 0);
	assert_true(reads_as_zero(region));
	assert_int_equal(((volatile char *)region)[GIB], 0);
	assert_int_equal(reads_as_zero(region), read_is_free());
	assert_int_equal(munmap(region, LARGE), 0);
}

static void
open_region__large_and_written_to__is_not_zero(void **state)
{
	size_t places[] = {0, GIB, LARGE - 1};

	(void)state;
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		char *region = map_large(MAP_PRIVATE);

		/* in three mappings, so that not only the first counts */
		assert_int_equal(madvise(region + GIB, GIB, MADV_DONTDUMP), 0);
		region[places[i]] = 1;
		assert_false(reads_as_zero(region));
		assert_int_equal(munmap(region, LARGE), 0);
	}
}

/* wherever the hole is */
static void
open_region__with_a_hole__is_refused(void **state)
{
	size_t page = os_page_size(),
	       holes[] = {0, page, POOL_SIZE / 2, POOL_SIZE - page};

	(void)state;
	for (size_t i = 0; i < sizeof(holes) / sizeof(holes[0]); i++) {
		char *region = os_map(POOL_SIZE);
		struct proc_count before;
		struct backing b;

		assert_non_null(region);
		assert_int_equal(munmap(region + holes[i], page), 0);
		before = proc_count();
		assert_int_equal(
			backing_open_region(&b, region, POOL_SIZE), -EINVAL);
		assert_true(proc_is_unchanged(before));
		assert_int_equal(munmap(region, POOL_SIZE), 0);
	}
}

static void
open_region__large_and_shared__is_not_zero(void **state)
{
	char *region = map_large(MAP_SHARED);

	(void)state;
	/* another process may have written to it */
	assert_false(reads_as_zero(region));
	assert_int_equal(munmap(region, LARGE), 0);
}

static void
open_region__large_and_of_a_file__is_not_zero(void **state)
{
	FILE *file = tmpfile();
	char *region;

	(void)state;
	assert_non_null(file);
	assert_int_equal(ftruncate(fileno(file), (off_t)LARGE), 0);
	assert_int_equal(pwrite(fileno(file), "x", 1, (off_t)GIB), 1);
	region = mmap(NULL, LARGE, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_NORESERVE, fileno(file), 0);
	assert_true(region != MAP_FAILED);
	assert_false(reads_as_zero(region));
	assert_int_equal(munmap(region, LARGE), 0);
	(void)fclose(file);
}

/* what the kernel does not say here: swapped out, and userfaultfd */
static void
smaps_untouched__by_its_text__decides(void **state)
{
	static const struct {
		const char *rss;
		const char *swap;
		const char *flags;
		bool untouched;
	} cases[] = {
		{"0", "0", "rd wr mr mw me nr sd", true},
		{"4", "0", "rd wr mr mw me nr sd", false},
		{"0", "8", "rd wr mr mw me nr sd", false},
		{"0", "0", "rd wr mr mw me nr um sd", false},
		{"0", "0", "rd wr mr mw me nr ui", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		FILE *file = tmpfile();

		assert_non_null(file);
		fprintf(file,
			"1000-2000 r-xp 00000000 08:01 42   /bin/true\n"
			"Rss:                   4 kB\nVmFlags: rd ex mr\n"
			"100000-200000 rw-p 00000000 00:00 0 \n"
			"Rss:               %5s kB\nSwap:  %10s kB\n"
			"VmFlags: %s \n"
			"200000-300000 rw-p 00000000 00:00 0 [heap]\n"
			"Rss:                 100 kB\nVmFlags: rd wr\n",
			cases[i].rss, cases[i].swap, cases[i].flags);
		assert_int_equal(fflush(file), 0);
		assert_int_equal(lseek(fileno(file), 0, SEEK_SET), 0);
		assert_int_equal(smaps_untouched(fileno(file),
					 address(0x100000), 0x100000),
			cases[i].untouched);
		/* beyond its end there is something */
		assert_int_equal(lseek(fileno(file), 0, SEEK_SET), 0);
		assert_false(smaps_untouched(
			fileno(file), address(0x100000), 0x101000));
		(void)fclose(file);
	}
}

static void
touch__of_untouched_pages__brings_them_and_keeps_contents(void **state)
{
	size_t page = os_page_size();
	char *region;

	(void)state;
	region = os_map(4 * page);
	assert_non_null(region);
	memset(region + 2 * page, 0x5a, page);
	errno = ERANGE;
	/* from the middle of a page to the middle of another one */
	backing_touch(region + page + page / 2, page);
	assert_int_equal(errno, ERANGE);
	/* an emulator knows neither the advice nor what is in memory */
	if (!proc_is_emulated()) {
		assert_false(os_is_resident(region));
		assert_true(os_is_resident(region + page));
		assert_false(os_is_resident(region + 3 * page));
	}
	for (size_t i = 0; i < page; i++)
		assert_int_equal(region[2 * page + i], 0x5a);
	os_unmap(region, 4 * page);
}

static void
touch__where_nothing_can_be_had__does_nothing(void **state)
{
	size_t page = os_page_size();
	char *region;

	(void)state;
	region = os_map(2 * page);
	assert_non_null(region);
	assert_int_equal(mprotect(region, page, PROT_NONE), 0);
	errno = ERANGE;
	backing_touch(region, 2 * page);
	os_unmap(region, 2 * page);
	backing_touch(region, 2 * page);
	assert_int_equal(errno, ERANGE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(open_region__large_and_untouched__is_zero),
		cmocka_unit_test(
			open_region__large_and_written_to__is_not_zero),
		cmocka_unit_test(open_region__with_a_hole__is_refused),
		cmocka_unit_test(open_region__large_and_shared__is_not_zero),
		cmocka_unit_test(open_region__large_and_of_a_file__is_not_zero),
		cmocka_unit_test(smaps_untouched__by_its_text__decides),
		cmocka_unit_test(open_region__odd_size__leaves_the_rest_out),
		cmocka_unit_test(open_region__of_huge_pages__has_no_guard),
		cmocka_unit_test(
			touch__of_untouched_pages__brings_them_and_keeps_contents),
		cmocka_unit_test(touch__where_nothing_can_be_had__does_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
