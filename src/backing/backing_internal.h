/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * backing_internal.h -- what the files of this folder share
 *
 * As in backing.h: functions return 0 or a negative errno with the thread's
 * message set, leave nothing behind when they fail, and are thread-safe for
 * different backings.  Parts of the whole have names of their own so that
 * tests can give them a stand-in.
 */
#ifndef BACKING_BACKING_INTERNAL_H
#define BACKING_BACKING_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>

#include "backing/backing.h"

/* a transparent huge page of the kernel, or a multiple of it */
#define HUGE_PAGE ((size_t)2 << 20)

/* every mapping starts at a multiple of this */
#define BACKING_ALIGN ((size_t)4 << 20)

/* large ones at a multiple of this where there is room, for the page tables */
#define BACKING_ALIGN_LARGE ((size_t)1 << 30)

/* what sysfs says of a device DAX */
struct device_info {
	size_t size;     /* bytes; a multiple of align, not 0 */
	size_t align;    /* bytes; a power of two, at least the system page */
	int target_node; /* the node it would be as plain memory; -1 unknown */
};

/*
 * backing_map -- map all of an open file or device, shared, or private memory
 *
 * ret_base  gets the address, a multiple of max(align, BACKING_ALIGN)
 * fd        -1: private memory
 * size      bytes, a multiple of granule
 * granule   the smallest piece that the file can be mapped in
 * align     a power of two
 * account   whether the kernel shall count the memory as used at once
 */
int backing_map(char **ret_base, int fd, size_t size, size_t granule,
	size_t align, bool account);

/*
 * backing_place -- the policies of a fresh mapping, before any page is there:
 * NUMA nodes and huge pages
 */
int backing_place(const struct backing *b, const struct backing_want *want);

/*
 * backing_prefault -- bring what is reserved into memory, if that is wanted;
 * the last thing
 */
int backing_prefault(const struct backing *b, const struct backing_want *want);

/*
 * backing_file_open -- with an empty file; fd stays the caller's
 * Makes no difference between a file of ours and one of the caller's: when it
 * fails the file is empty again.
 */
int backing_file_open(
	struct backing *ret, int fd, const struct backing_want *want);

/* backing_memory_open -- what is made of memory: memfd, huge pages, private */
int backing_memory_open(struct backing *ret, const struct backing_want *want);

/* backing_region_open -- the caller's memory */
int backing_region_open(struct backing *ret, const struct backing_want *want);

/*
 * backing_keep_file -- keep of the mapped file what was asked for and can be
 * had; fd stays the caller's
 */
void backing_keep_file(struct backing *b, int fd, enum backing_keep keep);

/* backing_forget_file -- close the descriptor that is kept, if it still is */
void backing_forget_file(struct backing *b);

/*
 * backing_device_open -- with the device DAX that the path names
 * Returns -ENODEV for other character devices, -ENOTDIR for all other files.
 */
int backing_device_open(struct backing *ret, const char *path);

/* backing_device_open_fd -- with one that is open; fd stays the caller's */
int backing_device_open_fd(struct backing *ret, int fd);

/*
 * backing_untouched -- is this memory known to read as zero, because it is the
 * process's own and nothing of it was ever written to?
 *
 * Reads /proc/self/smaps: takes some milliseconds for each GiB that the process
 * has in memory.  May set errno.
 */
bool backing_untouched(const char *base, size_t size);

/* smaps_untouched -- the same, with the open file */
bool smaps_untouched(int fd, const char *base, size_t size);

/*
 * file_open_temp -- open an unnamed file in a directory
 * Returns the descriptor; -ENOTDIR, without a message, when the path names
 * something else.
 */
int file_open_temp(const char *path);

/*
 * file_open_named -- as file_open_temp(), for file systems without O_TMPFILE:
 * a file with a name that is gone again before any signal is handled
 */
int file_open_named(const char *path);

/*
 * file_prepare -- what is particular to a file system; returns the granule in
 * which the file can be mapped
 */
size_t file_prepare(int fd);

/* file_is_memory -- is the file on a file system that has no disk? */
bool file_is_memory(int fd);

/*
 * file_page_by_page -- bring pages of this mapping of a file into memory one by
 * one, so that each needs no other's space; false when that is not to be had
 * May set errno.
 */
bool file_page_by_page(int fd, char *from, size_t size);

/*
 * file_extend -- give the empty file its size, with no space allocated
 * reserve  bytes that shall be later; refused when no disk is so large
 */
int file_extend(int fd, size_t size, size_t reserve);

/*
 * file_allocate -- space for [from, to); a negative errno, without a message
 * is_empty  nothing is there: where fallocate(2) is not offered, zeroes may be
 *           written
 */
int file_allocate(
	int fd, size_t from, size_t to, size_t granule, bool is_empty);

/*
 * file_reserve -- space for the first `size` bytes of the file; it is empty
 * again when there is not so much
 */
int file_reserve(int fd, size_t size, size_t granule);

/*
 * device_read_info -- what sysfs knows of a character device
 *
 * sysfs_root  "/sys"
 * Returns -ENODEV for one that is no device DAX.
 */
int device_read_info(struct device_info *ret, const char *sysfs_root,
	unsigned major, unsigned minor);

#endif
