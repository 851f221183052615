/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * decay.h -- what nobody has used for a while goes back
 *
 * Spare pages are those that were used, and are free now.  Of these the fewest
 * that there were at any moment of a period have not been needed in all of it:
 * so many go back when it is over.  A page goes back one to two decay times
 * after it was used last, and a pool that breathes keeps what it breathes.
 *
 * Runs that heaps keep for their next large objects are no spare pages.  Each
 * heap does the same for its own, by the same periods (run_cache.h); what it
 * gives up is spare from then on.
 *
 * There is no thread for it: the clock is looked at when pages are allocated or
 * freed, or come to a heap that keeps some (run_tick()), and what is due is
 * given back in small portions by run_decay(), which the pool layer calls at
 * the end of operations that are slow anyway.  A pool that nobody calls stays
 * as it is.
 */
#ifndef RUN_DECAY_H
#define RUN_DECAY_H

#include "run/run.h"

/* decay_tick -- look at the clock; run lock held */
void decay_tick(struct run_space *rs);

#endif
