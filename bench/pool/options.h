/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * options.h -- the command line
 */
#ifndef BENCH_OPTIONS_H
#define BENCH_OPTIONS_H

#include "measure.h"
#include "memory.h"

#include <stdbool.h>

struct options {
	const char *works; /* patterns, by commas; NULL: the default */
	struct memory memories[MEMORY_KINDS];
	bool wanted[MEMORY_KINDS]; /* asked for by name; none: the default */
	struct plan plan;
	const char *json;   /* NULL: none */
	const char *report; /* print these figures instead of measuring */
	const char *table;  /* of them this one alone; NULL: all */
	const char *plots;  /* a folder; NULL: none */
	const char
		*programs; /* figures of the programs' benchmark; NULL: none */
	bool resume;       /* keep what is in the JSON file already */
	bool quick;
	bool list;
	int part; /* be a process of child.h, and write there; 0: not */
};

/* options_parse -- ends the program when they are wrong */
void options_parse(struct options *ret_options, int argc, char **argv);

/* options_selects -- is this work to be done on this kind of memory? */
bool options_selects(const struct options *options, const struct work *work,
	const struct memory *memory);

#endif
