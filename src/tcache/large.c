/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * large.c -- objects of whole pages
 *
 * They come from the heap's run cache where that has room, else from the runs.
 */
#include "base/arith.h"
#include "base/assert.h"
#include "base/probe.h"
#include "tcache/heap_internal.h"

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

void *
heap_alloc_large(
	struct heap *h, size_t npages, unsigned lg_align, bool *ret_clean)
{
	*ret_clean = false;
	struct desc *d = NULL;
	unsigned lg_place = lg_align;
	if (lg_align <= RUN_LG_PAGE)
		d = cache_get(h, npages, &lg_place);
	if (d != NULL) {
		/* relaxed: only who holds the address looks at it */
		store_relaxed(&d->owner, (uint64_t)RUN_LARGE);
	} else {
		d = run_alloc(
			h->runs, npages, 1, RUN_LARGE, lg_place, ret_clean);
		if (d == NULL && (h->cache.nruns > 0 || lg_place > lg_align)) {
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

/* let -- who has the object held, or claimed, leaves it to all others */
static void
let(struct desc *d)
{
	/* release: who frees it next finds what was done to it */
	store_release(&d->owner, (uint64_t)RUN_LARGE);
}

/*
 * hold -- take the live object p from all others, as one that frees it does
 * Else *ret_was is what the descriptor says of it.
 */
static bool
hold(struct desc *d, const void *p, uint64_t *ret_was)
{
	*ret_was = RUN_LARGE;
	/* acq_rel: what the object's users did is over for who gets it next */
	if (!cas_acq_rel(&d->owner, ret_was, (uint64_t)RUN_CACHED))
		return false;
	if (likely(d->base == p))
		return true;
	/* freed by another meanwhile: it tells of the next object */
	let(d);
	*ret_was = RUN_CACHED;
	return false;
}

/* claim -- of the threads that free the same object one gets FREE_DONE */
static enum free_result
claim(struct desc *d, const void *p, size_t size)
{
	uint64_t was;
	struct object o = {
		.large = true, .usable = (size_t)d->npages << RUN_LG_PAGE};
	uint64_t owner = load_relaxed(&d->owner);
	if (d->base != p || owner > RUN_CACHED)
		return FREE_INVALID;
	if (size != 0 && owner == RUN_LARGE && !object_takes(&o, size))
		return FREE_SIZE;
	if (hold(d, p, &was))
		return FREE_DONE;
	return was == RUN_CACHED ? FREE_DOUBLE : FREE_INVALID;
}

enum free_result
large_free(struct heap *h, struct desc *d, void *p, size_t size)
{
	enum free_result r = claim(d, p, size);
	if (r != FREE_DONE)
		return r;
	count_out(h, d->npages);
	PROBE3(large_free, h->base, p, (size_t)d->npages << RUN_LG_PAGE);
	cache_put(h, d);
	return r;
}

enum free_result
large_free_stray(struct heap_dir *dir, struct desc *d, void *p, size_t size)
{
	enum free_result r = claim(d, p, size);
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

bool
heap_hold(const struct heap *h, void *p)
{
	uint64_t was;
	struct desc *d = run_lookup(h->runs, p);
	if (d == NULL)
		return false;
	return load_relaxed(&d->owner) >= RUN_NTAGS || hold(d, p, &was);
}

void
heap_let(const struct heap *h, void *p)
{
	struct desc *d = run_lookup(h->runs, p);
	if (load_relaxed(&d->owner) < RUN_NTAGS)
		let(d);
}

/* resize -- a run that is held */
static bool
resize(struct heap *h, struct desc *d, size_t npages)
{
	bool clean;
	size_t have = d->npages;
	if (have == npages)
		return true;
	bool done = npages > have && cache_grow(h, d, npages);
	if (!done)
		done = run_resize(h->runs, d, npages, &clean);
	if (!done && cache_behind(h, d) != NULL) {
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

bool
heap_resize_large(struct heap *h, void *p, size_t npages)
{
	uint64_t was;
	struct desc *d = run_lookup(h->runs, p);
	/* another thread may free it meanwhile, by mistake */
	if (d == NULL || !hold(d, p, &was))
		return false;
	bool done = resize(h, d, npages);
	let(d);
	return done;
}
