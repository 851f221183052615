/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * touched.c -- slabs whose pages are touched before the objects in them
 */
#include "harness/test.h"

#include <fcntl.h>
#include <stdint.h>
#include <unistd.h>

#include "harness/fs.h"

#define POOL_BYTES (64 * MIB)
#define SIZE       1000 /* bytes of an object */
#define NOBJECTS   2000
#define PRESENT    (UINT64_C(1) << 63) /* proc_pid_pagemap(5) */

static struct fs fs;
static VMEM *vmp;
static void *objects[NOBJECTS];

static void
open_pool(enum fs_kind kind)
{
	fs_mount_or_skip(&fs, kind, 2 * POOL_BYTES / MIB);
	vmp = vmem_create(fs.path, POOL_BYTES);
	assert_non_null(vmp);
}

static void
close_pool(void)
{
	assert_int_equal(vmem_check(vmp), 1);
	vmem_delete(vmp);
	assert_true(fs_unmount(&fs));
}

/* is_mapped -- was the page of an address touched by this process? */
static bool
is_mapped(int pagemap, const void *p)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	uint64_t entry = 0;
	off_t at = (off_t)((uintptr_t)p / page * sizeof(entry));

	must(pread(pagemap, &entry, sizeof(entry), at) == sizeof(entry));
	return (entry & PRESENT) != 0;
}

/* nmapped -- of n objects, none of which was written to */
static size_t
nmapped(size_t n)
{
	int pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	size_t count = 0;

	must(pagemap >= 0);
	for (size_t i = 0; i < n; i++)
		count += is_mapped(pagemap, objects[i]);
	must(close(pagemap) == 0);
	return count;
}

static void
take(size_t n, size_t size, size_t more)
{
	for (size_t i = 0; i < n; i++) {
		objects[i] = vmem_malloc(vmp, size + i * more);
		must(objects[i] != NULL);
	}
}

/* a fault for each page would take longer */
static void
malloc__many_of_one_size_on_tmpfs__are_mapped(void **state)
{
	(void)state;
	open_pool(FS_TMPFS);
	take(NOBJECTS, SIZE, 0);
	assert_in_range(nmapped(NOBJECTS), NOBJECTS / 10 * 9, NOBJECTS);
	close_pool();
}

static void
malloc__one_of_each_size__are_not(void **state)
{
	enum { SIZES = 14, STEP = 256 };

	(void)state;
	open_pool(FS_TMPFS);
	take(SIZES, SIZE, STEP);
	assert_int_equal(nmapped(SIZES), 0);
	close_pool();
}

/* there a touch brings the page into memory */
static void
malloc__many_of_one_size_on_a_disk__are_not(void **state)
{
	(void)state;
	open_pool(FS_EXT4);
	take(NOBJECTS, SIZE, 0);
	assert_int_equal(nmapped(NOBJECTS), 0);
	close_pool();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(malloc__many_of_one_size_on_tmpfs__are_mapped),
		cmocka_unit_test(malloc__one_of_each_size__are_not),
		cmocka_unit_test(malloc__many_of_one_size_on_a_disk__are_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
