/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * threads.h -- run a function in several threads at once, for a while
 */
#ifndef HARNESS_THREADS_H
#define HARNESS_THREADS_H

#include "harness/test.h"

#define THREADS_MAX 256

/*
 * how long a stress test goes on: seconds, more with VMEM_SOAK_SECONDS, fewer
 * where each is slow
 */
#define STRESS_MS stress_ms()
uint64_t stress_ms(void);

/* stress_phase_ms -- of each of so many short phases of a program */
uint64_t stress_phase_ms(size_t nphases);

/*
 * threads_run -- fn in `n` threads, each with its index and a generator of its
 * own; prints the seed, and returns when all have ended
 */
void threads_run(size_t n, void (*fn)(size_t idx, struct rng *rng, void *arg),
	void *arg, const char *name);

/* in_thread -- fn(arg) in a thread of its own, which ends before this returns
 */
void in_thread(void *(*fn)(void *), void *arg);

/* a time in the future, and whether it has come */
struct deadline {
	uint64_t ms;
};

struct deadline deadline_in(uint64_t ms);
bool deadline_is_over(struct deadline deadline);

#endif
