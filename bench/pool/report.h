/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * report.h -- figures as tables
 *
 * All work on what is in the JSON file:
 *
 *	{"machine": {...}, "first_word": as the option, "contenders": [names],
 *	 "results": [{
 *	   "work", "memory", "what", "operation", "unit": "ns" or "percent",
 *	   "threads", "touch", "pool_bytes", "clock_ns": of a measured nothing,
 *	   "contenders": {NAME: {"version", "peer": not ours, and has pools,
 *	      "left_out": why; or
 *	      "values": of each round, "least", "median", "most",
 *	      "by_ours": median over the rounds of its value by ours,
 *	      "faults", "major_faults": a thousand operations,
 *	      "peak_bytes", "held_bytes": when all is freed, "trimmed_bytes",
 *	      "malloc_ns", "free_ns": {PERCENT: ns}}}}]}
 */
#ifndef BENCH_REPORT_H
#define BENCH_REPORT_H

#include <jansson.h>

/* report_head, report_row -- the table of times, as it comes */
void report_head(const json_t *root);
void report_row(const json_t *root, const json_t *result);

/* report_table -- one of the tables by its name; -1: there is none */
int report_table(const json_t *root, const char *name);

/* report_rest -- latencies, memory, and where we are behind */
void report_rest(const json_t *root);

/* report_find -- the result of a work; memory NULL: the first of any kind */
const json_t *report_find(
	const json_t *root, const char *work, const char *memory);

/* report_figure -- of a contender in a result; NAN when there is none */
double report_figure(
	const json_t *result, const char *contender, const char *name);

/* report_percentile -- of malloc_ns or free_ns */
double report_percentile(const json_t *result, const char *contender,
	const char *call, const char *percent);

#endif
