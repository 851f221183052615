/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_backing_twin.c -- memory that parent and child of a fork do not share
 *
 * Where a file system cannot be mounted, its cases are skipped and say why.
 *
 * ctest: timeout=300 not-valgrind not-tsan
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "backing/backing.h"
#include "base/error.h"
#include "base/os.h"
#include "harness/fs.h"
#include "harness/proc.h"

#include <cmocka.h> /* last: its fail() is another than base/error.h's */

#define MIB       ((size_t)1 << 20)
#define HUGE      (2 * MIB)
#define POOL_SIZE (16 * MIB)
#define KEEP_ALL  ((enum backing_keep)(BACKING_KEEP_SHADOW | BACKING_KEEP_FILE))

/* the pieces in use: at both ends and between, of odd lengths in pages */
static const struct piece {
	size_t offset, size;
} pieces[] = {{4096, 3 * 4096}, {MIB, 4096}, {5 * MIB, 2 * MIB + 4096},
	{POOL_SIZE - 4096, 4096}};

#define NPIECES (sizeof(pieces) / sizeof(pieces[0]))

static void
fill(const struct backing *b, int byte)
{
	for (size_t i = 0; i < NPIECES; i++)
		memset(b->base + pieces[i].offset, byte, pieces[i].size);
}

static bool
holds(const char *p, size_t size, char byte)
{
	for (size_t i = 0; i < size; i++)
		if (p[i] != byte)
			return false;
	return true;
}

/* is_as_filled -- the pieces, and zeroes between them */
static bool
is_as_filled(const struct backing *b, int byte)
{
	size_t at = 0;

	for (size_t i = 0; i < NPIECES; i++) {
		const struct piece *p = &pieces[i];

		if (!holds(b->base + at, p->offset - at, 0) ||
			!holds(b->base + p->offset, p->size, (char)byte))
			return false;
		at = p->offset + p->size;
	}
	return true;
}

/* write_over -- the child's part */
static int
write_over(void *arg)
{
	const struct backing *b = arg;

	if (!is_as_filled(b, 'a'))
		return 1;
	fill(b, 'b');
	return is_as_filled(b, 'b') ? 0 : 2;
}

static void
go_private__on_a_file_system__hides_what_is_written(void **state)
{
	struct fs fs;
	struct proc_count before;
	struct backing b;
	char *base;

	fs_mount_or_skip(&fs, fs_kind_of(state), 64);
	before = proc_count();
	assert_int_equal(
		backing_open_kept(&b, fs.path, POOL_SIZE, BACKING_KEEP_SHADOW),
		0);
	assert_non_null(b.shadow);
	assert_int_equal(b.fd, -1);
	fill(&b, 'a');
	base = b.base;
	errno = 0;
	assert_int_equal(backing_go_private(&b), 0);
	assert_int_equal(errno, 0);
	assert_ptr_equal(b.base, base);
	assert_true(b.is_own);
	assert_null(b.shadow);
	assert_int_equal(proc_run_child(write_over, &b), 0);
	assert_true(is_as_filled(&b, 'a'));
	/* once is enough, and all there is */
	assert_int_equal(backing_go_private(&b), -ENOTSUP);
	backing_close(&b);
	assert_true(proc_is_unchanged(before));
	assert_true(fs_unmount(&fs));
}

static void
go_private__nothing_kept__is_refused(void **state)
{
	static char memory[3 * 4096];
	struct backing b;
	char *page = (char *)(((uintptr_t)memory + 4095) & ~(uintptr_t)4095);

	(void)state;
	assert_int_equal(backing_open_region(&b, page, 4096), 0);
	assert_int_equal(backing_go_private(&b), -ENOTSUP);
	assert_true(strlen(error_text()) > 0);
	assert_int_equal(backing_open_path(&b, "/tmp", POOL_SIZE), 0);
	assert_int_equal(backing_go_private(&b), -ENOTSUP);
	assert_false(b.is_own);
	backing_close(&b);
}

struct taken {
	struct backing *b;
	struct backing_twin *twin;
};

static int
take(void *arg)
{
	const struct taken *t = arg;
	char *base = t->b->base;

	if (backing_twin_take(t->b, t->twin, KEEP_ALL) != 0)
		return 3;
	if (t->b->base != base || t->twin->memory != NULL || t->twin->fd >= 0)
		return 4;
	return write_over(t->b);
}

/* run_twin -- make one, fork, compare; returns whether it was whole */
static bool
run_twin(struct backing *b, const char *path)
{
	struct proc_count before = proc_count();
	struct backing_twin twin;
	struct taken t = {b, &twin};
	bool whole;

	fill(b, 'a');
	errno = 0;
	assert_int_equal(backing_twin_open(&twin, b, path), 0);
	whole = twin.whole;
	for (size_t i = 0; !whole && i < NPIECES; i++)
		assert_int_equal(backing_twin_copy(&twin, b, pieces[i].offset,
					 pieces[i].size),
			0);
	assert_int_equal(errno, 0);
	/* what comes later is not in the twin */
	if (!whole)
		memset(b->base + 3 * MIB, 1, 4096);
	assert_int_equal(proc_run_child(take, &t), 0);
	memset(b->base + 3 * MIB, 0, 4096);
	assert_true(is_as_filled(b, 'a'));
	backing_twin_drop(&twin, b);
	backing_twin_drop(&twin, b); /* nothing left to do */
	assert_true(proc_is_unchanged(before));
	return whole;
}

static void
twin__on_a_file_system__is_the_childs_own(void **state)
{
	struct fs fs;
	struct backing b;
	bool shares =
		fs_kind_of(state) == FS_XFS || fs_kind_of(state) == FS_BTRFS;

	fs_mount_or_skip(&fs, fs_kind_of(state), 300);
	assert_int_equal(
		backing_open_kept(&b, fs.path, POOL_SIZE, KEEP_ALL), 0);
	if (b.granule == os_page_size())
		assert_true(b.fd >= 0);
	assert_int_equal(run_twin(&b, fs.path), shares);
	assert_false(run_twin(&b, NULL));
	assert_int_equal(fs_nfiles(fs.path), 0);
	backing_close(&b);
	assert_true(fs_unmount(&fs));
}

static int
take_alone(void *arg)
{
	const struct taken *t = arg;

	if (backing_twin_take(t->b, t->twin, KEEP_ALL) != 0)
		return 3;
	return holds(t->b->base, HUGE, 'a') ? 0 : 1;
}

/* what a program protects, as the guard page of a stack, is copied as well */
static void
twin__page_without_access__is_copied(void **state)
{
	struct fs fs;
	struct backing b;
	struct backing_twin twin;
	struct taken t = {&b, &twin};
	size_t size = 3 * os_page_size();
	char *closed;

	if (proc_is_emulated()) {
		print_message("skipped: the emulator ignores the advice\n");
		skip();
	}
	fs_mount_or_skip(&fs, fs_kind_of(state), 300);
	assert_int_equal(
		backing_open_kept(&b, fs.path, POOL_SIZE, KEEP_ALL), 0);
	closed = b.base + pieces[2].offset + MIB;
	for (int file = 0; file < 2; file++) {
		fill(&b, 'a');
		assert_int_equal(mprotect(closed, size, PROT_NONE), 0);
		struct proc_count before = proc_count();
		assert_int_equal(backing_twin_open(
					 &twin, &b, file != 0 ? fs.path : NULL),
			0);
		for (size_t i = 0; i < NPIECES; i++)
			assert_int_equal(
				backing_twin_copy(&twin, &b, pieces[i].offset,
					pieces[i].size),
				0);
		assert_int_equal(proc_run_child(take, &t), 0);
		backing_twin_drop(&twin, &b);
		assert_true(proc_is_unchanged(before));
		/* the parent's is closed still */
		assert_false(proc_can_read(closed));
		assert_int_equal(
			mprotect(closed, size, PROT_READ | PROT_WRITE), 0);
		assert_true(is_as_filled(&b, 'a'));
	}
	backing_close(&b);
	assert_true(fs_unmount(&fs));
}

/* the twin needs huge pages for what is in use, and not for all of the pool */
static void
twin__huge_pages_for_little_more_than_is_in_use__is_taken(void **state)
{
	struct backing_want want = {.from = BACKING_AT_PATH,
		.size = POOL_SIZE,
		.sparse = true,
		.keep = KEEP_ALL};
	struct fs fs;
	struct backing b;
	struct backing_twin twin;
	struct taken t = {&b, &twin};

	(void)state;
	fs_mount_or_skip(&fs, FS_HUGETLBFS, POOL_SIZE / MIB);
	want.path = fs.path;
	assert_int_equal(backing_open(&b, &want), 0);
	assert_int_equal(b.reserved, HUGE);
	memset(b.base, 'a', HUGE);
	assert_int_equal(backing_twin_open(&twin, &b, fs.path), 0);
	assert_int_equal(backing_twin_reserve(&twin, &b, 0, HUGE), 0);
	assert_int_equal(backing_twin_copy(&twin, &b, 0, HUGE), 0);
	assert_int_equal(proc_run_child(take_alone, &t), 0);
	backing_twin_drop(&twin, &b);
	backing_close(&b);
	assert_true(fs_unmount(&fs));
}

/* the program may do with all its descriptors what it likes */
static void
twin__descriptor_closed_or_another_file__is_copied(void **state)
{
	struct fs fs;
	struct backing b;
	int other;

	fs_mount_or_skip(&fs, fs_kind_of(state), 300);
	assert_int_equal(
		backing_open_kept(&b, fs.path, POOL_SIZE, KEEP_ALL), 0);
	assert_int_equal(close(b.fd), 0);
	assert_false(run_twin(&b, fs.path));
	other = open("/dev/null", O_RDONLY | O_CLOEXEC);
	assert_int_equal(dup2(other, b.fd), b.fd);
	assert_false(run_twin(&b, fs.path));
	backing_close(&b);
	/* not ours any more, so not ours to close */
	assert_int_equal(b.fd, -1);
	assert_true(fcntl(other, F_GETFD) >= 0);
	close(other);
	assert_true(fs_unmount(&fs));
}

static void
twin__little_room__is_copied_or_refused(void **state)
{
	struct fs fs;
	struct proc_count before;
	struct backing b, more, rest;
	struct backing_twin twin;

	fs_mount_or_skip(&fs, fs_kind_of(state), 300);
	assert_int_equal(
		backing_open_kept(&b, fs.path, POOL_SIZE, KEEP_ALL), 0);
	/* less than twice its size is free: blocks are not shared */
	assert_int_equal(backing_open_path(&more, fs.path,
				 fs_free_bytes(fs.path) - POOL_SIZE * 7 / 4),
		0);
	assert_false(run_twin(&b, fs.path));
	assert_int_equal(backing_open_path(&rest, fs.path,
				 fs_free_bytes(fs.path) - POOL_SIZE / 2),
		0);
	before = proc_count();
	assert_int_equal(backing_twin_open(&twin, &b, fs.path), 0);
	assert_int_equal(backing_twin_reserve(&twin, &b, 0, b.size), -ENOSPC);
	backing_twin_drop(&twin, &b);
	assert_int_equal(twin.fd, -1);
	assert_true(proc_is_unchanged(before));
	assert_int_equal(fs_nfiles(fs.path), 0);
	backing_close(&rest);
	backing_close(&more);
	backing_close(&b);
	assert_true(fs_unmount(&fs));
}

static void
twin__no_directory_or_other_pages__is_refused(void **state)
{
	struct fs fs;
	struct backing b;
	struct backing_twin twin;

	(void)state;
	assert_int_equal(backing_open_path(&b, "/tmp", POOL_SIZE), 0);
	assert_int_equal(backing_twin_open(&twin, &b, "/no/such"), -ENOENT);
	assert_int_equal(backing_twin_open(&twin, &b, "/dev/null"), -ENOTDIR);
	if (fs_mount(&fs, FS_HUGETLBFS, 32) != NULL) {
		assert_int_equal(
			backing_twin_open(&twin, &b, fs.path), -ENOTSUP);
		assert_true(fs_unmount(&fs));
	}
	backing_close(&b);
}

static void
keep__few_descriptors__stays_below_the_limit(void **state)
{
	struct rlimit limit, low;
	struct backing b;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	low = limit;
	low.rlim_cur = 64;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
	assert_int_equal(backing_open_kept(&b, "/tmp", POOL_SIZE, KEEP_ALL), 0);
	assert_true(b.fd >= 32 && b.fd < 64);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	backing_close(&b);
	assert_int_equal(backing_open_kept(&b, "/tmp", POOL_SIZE, KEEP_ALL), 0);
	assert_true(b.fd >= 512 || limit.rlim_cur <= 512);
	backing_close(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		on_fs(FS_TMPFS,
			go_private__on_a_file_system__hides_what_is_written),
		on_fs(FS_EXT4,
			go_private__on_a_file_system__hides_what_is_written),
		on_fs(FS_XFS,
			go_private__on_a_file_system__hides_what_is_written),
		on_fs(FS_BTRFS,
			go_private__on_a_file_system__hides_what_is_written),
		cmocka_unit_test(go_private__nothing_kept__is_refused),
		on_fs(FS_TMPFS, twin__on_a_file_system__is_the_childs_own),
		on_fs(FS_EXT4, twin__on_a_file_system__is_the_childs_own),
		on_fs(FS_XFS, twin__on_a_file_system__is_the_childs_own),
		on_fs(FS_BTRFS, twin__on_a_file_system__is_the_childs_own),
		on_fs(FS_HUGETLBFS, twin__on_a_file_system__is_the_childs_own),
		on_fs(FS_TMPFS, twin__page_without_access__is_copied),
		on_fs(FS_EXT4, twin__page_without_access__is_copied),
		cmocka_unit_test(
			twin__huge_pages_for_little_more_than_is_in_use__is_taken),
		on_fs(FS_XFS,
			twin__descriptor_closed_or_another_file__is_copied),
		on_fs(FS_TMPFS, twin__little_room__is_copied_or_refused),
		on_fs(FS_XFS, twin__little_room__is_copied_or_refused),
		cmocka_unit_test(twin__no_directory_or_other_pages__is_refused),
		cmocka_unit_test(keep__few_descriptors__stays_below_the_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
