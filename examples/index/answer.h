/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * answer.h -- queries to an index, answered and printed
 */
#ifndef INDEX_ANSWER_H
#define INDEX_ANSWER_H

#include "index.h"
#include "options.h"

/*
 * answer_queries -- answer the queries of the command line
 *
 * By options->nthreads threads at once; printed in the order asked.
 * Returns 0; -1 when the pool has no room, after saying so.
 */
int answer_queries(
	const struct index *ix, struct mem *mem, const struct options *options);

/* answer_input -- answer each line of standard input; returns as above */
int answer_input(
	const struct index *ix, struct mem *mem, const struct options *options);

#endif /* INDEX_ANSWER_H */
