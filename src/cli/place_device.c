/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * place_device.c -- device DAX nodes: what sysfs says of them
 *
 * Source  Linux, Documentation/ABI/testing/sysfs-bus-dax.
 */
#include "cli/place.h"

#include <errno.h>
#include <libvmem.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "cli/command.h"

#define SYSFS_DEVICE "/sys/dev/char/%u:%u/%s"

/* sysfs_path -- of an attribute of a device */
static void
sysfs_path(char ret_path[PATH_MAX], dev_t device, const char *attribute)
{
	(void)snprintf(ret_path, PATH_MAX, SYSFS_DEVICE, major(device),
		minor(device), attribute);
}

/* is_dax -- kernels before 5.1 have a class, later ones a bus */
static bool
is_dax(dev_t device)
{
	char path[PATH_MAX], target[PATH_MAX];
	const char *last;
	ssize_t n;

	sysfs_path(path, device, "subsystem");
	n = readlink(path, target, sizeof(target) - 1);
	if (n < 0)
		return false;
	target[n] = '\0';
	last = strrchr(target, '/');
	return last != NULL && strcmp(last, "/dax") == 0;
}

/* device_size -- bytes; 0 when sysfs does not say */
static size_t
device_size(dev_t device)
{
	char path[PATH_MAX];
	size_t size = 0;
	FILE *file;

	sysfs_path(path, device, "size");
	file = fopen(path, "re");
	if (file == NULL)
		return 0;
	/* NOLINTNEXTLINE(cert-err34-c) the kernel writes numbers */
	if (fscanf(file, "%zu", &size) != 1)
		size = 0;
	(void)fclose(file);
	return size;
}

bool
place_is_device(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISCHR(st.st_mode);
}

/* check_node -- is it a device DAX node that can be opened? */
static int
check_node(const char *what, const char *node, dev_t *ret_device)
{
	struct stat st;

	if (stat(node, &st) != 0)
		return refuse(
			STATUS_FAILED, "%s%s: %s", what, node, strerror(errno));
	if (!S_ISCHR(st.st_mode))
		return refuse(STATUS_FAILED, "%s%s: not a character device",
			what, node);
	if (!is_dax(st.st_rdev))
		return refuse(STATUS_FAILED, "%s%s: not a device DAX node",
			what, node);
	if (eaccess(node, R_OK | W_OK) != 0)
		return refuse(
			STATUS_FAILED, "%s%s: %s", what, node, strerror(errno));
	*ret_device = st.st_rdev;
	return 0;
}

int
place_on_device(const char *what, const char *node, size_t size,
	struct place *ret_place)
{
	size_t whole;
	dev_t device = 0;
	int status = check_node(what, node, &device);

	if (status != 0)
		return status;
	whole = device_size(device);
	if (whole == 0)
		return refuse(STATUS_FAILED,
			"%s%s: the kernel does not tell its size", what, node);
	if (size == 0)
		size = VMEM_MIN_POOL;
	if (whole < size)
		return refuse(STATUS_FAILED,
			"%s%s: the device is too small: %zu bytes asked for, "
			"%zu "
			"there",
			what, node, size, whole);
	ret_place->size = whole;
	return place_absolute(what, node, ret_place->path);
}
