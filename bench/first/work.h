/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * work.h -- what the allocators are made to do
 *
 * An operation is one allocation and one free, everywhere.  The first word of
 * each object is written, as a program would.  Sizes and orders are random and
 * drawn beforehand, the same for every contender and every round.
 */
#ifndef BENCH_WORK_H
#define BENCH_WORK_H

#include "contender.h"

#include <stdint.h>

struct work {
	const char *name;
	const char *what; /* for people */
	double (*run)(const struct work *work, const struct contender *who);
	size_t size_min; /* sizes are log-uniform between these; equal: fixed */
	size_t size_max;
	size_t nlive; /* objects that live at once */
	size_t nops;  /* in a run */
	enum { IN_ORDER, REVERSED, SHUFFLED } order; /* of a burst's frees */
};

extern const struct work works[];
extern const size_t nworks;

/*
 * work_prepare -- draw the sizes and orders of a work; before its runs
 *
 * Returns 0, or -1 when there is no memory.
 */
int work_prepare(const struct work *work);

/*
 * work_run -- let one contender do a work once
 *
 * Returns nanoseconds an operation; below 0 when an allocation failed.
 */
double work_run(const struct work *work, const struct contender *who);

/* work_fini -- release what was drawn; after the last run */
void work_fini(void);

#endif /* BENCH_WORK_H */
