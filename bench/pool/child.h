/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * child.h -- measure one work in a process of its own
 *
 * Every work finds the allocators as they are in a new process, and one that
 * crashes or hangs takes no other's figures along: the work is done again
 * without it.
 */
#ifndef BENCH_CHILD_H
#define BENCH_CHILD_H

#include "measure.h"

/*
 * child_measure -- the result as measure() gives it; NULL: none could be had
 *
 * progress  called with the part that is done, 0 to 1, and who is working
 */
json_t *child_measure(const struct work *work, const struct memory *memory,
	const struct plan *plan,
	void (*progress)(double part, const char *who));

#endif
