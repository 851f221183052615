/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * backing_device.c -- a device DAX node, taken whole
 *
 * The node is a character device of size 0 on which only open, mmap and flock
 * work.  What it is, its size and its alignment stand in sysfs alone.  Mapping
 * beyond its end succeeds and raises SIGBUS on touch, so the size there is the
 * size of the pool.  Its old contents stay.
 *
 * Source  Linux, drivers/dax/bus.c and device.c;
 *         Documentation/ABI/testing/sysfs-bus-dax.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "backing/backing.h"
#include "backing/backing_internal.h"
#include "base/arith.h"
#include "base/error.h"
#include "base/os.h"

#define SYSFS_ROOT       "/sys"
#define SYSFS_VALUE_SIZE 32

/* the longest path and link by far; a thread's stack may have 16 KiB in all */
#define SYSFS_PATH_SIZE 256

/* MADV_POPULATE_WRITE, which older headers do not have */
#define POPULATE_WRITE 23

/* where kernels of different age have the alignment, below the device */
static const char *const align_paths[] = {
	"align", "device/align", "../align", "../dax_region/align"};

#define NALIGN_PATHS (sizeof(align_paths) / sizeof(align_paths[0]))

static bool
ends_in(const char *text, const char *end)
{
	size_t n = strlen(text), m = strlen(end);

	return n >= m && memcmp(text + n - m, end, m) == 0;
}

/* is_dax -- whether a device's sysfs directory says device DAX */
static bool
is_dax(int dir_fd)
{
	char link[SYSFS_PATH_SIZE];
	ssize_t n = readlinkat(dir_fd, "subsystem", link, sizeof(link) - 1);

	if (n < 0)
		return false;
	link[n] = '\0';
	/* kernels before 5.1 have a class, later ones a bus */
	return ends_in(link, "/bus/dax") || ends_in(link, "/class/dax");
}

/*
 * read_value -- the number in a file of a sysfs directory
 * Returns 0; -ENOENT when there is no such file; -EINVAL when it holds
 * something else.  Sets no message.
 */
static int
read_value(long long *ret, int dir_fd, const char *path)
{
	char text[SYSFS_VALUE_SIZE], *end;
	long long value;
	ssize_t n;
	int fd = openat(dir_fd, path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (n <= 0)
		return -EINVAL;
	text[n] = '\0';
	errno = 0;
	value = strtoll(text, &end, 0);
	if (errno != 0 || end == text || (*end != '\0' && *end != '\n'))
		return -EINVAL;
	*ret = value;
	return 0;
}

/* read_align -- from the first place that is there */
static int
read_align(long long *ret, int dir_fd)
{
	int err = -ENOENT;

	for (size_t i = 0; i < NALIGN_PATHS && err == -ENOENT; i++)
		err = read_value(ret, dir_fd, align_paths[i]);
	return err;
}

static int
read_info(struct device_info *ret, int dir_fd)
{
	long long size = 0, align = 0, node = -1;
	int err = read_value(&size, dir_fd, "size");

	if (err != 0)
		return fail_sys(-err, "device DAX: size");
	err = read_align(&align, dir_fd);
	if (err != 0)
		return fail_sys(-err, "device DAX: align");
	if (align < (long long)os_page_size() || !is_pow2((size_t)align))
		return fail(EINVAL, "device DAX: alignment %lld", align);
	if (size < align)
		return fail(EINVAL, "device DAX: size %lld, alignment %lld",
			size, align);
	if (read_value(&node, dir_fd, "target_node") != 0 || node < 0 ||
		node > INT_MAX)
		node = -1;
	*ret = (struct device_info){
		.size = align_down((size_t)size, (size_t)align),
		.align = (size_t)align,
		.target_node = (int)node,
	};
	return 0;
}

int
device_read_info(struct device_info *ret, const char *sysfs_root,
	unsigned major, unsigned minor)
{
	char path[SYSFS_PATH_SIZE];
	int n, dir_fd, err;

	n = snprintf(path, sizeof(path), "%s/dev/char/%u:%u", sysfs_root, major,
		minor);
	if (n < 0 || (size_t)n >= sizeof(path))
		return fail_sys(ENAMETOOLONG, "open");
	dir_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir_fd < 0 && errno != ENOENT && errno != ENOTDIR)
		return fail_sys(errno, "open");
	if (dir_fd < 0 || !is_dax(dir_fd))
		err = fail(ENODEV, "character device %u:%u is no device DAX",
			major, minor);
	else
		err = read_info(ret, dir_fd);
	if (dir_fd >= 0)
		close(dir_fd);
	return err;
}

/*
 * open_node -- open the device, if it is still the one that was looked at
 *
 * Only then: opening an unknown device can do things, as with a watchdog.
 */
static int
open_node(const char *path, dev_t rdev)
{
	int fd = open(path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	struct stat st;

	if (fd < 0)
		return fail_sys(errno, "open");
	if (fstat(fd, &st) != 0 || !S_ISCHR(st.st_mode) || st.st_rdev != rdev) {
		close(fd);
		return fail(ENODEV, "%s was exchanged for another file", path);
	}
	return fd;
}

/*
 * lock_node -- two pools on one device would destroy each other
 * The lock lasts as long as the mapping, here or in a forked child: that holds
 * the open file, and no descriptor is needed.
 */
static int
lock_node(int fd)
{
	if (flock(fd, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK)
		return 0;
	return fail_sys(EBUSY, "flock");
}

/*
 * has_pages -- a process that is denied huge pages (PR_SET_THP_DISABLE) is
 * denied those of a device too: a touch would end it with SIGBUS
 * Kernels before 5.14 do not say so beforehand.
 */
static bool
has_pages(char *base)
{
	int rc;

	do
		rc = madvise(base, os_page_size(), POPULATE_WRITE);
	while (rc != 0 && errno == EINTR);
	return rc == 0 || errno == EINVAL;
}

/* map_node -- all of it, if that can be touched */
static int
map_node(char **ret_base, int fd, const struct device_info *info)
{
	char *base = NULL;
	int err = backing_map(
		&base, fd, info->size, info->align, info->align, true);

	if (err != 0)
		return err;
	if (!has_pages(base)) {
		(void)munmap(base, info->size);
		return fail(ENOMEM, "device DAX: this process gets no pages");
	}
	*ret_base = base;
	return 0;
}

/* open_whole -- map the device of an open node, which stays the caller's */
static int
open_whole(struct backing *ret, int fd, const struct device_info *info)
{
	int err = lock_node(fd);
	char *base = NULL;

	if (err == 0)
		err = map_node(&base, fd, info);
	if (err != 0)
		return err;
	*ret = (struct backing){
		.base = base,
		.size = info->size,
		.granule = info->align,
		.unit = info->align,
		.kind = BACKING_DEVICE,
		.reserved = info->size,
		.give = BACKING_GIVE_NEVER,
		.zero = false,
		.fd = -1,
	};
	return 0;
}

int
backing_device_open(struct backing *ret, const char *path)
{
	struct device_info info = {0};
	struct stat st;
	int fd, err;

	if (stat(path, &st) != 0)
		return fail_sys(errno, "open");
	if (!S_ISCHR(st.st_mode))
		return fail_sys(ENOTDIR, "open");
	err = device_read_info(
		&info, SYSFS_ROOT, major(st.st_rdev), minor(st.st_rdev));
	if (err != 0)
		return err;
	fd = open_node(path, st.st_rdev);
	if (fd < 0)
		return fd;
	err = open_whole(ret, fd, &info);
	close(fd);
	return err;
}

int
backing_device_open_fd(struct backing *ret, int fd)
{
	struct device_info info = {0};
	struct stat st;
	int err;

	if (fstat(fd, &st) != 0)
		return fail_sys(errno, "fstat");
	err = device_read_info(
		&info, SYSFS_ROOT, major(st.st_rdev), minor(st.st_rdev));
	return err == 0 ? open_whole(ret, fd, &info) : err;
}
