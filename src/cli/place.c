/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * place.c -- directories: are they usable, and how much is free
 */
#include "cli/place.h"

#include <errno.h>
#include <libvmem.h>
#include <linux/magic.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "cli/command.h"

#define HUGEPAGES       "/sys/kernel/mm/hugepages/hugepages-%zukB/%s"
#define SYSFS_PATH_SIZE 128

/* the size that is chosen: this part of the free space, and not more than */
#define SHARE_DIVISOR 8u
#define SHARE_MAX     ((uint64_t)4 << 30)

#define HUGE_PAGE_SIZE ((uint64_t)2 << 20) /* what sizes are multiples of */

int
place_absolute(const char *what, const char *path, char ret_path[PATH_MAX])
{
	char dir[PATH_MAX] = "";
	int n;

	if (path[0] != '/' && getcwd(dir, sizeof(dir)) == NULL)
		return refuse(STATUS_FAILED, "%sthe working directory: %s",
			what, strerror(errno));
	n = snprintf(ret_path, PATH_MAX, "%s%s%s", dir,
		path[0] == '/' ? "" : "/", path);
	if (n < 0 || n >= PATH_MAX)
		return refuse(STATUS_FAILED, "%s%s: %s", what, path,
			strerror(ENAMETOOLONG));
	return 0;
}

/* huge_pages -- the kernel's number of huge pages of a size and kind, or 0 */
static uint64_t
huge_pages(uint64_t page_size, const char *kind)
{
	char path[SYSFS_PATH_SIZE];
	unsigned long value = 0;
	FILE *file;

	(void)snprintf(
		path, sizeof(path), HUGEPAGES, (size_t)page_size >> 10, kind);
	file = fopen(path, "re");
	if (file == NULL)
		return 0;
	/* NOLINTNEXTLINE(cert-err34-c) the kernel writes numbers */
	if (fscanf(file, "%lu", &value) != 1)
		value = 0;
	(void)fclose(file);
	return value;
}

/* huge_room -- huge pages that are free, and those that may be added */
static uint64_t
huge_room(uint64_t page_size)
{
	uint64_t have = huge_pages(page_size, "free_hugepages") +
			huge_pages(page_size, "nr_overcommit_hugepages");
	uint64_t taken = huge_pages(page_size, "resv_hugepages") +
			 huge_pages(page_size, "surplus_hugepages");

	return have > taken ? (have - taken) * page_size : 0;
}

bool
place_room(const char *dir, struct room *ret_room)
{
	struct room room = {.granule = 1};
	struct statfs st;
	uint64_t huge;

	if (statfs(dir, &st) != 0)
		return false;
	if (st.f_blocks != 0) {
		room.told = true;
		/* root may take what is kept back from others */
		room.free = (geteuid() == 0 ? st.f_bfree : st.f_bavail) *
			    (uint64_t)st.f_frsize;
	}
	if (st.f_type == HUGETLBFS_MAGIC) {
		room.granule = (uint64_t)st.f_bsize;
		huge = huge_room(room.granule);
		if (!room.told || huge < room.free)
			room.free = huge;
		room.told = true;
	}
	*ret_room = room;
	return true;
}

static uint64_t
round_up(uint64_t size, uint64_t granule)
{
	return (size + granule - 1) & ~(granule - 1);
}

/* choose_size -- see place_in_dir() */
static uint64_t
choose_size(const struct room *room)
{
	uint64_t granule =
		room->granule > HUGE_PAGE_SIZE ? room->granule : HUGE_PAGE_SIZE;
	uint64_t least = round_up(VMEM_MIN_POOL, room->granule);
	uint64_t size = room->free / SHARE_DIVISOR;

	if (size > SHARE_MAX)
		size = SHARE_MAX;
	size &= ~(granule - 1);
	return size > least ? size : least;
}

/* check_dir -- is it a directory in which files can be made? */
static int
check_dir(const char *what, const char *dir)
{
	struct stat st;
	int err = 0;

	if (stat(dir, &st) != 0)
		err = errno;
	else if (!S_ISDIR(st.st_mode))
		err = ENOTDIR;
	else if (eaccess(dir, W_OK | X_OK) != 0)
		err = errno;
	if (err != 0)
		return refuse(
			STATUS_FAILED, "%s%s: %s", what, dir, strerror(err));
	return 0;
}

int
place_in_dir(
	const char *what, const char *dir, size_t size, struct place *ret_place)
{
	struct room room = {0};
	int status = check_dir(what, dir);

	if (status != 0)
		return status;
	if (!place_room(dir, &room))
		return refuse(
			STATUS_FAILED, "%s%s: %s", what, dir, strerror(errno));
	if (size == 0 && !room.told)
		return refuse(STATUS_FAILED,
			"%s%s: how much is free there is not known; say --size",
			what, dir);
	if (size == 0)
		size = (size_t)choose_size(&room);
	if (room.told && round_up(size, room.granule) > room.free)
		return refuse(STATUS_FAILED,
			"%s%s: not enough free space: %zu bytes asked for, %zu "
			"free",
			what, dir, size, (size_t)room.free);
	ret_place->size = size;
	return place_absolute(what, dir, ret_place->path);
}
