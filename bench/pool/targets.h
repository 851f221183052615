/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * targets.h -- what was aimed at, and what is there
 */
#ifndef BENCH_TARGETS_H
#define BENCH_TARGETS_H

#include <jansson.h>

/*
 * targets_print -- a table of all aims with the figures of a run
 *
 * programs  figures of the programs' benchmark; NULL: there are none
 */
void targets_print(const json_t *root, const json_t *programs);

#endif
