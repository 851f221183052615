/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * backing.h -- where a pool's bytes come from
 *
 * Three kinds: an unnamed temporary file in a directory, a whole device DAX
 * node, and memory that the caller already has.  A backing keeps no file
 * descriptor, unless it is asked to: the mapping alone holds the file.  Of a
 * device it keeps one, for its lock.  Called by the pool layer only.
 * Thread-safe for different backings; calls on one backing must not overlap.
 *
 * Functions return 0 or a negative errno with the thread's message set by
 * fail(); a failed call leaves nothing behind: no file, mapping or descriptor.
 * All keep errno, and none is a cancellation point.
 */
#ifndef BACKING_BACKING_H
#define BACKING_BACKING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum backing_kind {
	BACKING_FILE,   /* temporary file: our mapping, shared */
	BACKING_DEVICE, /* device DAX node: our mapping, shared */
	BACKING_REGION  /* the caller's memory: never unmapped by us */
};

/* what backing_open_path() shall keep for a later fork */
enum backing_keep {
	BACKING_KEEP_NOTHING = 0,
	BACKING_KEEP_SHADOW = 1, /* for backing_go_private() */
	BACKING_KEEP_FILE = 2,   /* for a twin that shares the file's blocks */
	BACKING_SPARSE = 4       /* see backing_reserve() */
};

struct backing {
	char *base;     /* first byte; 4 MiB aligned unless a region */
	size_t size;    /* bytes from base that may be used */
	size_t granule; /* bytes: system page, huge page or device alignment */
	enum backing_kind kind;
	bool zero;    /* every byte reads as zero when opened */
	bool sparse;  /* nothing was reserved when it was opened */
	bool is_own;  /* copy-on-write: no other process sees what is written */
	char *shadow; /* the same file mapped private, no access; or NULL */
	int fd;       /* of the file, or -1; the program may have closed it */
	uint64_t ino; /* of the file behind fd */
	uint64_t dev;
};

/*
 * backing_open_path -- a directory or a device DAX node
 *
 * path  not NULL; not kept
 * size  bytes, not 0; rounded up to the granule; ignored by a device, which
 *       is taken whole
 */
int backing_open_path(struct backing *ret, const char *path, size_t size);

/*
 * backing_open_kept -- as backing_open_path(), for a process whose forks shall
 * not share the memory
 *
 * keep  flags; what cannot be kept is left out
 */
int backing_open_kept(struct backing *ret, const char *path, size_t size,
	enum backing_keep keep);

/*
 * backing_open_region -- memory of the caller
 *
 * addr  aligned to the system page; the caller has checked it
 * size  bytes; what is beyond the last whole page is left out
 */
int backing_open_region(struct backing *ret, void *addr, size_t size);

/*
 * backing_guard -- take away (on) or give back the access to the first system
 * page; does nothing where pages cannot be split (granule over a system page).
 * Returns whether the page is now guarded.
 */
bool backing_guard(const struct backing *b, bool on);

/*
 * backing_reserve -- have memory or disk space behind bytes of a sparse backing
 * A file is opened sparse where the kernel can do this (Linux 5.14), and where
 * at that time the file system has room for all.  The bytes are touched, and
 * their pages in memory afterwards.  Returns whether there was room.
 */
bool backing_reserve(char *from, size_t size);

/*
 * backing_go_private -- from now on nobody else sees what is written here, at
 * the same address and with the same contents, guard page or not
 *
 * The shadow takes the place of the shared mapping in one step, so that other
 * threads may read and write meanwhile.  Returns -ENOTSUP without a shadow.
 */
int backing_go_private(struct backing *b);

/*
 * backing_blank -- private zeroes in the place of bytes that nobody uses, of a
 * backing that is private now; offset and size are of whole pages
 */
int backing_blank(const struct backing *b, size_t offset, size_t size);

/*
 * A twin is a copy of a backing's memory that a forked child takes in its
 * place: another file, or private memory.  The parent makes and fills it, then
 * forks; the child takes it, the parent drops it.
 */
struct backing_twin {
	char *memory; /* private memory, or a mapping of the file; or NULL */
	int fd;       /* of the file, or -1 */
	bool whole;   /* it has all contents from the beginning */
};

/*
 * backing_twin_open -- path  a directory for the file; NULL: private memory
 * A twin of a sparse backing needs backing_twin_reserve() for what is reserved.
 * One that is not whole needs backing_twin_copy() for each piece in use; all
 * else reads as zero.
 */
int backing_twin_open(
	struct backing_twin *ret, const struct backing *b, const char *path);
int backing_twin_reserve(const struct backing_twin *twin,
	const struct backing *b, size_t offset, size_t size);
int backing_twin_copy(const struct backing_twin *twin, const struct backing *b,
	size_t offset, size_t size);

/* backing_twin_take -- in the child; the twin is used up */
int backing_twin_take(
	struct backing *b, struct backing_twin *twin, enum backing_keep keep);

/* backing_twin_drop -- in the parent, also after a failure */
void backing_twin_drop(struct backing_twin *twin, const struct backing *b);

/* backing_close -- unmap what backing_open_path() mapped; a region is left */
void backing_close(struct backing *b);

#endif
