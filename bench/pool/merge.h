/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * merge.h -- one result of what several processes have measured of a work
 */
#ifndef BENCH_MERGE_H
#define BENCH_MERGE_H

#include <jansson.h>

/*
 * merge -- of the array `parts`, results as measure() gives them
 *
 * All rounds count, and "least", "median", "most" and "by_ours" are made of
 * them; of each other figure it is the median over the processes.  Who was left
 * out of one process is left out.
 * Returns a new result, or NULL when there is no part.
 */
json_t *merge(const json_t *parts);

#endif
