/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * run_edges.h -- where the runs of a heap's run cache begin and end
 *
 * A hash table by page, one for each of the two edges, so that a heap finds
 * what it keeps beside a run without a look at anything that another thread
 * writes.  It is chained through the runs' descriptors.
 */
#ifndef TCACHE_RUN_EDGES_H
#define TCACHE_RUN_EDGES_H

#include <stdint.h>

#include "run/run.h"

#define EDGES_LG     7u
#define EDGE_BUCKETS (1u << EDGES_LG)

enum edge {
	EDGE_BEGIN, /* the run's first page */
	EDGE_END,   /* the page behind its last one */
	EDGES
};

/* granule numbers; all zero is an empty table */
struct run_edges {
	uint32_t head[EDGES][EDGE_BUCKETS];
};

/* the descriptor of a large run: one granule */
struct large_run {
	struct desc head;
	/* of runs in a run cache: */
	uint32_t next, prev;     /* runs of the class */
	uint32_t older, newer;   /* all runs of the cache */
	uint32_t chained[EDGES]; /* the next one in the bucket of its edge */
};

_Static_assert(sizeof(struct large_run) <= RUN_GRANULE, "one granule");

static inline struct large_run *
large_run_at(const void *base, uint32_t granule)
{
	return (struct large_run *)run_desc(base, granule);
}

/* edges_add, edges_remove -- a run that is not there yet, or one that is */
void edges_add(struct run_edges *e, void *base, struct large_run *r);
void edges_remove(struct run_edges *e, void *base, struct large_run *r);

/* edges_find -- the run that has an edge at an address, or NULL */
struct large_run *edges_find(const struct run_edges *e, const void *base,
	enum edge edge, const char *at);

/* edges_bucket -- where a run with that edge at an address is chained */
unsigned edges_bucket(const void *base, const char *at);

/* edges_at -- the address of a run's edge */
static inline char *
edges_at(const struct large_run *r, enum edge edge)
{
	size_t npages = edge == EDGE_END ? r->head.npages : 0;
	return r->head.base + (npages << RUN_LG_PAGE);
}

#endif
