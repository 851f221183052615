/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * plot.h -- figures as pictures, by gnuplot
 */
#ifndef BENCH_PLOT_H
#define BENCH_PLOT_H

#include <jansson.h>

/*
 * plot -- for each kind of memory, as SVG and PNG in a folder
 *
 *	ratios-MEMORY   each contender's time by ours, as bars
 *	latency-MEMORY  percentiles of single calls in some works, as curves
 *
 * Returns 0, or -1 when gnuplot is not here or fails.
 */
int plot(const json_t *root, const char *dir);

#endif
