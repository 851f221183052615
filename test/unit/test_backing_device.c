/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_backing_device.c -- what a device DAX's sysfs files are read as
 *
 * A stand-in tree has the files of kernels of different age; the mapping is
 * tested on memory files.  Node 252:7 is /devices/region0/dax0.0.
 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backing/backing.h"
#include "backing/backing_internal.h"
#include "base/error.h"
#include "harness/proc.h"

#include <cmocka.h> /* last: its fail() is another than base/error.h's */

#define MAJOR  252
#define MINOR  7
#define DEVICE "devices/region0/dax0.0"
#define MIB    ((size_t)1 << 20)

static char root[64]; /* of the stand-in tree */

/* at -- a path in the tree; valid until the next call */
static const char *
at(const char *path)
{
	static char full[256];

	snprintf(full, sizeof(full), "%s/%s", root, path);
	return full;
}

static void
put(const char *path, const char *text)
{
	int fd = open(at(path), O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static void
put_link(const char *path, const char *target)
{
	(void)unlink(at(path));
	assert_int_equal(symlink(target, at(path)), 0);
}

static int
make_tree(void **state)
{
	static const char *const dirs[] = {"dev", "dev/char", "devices",
		"devices/region0", DEVICE, "bus", "bus/dax", "class",
		"class/dax"};

	(void)state;
	strcpy(root, "/tmp/vmem-sysfs-XXXXXX");
	assert_non_null(mkdtemp(root));
	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++)
		assert_int_equal(mkdir(at(dirs[i]), 0700), 0);
	put_link("dev/char/252:7", "../../" DEVICE);
	put_link(DEVICE "/subsystem", "../../../bus/dax");
	put(DEVICE "/size", "266338304\n"); /* 254 MiB */
	put(DEVICE "/align", "2097152\n");
	put(DEVICE "/target_node", "3\n");
	return 0;
}

static int
remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return remove(path);
}

static int
remove_tree(void **state)
{
	(void)state;
	return nftw(root, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* assert_refused -- with this error, some message, and nothing changed */
static void
assert_refused(int err)
{
	struct device_info info = {1, 2, 3};
	struct proc_count before = proc_count();

	assert_int_equal(device_read_info(&info, root, MAJOR, MINOR), -err);
	assert_true(error_text()[0] != '\0');
	assert_int_equal(info.size, 1);
	assert_int_equal(info.align, 2);
	assert_int_equal(info.target_node, 3);
	assert_true(proc_is_unchanged(before));
}

static void
read_info__of_a_bus_device__gives_its_values(void **state)
{
	struct proc_count before = proc_count();
	struct device_info info;

	(void)state;
	assert_int_equal(device_read_info(&info, root, MAJOR, MINOR), 0);
	assert_int_equal(info.size, 254 * MIB);
	assert_int_equal(info.align, 2 * MIB);
	assert_int_equal(info.target_node, 3);
	assert_true(proc_is_unchanged(before));
}

static void
read_info__of_a_class_device__is_accepted(void **state)
{
	struct device_info info;

	(void)state;
	put_link(DEVICE "/subsystem", "../../../class/dax");
	assert_int_equal(device_read_info(&info, root, MAJOR, MINOR), 0);
}

static void
read_info__align_in_older_places__is_found(void **state)
{
	struct device_info info;

	(void)state;
	assert_int_equal(unlink(at(DEVICE "/align")), 0);

	assert_int_equal(mkdir(at("devices/region0/dax_region"), 0700), 0);
	put("devices/region0/dax_region/align", "4096\n");
	assert_int_equal(device_read_info(&info, root, MAJOR, MINOR), 0);
	assert_int_equal(info.align, 4096);

	put("devices/region0/align", "0x10000\n");
	assert_int_equal(device_read_info(&info, root, MAJOR, MINOR), 0);
	assert_int_equal(info.align, 65536);

	assert_int_equal(mkdir(at(DEVICE "/device"), 0700), 0);
	put(DEVICE "/device/align", "1048576");
	assert_int_equal(device_read_info(&info, root, MAJOR, MINOR), 0);
	assert_int_equal(info.align, MIB);
}

static void
read_info__size_is_no_multiple__is_rounded_down(void **state)
{
	struct device_info info;

	(void)state;
	put(DEVICE "/size", "6291455\n");
	assert_int_equal(device_read_info(&info, root, MAJOR, MINOR), 0);
	assert_int_equal(info.size, 4 * MIB);
	put(DEVICE "/size", "2097152\n");
	assert_int_equal(device_read_info(&info, root, MAJOR, MINOR), 0);
	assert_int_equal(info.size, 2 * MIB);
}

static void
read_info__no_target_node__is_unknown(void **state)
{
	static const char *const texts[] = {"-1\n", "x\n", "99999999999\n", ""};
	struct device_info info;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		put(DEVICE "/target_node", texts[i]);
		assert_int_equal(
			device_read_info(&info, root, MAJOR, MINOR), 0);
		assert_int_equal(info.target_node, -1);
	}
	assert_int_equal(unlink(at(DEVICE "/target_node")), 0);
	assert_int_equal(device_read_info(&info, root, MAJOR, MINOR), 0);
	assert_int_equal(info.target_node, -1);
}

static void
read_info__of_another_device__says_enodev(void **state)
{
	(void)state;
	put_link(DEVICE "/subsystem", "../../../class/mem");
	assert_refused(ENODEV);
	put_link(DEVICE "/subsystem", "../../../bus/notdax");
	assert_refused(ENODEV);
	put_link(DEVICE "/subsystem", "dax");
	assert_refused(ENODEV);
	assert_int_equal(unlink(at(DEVICE "/subsystem")), 0);
	assert_refused(ENODEV);
	assert_int_equal(unlink(at("dev/char/252:7")), 0);
	assert_refused(ENODEV);
}

static void
read_info__bad_size__is_refused(void **state)
{
	static const char *const texts[] = {"0\n", "2097151\n", "-2097152\n",
		"", "\n", "large\n", "4194304 bytes\n",
		"99999999999999999999999999\n"};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		put(DEVICE "/size", texts[i]);
		assert_refused(EINVAL);
	}
	assert_int_equal(unlink(at(DEVICE "/size")), 0);
	assert_refused(ENOENT);
}

static void
read_info__bad_align__is_refused(void **state)
{
	static const char *const texts[] = {"0\n", "2048\n", "-4096\n",
		"3145728\n", "huge\n", "", "9223372036854775808\n"};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		put(DEVICE "/align", texts[i]);
		assert_refused(EINVAL);
	}
	assert_int_equal(unlink(at(DEVICE "/align")), 0);
	assert_refused(ENOENT);
}

static void
read_info__root_is_too_long__is_refused(void **state)
{
	static char longer[8192];
	struct device_info info;

	(void)state;
	memset(longer, '/', sizeof(longer) - 1);
	assert_int_equal(
		device_read_info(&info, longer, MAJOR, MINOR), -ENAMETOOLONG);
}

static void
open_path__other_character_devices__says_enodev(void **state)
{
	static const char *const paths[] = {
		"/dev/null", "/dev/zero", "/dev/full", "/dev/tty"};
	struct proc_count before = proc_count();
	struct backing b;

	(void)state;
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		errno = 0;
		assert_int_equal(
			backing_open_path(&b, paths[i], 16 * MIB), -ENODEV);
		assert_non_null(strstr(error_text(), "no device DAX"));
		assert_int_equal(errno, 0);
	}
	assert_true(proc_is_unchanged(before));
}

/* map_aligned -- a memory file of this size, and check where it goes */
static void
map_aligned(size_t size, size_t granule, size_t expected_align)
{
	struct backing b = {.size = size, .kind = BACKING_DEVICE};
	struct proc_count before = proc_count();
	int fd = memfd_create("test", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, (off_t)size), 0);
	assert_int_equal(
		backing_map(&b.base, fd, size, granule, granule, true), 0);
	close(fd);
	assert_int_equal((uintptr_t)b.base % expected_align, 0);
	b.base[0] = 1;
	b.base[size - 1] = 1;
	/* nothing of the reservation is left around it */
	assert_int_equal(proc_count().none_bytes, before.none_bytes);
	assert_int_equal(proc_count().shared_bytes, before.shared_bytes + size);
	backing_close(&b);
	assert_true(proc_is_unchanged(before));
}

static void
map__with_a_device_alignment__is_aligned_to_it(void **state)
{
	(void)state;
	map_aligned(6 * MIB, 2 * MIB, 4 * MIB);
	map_aligned(64 * MIB, 32 * MIB, 32 * MIB);
	map_aligned(1024 * MIB, 1024 * MIB, 1024 * MIB);
}

static void
map__large__is_aligned_for_the_page_tables(void **state)
{
	(void)state;
	map_aligned(1024 * MIB, 4096, 1024 * MIB);
	map_aligned(1024 * MIB - 4096, 4096, 4 * MIB);
}

static void
map__read_only_file__leaves_nothing(void **state)
{
	struct proc_count before;
	char path[64], *base;
	int fd, read_fd;

	(void)state;
	fd = memfd_create("test", MFD_CLOEXEC);
	assert_true(fd >= 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	read_fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(read_fd >= 0);
	before = proc_count();
	assert_int_equal(
		backing_map(&base, read_fd, 4096, 4096, 4096, true), -EACCES);
	assert_string_equal(error_text(), "mmap: Permission denied");
	assert_true(proc_is_unchanged(before));
	close(read_fd);
	close(fd);
}

static void
map__more_than_the_address_space__says_enomem(void **state)
{
	static const size_t sizes[] = {
		(size_t)1 << 50, (size_t)1 << 62, PTRDIFF_MAX / 4096 * 4096};
	struct proc_count before;
	char *base;
	int fd;

	(void)state;
	fd = memfd_create("test", MFD_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, 4096), 0);
	before = proc_count();
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		assert_int_equal(
			backing_map(&base, fd, sizes[i], 4096, 4096, true),
			-ENOMEM);
		assert_string_equal(
			error_text(), "mmap: Cannot allocate memory");
	}
	assert_true(proc_is_unchanged(before));
	close(fd);
}

#define in_tree(test)                                                          \
	cmocka_unit_test_setup_teardown(test, make_tree, remove_tree)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		in_tree(read_info__of_a_bus_device__gives_its_values),
		in_tree(read_info__of_a_class_device__is_accepted),
		in_tree(read_info__align_in_older_places__is_found),
		in_tree(read_info__size_is_no_multiple__is_rounded_down),
		in_tree(read_info__no_target_node__is_unknown),
		in_tree(read_info__of_another_device__says_enodev),
		in_tree(read_info__bad_size__is_refused),
		in_tree(read_info__bad_align__is_refused),
		in_tree(read_info__root_is_too_long__is_refused),
		cmocka_unit_test(
			open_path__other_character_devices__says_enodev),
		cmocka_unit_test(
			map__with_a_device_alignment__is_aligned_to_it),
		cmocka_unit_test(map__large__is_aligned_for_the_page_tables),
		cmocka_unit_test(map__read_only_file__leaves_nothing),
		cmocka_unit_test(map__more_than_the_address_space__says_enomem),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
