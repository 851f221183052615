/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * samples.h -- how long single calls take
 *
 * A sampled heap stands before another one and notes the time of each call of
 * it, until the samples are full.  All samples are kept: percentiles are exact.
 * Belongs to one thread.
 */
#ifndef BENCH_SAMPLES_H
#define BENCH_SAMPLES_H

#include "heap.h"

#include <stdint.h>

enum { SAMPLES_MAX = 1 << 17 };

/* ticks of calls of one kind */
struct samples {
	uint32_t *ticks; /* SAMPLES_MAX */
	size_t n;
};

struct sampled_heap {
	struct heap inner;
	struct samples gets; /* alloc, calloc, realloc, aligned */
	struct samples puts; /* free */
};

/* sampled_heap_init -- -1: no memory */
int sampled_heap_init(struct sampled_heap *sampled);
void sampled_heap_fini(struct sampled_heap *sampled);

/* sampled_heap_wrap -- the heap that samples calls of `inner` from now on */
struct heap sampled_heap_wrap(
	struct sampled_heap *sampled, const struct heap *inner);

#endif
