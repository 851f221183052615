/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * pages.h -- the states of pages, and their counts
 *
 *	       hold           use
 *	free  ----->   held  ----->  a run's  ----->  free
 *	free  <-----                           free
 *	      release
 *
 * Ranges are of bits, as in the page tree.  Held pages belong to who holds
 * them, also without the lock.  The run lock is held for all of these.
 */
#ifndef RUN_PAGES_H
#define RUN_PAGES_H

#include "run/run.h"

/* page_address -- of a bit */
static inline char *
page_address(const struct run_space *rs, size_t bit)
{
	return rs->base + ((bit - rs->bias) << RUN_LG_PAGE);
}

/* pages_hold -- free pages are nobody else's from here on */
void pages_hold(struct run_space *rs, size_t bit, size_t npages);

/* pages_release -- held pages are free again */
void pages_release(struct run_space *rs, size_t bit, size_t npages);

/* pages_use -- held pages are a run's now; returns whether they read as zero */
bool pages_use(struct run_space *rs, size_t bit, size_t npages);

/* pages_free -- a run's pages are free */
void pages_free(struct run_space *rs, size_t bit, size_t npages);

/*
 * pages_fill, pages_hollow -- held pages have memory behind them, or not any
 * more; the latter returns how many had
 */
void pages_fill(struct run_space *rs, size_t bit, size_t npages);
size_t pages_hollow(struct run_space *rs, size_t bit, size_t npages);

/* pages_clean -- held pages read as zero */
void pages_clean(struct run_space *rs, size_t bit, size_t npages);

#endif
