/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_backing_region.c -- memory of the caller
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include "backing/backing.h"
#include "base/os.h"
#include "harness/fs.h"
#include "harness/proc.h"

#include <cmocka.h> /* last: its fail() is another than base/error.h's */

#define MIB       ((size_t)1 << 20)
#define POOL_SIZE (14 * MIB)

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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(open_region__odd_size__leaves_the_rest_out),
		cmocka_unit_test(open_region__of_huge_pages__has_no_guard),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
