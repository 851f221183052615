/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * run_edges.c -- where the runs of a heap's run cache begin and end
 */
#include "tcache/run_edges.h"

#include "base/assert.h"

/* 2^32 by the golden ratio: pages that are multiples of a large number, as
 * places of large objects are, go to different buckets */
#define GOLDEN UINT32_C(0x9e3779b9)

unsigned
edges_bucket(const void *base, const char *at)
{
	size_t page = (size_t)(at - (const char *)base) >> RUN_LG_PAGE;
	return (uint32_t)page * GOLDEN >> (32 - EDGES_LG);
}

void
edges_add(struct run_edges *e, void *base, struct large_run *r)
{
	uint32_t g = run_granule(base, r);
	for (unsigned i = 0; i < EDGES; i++) {
		unsigned k = edges_bucket(base, edges_at(r, (enum edge)i));
		r->chained[i] = e->head[i][k];
		e->head[i][k] = g;
	}
}

void
edges_remove(struct run_edges *e, void *base, struct large_run *r)
{
	uint32_t g = run_granule(base, r);
	for (unsigned i = 0; i < EDGES; i++) {
		unsigned k = edges_bucket(base, edges_at(r, (enum edge)i));
		uint32_t *at = &e->head[i][k];
		while (*at != g) {
			ASSERT(*at != RUN_NO_GRANULE);
			at = &large_run_at(base, *at)->chained[i];
		}
		*at = r->chained[i];
	}
}

struct large_run *
edges_find(const struct run_edges *e, const void *base, enum edge edge,
	const char *at)
{
	uint32_t g = e->head[edge][edges_bucket(base, at)];
	while (g != RUN_NO_GRANULE) {
		struct large_run *r = large_run_at(base, g);
		if (edges_at(r, edge) == at)
			return r;
		g = r->chained[edge];
	}
	return NULL;
}
