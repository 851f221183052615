/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * place.h -- where a pool is to be, looked at before it is made
 *
 * What would make the pool fail is told here in one line, and a size is
 * chosen where none was asked for.  Nothing is created.  The functions return
 * 0, or the exit status after saying why, with `what` in front: "", or whose
 * place it is, such as "tier a: ".
 */
#ifndef CLI_PLACE_H
#define CLI_PLACE_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct place {
	char path[PATH_MAX]; /* absolute */
	size_t size;         /* bytes for the pool */
};

/* what a file system has for a pool */
struct room {
	uint64_t free;    /* bytes */
	uint64_t granule; /* bytes that are taken at once, a power of two */
	bool told;        /* it does say how much is free */
};

/*
 * place_room -- what statfs(2) says of a directory; limits of 0 blocks are none
 * Of hugetlbfs the huge pages that the kernel has count.  Returns false with
 * errno, and says nothing.
 */
bool place_room(const char *dir, struct room *ret_room);

/*
 * place_in_dir -- a pool in a directory
 *
 * size    bytes; 0: an eighth of the free space, at most 4 GiB, at least the
 *         smallest pool
 */
int place_in_dir(const char *what, const char *dir, size_t size,
	struct place *ret_place);

/*
 * place_on_device -- a pool that is a device DAX node
 *
 * size    bytes that the device must have; 0: it is taken as it is
 */
int place_on_device(const char *what, const char *node, size_t size,
	struct place *ret_place);

/* place_is_device -- or else it should be a directory */
bool place_is_device(const char *path);

/* place_absolute -- a path that holds in any working directory */
int place_absolute(const char *what, const char *path, char ret_path[PATH_MAX]);

#endif
