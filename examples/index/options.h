/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * options.h -- the command line of vmem-index
 */
#ifndef INDEX_OPTIONS_H
#define INDEX_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#define FOLDERS_MAX 64
#define QUERIES_MAX 64

struct options {
	char *folders[FOLDERS_MAX + 1]; /* NULL-terminated */
	const char *queries[QUERIES_MAX];
	size_t nfolders;
	size_t nqueries;
	const char *dir;
	size_t size;
	size_t nthreads;
	size_t ntop;       /* hits shown of each query */
	const char *stats; /* of vmem_stats_print(); NULL: not printed */
	bool list;         /* names of all hits and nothing else */
	bool interactive;
	bool drop; /* delete the pool without freeing the objects */
	bool quiet;
};

/* options_parse -- read the command line; exits with 2 when it is wrong */
void options_parse(int argc, char **argv, struct options *ret_options);

#endif /* INDEX_OPTIONS_H */
