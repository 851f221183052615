/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * reserve.h -- memory or disk space behind the pages of a sparse pool
 *
 * A page of a file without space behind it raises SIGBUS when it is touched
 * and the file system is full by then.  So a sparse pool's pages are reserved
 * before they are used.  As the lowest place is taken first, what is reserved
 * is one range, or two in pools so large that they keep pages at the front for
 * descriptors; it never shrinks.
 */
#ifndef RUN_RESERVE_H
#define RUN_RESERVE_H

#include "run/run.h"

/*
 * reserve_pages -- have space behind pages [page, page + npages), and behind
 * some more while it is at it
 * Returns whether there is.  Locks: run lock held.
 */
bool reserve_pages(struct run_space *rs, size_t page, size_t npages);

#endif
