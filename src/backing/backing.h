/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * backing.h -- where a pool's bytes come from
 *
 * Three kinds: an unnamed temporary file in a directory, a whole device DAX
 * node, and memory that the caller already has.  A backing keeps no file
 * descriptor: the mapping alone holds the file.  Called by the pool layer
 * only.  Thread-safe for different backings; calls on one backing must not
 * overlap.
 *
 * Functions return 0 or a negative errno with the thread's message set by
 * fail(); a failed call leaves nothing behind: no file, mapping or descriptor.
 * All keep errno, and none is a cancellation point.
 */
#ifndef BACKING_BACKING_H
#define BACKING_BACKING_H

#include <stdbool.h>
#include <stddef.h>

enum backing_kind {
	BACKING_FILE,   /* temporary file: our mapping, shared */
	BACKING_DEVICE, /* device DAX node: our mapping, shared */
	BACKING_REGION  /* the caller's memory: never unmapped by us */
};

struct backing {
	char *base;     /* first byte; 4 MiB aligned unless a region */
	size_t size;    /* bytes from base that may be used */
	size_t granule; /* bytes: system page, huge page or device alignment */
	enum backing_kind kind;
	bool zero; /* every byte reads as zero when opened */
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

/* backing_close -- unmap what backing_open_path() mapped; a region is left */
void backing_close(const struct backing *b);

#endif
