/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * reserve.h -- memory or disk space behind hollow pages
 *
 * A page of a file without space behind it raises SIGBUS when it is touched
 * and the file system is full by then.  So hollow pages are reserved before
 * they are used, and some more while it is at it.
 */
#ifndef RUN_RESERVE_H
#define RUN_RESERVE_H

#include "run/run.h"

/*
 * reserve_pages -- have memory behind bits [bit, bit + npages), which the
 * caller holds (pages.h)
 * Returns whether there is; if not, some of them may be hollow no more.  Costs
 * nothing when none is hollow.
 * Locks  run lock held; let go while the kernel works.
 */
bool reserve_pages(struct run_space *rs, size_t bit, size_t npages);

/*
 * reserve_place -- hold npages pages together that have memory behind them, or
 * for which the kernel has some: see run_is_short()
 *
 * page      from this one on, if there is such a place; 0: from any
 * lg_align  of the address
 * end       behind the last page; at most rs->npages
 * Returns the first bit, or TREE_NONE.
 * Locks  run lock held; let go while the kernel works.
 */
size_t reserve_place(struct run_space *rs, size_t npages, size_t page,
	unsigned lg_align, size_t end);

#endif
