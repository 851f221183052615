/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * purge.h -- free pages go back to the file or to memory
 *
 * In steps, from high addresses to low ones, because low ones are used first:
 * whole blocks of 2 MiB, then smaller pieces.  A step holds the pages
 * (pages.h), lets the run lock go while the kernel takes them, and releases
 * them hollow. What was given back reads as zero when it is reserved again,
 * except in a private mapping of a file, where the file's contents come back.
 */
#ifndef RUN_PURGE_H
#define RUN_PURGE_H

#include "run/run.h"

/* one walk over the free pages */
struct purge {
	size_t at;    /* bits from here on have been looked at */
	size_t least; /* pages of a piece that is worth it */
	bool whole;   /* whole blocks only */
	bool dirty;   /* only what was used, not what is reserved in advance */
};

/*
 * purge_step -- give back one piece of at most `most` pages
 * Returns its pages; 0 at the end of the walk, and when no page can be given
 * back any more.
 * Locks  run lock held; let go while the kernel works.
 */
size_t purge_step(struct run_space *rs, struct purge *p, size_t most);

#endif
