/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * large.c -- objects of whole pages, and the runs that a heap keeps of them
 *
 * A freed run of moderate size stays in the heap's run cache for the next
 * object of exactly as many pages.  Its descriptor says so, which is how a
 * second free of it is seen.
 */
#include <string.h>

#include "base/arith.h"
#include "base/assert.h"
#include "base/probe.h"
#include "tcache/heap_internal.h"

#define LG_A_DOUBLING 2u /* classes of the statistics: 4 a doubling */
#define LINEAR        4u /* and one a page up to here */

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

static void
count_in(struct heap *h, size_t npages)
{
	h->large[large_class(npages)].nmalloc++;
	h->large[large_class(npages)].bytes += npages << RUN_LG_PAGE;
}

static void
count_out(struct heap *h, size_t npages)
{
	h->large[large_class(npages)].nfree++;
	h->large[large_class(npages)].bytes -= npages << RUN_LG_PAGE;
}

/* cache_take -- entry i leaves the cache; returns its descriptor */
static struct desc *
cache_take(struct heap *h, unsigned i)
{
	struct cached_run got = h->cache[i];
	h->ncached--;
	h->cached_pages -= got.npages;
	memmove(&h->cache[i], &h->cache[i + 1],
		(h->ncached - i) * sizeof(h->cache[0]));
	return run_desc(h->base, got.granule);
}

/* cache_get -- a cached run of exactly npages pages, the newest, or NULL */
static struct desc *
cache_get(struct heap *h, size_t npages)
{
	for (unsigned i = h->ncached; i-- > 0;)
		if (h->cache[i].npages == npages)
			return cache_take(h, i);
	return NULL;
}

void
cache_release(struct heap *h)
{
	while (h->ncached > 0)
		run_free(h->runs, cache_take(h, h->ncached - 1));
}

/* cache_put -- keep a run, or give it back when it is too large to keep */
static void
cache_put(struct heap *h, struct desc *d)
{
	uint32_t limit = h->dir->cache_pages;
	if (d->npages > limit) {
		run_free(h->runs, d);
		return;
	}
	while (h->ncached == RUN_CACHE_SLOTS ||
		h->cached_pages + d->npages > limit)
		run_free(h->runs, cache_take(h, 0));
	h->cache[h->ncached++] =
		(struct cached_run){run_granule(h->base, d), d->npages};
	h->cached_pages += d->npages;
}

void *
heap_alloc_large(
	struct heap *h, size_t npages, unsigned lg_align, bool *ret_clean)
{
	*ret_clean = false;
	struct desc *d = NULL;
	if (lg_align <= RUN_LG_PAGE)
		d = cache_get(h, npages);
	if (d != NULL) {
		/* relaxed: only who holds the address looks at it */
		store_relaxed(&d->owner, (uint64_t)RUN_LARGE);
	} else {
		d = run_alloc(
			h->runs, npages, 1, RUN_LARGE, lg_align, ret_clean);
		if (d == NULL && h->ncached > 0) {
			cache_release(h);
			d = run_alloc(h->runs, npages, 1, RUN_LARGE, lg_align,
				ret_clean);
		}
	}
	if (d == NULL)
		return NULL;
	count_in(h, npages);
	PROBE3(large_alloc, h->base, d->base, npages << RUN_LG_PAGE);
	return d->base;
}

/* claim -- of the threads that free the same object one gets FREE_DONE */
static enum free_result
claim(struct desc *d, const void *p)
{
	uint64_t live = RUN_LARGE;
	if (d->base != p || load_relaxed(&d->owner) > RUN_CACHED)
		return FREE_INVALID;
	/* acq_rel: what the object's users did is over for who gets it next */
	if (cas_acq_rel(&d->owner, &live, (uint64_t)RUN_CACHED))
		return FREE_DONE;
	return live == RUN_CACHED ? FREE_DOUBLE : FREE_INVALID;
}

enum free_result
large_free(struct heap *h, struct desc *d, void *p)
{
	enum free_result r = claim(d, p);
	if (r != FREE_DONE)
		return r;
	count_out(h, d->npages);
	PROBE3(large_free, h->base, p, (size_t)d->npages << RUN_LG_PAGE);
	cache_put(h, d);
	return r;
}

enum free_result
large_free_stray(struct heap_dir *dir, struct desc *d, void *p)
{
	enum free_result r = claim(d, p);
	if (r != FREE_DONE)
		return r;
	PROBE3(large_free, dir->runs->base, p,
		(size_t)d->npages << RUN_LG_PAGE);
	lock_acquire(&dir->admin, RANK_ADMIN);
	struct large_stats *k = &dir->stray[large_class(d->npages)];
	k->nfree++;
	k->bytes -= (size_t)d->npages << RUN_LG_PAGE;
	run_free(dir->runs, d);
	lock_release(&dir->admin, RANK_ADMIN);
	return r;
}

/* cached_behind -- are the pages behind a run free, but in a run cache? */
static bool
cached_behind(const struct heap *h, const struct desc *d)
{
	const char *end = d->base + ((size_t)d->npages << RUN_LG_PAGE);
	const struct desc *next = run_lookup(h->runs, end);
	return next != NULL && load_relaxed(&next->owner) == RUN_CACHED;
}

bool
heap_resize_large(struct heap *h, struct desc *d, size_t npages)
{
	bool clean;
	size_t have = d->npages;
	if (have == npages)
		return true;
	bool done = run_resize(h->runs, d, npages, &clean);
	if (!done && cached_behind(h, d)) {
		cache_release(h);
		done = run_resize(h->runs, d, npages, &clean);
	}
	if (!done)
		return false;
	PROBE4(large_resize, h->base, d->base, have << RUN_LG_PAGE,
		npages << RUN_LG_PAGE);
	count_out(h, have);
	count_in(h, npages);
	return true;
}
