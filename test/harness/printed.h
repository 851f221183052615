/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * printed.h -- the text that vmem_stats_print() gives to print_func
 *
 * Not thread-safe; one text at a time.
 */
#ifndef HARNESS_PRINTED_H
#define HARNESS_PRINTED_H

#include "harness/test.h"

/* printed_stats -- the statistics of a pool; stays until the next call */
const char *printed_stats(VMEM *vmp, const char *opts);

/* printed_line -- the first line at or after `text` that starts with `start` */
const char *printed_line(const char *text, const char *start);

/*
 * printed_table -- the line behind the first line at or after `text` whose
 * words end with those of `columns`; NULL when there is none
 */
const char *printed_table(const char *text, const char *columns);

/*
 * printed_numbers -- the numbers of a line, of which there may be `max`, behind
 * its first word where that is none; how many there are
 */
size_t printed_numbers(const char *line, uint64_t *ret_numbers, size_t max);

const char *printed_next_line(const char *line);

#endif
