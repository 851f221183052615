/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * mount_list.c -- file systems on which files for pools can be made
 *
 * Of a file system that is mounted several times the first place is told.
 */
#include <mntent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/holders.h"
#include "cli/place.h"

#define MOUNTS "/proc/self/mounts"

/* the file systems that were told */
struct seen {
	dev_t *v;
	size_t n;
};

/* is_new -- remembers it, and whether it was not there; false without memory */
static bool
is_new(struct seen *seen, dev_t device)
{
	dev_t *v;

	for (size_t i = 0; i < seen->n; i++)
		if (seen->v[i] == device)
			return false;
	v = reallocarray(seen->v, seen->n + 1, sizeof(*v));
	if (v == NULL)
		return false;
	seen->v = v;
	v[seen->n++] = device;
	return true;
}

/* has_dax -- "dax" and "dax=always"; with "dax=inode" each file has its own */
static bool
has_dax(const struct mntent *entry)
{
	const char *option = hasmntopt(entry, "dax");

	return option != NULL &&
	       (strncmp(option, "dax=", 4) != 0 ||
		       strncmp(option, "dax=always", 10) == 0);
}

static enum holder_kind
kind_of(const struct mntent *entry)
{
	if (strcmp(entry->mnt_type, "hugetlbfs") == 0)
		return HOLDER_HUGE;
	return has_dax(entry) ? HOLDER_DAX_MOUNT : HOLDER_DIRECTORY;
}

/*
 * is_for_files -- not one that the kernel fills by itself: these have no
 * blocks, or only devices, or are mounted below its own folders
 */
static bool
is_for_files(const struct mntent *entry, const struct room *room)
{
	return strncmp(entry->mnt_dir, "/sys/", 5) != 0 &&
	       strncmp(entry->mnt_dir, "/proc/", 6) != 0 &&
	       (room->told || strcmp(entry->mnt_type, "ramfs") == 0) &&
	       strcmp(entry->mnt_type, "devtmpfs") != 0 &&
	       strcmp(entry->mnt_type, "efivarfs") != 0;
}

/* add -- if this user can make files there; it is gone or hidden otherwise */
static int
add(struct holders *all, struct seen *seen, const struct mntent *entry)
{
	struct holder one = {.kind = kind_of(entry), .node = -1};
	struct room room;
	struct stat st;

	if (stat(entry->mnt_dir, &st) != 0 || !S_ISDIR(st.st_mode) ||
		eaccess(entry->mnt_dir, W_OK | X_OK) != 0 ||
		!place_room(entry->mnt_dir, &room) ||
		!is_for_files(entry, &room) || !is_new(seen, st.st_dev))
		return 0;
	one.free = room.free;
	one.unit = room.granule;
	(void)snprintf(one.type, sizeof(one.type), "%s", entry->mnt_type);
	return holders_add(all, &one, entry->mnt_dir);
}

int
mount_list(struct holders *all)
{
	struct seen seen = {NULL, 0};
	struct mntent *entry;
	FILE *mounts = setmntent(MOUNTS, "re");
	int status = 0;

	if (mounts == NULL)
		return refuse(STATUS_FAILED, MOUNTS " cannot be read");
	while (status == 0 && (entry = getmntent(mounts)) != NULL)
		status = add(all, &seen, entry);
	(void)endmntent(mounts);
	free(seen.v);
	return status;
}
