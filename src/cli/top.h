/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * top.h -- `vmem top`: what it knows, and how it shows it
 */
#ifndef CLI_TOP_H
#define CLI_TOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cli/spark.h"
#include "inspect/inspect.h"

#define TOP_PROGRAM_SIZE 64
#define TOP_LINE_SIZE    1024

/* a pool that has been seen */
struct top_pool {
	int pid;
	char program[TOP_PROGRAM_SIZE];
	struct seen_pool pool; /* as of the last update */
	struct figures figures, before;
	bool read;        /* figures are there */
	bool read_before; /* and those of the update before */
	bool alive;       /* seen in the last update */
	uint64_t time_ns; /* of the figures */
	double seconds;   /* since those before */
	double rate;      /* allocations a second */
	struct history used, rates;
};

enum top_sort {
	TOP_BY_USED,
	TOP_BY_RATE,
	TOP_BY_LIVE,
	TOP_BY_FRAGMENTS,
	TOP_BY_PID,
	TOP_SORTS
};

struct top {
	/* of what: NULL and 0 for all programs */
	const int *pids;
	size_t npids;
	/* what there is */
	struct top_pool *pools;
	size_t npools, room;
	unsigned *slots; /* index of a pool + 1, by pid and address; 0: free */
	size_t nslots;   /* power of two, more than there are pools */
	int *programs;   /* processes that had pools */
	size_t nprograms;
	unsigned updates;
	enum top_sort sort;
	int rc; /* of the last program that was named and could not be read */
	bool conflict; /* a pool's addresses are not free here */
};

/* top_update -- look again; 0, or -ENOMEM without a message */
int top_update(struct top *top);
void top_free(struct top *top);

/* top_sort_name -- for the line at the head */
const char *top_sort_name(enum top_sort sort);

/* the lines of the table; `wide` as for spark_text() */
void top_head(const struct top *top, char text[TOP_LINE_SIZE]);
void top_columns(char text[TOP_LINE_SIZE]);
void top_row(const struct top_pool *p, char text[TOP_LINE_SIZE], size_t width,
	bool wide);

/* a size class of a pool, for its table: the classes that hold most */
#define TOP_CLASSES 32
struct top_class {
	const struct class_figures *now;
	double rate; /* allocations a second */
};
size_t top_classes(const struct top_pool *p, struct top_class ret[TOP_CLASSES]);

/* top_class_row -- one of them; a NULL class: the columns' names */
void top_class_row(const struct top_pool *p, const struct top_class *c,
	char text[TOP_LINE_SIZE], size_t width, bool wide);

/* top_screen -- show it in the terminal until the user has seen enough */
int top_screen(struct top *top, double interval);

#endif
