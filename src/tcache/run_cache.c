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

/* where there is much room, a heap may keep this many times as much as
 * elsewhere, and all heaps together twice that */
#define CACHE_WIDE      16u
#define CACHE_WIDE_POOL ((size_t)256 << 20)

/* places of large objects: see grain_of() */
#define GRAIN_LEAST    ((size_t)16)  /* pages */
#define GRAIN_MOST     ((size_t)512) /* pages */
#define GRAIN_LG_PARTS 3u            /* of the size */
#define GRAIN_TAKEN    4u  /* no more than that part of the pool is in use */
#define GRAIN_PLACES   16u /* that frees leave at most */

#define LONE_LOOK    16u /* every so many lone runs look at the clock */
#define SPARES_LEAST 2u  /* descriptors that a run can be cut with */
#define SPARES_STEP  16u /* that are taken and given back together */

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

static struct desc *
desc_of(struct large_run *r)
{
	return &r->head;
}

static void
spare_push(struct heap *h, struct desc *d)
{
	((struct large_run *)d)->next = h->cache.spare;
	h->cache.spare = run_granule(h->base, d);
	h->cache.nspare++;
}

static struct desc *
spare_pop(struct heap *h)
{
	struct large_run *r = large_run_at(h->base, h->cache.spare);
	h->cache.spare = r->next;
	h->cache.nspare--;
	return desc_of(r);
}

/* spares_fill -- have so many, SPARES_LEAST at most; false: no room for them */
static bool
spares_fill(struct heap *h, unsigned least)
{
	struct desc *d[SPARES_STEP];
	if (likely(h->cache.nspare >= least))
		return true;
	unsigned n = run_descs_take(h->runs, d, SPARES_STEP);
	while (n > 0)
		spare_push(h, d[--n]);
	return h->cache.nspare >= least;
}

/* spares_drain -- have no more than that */
static void
spares_drain(struct heap *h, unsigned most)
{
	struct desc *d[SPARES_STEP];
	while (h->cache.nspare > most) {
		unsigned n = 0;
		while (n < SPARES_STEP && h->cache.nspare > most)
			d[n++] = spare_pop(h);
		run_descs_give(h->runs, d, n);
	}
}

/* link_run -- the run of d is the newest in the cache */
static void
link_run(struct heap *h, struct desc *d)
{
	struct run_cache *c = &h->cache;
	struct large_run *r = (struct large_run *)d;
	uint32_t g = run_granule(h->base, d);
	unsigned cls = large_class(d->npages);
	edges_add(&c->edges, h->base, r);
	r->prev = RUN_NO_GRANULE;
	r->next = c->head[cls];
	if (r->next != RUN_NO_GRANULE)
		large_run_at(h->base, r->next)->prev = g;
	c->head[cls] = g;
	c->has[cls / 64] |= UINT64_C(1) << (cls % 64);
	r->newer = RUN_NO_GRANULE;
	r->older = c->newest;
	if (r->older != RUN_NO_GRANULE)
		large_run_at(h->base, r->older)->newer = g;
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
		large_run_at(h->base, r->next)->prev = r->prev;
	if (r->prev != RUN_NO_GRANULE)
		large_run_at(h->base, r->prev)->next = r->next;
	else
		c->head[cls] = r->next;
	if (c->head[cls] == RUN_NO_GRANULE)
		c->has[cls / 64] &= ~(UINT64_C(1) << (cls % 64));
	if (r->newer != RUN_NO_GRANULE)
		large_run_at(h->base, r->newer)->older = r->older;
	else
		c->newest = r->older;
	if (r->older != RUN_NO_GRANULE)
		large_run_at(h->base, r->older)->newer = r->newer;
	else
		c->oldest = r->newer;
	c->npages -= d->npages;
	c->nruns--;
	edges_remove(&c->edges, h->base, r);
}

/* is_wide -- is there much room in the pool, before anything is in it? */
static bool
is_wide(const struct run_space *rs)
{
	return rs->npages >= CACHE_WIDE_POOL >> RUN_LG_PAGE;
}

/* lowered -- runs have left the cache for good */
static void
lowered(struct run_cache *c)
{
	c->low = min_u32(c->low, c->npages);
}

static void
give_back(struct heap *h, struct desc *d)
{
	unlink_run(h, d);
	lowered(&h->cache);
	run_free(h->runs, d);
}

/*
 * cut -- npages pages of a cached run, from page `skip` of it on, leave the
 * cache; what lies in front and behind stays
 * Returns NULL when there is no descriptor for a part; all stays then.
 */
static ALWAYS_INLINE struct desc *
cut(struct heap *h, struct desc *d, size_t skip, size_t npages)
{
	if (d->npages > npages && !spares_fill(h, SPARES_LEAST))
		return NULL;
	unlink_run(h, d);
	if (skip > 0) {
		struct desc *front = d;
		d = spare_pop(h);
		run_split(h->runs, front, d, skip);
		link_run(h, front);
	}
	if (d->npages > npages) {
		struct desc *rest = spare_pop(h);
		run_split(h->runs, d, rest, npages);
		link_run(h, rest);
	}
	lowered(&h->cache);
	/* of one run two may stay */
	while (h->cache.nruns > RUN_CACHE_MOST)
		give_back(h, run_desc(h->base, h->cache.oldest));
	return d;
}

/*
 * grain_of -- the pages that the place of the next object is a multiple of
 *
 * Where there is much room objects that take the place of others begin at few
 * places: their pages have been touched before, and what touches a page first
 * waits for the kernel.  Each still has no more pages than it needs, and the
 * gaps stay in the cache.  Objects that are only added lie close together, as
 * they may be there when the pool is full.
 */
static size_t
grain_of(struct heap *h, size_t npages)
{
	struct run_cache *c = &h->cache;
	size_t most = h->runs->npages;
	if (c->nplaces == 0)
		return 1;
	c->nplaces--;
	/* relaxed: a hint */
	size_t room = load_relaxed(&h->runs->nfree) + (size_t)c->npages;
	/* what others keep in their caches counts as taken, but it is not */
	bool is_alone = load_relaxed(&h->dir->nprivate) <= 1;
	size_t taken = most / (is_alone ? GRAIN_TAKEN : GRAIN_TAKEN / 2);
	if (npages < GRAIN_LEAST || !is_wide(h->runs) || room < most - taken)
		return 1;
	size_t part = (size_t)1 << (lg_floor(npages) - GRAIN_LG_PARTS);
	return clamp_size(part, GRAIN_LEAST, GRAIN_MOST);
}

/* skip_of -- pages in front of the first place in a run */
static size_t
skip_of(const struct desc *d, size_t grain)
{
	return (0 - ((uintptr_t)d->base >> RUN_LG_PAGE)) & (grain - 1);
}

/* of_class -- a run of a class in which the size has a place, or NULL */
static struct desc *
of_class(const struct heap *h, unsigned cls, size_t npages, size_t grain)
{
	struct desc *best = NULL;
	uint32_t g = h->cache.head[cls];
	for (unsigned n = 0; g != RUN_NO_GRANULE && n < RUN_CACHE_LOOKED; n++) {
		struct large_run *r = large_run_at(h->base, g);
		struct desc *d = desc_of(r);
		size_t need = skip_of(d, grain) + npages;
		if (d->npages == need)
			return d;
		if (d->npages > need &&
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
			return desc_of(
				large_run_at(h->base, h->cache.head[at]));
		}
	}
	return NULL;
}

/* find -- a run in which the size has a place, or NULL */
static struct desc *
find(const struct heap *h, size_t npages, size_t grain)
{
	struct desc *d = of_class(h, large_class(npages), npages, grain);
	/* in all runs of later classes it has one */
	return d != NULL ? d : of_larger(h, large_class(npages + grain - 1));
}

struct desc *
cache_get(struct heap *h, size_t npages, unsigned *ret_lg_align)
{
	size_t grain = grain_of(h, npages);
	*ret_lg_align = RUN_LG_PAGE + lg_floor(grain);
	if (h->cache.npages < npages)
		return NULL;
	struct desc *d;
	while ((d = find(h, npages, grain)) == NULL && grain > 1)
		grain = grain > GRAIN_LEAST ? GRAIN_LEAST : 1;
	return d == NULL ? NULL : cut(h, d, skip_of(d, grain), npages);
}

uint32_t
cache_most(const struct heap_dir *dir)
{
	return dir->cache_pages * (is_wide(dir->runs) ? CACHE_WIDE : 1);
}

/*
 * limit_of -- pages that a heap may keep now: its part of what all may, which
 * is twice what one may, more in a wide pool, and little in one that comes to
 * its end, as each run in a cache is an island between the free pages; nothing
 * where these go back at once
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
	uint32_t part = cache_most(dir) / (n < 2 ? 2 : n) * 2;
	part = (uint32_t)max_size(part, dir->cache_pages);
	/* relaxed: a hint */
	return min_u32(part, load_relaxed(&h->runs->nfree) / CACHE_OF_FREE);
}

/* beside -- the run with that edge at an address of d's, or NULL */
static struct desc *
beside(const struct heap *h, enum edge edge, const char *at)
{
	struct large_run *r = edges_find(&h->cache.edges, h->base, edge, at);
	return r == NULL ? NULL : desc_of(r);
}

struct desc *
cache_behind(const struct heap *h, const struct desc *d)
{
	size_t bytes = (size_t)d->npages << RUN_LG_PAGE;
	return beside(h, EDGE_BEGIN, d->base + bytes);
}

/* join -- the pages of next, which is not in the cache, are d's */
static void
join(struct heap *h, struct desc *d, struct desc *next)
{
	run_join(h->runs, d, next);
	spare_push(h, next);
	if (unlikely(h->cache.nspare > RUN_CACHE_SPARES))
		spares_drain(h, RUN_CACHE_SPARES - SPARES_STEP);
}

/* gather -- a run and the cached ones beside it, which leave the cache */
static struct desc *
gather(struct heap *h, struct desc *d)
{
	struct desc *before = beside(h, EDGE_END, d->base);
	struct desc *next = cache_behind(h, d);
	if (next != NULL) {
		unlink_run(h, next);
		join(h, d, next);
	}
	if (before != NULL) {
		unlink_run(h, before);
		join(h, before, d);
		d = before;
	}
	return d;
}

void
cache_put(struct heap *h, struct desc *d)
{
	struct run_cache *c = &h->cache;
	uint32_t limit = limit_of(h);
	c->nplaces = min_u32(c->nplaces + 1, GRAIN_PLACES);
	if (d->npages > limit) {
		run_free(h->runs, d);
		return;
	}
	if (c->nruns > 0 || ++c->nlone % LONE_LOOK == 0) {
		d = gather(h, d);
		/* what comes and goes in a cache needs no lock that does it */
		run_tick(h->runs);
	}
	link_run(h, d);
	while (c->npages > limit || c->nruns > RUN_CACHE_MOST)
		give_back(h, run_desc(h->base, c->oldest));
}

/* shorten -- a cached run by its last pages; false: no descriptor for them */
static bool
shorten(struct heap *h, struct desc *d, uint32_t npages)
{
	if (!spares_fill(h, 1))
		return false;
	struct desc *rest = spare_pop(h);
	unlink_run(h, d);
	run_split(h->runs, d, rest, d->npages - npages);
	link_run(h, d);
	run_free(h->runs, rest);
	return true;
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
	size_t more = npages - d->npages;
	if (h->cache.npages < more)
		return false;
	struct desc *next = cache_behind(h, d);
	if (next == NULL || next->npages < more)
		return false;
	next = cut(h, next, 0, more);
	if (next == NULL)
		return false;
	join(h, d, next);
	return true;
}

void
cache_release(struct heap *h)
{
	while (h->cache.nruns > 0)
		give_back(h, run_desc(h->base, h->cache.newest));
	spares_drain(h, 0);
}
