/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_backing_file.c -- temporary files on real file systems
 *
 * Where a file system cannot be mounted, its cases are skipped and say why.
 *
 * ctest: long timeout=300 not-valgrind not-tsan
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include "backing/backing.h"
#include "backing/backing_internal.h"
#include "base/error.h"
#include "base/os.h"
#include "harness/fs.h"
#include "harness/proc.h"

#include <cmocka.h> /* last: its fail() is another than base/error.h's */

#define MIB       ((size_t)1 << 20)
#define POOL_SIZE (14 * MIB)

/* dirty_all -- all of it reads as zero, and can be written */
static void
dirty_all(const struct backing *b)
{
	const uint64_t *words = (const uint64_t *)(const void *)b->base;
	uint64_t sum = 0;

	for (size_t i = 0; i < b->size / sizeof(*words); i++)
		sum |= words[i];
	assert_int_equal(sum, 0);
	memset(b->base, 0xa5, b->size);
}

static void
open_path__on_a_file_system__gives_zero_aligned_space(void **state)
{
	struct fs fs;
	struct proc_count before;
	struct backing b;

	fs_mount_or_skip(&fs, fs_kind_of(state), 64);
	before = proc_count();
	errno = 0;
	assert_int_equal(backing_open_path(&b, fs.path, POOL_SIZE + 1), 0);
	assert_int_equal(errno, 0);
	assert_int_equal(b.kind, BACKING_FILE);
	assert_true(b.zero);
	assert_int_equal((uintptr_t)b.base % (4 * MIB), 0);
	assert_int_equal(b.size % b.granule, 0);
	assert_true(b.size > POOL_SIZE);
	assert_true(b.size <= POOL_SIZE + b.granule);
	if (fs.kind == FS_HUGETLBFS)
		assert_true(b.granule > os_page_size());
	else
		assert_int_equal(b.granule, os_page_size());
	assert_int_equal(fs_nfiles(fs.path), 0);
	assert_int_equal(proc_count().nfds, before.nfds);
	assert_int_equal(
		proc_count().shared_bytes, before.shared_bytes + b.size);
	assert_int_equal(proc_count().none_bytes, before.none_bytes);
	dirty_all(&b);
	backing_close(&b);
	assert_true(proc_is_unchanged(before));
	assert_true(fs_unmount(&fs)); /* nothing is in use any more */
}

static void
open_path__does_not_fit__leaves_nothing(void **state)
{
	struct fs fs;
	struct proc_count before;
	struct backing b, other;
	size_t nfree, size;

	fs_mount_or_skip(&fs, fs_kind_of(state), 64);
	nfree = fs_free_bytes(fs.path);
	size = nfree / 8 * 5; /* one fits, two do not */
	assert_int_equal(backing_open_path(&b, fs.path, size), 0);
	before = proc_count();
	errno = 0;
	for (int i = 0; i < 3; i++)
		assert_int_equal(
			backing_open_path(&other, fs.path, size), -ENOSPC);
	assert_int_equal(errno, 0);
	assert_string_equal(
		error_text(), "posix_fallocate: No space left on device");
	assert_true(proc_is_unchanged(before));
	assert_int_equal(fs_nfiles(fs.path), 0);
	/* the space it got is free again: a smaller one fits now */
	assert_int_equal(backing_open_path(&other, fs.path, nfree / 8), 0);
	/* and none of it is a hole */
	dirty_all(&other);
	dirty_all(&b);
	backing_close(&other);
	backing_close(&b);
	assert_true(fs_unmount(&fs));
}

static void
open_path__failed_and_closed__gives_all_space_back(void **state)
{
	struct backing b, other;
	struct fs fs;
	size_t nfree;

	fs_mount_or_skip(&fs, fs_kind_of(state), 64);
	nfree = fs_free_bytes(fs.path);
	assert_int_equal(backing_open_path(&b, fs.path, nfree / 8 * 5), 0);
	assert_int_equal(
		backing_open_path(&other, fs.path, nfree / 8 * 5), -ENOSPC);
	backing_close(&b);
	assert_int_equal(fs_free_bytes(fs.path), nfree);
	assert_true(fs_unmount(&fs));
}

static void
open_path__over_the_file_system__says_so_at_once(void **state)
{
	static const size_t sizes[] = {
		65 * MIB, (size_t)1 << 40, (size_t)1 << 62};
	struct proc_count before;
	struct backing b;
	struct fs fs;
	size_t nfree;

	(void)state;
	fs_mount_or_skip(&fs, FS_TMPFS, 64);
	before = proc_count();
	nfree = fs_free_bytes(fs.path);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		assert_int_equal(
			backing_open_path(&b, fs.path, sizes[i]), -ENOSPC);
		assert_string_equal(error_text(),
			"posix_fallocate: No space left on device");
	}
	assert_int_equal(fs_free_bytes(fs.path), nfree);
	assert_true(proc_is_unchanged(before));
	assert_true(fs_unmount(&fs));
}

static int
child_without_tmpfile(void *arg)
{
	struct proc_count before = proc_count();
	sigset_t mask, now;
	struct backing b;

	if (!proc_deny_syscall(__NR_openat, 2, O_TMPFILE, EOPNOTSUPP))
		return 99;
	sigemptyset(&mask);
	sigaddset(&mask, SIGUSR1);
	sigprocmask(SIG_SETMASK, &mask, NULL);
	if (backing_open_path(&b, arg, POOL_SIZE) != 0)
		return 1;
	if (fs_nfiles(arg) != 0)
		return 2;
	sigprocmask(SIG_SETMASK, NULL, &now);
	if (!sigismember(&now, SIGUSR1) || sigismember(&now, SIGUSR2))
		return 3;
	memset(b.base, 1, b.size);
	backing_close(&b);
	if (backing_open_path(&b, "/proc/no/such", POOL_SIZE) != -ENOENT)
		return 4;
	if (backing_open_path(&b, "/dev/null", POOL_SIZE) != -ENODEV)
		return 5;
	return proc_is_unchanged(before) ? 0 : 6;
}

static void
open_path__without_o_tmpfile__leaves_no_name(void **state)
{
	char dir[] = "/tmp/vmem-test-XXXXXX";
	int result;

	(void)state;
	assert_non_null(mkdtemp(dir));
	result = proc_run_child(child_without_tmpfile, dir);
	assert_int_equal(fs_nfiles(dir), 0);
	rmdir(dir);
	if (result == 99) {
		print_message("skip: no seccomp filter can be set\n");
		skip();
	}
	assert_int_equal(result, 0);
}

static void
open_named__of_a_directory__gives_unlinked_files(void **state)
{
	char dir[] = "/tmp/vmem-test-XXXXXX";
	struct stat st;
	int fds[20];

	(void)state;
	assert_non_null(mkdtemp(dir));
	for (size_t i = 0; i < 20; i++) {
		fds[i] = file_open_named(dir);
		assert_true(fds[i] >= 0);
		assert_int_equal(fstat(fds[i], &st), 0);
		assert_int_equal(st.st_nlink, 0);
		assert_int_equal(st.st_mode & 0777, 0600);
		assert_int_equal(fcntl(fds[i], F_GETFD), FD_CLOEXEC);
	}
	assert_int_equal(fs_nfiles(dir), 0);
	for (size_t i = 0; i < 20; i++)
		close(fds[i]);
	rmdir(dir);
	assert_int_equal(file_open_named(dir), -ENOENT);
	assert_string_equal(error_text(), "open: No such file or directory");
}

/* reserve_all -- whether a file gets blocks for all of an odd size */
static int
reserve_all(void *dir)
{
	const size_t size = 3 * MIB + 4096;
	int fd = file_open_temp(dir);
	struct stat st;

	if (fd < 0 || file_extend(fd, size, size) != 0 ||
		file_reserve(fd, size, 4096) != 0)
		return 1;
	if (fstat(fd, &st) != 0 || (size_t)st.st_size != size)
		return 2;
	close(fd);
	return (size_t)st.st_blocks * 512 >= size ? 0 : 3;
}

static int
child_without_fallocate(void *dir)
{
	if (!proc_deny_syscall(__NR_fallocate, 0, 0, EOPNOTSUPP))
		return 99;
	return reserve_all(dir);
}

static void
reserve__without_fallocate__is_not_sparse(void **state)
{
	struct fs fs;
	int result;

	fs_mount_or_skip(&fs, fs_kind_of(state), 16);
	assert_int_equal(reserve_all(fs.path), 0);
	result = proc_run_child(child_without_fallocate, fs.path);
	assert_true(fs_unmount(&fs));
	if (result == 99) {
		print_message("skip: no seccomp filter can be set\n");
		skip();
	}
	assert_int_equal(result, 0);
}

static int
child_full_without_fallocate(void *dir)
{
	size_t nfree = fs_free_bytes(dir);
	struct backing b;

	if (!proc_deny_syscall(__NR_fallocate, 0, 0, EOPNOTSUPP))
		return 99;
	if (backing_open_path(&b, dir, nfree / 8 * 5) != 0)
		return 1;
	if (backing_open_path(&b, dir, nfree / 8 * 5) != -ENOSPC)
		return 2;
	return fs_free_bytes(dir) >= nfree / 4 ? 0 : 3;
}

static void
reserve__full_without_fallocate__gives_space_back(void **state)
{
	struct fs fs;
	int result;

	(void)state;
	fs_mount_or_skip(&fs, FS_TMPFS, 64);
	result = proc_run_child(child_full_without_fallocate, fs.path);
	assert_true(fs_unmount(&fs));
	if (result == 99) {
		print_message("skip: no seccomp filter can be set\n");
		skip();
	}
	assert_int_equal(result, 0);
}

static volatile sig_atomic_t nalarms;

static void
on_alarm(int sig)
{
	(void)sig;
	nalarms = nalarms + 1;
}

static void
open_path__interrupted_all_the_time__succeeds(void **state)
{
	struct sigaction action = {.sa_handler = on_alarm}, old;
	struct itimerval timer = {
		.it_interval.tv_usec = 1000, .it_value.tv_usec = 1000};
	struct itimerval off = {0};
	struct backing b;
	struct fs fs;
	int err;

	(void)state;
	fs_mount_or_skip(&fs, FS_TMPFS, 600);
	sigaction(SIGALRM, &action, &old);
	setitimer(ITIMER_REAL, &timer, NULL);
	err = backing_open_path(&b, fs.path, 512 * MIB);
	setitimer(ITIMER_REAL, &off, NULL);
	sigaction(SIGALRM, &old, NULL);
	assert_int_equal(err, 0);
	assert_true(nalarms > 0);
	backing_close(&b);
	assert_true(fs_unmount(&fs));
}

static int
child_interrupted_when_large(void *dir)
{
	struct backing b;

	if (!proc_deny_syscall(__NR_fallocate, 3, 256u << 20, EINTR) ||
		!proc_deny_syscall(__NR_fallocate, 3, 128u << 20, EINTR))
		return 99;
	return backing_open_path(&b, dir, 300 * MIB) == 0 ? 0 : 1;
}

static void
open_path__interrupted_when_large__asks_for_less(void **state)
{
	struct fs fs;
	int result;

	(void)state;
	fs_mount_or_skip(&fs, FS_TMPFS, 320);
	result = proc_run_child(child_interrupted_when_large, fs.path);
	assert_true(fs_unmount(&fs));
	if (result == 99) {
		print_message("skip: no seccomp filter can be set\n");
		skip();
	}
	assert_int_equal(result, 0);
}

/* child_write_all -- nearly all space, written again and again to the disk */
static int
child_write_all(void *dir)
{
	struct backing b;

	if (backing_open_path(&b, dir, fs_free_bytes(dir) / 16 * 15) != 0)
		return 1;
	for (int pass = 0; pass < 4; pass++) {
		memset(b.base, 'a' + pass, b.size);
		if (msync(b.base, b.size, MS_SYNC) != 0)
			return 2;
	}
	return 0;
}

static void
open_path__nearly_all_space__can_be_written_again(void **state)
{
	struct fs fs;

	fs_mount_or_skip(&fs, fs_kind_of(state), 64);
	assert_int_equal(proc_run_child(child_write_all, fs.path), 0);
	assert_true(fs_unmount(&fs));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		on_fs(FS_TMPFS,
			open_path__on_a_file_system__gives_zero_aligned_space),
		on_fs(FS_RAMFS,
			open_path__on_a_file_system__gives_zero_aligned_space),
		on_fs(FS_EXT4,
			open_path__on_a_file_system__gives_zero_aligned_space),
		on_fs(FS_XFS,
			open_path__on_a_file_system__gives_zero_aligned_space),
		on_fs(FS_BTRFS,
			open_path__on_a_file_system__gives_zero_aligned_space),
		on_fs(FS_HUGETLBFS,
			open_path__on_a_file_system__gives_zero_aligned_space),
		on_fs(FS_TMPFS, open_path__does_not_fit__leaves_nothing),
		on_fs(FS_EXT4, open_path__does_not_fit__leaves_nothing),
		on_fs(FS_XFS, open_path__does_not_fit__leaves_nothing),
		on_fs(FS_BTRFS, open_path__does_not_fit__leaves_nothing),
		on_fs(FS_HUGETLBFS, open_path__does_not_fit__leaves_nothing),
		on_fs(FS_TMPFS,
			open_path__failed_and_closed__gives_all_space_back),
		on_fs(FS_EXT4,
			open_path__failed_and_closed__gives_all_space_back),
		on_fs(FS_HUGETLBFS,
			open_path__failed_and_closed__gives_all_space_back),
		on_fs(FS_TMPFS, reserve__without_fallocate__is_not_sparse),
		on_fs(FS_RAMFS, reserve__without_fallocate__is_not_sparse),
		on_fs(FS_EXT4, reserve__without_fallocate__is_not_sparse),
		cmocka_unit_test(
			open_path__over_the_file_system__says_so_at_once),
		cmocka_unit_test(open_path__without_o_tmpfile__leaves_no_name),
		cmocka_unit_test(
			open_named__of_a_directory__gives_unlinked_files),
		cmocka_unit_test(
			reserve__full_without_fallocate__gives_space_back),
		cmocka_unit_test(open_path__interrupted_all_the_time__succeeds),
		cmocka_unit_test(
			open_path__interrupted_when_large__asks_for_less),
		on_fs(FS_EXT4,
			open_path__nearly_all_space__can_be_written_again),
		on_fs(FS_XFS,
			open_path__nearly_all_space__can_be_written_again),
		on_fs(FS_BTRFS,
			open_path__nearly_all_space__can_be_written_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
