/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * run_cache.c -- large runs that a heap keeps for its next large objects
 */
#include "tcache/run_cache.h"

#include "base/arith.h"
#include "base/assert.h"
#include "tcache/heap_internal.h"

#define LG_A_DOUBLING 2u /* classes: 4 a doubling */
#define LINEAR        4u /* and one a page up to here */
#define CACHE_OF_FREE 4u /* no more than a part of what is free */

/* where there is much room, all heaps together may keep this many times as much
 * as one does elsewhere */
#define CACHE_WIDE      8u
#define CACHE_WIDE_POOL ((size_t)256 << 20)

/* every so many lone runs look at the clock: it takes a lock */
#define LONE_LOOK 64u

unsigned
large_class(size_t npages)
{
	if (npages <= LINEAR)
		return (unsigned)npages - 1;
	size_t m = npages - 1;
	unsigned lg = lg_floor(m) - LG_A_DOUBLING;
	return LINEAR + (lg << LG_A_DOUBLING) + (unsigned)(m >> lg) - LINEAR;
}

size_t
large_class_pages(unsigned cls)
{
	if (cls < LINEAR)
		return cls + 1;
	unsigned k = (cls - LINEAR) >> LG_A_DOUBLING;
	return (size_t)((cls & (LINEAR - 1)) + LINEAR + 1) << k;
}

static struct large_run *
run_at(const struct heap *h, uint32_t granule)
{
	return (struct large_run *)run_desc(h->base, granule);
}

static struct desc *
desc_of(struct large_run *r)
{
	return &r->kept.head;
}

/* link_run -- the run of d is the newest in the cache */
static void
link_run(struct heap *h, struct desc *d)
{
	struct run_cache *c = &h->cache;
	struct large_run *r = (struct large_run *)d;
	uint32_t g = run_granule(h->base, d);
	unsigned cls = large_class(d->npages);
	run_keep(h->runs, &r->kept, h);
	r->prev = RUN_NO_GRANULE;
	r->next = c->head[cls];
	if (r->next != RUN_NO_GRANULE)
		run_at(h, r->next)->prev = g;
	c->head[cls] = g;
	c->has[cls / 64] |= UINT64_C(1) << (cls % 64);
	r->newer = RUN_NO_GRANULE;
	r->older = c->newest;
	if (r->older != RUN_NO_GRANULE)
		run_at(h, r->older)->newer = g;
	else
		c->oldest = g;
	c->newest = g;
	c->npages += d->npages;
	c->nruns++;
}

/* unlink_run -- the run of d leaves the cache */
static void
unlink_run(struct heap *h, struct desc *d)
{
	struct run_cache *c = &h->cache;
	struct large_run *r = (struct large_run *)d;
	unsigned cls = large_class(d->npages);
	if (r->next != RUN_NO_GRANULE)
		run_at(h, r->next)->prev = r->prev;
	if (r->prev != RUN_NO_GRANULE)
		run_at(h, r->prev)->next = r->next;
	else
		c->head[cls] = r->next;
	if (c->head[cls] == RUN_NO_GRANULE)
		c->has[cls / 64] &= ~(UINT64_C(1) << (cls % 64));
	if (r->newer != RUN_NO_GRANULE)
		run_at(h, r->newer)->older = r->older;
	else
		c->newest = r->older;
	if (r->older != RUN_NO_GRANULE)
		run_at(h, r->older)->newer = r->newer;
	else
		c->oldest = r->newer;
	c->npages -= d->npages;
	c->nruns--;
	run_keep(h->runs, &r->kept, NULL);
}

/* lowered -- runs have left the cache for good */
static void
lowered(struct run_cache *c)
{
	c->low = min_u32(c->low, c->npages);
}

/*
 * cut -- the first npages of a cached run leave the cache, the rest stays
 * Returns false, and nothing has changed, when there is no descriptor for it.
 */
static ALWAYS_INLINE bool
cut(struct heap *h, struct desc *d, size_t npages)
{
	struct desc *rest = NULL;
	unlink_run(h, d);
	if (d->npages > npages) {
		rest = run_split(h->runs, d, npages);
		link_run(h, rest != NULL ? rest : d);
	}
	lowered(&h->cache);
	return d->npages == npages;
}

/* of_class -- a run of the size's own class that is long enough, or NULL */
static struct desc *
of_class(const struct heap *h, unsigned cls, size_t npages)
{
	struct desc *best = NULL;
	uint32_t g = h->cache.head[cls];
	for (unsigned n = 0; g != RUN_NO_GRANULE && n < RUN_CACHE_LOOKED; n++) {
		struct large_run *r = run_at(h, g);
		struct desc *d = desc_of(r);
		if (d->npages == npages)
			return d;
		if (d->npages > npages &&
			(best == NULL || d->npages < best->npages))
			best = d;
		g = r->next;
	}
	return best;
}

/* of_larger -- a run of the next class that has one, or NULL */
static struct desc *
of_larger(const struct heap *h, unsigned cls)
{
	for (unsigned i = ++cls / 64; i < RUN_CACHE_WORDS; i++) {
		uint64_t has = h->cache.has[i];
		if (i == cls / 64)
			has &= ~UINT64_C(0) << (cls % 64);
		if (has != 0) {
			unsigned at = i * 64 + (unsigned)__builtin_ctzll(has);
			return desc_of(run_at(h, h->cache.head[at]));
		}
	}
	return NULL;
}

struct desc *
cache_get(struct heap *h, size_t npages)
{
	if (h->cache.npages < npages)
		return NULL;
	unsigned cls = large_class(npages);
	struct desc *d = of_class(h, cls, npages);
	if (d == NULL)
		d = of_larger(h, cls);
	return d != NULL && cut(h, d, npages) ? d : NULL;
}

static void
give_back(struct heap *h, struct desc *d)
{
	unlink_run(h, d);
	lowered(&h->cache);
	run_free(h->runs, d);
}

uint32_t
cache_most(const struct heap_dir *dir)
{
	bool wide = dir->runs->npages >= CACHE_WIDE_POOL >> RUN_LG_PAGE;
	return wide ? dir->cache_pages * CACHE_WIDE : dir->cache_pages;
}

/*
 * limit_of -- pages that a heap may keep now: its part of what all may, which
 * is more in a wide pool, and little in one that comes to its end, as each run
 * in a cache is an island between the free pages; nothing where these go back
 * at once
 */
static uint32_t
limit_of(const struct heap *h)
{
	const struct heap_dir *dir = h->dir;
	/* relaxed: however many there are at the moment */
	uint32_t n = load_relaxed(&dir->nprivate);
	/* relaxed: see run_set_decay() */
	if (load_relaxed(&h->runs->decay.ms) == 0)
		return 0;
	uint32_t part = cache_most(dir) / (n == 0 ? 1 : n);
	part = (uint32_t)max_size(part, dir->cache_pages);
	/* relaxed: a hint */
	return min_u32(part, load_relaxed(&h->runs->nfree) / CACHE_OF_FREE);
}

void
cache_put(struct heap *h, struct desc *d)
{
	struct desc *beside[2];
	struct run_cache *c = &h->cache;
	uint32_t limit = limit_of(h);
	if (d->npages > limit) {
		run_free(h->runs, d);
		return;
	}
	if (c->nruns > 0 || ++c->nlone % LONE_LOOK == 0) {
		run_beside(h->runs, d, h, beside);
		if (beside[1] != NULL) {
			unlink_run(h, beside[1]);
			run_join(h->runs, d, beside[1]);
		}
		if (beside[0] != NULL) {
			unlink_run(h, beside[0]);
			run_join(h->runs, beside[0], d);
			d = beside[0];
		}
	}
	link_run(h, d);
	while (c->npages > limit)
		give_back(h, run_desc(h->base, c->oldest));
}

/* shorten -- a cached run by its last pages; false: no descriptor for them */
static bool
shorten(struct heap *h, struct desc *d, uint32_t npages)
{
	unlink_run(h, d);
	struct desc *rest = run_split(h->runs, d, d->npages - npages);
	link_run(h, d);
	if (rest != NULL)
		run_free(h->runs, rest);
	return rest != NULL;
}

void
cache_decay(struct heap *h)
{
	struct run_cache *c = &h->cache;
	uint32_t due = c->low;
	while (due > 0 && c->nruns > 0) {
		struct desc *d = run_desc(h->base, c->oldest);
		if (d->npages > due) {
			(void)shorten(h, d, due); /* if not, with the next */
			break;
		}
		due -= d->npages;
		give_back(h, d);
	}
	c->low = c->npages;
	/* relaxed: a hint */
	c->period = load_relaxed(&h->runs->period);
}

bool
cache_grow(struct heap *h, struct desc *d, size_t npages)
{
	struct desc *beside[2];
	size_t more = npages - d->npages;
	if (h->cache.npages < more)
		return false;
	run_beside(h->runs, d, h, beside);
	struct desc *next = beside[1];
	if (next == NULL || next->npages < more || !cut(h, next, more))
		return false;
	run_join(h->runs, d, next);
	return true;
}

void
cache_release(struct heap *h)
{
	while (h->cache.nruns > 0)
		give_back(h, run_desc(h->base, h->cache.newest));
}
