/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * create_errors.c -- vmem_create() and vmem_create_in_region() when they fail
 *
 * Every case asks for the error number, the exact text where the contract has
 * one, and that nothing is left behind.
 */
#include "harness/test.h"

#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "harness/fs.h"
#include "harness/proc.h"
#include "harness/region.h"

#define PATH_BYTES 4096
#define NOBODY     65534

static void
create__size_under_minimum__is_refused(void **state)
{
	static const size_t sizes[] = {
		0, 1, 4096, MIB, 8 * MIB, VMEM_MIN_POOL - 1};

	(void)state;
	for (size_t i = 0; i < NELEM(sizes); i++) {
		struct proc_count before = proc_count();

		errno = 0;
		assert_null(vmem_create(test_dir(), sizes[i]));
		assert_error(
			EINVAL, "size %zu smaller than 14680064", sizes[i]);
		assert_true(proc_is_unchanged(before));
	}
	assert_int_equal(VMEM_MIN_POOL, 14680064);
}

static void
create__bad_size_and_bad_path__tells_the_size(void **state)
{
	(void)state;
	errno = 0;
	assert_null(vmem_create(NULL, 1));
	assert_error(EINVAL, "size 1 smaller than 14680064");
	errno = 0;
	assert_null(vmem_create("/no/such/dir", 1));
	assert_error(EINVAL, "size 1 smaller than 14680064");
	errno = 0;
	assert_null(vmem_create_in_region(NULL, 1));
	assert_error(EINVAL, "size 1 smaller than 14680064");
}

static void
create__null_path__is_refused(void **state)
{
	(void)state;
	errno = 0;
	assert_null(vmem_create(NULL, VMEM_MIN_POOL));
	assert_error(EINVAL, "invalid (NULL) path");
}

/* refused -- a path is refused with this error, and open is named */
static void
assert_open_refuses(const char *path, int err)
{
	struct proc_count before = proc_count();

	errno = 0;
	assert_null(vmem_create(path, VMEM_MIN_POOL));
	assert_error(err, "open: %s", strerror(err));
	assert_true(proc_is_unchanged(before));
}

static void
create__no_such_directory__gives_enoent(void **state)
{
	char path[PATH_BYTES + 16];

	(void)state;
	snprintf(path, sizeof(path), "%s/none", test_dir());
	errno = 0;
	assert_null(vmem_create(path, VMEM_MIN_POOL));
	assert_error(ENOENT, "open: No such file or directory");
	assert_open_refuses("", ENOENT);
}

static void
create__regular_file_or_below_one__gives_enotdir(void **state)
{
	char file[PATH_BYTES], below[PATH_BYTES + 16];
	int fd;

	(void)state;
	snprintf(file, sizeof(file), "%s.file", test_dir());
	snprintf(below, sizeof(below), "%s/below", file);
	fd = open(file, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	close(fd);
	assert_open_refuses(file, ENOTDIR);
	assert_open_refuses(below, ENOTDIR);
	assert_int_equal(unlink(file), 0);
}

static void
create__long_name_and_looping_link__are_told(void **state)
{
	char name[PATH_MAX + 16], link[PATH_BYTES];

	(void)state;
	memset(name, 'a', sizeof(name) - 1);
	name[0] = '/';
	name[sizeof(name) - 1] = '\0';
	assert_open_refuses(name, ENAMETOOLONG);
	name[NAME_MAX + 2] = '\0';
	assert_open_refuses(name, ENAMETOOLONG);

	snprintf(link, sizeof(link), "%s.loop", test_dir());
	assert_int_equal(symlink(link, link), 0);
	assert_open_refuses(link, ELOOP);
	assert_int_equal(unlink(link), 0);
}

/* a FIFO must not make the caller wait; a socket cannot be opened */
static void
create__fifo_or_socket__is_refused_at_once(void **state)
{
	char fifo[PATH_BYTES];
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)state;
	snprintf(fifo, sizeof(fifo), "%s.fifo", test_dir());
	assert_int_equal(mkfifo(fifo, 0600), 0);
	errno = 0;
	assert_null(vmem_create(fifo, VMEM_MIN_POOL));
	assert_int_equal(errno, ENOTDIR);
	assert_int_equal(unlink(fifo), 0);

	assert_true(fd >= 0);
	snprintf(sun.sun_path, sizeof(sun.sun_path), "%.80s.sock", test_dir());
	assert_int_equal(
		bind(fd, (const struct sockaddr *)&sun, sizeof(sun)), 0);
	errno = 0;
	assert_null(vmem_create(sun.sun_path, VMEM_MIN_POOL));
	assert_true(errno == ENOTDIR || errno == ENXIO);
	assert_true(strlen(vmem_errormsg()) > 0);
	assert_int_equal(unlink(sun.sun_path), 0);
	close(fd);
}

static void
create__character_device_that_is_no_dax__is_refused(void **state)
{
	static const char *const paths[] = {
		"/dev/null", "/dev/zero", "/dev/full", "/dev/urandom"};

	(void)state;
	for (size_t i = 0; i < NELEM(paths); i++) {
		struct proc_count before = proc_count();

		errno = 0;
		assert_null(vmem_create(paths[i], VMEM_MIN_POOL));
		assert_true(errno == ENODEV || errno == EINVAL);
		assert_true(strlen(vmem_errormsg()) > 0);
		assert_true(proc_is_unchanged(before));
	}
}

static int
as_nobody(void *arg)
{
	if (setgid(NOBODY) != 0 || setuid(NOBODY) != 0)
		return TEST_EXIT_SKIPPED;
	errno = 0;
	must(vmem_create(arg, VMEM_MIN_POOL) == NULL);
	must(errno == EACCES);
	must(strcmp(vmem_errormsg(), "open: Permission denied") == 0);
	return 0;
}

static void
create__directory_of_somebody_else__gives_eacces(void **state)
{
	char dir[PATH_BYTES];
	int code;

	(void)state;
	snprintf(dir, sizeof(dir), "%s", test_dir());
	code = test_child(as_nobody, dir);
	if (code == TEST_EXIT_SKIPPED)
		test_skip("only root can become somebody else");
	assert_int_equal(code, 0);
}

static void
create__read_only_file_system__gives_erofs(void **state)
{
	struct fs fs;

	(void)state;
	fs_mount_or_skip(&fs, FS_TMPFS, 64);
	assert_int_equal(
		mount("none", fs.path, NULL, MS_REMOUNT | MS_RDONLY, NULL), 0);
	assert_open_refuses(fs.path, EROFS);
	assert_true(fs_unmount(&fs));
}

/* file offsets end at 2^63 - 1 */
static void
create__size_beyond_file_offsets__gives_efbig(void **state)
{
	static const size_t sizes[] = {SIZE_MAX, SIZE_MAX - 4095,
		SIZE_MAX - 4096, SIZE_MAX / 2 + 1, SIZE_MAX / 2 + 2,
		SIZE_MAX / 4 * 3};

	(void)state;
	for (size_t i = 0; i < NELEM(sizes); i++) {
		struct proc_count before = proc_count();

		errno = 0;
		assert_null(vmem_create(test_dir(), sizes[i]));
		assert_int_equal(errno, EFBIG);
		assert_true(strlen(vmem_errormsg()) > 0);
		assert_true(proc_is_unchanged(before));
	}
}

static void
create__size_beyond_the_file_system__is_refused_soon(void **state)
{
	static const size_t sizes[] = {SIZE_MAX / 2, SIZE_MAX / 2 - 4095,
		SIZE_MAX / 2 - 4 * MIB, SIZE_MAX / 4, (size_t)1 << 56,
		(size_t)1 << 48, (size_t)1 << 47};

	(void)state;
	for (size_t i = 0; i < NELEM(sizes); i++) {
		struct proc_count before = proc_count();

		errno = 0;
		assert_null(vmem_create(test_dir(), sizes[i]));
		assert_true(
			errno == EFBIG || errno == ENOSPC || errno == ENOMEM);
		assert_true(strlen(vmem_errormsg()) > 0);
		assert_true(proc_is_unchanged(before));
	}
}

/* on a file system that nobody else uses, so that its space can be compared */
static void
create__size_beyond_the_file_system__takes_nothing(void **state)
{
	static const size_t sizes[] = {
		64 * MIB + 4096, 4 * GIB, (size_t)1 << 47, SIZE_MAX / 2};
	struct fs fs;
	size_t free_bytes;

	(void)state;
	fs_mount_or_skip(&fs, FS_TMPFS, 64);
	free_bytes = fs_free_bytes(fs.path);
	for (size_t i = 0; i < NELEM(sizes); i++) {
		assert_null(vmem_create(fs.path, sizes[i]));
		assert_int_equal(fs_free_bytes(fs.path), free_bytes);
	}
	assert_true(fs_unmount(&fs));
}

static void
create__many_failures__leave_nothing_behind(void **state)
{
	struct proc_count before = proc_count();
	size_t vm_size = test_vm_size();

	(void)state;
	for (unsigned i = 0; i < 100; i++) {
		assert_null(vmem_create(test_dir(), 0));
		assert_null(vmem_create(test_dir(), SIZE_MAX / 2 - 4 * MIB));
		assert_null(vmem_create("/none/at/all", VMEM_MIN_POOL));
		assert_null(vmem_create("/dev/null", VMEM_MIN_POOL));
	}
	assert_true(proc_is_unchanged(before));
	assert_true(test_vm_size() <= vm_size + MIB);
	assert_int_equal(fs_nfiles(test_dir()), 0);
}

static void
create_in_region__size_under_minimum__is_refused(void **state)
{
	static const size_t sizes[] = {0, 1, 4096, VMEM_MIN_POOL - 1};
	struct region region;

	(void)state;
	region_open(&region, VMEM_MIN_POOL);
	for (size_t i = 0; i < NELEM(sizes); i++) {
		errno = 0;
		assert_null(vmem_create_in_region(region.addr, sizes[i]));
		assert_error(
			EINVAL, "size %zu smaller than 14680064", sizes[i]);
	}
	region_close(&region);
}

static void
create_in_region__unaligned_address__is_refused(void **state)
{
	static const size_t off[] = {1, 8, 16, 64, 512, 2048, 4095};
	struct region region;
	long page = sysconf(_SC_PAGESIZE);

	(void)state;
	region_open(&region, VMEM_MIN_POOL + MIB);
	for (size_t i = 0; i < NELEM(off); i++) {
		char *addr = region.addr + off[i];

		errno = 0;
		assert_null(vmem_create_in_region(addr, VMEM_MIN_POOL));
		assert_error(EINVAL,
			"addr 0x%" PRIxPTR " not aligned to pagesize %ld",
			(uintptr_t)addr, page);
	}
	region_close(&region);
}

static void
create_in_region__null_address__is_refused(void **state)
{
	(void)state;
	errno = 0;
	assert_null(vmem_create_in_region(NULL, VMEM_MIN_POOL));
	assert_int_equal(errno, EINVAL);
	assert_true(strlen(vmem_errormsg()) > 0);
	assert_null(strstr(vmem_errormsg(), "smaller"));
}

/* a range that goes round the end of the address space holds no memory */
static void
create_in_region__size_round_the_end__is_refused(void **state)
{
	static const size_t sizes[] = {
		SIZE_MAX, SIZE_MAX - 4095, SIZE_MAX / 2 + 1};
	struct region region;

	(void)state;
	region_open(&region, VMEM_MIN_POOL);
	for (size_t i = 0; i < NELEM(sizes); i++) {
		errno = 0;
		assert_null(vmem_create_in_region(region.addr, sizes[i]));
		assert_true(
			errno == EINVAL || errno == ENOMEM || errno == EFBIG);
	}
	region_close(&region);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(create__size_under_minimum__is_refused),
		cmocka_unit_test(create__bad_size_and_bad_path__tells_the_size),
		cmocka_unit_test(create__null_path__is_refused),
		cmocka_unit_test(create__no_such_directory__gives_enoent),
		cmocka_unit_test(
			create__regular_file_or_below_one__gives_enotdir),
		cmocka_unit_test(create__long_name_and_looping_link__are_told),
		cmocka_unit_test(create__fifo_or_socket__is_refused_at_once),
		cmocka_unit_test(
			create__character_device_that_is_no_dax__is_refused),
		cmocka_unit_test(
			create__directory_of_somebody_else__gives_eacces),
		cmocka_unit_test(create__read_only_file_system__gives_erofs),
		cmocka_unit_test(create__size_beyond_file_offsets__gives_efbig),
		cmocka_unit_test(
			create__size_beyond_the_file_system__is_refused_soon),
		cmocka_unit_test(
			create__size_beyond_the_file_system__takes_nothing),
		cmocka_unit_test(create__many_failures__leave_nothing_behind),
		cmocka_unit_test(
			create_in_region__size_under_minimum__is_refused),
		cmocka_unit_test(
			create_in_region__unaligned_address__is_refused),
		cmocka_unit_test(create_in_region__null_address__is_refused),
		cmocka_unit_test(
			create_in_region__size_round_the_end__is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
