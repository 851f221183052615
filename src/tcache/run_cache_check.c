/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * run_cache_check.c -- verify a heap's run cache, whatever the bytes are
 */
#include "tcache/heap_internal.h"

/* is_chained -- is the run in the heap's table by that edge? */
static bool
is_chained(const struct run_check *c, const struct heap *h,
	const struct large_run *r, enum edge edge)
{
	unsigned k = edges_bucket(h->base, edges_at(r, edge));
	uint32_t g = h->cache.edges.head[edge][k];
	for (unsigned n = 0; n < RUN_CACHE_MOST; n++) {
		const struct desc *d = run_check_head(c, g);
		if (d == NULL || d == &r->head)
			return d != NULL;
		g = ((const struct large_run *)d)->chained[edge];
	}
	return false;
}

/* cached_head -- the cached run of this heap that begins at a granule */
static const struct large_run *
cached_head(const struct run_check *c, const struct heap *h, uint32_t g)
{
	const struct desc *d = run_check_head(c, g);
	if (d == NULL || d->owner != RUN_CACHED)
		return NULL;
	const struct large_run *r = (const struct large_run *)d;
	return is_chained(c, h, r, EDGE_BEGIN) && is_chained(c, h, r, EDGE_END)
		       ? r
		       : NULL;
}

/* check_cache_class -- the cached runs of one class; returns how many */
static size_t
check_cache_class(const struct run_check *c, const struct heap *h, unsigned cls)
{
	uint32_t prev = RUN_NO_GRANULE, g = h->cache.head[cls];
	bool has = (h->cache.has[cls / 64] >> (cls % 64) & 1) != 0;
	size_t n = 0;
	if (has != (g != RUN_NO_GRANULE))
		(void)finding(
			c->f, "heap %u: cached runs, class %u", h->id, cls);
	for (; g != RUN_NO_GRANULE && n <= h->cache.nruns; n++) {
		const struct large_run *r = cached_head(c, h, g);
		if (r == NULL || r->prev != prev ||
			large_class(r->head.npages) != cls) {
			(void)finding(c->f, "heap %u: cached run %u of %u",
				h->id, g, cls);
			break;
		}
		prev = g;
		g = r->next;
	}
	return n;
}

/* check_edges -- nothing else is in the table */
static void
check_edges(const struct run_check *c, const struct heap *h)
{
	size_t n = 0, most = (size_t)h->cache.nruns * EDGES;
	for (unsigned k = 0; k < EDGES * EDGE_BUCKETS && n <= most; k++) {
		unsigned i = k / EDGE_BUCKETS;
		uint32_t g = h->cache.edges.head[i][k % EDGE_BUCKETS];
		for (; g != RUN_NO_GRANULE && n <= most; n++) {
			const struct desc *d = run_check_head(c, g);
			g = d == NULL
				    ? RUN_NO_GRANULE
				    : ((const struct large_run *)d)->chained[i];
		}
	}
	if (n != most)
		(void)finding(c->f, "heap %u: edges of cached runs", h->id);
}

/* check_spares -- the descriptors that the heap keeps without a run */
static void
check_spares(const struct run_check *c, const struct heap *h)
{
	const struct run_cache *k = &h->cache;
	uint32_t g = k->spare;
	unsigned n = 0;
	for (; g != RUN_NO_GRANULE && n < k->nspare; n++) {
		const struct desc *d = run_check_spare(c, g);
		if (d == NULL)
			break;
		g = ((const struct large_run *)d)->next;
	}
	if (g != RUN_NO_GRANULE || n != k->nspare)
		(void)finding(c->f, "heap %u: spare descriptors", h->id);
}

/* by age, then by class */
size_t
cache_check(const struct run_check *c, const struct heap *h)
{
	const struct run_cache *k = &h->cache;
	uint64_t pages = 0;
	uint32_t prev = RUN_NO_GRANULE, g = k->oldest;
	size_t n = 0, classed = 0;
	for (; g != RUN_NO_GRANULE && n <= k->nruns; n++) {
		const struct large_run *r = cached_head(c, h, g);
		if (r == NULL || r->older != prev) {
			(void)finding(c->f, "heap %u: cached run %u", h->id, g);
			return n;
		}
		pages += r->head.npages;
		prev = g;
		g = r->newer;
	}
	for (unsigned cls = 0; cls < LARGE_CLASSES; cls++)
		classed += check_cache_class(c, h, cls);
	if (n != k->nruns || classed != n || k->newest != prev ||
		pages != k->npages || pages > cache_most(h->dir) ||
		n > RUN_CACHE_MOST)
		(void)finding(c->f, "heap %u: cached runs", h->id);
	else
		check_edges(c, h);
	check_spares(c, h);
	return n;
}
