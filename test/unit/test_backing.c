/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_backing.c -- paths of all sorts, limits of the process, threads, guards
 *
 * ctest: not-valgrind
 */
#include "backing/backing.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/os.h"
#include "harness/fs.h"
#include "harness/proc.h"

#include <cmocka.h> /* last: its fail() is another than base/error.h's */

#define MIB       ((size_t)1 << 20)
#define POOL_SIZE (14 * MIB)

static void
open_path__size_over_off_t__says_efbig(void **state)
{
	static const size_t sizes[] = {SIZE_MAX, SIZE_MAX - 4095,
		(size_t)PTRDIFF_MAX + 1, PTRDIFF_MAX};
	struct proc_count before = proc_count();
	struct backing b;

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		assert_int_equal(
			backing_open_path(&b, "/tmp", sizes[i]), -EFBIG);
	assert_true(proc_is_unchanged(before));
}

/* assert_open_refused -- with this error and text; nothing is left */
static void
assert_open_refused(const char *path, int err, const char *text)
{
	struct proc_count before = proc_count();
	struct backing b;

	errno = 0;
	assert_int_equal(backing_open_path(&b, path, POOL_SIZE), -err);
	assert_string_equal(error_text(), text);
	assert_int_equal(errno, 0);
	assert_true(proc_is_unchanged(before));
}

static void
open_path__of_no_directory__says_what_it_is(void **state)
{
	char dir[] = "/tmp/vmem-test-XXXXXX";
	static char longest[8192];
	char path[64];
	int fd;

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/missing", dir);
	assert_open_refused(path, ENOENT, "open: No such file or directory");
	assert_open_refused("", ENOENT, "open: No such file or directory");

	snprintf(path, sizeof(path), "%s/file", dir);
	fd = open(path, O_CREAT | O_WRONLY, 0600);
	assert_true(fd >= 0);
	close(fd);
	assert_open_refused(path, ENOTDIR, "open: Not a directory");
	snprintf(path, sizeof(path), "%s/file/below", dir);
	assert_open_refused(path, ENOTDIR, "open: Not a directory");
	snprintf(path, sizeof(path), "%s/file", dir);
	unlink(path);

	snprintf(path, sizeof(path), "%s/fifo", dir);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_open_refused(path, ENOTDIR, "open: Not a directory");
	unlink(path);

	snprintf(path, sizeof(path), "%s/link", dir);
	assert_int_equal(symlink(path, path), 0);
	assert_open_refused(
		path, ELOOP, "open: Too many levels of symbolic links");
	unlink(path);

	memset(longest, 'a', sizeof(longest) - 1);
	assert_open_refused(longest, ENAMETOOLONG, "open: File name too long");
	rmdir(dir);
}

static void
open_path__of_a_block_device__says_enotdir(void **state)
{
	struct stat st;

	(void)state;
	if (stat("/dev/loop0", &st) != 0 || !S_ISBLK(st.st_mode)) {
		print_message("skip: no block device to try\n");
		skip();
	}
	assert_open_refused("/dev/loop0", ENOTDIR, "open: Not a directory");
}

static int
child_without_permission(void *arg)
{
	struct backing b;

	if (setgid(65534) != 0 || setuid(65534) != 0)
		return 1;
	if (backing_open_path(&b, arg, POOL_SIZE) != -EACCES)
		return 2;
	return strcmp(error_text(), "open: Permission denied") == 0 ? 0 : 3;
}

static void
open_path__without_permission__says_eacces(void **state)
{
	char dir[] = "/tmp/vmem-test-XXXXXX";

	(void)state;
	if (geteuid() != 0) {
		print_message("skip: only root can become someone else\n");
		skip();
	}
	assert_non_null(mkdtemp(dir));
	assert_int_equal(proc_run_child(child_without_permission, dir), 0);
	assert_int_equal(fs_nfiles(dir), 0);
	rmdir(dir);
}

static void
open_path__read_only_file_system__says_erofs(void **state)
{
	struct fs fs;

	(void)state;
	fs_mount_or_skip(&fs, FS_TMPFS, 16);
	assert_int_equal(
		mount("none", fs.path, "tmpfs", MS_REMOUNT | MS_RDONLY, NULL),
		0);
	assert_open_refused(fs.path, EROFS, "open: Read-only file system");
	assert_true(fs_unmount(&fs));
}

/* expect -- 0 when the path is refused with this error, text and no leak */
static int
expect(const char *path, size_t size, int err, const char *text)
{
	struct proc_count before = proc_count();
	struct backing b;

	if (backing_open_path(&b, path, size) != -err)
		return 1;
	if (strcmp(error_text(), text) != 0)
		return 2;
	return proc_is_unchanged(before) ? 0 : 3;
}

static int
child_file_limit(void *arg)
{
	struct rlimit limit = {POOL_SIZE, POOL_SIZE};
	struct backing b;
	int result;

	(void)arg;
	if (setrlimit(RLIMIT_FSIZE, &limit) != 0)
		return 99;
	result = expect("/tmp", POOL_SIZE + 1, EFBIG,
		"posix_fallocate: File too large");
	if (result != 0)
		return result;
	if (backing_open_path(&b, "/tmp", POOL_SIZE) != 0)
		return 4;
	backing_close(&b);
	return 0;
}

static void
open_path__over_the_file_size_limit__says_efbig(void **state)
{
	(void)state;
	assert_int_equal(proc_run_child(child_file_limit, NULL), 0);
}

static int
child_address_limit(void *arg)
{
	struct rlimit limit;
	unsigned long npages;
	FILE *file;

	(void)arg;
	/* the message needs a page, which is there from now on */
	(void)fail_sys(EINVAL, "none");
	file = fopen("/proc/self/statm", "re");
	if (file == NULL || fscanf(file, "%lu", &npages) != 1)
		return 99;
	fclose(file);
	limit.rlim_cur = npages * os_page_size() + 8 * MIB;
	limit.rlim_max = limit.rlim_cur;
	if (setrlimit(RLIMIT_AS, &limit) != 0)
		return 99;
	return expect(
		"/tmp", POOL_SIZE, ENOMEM, "mmap: Cannot allocate memory");
}

static void
open_path__over_the_address_limit__says_enomem(void **state)
{
	(void)state;
	if (proc_is_emulated()) {
		print_message("skipped: the emulator ignores the limit\n");
		skip();
	}
	assert_int_equal(proc_run_child(child_address_limit, NULL), 0);
}

/* use_up_fds -- until `nleft` more can be opened */
static int
use_up_fds(unsigned nleft)
{
	struct rlimit limit = {64, 64};
	int last = -1, fd;

	if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
		return -1;
	while ((fd = dup(0)) >= 0)
		last = fd;
	for (unsigned i = 0; i < nleft; i++)
		close(last - (int)i);
	return 0;
}

static int
child_no_fd(void *arg)
{
	struct backing b;

	(void)arg;
	if (use_up_fds(0) != 0)
		return 99;
	if (backing_open_path(&b, "/tmp", POOL_SIZE) != -EMFILE)
		return 1;
	return strcmp(error_text(), "open: Too many open files") == 0 ? 0 : 2;
}

static int
child_one_fd(void *arg)
{
	struct backing b;

	(void)arg;
	if (use_up_fds(1) != 0)
		return 99;
	for (int i = 0; i < 20; i++)
		if (backing_open_path(&b, "/tmp", POOL_SIZE) != 0)
			return 1;
	return 0;
}

static void
open_path__no_descriptor_left__says_emfile(void **state)
{
	(void)state;
	assert_int_equal(proc_run_child(child_no_fd, NULL), 0);
}

static void
open_path__one_descriptor_left__makes_many(void **state)
{
	(void)state;
	assert_int_equal(proc_run_child(child_one_fd, NULL), 0);
}

static void *
open_cancelled(void *arg)
{
	struct backing *b = arg;
	int err;

	pthread_cancel(pthread_self());
	err = backing_open_path(b, "/tmp", POOL_SIZE);
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
	return err == 0 ? b : NULL;
}

static void
open_path__in_a_cancelled_thread__ends(void **state)
{
	struct proc_count before = proc_count();
	struct backing b;
	pthread_t thread;
	void *result;

	(void)state;
	assert_int_equal(pthread_create(&thread, NULL, open_cancelled, &b), 0);
	assert_int_equal(pthread_join(thread, &result), 0);
	assert_ptr_equal(result, &b);
	backing_close(&b);
	assert_int_equal(proc_count().nfds, before.nfds);
}

#define NTHREADS 4
#define NOPENS   50

static void *
open_many(void *arg)
{
	char *mark = arg;

	for (int i = 0; i < NOPENS; i++) {
		struct backing b;

		if (backing_open_path(&b, "/dev/shm", 2 * MIB) != 0)
			return NULL;
		/* another's mapping over this one would not be zero */
		for (size_t off = 0; off < b.size; off += 4096)
			if (b.base[off]++ != 0)
				return NULL;
		for (size_t off = 0; off < b.size; off += 4096)
			if (b.base[off] != 1)
				return NULL;
		backing_close(&b);
	}
	return mark;
}

static void
open_path__by_many_threads__keeps_them_apart(void **state)
{
	struct proc_count before = proc_count();
	pthread_t threads[NTHREADS];
	char mark;

	(void)state;
	for (int i = 0; i < NTHREADS; i++)
		assert_int_equal(
			pthread_create(&threads[i], NULL, open_many, &mark), 0);
	for (int i = 0; i < NTHREADS; i++) {
		void *result;

		assert_int_equal(pthread_join(threads[i], &result), 0);
		assert_ptr_equal(result, &mark);
	}
	assert_int_equal(proc_count().nfds, before.nfds);
	assert_int_equal(proc_count().shared_bytes, before.shared_bytes);
}

static void
guard__of_a_file__takes_and_gives_access(void **state)
{
	size_t page = os_page_size();
	struct backing b;
	struct fs fs;

	fs_mount_or_skip(&fs, fs_kind_of(state), 64);
	assert_int_equal(backing_open_path(&b, fs.path, POOL_SIZE), 0);
	errno = 0;
	if (b.granule == page) {
		assert_true(backing_guard(&b, true));
		assert_false(proc_can_read(b.base));
		assert_true(proc_can_read(b.base + page));
	} else {
		assert_false(backing_guard(&b, true));
		assert_true(proc_can_read(b.base));
	}
	assert_false(backing_guard(&b, false));
	assert_int_equal(errno, 0);
	b.base[0] = 1;
	/* closing needs no access to it */
	(void)backing_guard(&b, true);
	backing_close(&b);
	assert_true(fs_unmount(&fs));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(open_path__size_over_off_t__says_efbig),
		cmocka_unit_test(open_path__of_no_directory__says_what_it_is),
		cmocka_unit_test(open_path__of_a_block_device__says_enotdir),
		cmocka_unit_test(open_path__without_permission__says_eacces),
		cmocka_unit_test(open_path__read_only_file_system__says_erofs),
		cmocka_unit_test(
			open_path__over_the_file_size_limit__says_efbig),
		cmocka_unit_test(
			open_path__over_the_address_limit__says_enomem),
		cmocka_unit_test(open_path__no_descriptor_left__says_emfile),
		cmocka_unit_test(open_path__one_descriptor_left__makes_many),
		cmocka_unit_test(open_path__in_a_cancelled_thread__ends),
		cmocka_unit_test(open_path__by_many_threads__keeps_them_apart),
		on_fs(FS_TMPFS, guard__of_a_file__takes_and_gives_access),
		on_fs(FS_EXT4, guard__of_a_file__takes_and_gives_access),
		on_fs(FS_HUGETLBFS, guard__of_a_file__takes_and_gives_access),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
