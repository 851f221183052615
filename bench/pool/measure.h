/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * measure.h -- all contenders do one work, in turn, in one process
 *
 * First each makes its pool and begins, and does a little, which tells how many
 * operations fit into a slice of time.  Then there are rounds: in each one
 * every contender does a slice, in an order by chance, so that what the machine
 * does meanwhile, and what each leaves behind in the caches, hits all of them.
 * One more slice samples single calls.  At last everything is freed, and what
 * is still held is looked at.
 */
#ifndef BENCH_MEASURE_H
#define BENCH_MEASURE_H

#include "contender.h"
#include "work.h"

#include <jansson.h>

enum { ROUNDS_MAX = 101 };

struct plan {
	const struct contender *contenders[CONTENDERS_MAX];
	size_t ncontenders;
	size_t nrounds;    /* in all processes together */
	size_t nprocesses; /* that a work is measured in, one after the other */
	double slice_ns;   /* time of a contender in a round */
	bool first_word;   /* works that leave objects alone write to them */
};

/* measure_rounds -- of so many, those that the work is worth */
size_t measure_rounds(const struct work *work, size_t nrounds);

/*
 * measure_processes -- of so many, those that the work is done in: one where
 * there are few rounds, since each process begins with ours, and who comes
 * first may be who pays for memory that the machine has not had yet
 */
size_t measure_processes(const struct work *work, size_t nprocesses);

/*
 * measure -- plan->nrounds rounds; returns the result, which report.h describes
 * but for what merge() makes of the values
 *
 * step    called before each thing that takes time: how much is done, of how
 *         much, and who is about to work
 */
json_t *measure(const struct work *asked, const struct memory *memory,
	const struct plan *plan,
	void (*step)(size_t done, size_t all, const char *who));

/* measure_set -- a figure of a result; null when it is not finite */
void measure_set(json_t *out, const char *name, double value);

/* measure_fits -- does the work make sense on this memory? */
bool measure_fits(const struct work *work, const struct memory *memory);

#endif
