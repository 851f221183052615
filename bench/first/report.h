/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * report.h -- what was measured, as a table and as JSON
 */
#ifndef BENCH_REPORT_H
#define BENCH_REPORT_H

#include "work.h"

#include <stdbool.h>
#include <stdio.h>

enum { ROUNDS_MAX = 101 };

/* the figures of one work; contender 0 is ours */
struct result {
	const struct work *work;
	size_t nrounds;
	bool failed[CONTENDERS_MAX]; /* an allocation gave NULL */
	double ns[CONTENDERS_MAX][ROUNDS_MAX];
};

struct summary {
	double min;
	double median;
	double max;
	double ratio; /* median over the rounds of its time by ours */
};

struct summary report_summary(const struct result *result, size_t who);

void report_table_head(const struct contender *contenders, size_t n);
void report_table_row(const struct result *result, size_t n);

void report_json_head(FILE *out, const struct contender *contenders, size_t n,
	size_t nrounds);
void report_json_row(FILE *out, const struct result *result,
	const struct contender *contenders, size_t n, bool last);
void report_json_tail(FILE *out);

#endif /* BENCH_REPORT_H */
