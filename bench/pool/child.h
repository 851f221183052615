/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * child.h -- measure one work in processes of its own
 *
 * Every work finds the allocators as they are in a new process, and one that
 * crashes or hangs takes no other's figures along: the work is done again
 * without it.  There are several, one after the other, because where code and
 * memory come to lie makes some works fast or slow.
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

/* child_main -- what such a process does; steps and the result go to fd */
void child_main(int fd, const struct work *work, const struct memory *memory,
	const struct plan *plan) __attribute__((noreturn));

#endif
