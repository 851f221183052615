/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * run.c -- page runs: who owns which 4 KiB pages of a pool
 */
#include "run/run.h"

#include <string.h>

#include "base/arith.h"
#include "base/assert.h"
#include "base/bitmap.h"
#include "base/guard.h"
#include "run/decay.h"
#include "run/meta.h"
#include "run/pages.h"
#include "run/reserve.h"

/*
 * Descriptors lie where the page map reaches, in the first 256 GiB.  Larger
 * pools keep one page in META_SHARE behind the fixed metadata, as far as the
 * reach goes, and use it for other runs last.
 */
#define META_REACH_PAGES (RUN_META_REACH >> RUN_LG_PAGE)
#define META_SHARE       22 /* what slabs of the smallest objects need */

/* the block of 2 MiB that the pool starts in counts from its first address */
static uint32_t
bias_of(const void *base)
{
	return (uint32_t)(((uintptr_t)base >> RUN_LG_PAGE) &
			  (TREE_BLOCK_BITS - 1));
}

struct layout {
	size_t npages; /* of the pool */
	size_t nbits;  /* npages + bias */
	size_t dirty;  /* offsets from the pool's first byte */
	size_t hollow;
	size_t tree;
	size_t end;
};

static struct layout
layout_of(const void *base, size_t size)
{
	struct layout l;
	l.npages = size >> RUN_LG_PAGE;
	l.nbits = l.npages + bias_of(base);
	l.dirty = align_up(RUN_MAP_OFF + l.npages * sizeof(uint64_t), 64);
	l.hollow = align_up(l.dirty + bitmap_words(l.nbits) * 8, 64);
	l.tree = align_up(l.hollow + bitmap_words(l.nbits) * 8, 64);
	l.end = l.tree + tree_bytes(l.nbits);
	return l;
}

/*
 * meta_pages -- the page that other runs begin at; 0 for no such rule
 *
 * The page map of a pool of 16 TiB alone takes an eighth of the reach: then
 * what is left of it is kept.
 */
static size_t
meta_pages(const struct layout *l)
{
	size_t first = div_up(l->end, RUN_PAGE);
	if (l->npages <= META_REACH_PAGES)
		return 0;
	return min_size(first + l->npages / META_SHARE, META_REACH_PAGES);
}

size_t
run_space_pages(const void *base, size_t size)
{
	return div_up(layout_of(base, size).end, RUN_PAGE);
}

void
run_space_layout(struct run_space *rs, void *base, size_t size)
{
	struct layout l = layout_of(base, size);
	memset(rs, 0, sizeof(*rs));
	rs->base = base;
	rs->npages = (uint32_t)l.npages;
	rs->bias = bias_of(base);
	rs->first = (uint32_t)div_up(l.end, RUN_PAGE);
	rs->meta_pages = (uint32_t)meta_pages(&l);
	rs->dirty = (uint64_t *)(void *)(rs->base + l.dirty);
	rs->hollow = (uint64_t *)(void *)(rs->base + l.hollow);
	tree_layout(&rs->tree, rs->base + l.tree, l.nbits);
}

void
run_space_init(struct run_space *rs, void *base, size_t size, bool zero)
{
	struct layout l = layout_of(base, size);
	run_space_layout(rs, base, size);
	if (!zero) {
		backing_touch(
			rs->base + RUN_HEADER_OFF, l.end - RUN_HEADER_OFF);
		memset(rs->base + RUN_MAP_OFF, 0, l.end - RUN_MAP_OFF);
		bitmap_set_range(rs->dirty, 0, l.nbits);
		rs->dirty_end = (uint32_t)l.nbits;
	}
	tree_init(&rs->tree, rs->bias);
	tree_take(&rs->tree, rs->bias, rs->first);
	rs->nfree = rs->npages - rs->first;
	rs->nspare = zero ? 0 : rs->nfree;
	rs->granule = 1;
	rs->give = BACKING_GIVE_NEVER;
	rs->most = rs->npages;
	rs->decay.ms = RUN_DECAY_NEVER;
}

struct desc *
run_lookup(const struct run_space *rs, const void *p)
{
	uintptr_t off = (uintptr_t)p - (uintptr_t)rs->base;
	if (off >> RUN_LG_PAGE >= rs->npages)
		return NULL;
	uint32_t g = run_map_granule(rs->base, off >> RUN_LG_PAGE);
	return g == 0 ? NULL : run_desc(rs->base, g);
}

/*
 * map_set -- the page map's entries of a run
 * Locks  run lock held, or the run is the caller's alone.
 */
static void
map_set(struct run_space *rs, size_t page, size_t npages, uint64_t entry)
{
	uint64_t *map = run_map(rs->base);
	for (size_t i = 0; i < npages; i++)
		store_relaxed(&map[page + i], entry);
}

/* entry_of -- what leads to a descriptor */
static uint64_t
entry_of(const struct run_space *rs, const void *d)
{
	return run_entry(run_granule(rs->base, d), 0);
}

void
run_note(struct run_space *rs, const struct desc *d, uint16_t note)
{
	map_set(rs, run_page(rs, d->base), d->npages, entry_of(rs, d) | note);
}

/*
 * meta_grow -- one more page of descriptors, the lowest
 * Locks  run lock held; it may be let go, but not after the page is there.
 */
static bool
meta_grow(struct run_space *rs)
{
	size_t end = min_size(rs->npages, META_REACH_PAGES - 1);
	size_t bit = reserve_place(rs, META_PAGES, 0, RUN_LG_PAGE, end);
	if (bit == TREE_NONE)
		return false;
	(void)pages_use(rs, bit, META_PAGES);
	char *pages = page_address(rs, bit);
	if (unlikely(guard_on))
		guard_open(pages, META_PAGES * RUN_PAGE);
	meta_add(rs, pages);
	map_set(rs, bit - rs->bias, META_PAGES, entry_of(rs, pages));
	return true;
}

void
run_lower_meta(struct run_space *rs)
{
	lock_acquire(&rs->lock, RANK_RUN);
	size_t bit = tree_find(&rs->tree, META_PAGES, 0);
	const void *head = run_desc(rs->base, rs->meta_head);
	if (bit != TREE_NONE && rs->meta_head != RUN_NO_GRANULE &&
		bit - rs->bias < run_page(rs, head))
		(void)meta_grow(rs);
	lock_release(&rs->lock, RANK_RUN);
}

bool
run_lies_high(struct run_space *rs, const struct desc *d)
{
	lock_acquire(&rs->lock, RANK_RUN);
	size_t one = tree_find(&rs->tree, META_PAGES, 0);
	size_t same = tree_find(&rs->tree, d->npages, 0);
	const void *head = run_desc(rs->base, rs->meta_head);
	bool meta = rs->meta_head != RUN_NO_GRANULE && one != TREE_NONE &&
		    one - rs->bias < run_page(rs, head);
	bool run = same != TREE_NONE && same - rs->bias < run_page(rs, d->base);
	lock_release(&rs->lock, RANK_RUN);
	return meta || run;
}

/* desc_alloc -- granules for a descriptor; Locks: run lock held */
static struct desc *
desc_alloc(struct run_space *rs, unsigned ngran)
{
	struct desc *d = meta_alloc(rs, ngran);
	return d == NULL && meta_grow(rs) ? meta_alloc(rs, ngran) : d;
}

/* meta_give -- the pages of a descriptor run; Locks: run lock held */
static void
meta_give(struct run_space *rs, const struct meta *m)
{
	size_t page = run_page(rs, m);
	map_set(rs, page, META_PAGES, 0);
	if (unlikely(guard_on))
		guard_close(m, META_PAGES * RUN_PAGE);
	pages_free(rs, page + rs->bias, META_PAGES);
}

void
run_trim_meta(struct run_space *rs)
{
	lock_acquire(&rs->lock, RANK_RUN);
	for (struct meta *m; (m = meta_surplus(rs)) != NULL;)
		meta_give(rs, m);
	lock_release(&rs->lock, RANK_RUN);
}

/* desc_free -- the counterpart; Locks: run lock held */
static void
desc_free(struct run_space *rs, struct desc *d)
{
	struct meta *empty = meta_free(rs, d);
	if (empty != NULL)
		meta_give(rs, empty);
}

static struct desc *
alloc_locked(struct run_space *rs, size_t npages, unsigned ngran,
	enum run_tag tag, unsigned lg_align, bool *ret_clean)
{
	if (npages > rs->nfree)
		return NULL;
	struct desc *d = desc_alloc(rs, ngran);
	if (d == NULL)
		return NULL;
	size_t bit = TREE_NONE;
	if (rs->meta_pages != 0)
		bit = reserve_place(
			rs, npages, rs->meta_pages, lg_align, rs->npages);
	if (bit == TREE_NONE)
		bit = reserve_place(rs, npages, 0, lg_align, rs->npages);
	if (bit == TREE_NONE) {
		desc_free(rs, d);
		return NULL;
	}
	*ret_clean = pages_use(rs, bit, npages);
	d->base = page_address(rs, bit);
	d->npages = (uint32_t)npages;
	if (unlikely(guard_on) && tag == RUN_HEAP)
		guard_open(d->base, npages << RUN_LG_PAGE);
	store_relaxed(&d->owner, (uint64_t)tag);
	map_set(rs, bit - rs->bias, tag == RUN_LARGE ? 1 : npages,
		entry_of(rs, d));
	return d;
}

struct desc *
run_alloc(struct run_space *rs, size_t npages, unsigned ngran, enum run_tag tag,
	unsigned lg_align, bool *ret_clean)
{
	bool clean = false;
	ASSERT(npages > 0);
	lock_acquire(&rs->lock, RANK_RUN);
	struct desc *d = alloc_locked(rs, npages, ngran, tag, lg_align, &clean);
	decay_tick(rs);
	lock_release(&rs->lock, RANK_RUN);
	if (ret_clean != NULL)
		*ret_clean = clean;
	return d;
}

void
run_free(struct run_space *rs, struct desc *d)
{
	lock_acquire(&rs->lock, RANK_RUN);
	size_t page = run_page(rs, d->base);
	bool large = d->owner == RUN_LARGE || d->owner == RUN_CACHED;
	if (unlikely(guard_on))
		guard_close(d->base, (size_t)d->npages << RUN_LG_PAGE);
	map_set(rs, page, large ? 1 : d->npages, 0);
	pages_free(rs, page + rs->bias, d->npages);
	desc_free(rs, d);
	decay_tick(rs);
	lock_release(&rs->lock, RANK_RUN);
}

/* extend -- hold and use the pages behind a run; run lock held, let go */
static bool
extend(struct run_space *rs, size_t bit, size_t more, bool *ret_clean)
{
	size_t nbits = (size_t)rs->npages + rs->bias;
	if (more > nbits - bit || bitmap_any_set(rs->tree.used, bit, more))
		return false;
	pages_hold(rs, bit, more);
	if (!reserve_pages(rs, bit, more)) {
		pages_release(rs, bit, more);
		return false;
	}
	*ret_clean = pages_use(rs, bit, more);
	return true;
}

bool
run_resize(struct run_space *rs, struct desc *d, size_t npages, bool *ret_clean)
{
	bool done = true;
	lock_acquire(&rs->lock, RANK_RUN);
	size_t bit = run_page(rs, d->base) + (size_t)rs->bias;
	size_t have = d->npages;
	*ret_clean = false;
	if (npages < have)
		pages_free(rs, bit + npages, have - npages);
	else if (npages > have)
		done = extend(rs, bit + have, npages - have, ret_clean);
	if (done)
		d->npages = (uint32_t)npages;
	decay_tick(rs);
	lock_release(&rs->lock, RANK_RUN);
	return done;
}

unsigned
run_descs_take(struct run_space *rs, struct desc *ret[], unsigned n)
{
	unsigned have = 0;
	lock_acquire(&rs->lock, RANK_RUN);
	for (struct desc *d = desc_alloc(rs, 1); d != NULL;
		d = meta_alloc(rs, 1)) {
		ret[have] = d;
		if (++have == n)
			break;
	}
	lock_release(&rs->lock, RANK_RUN);
	return have;
}

void
run_descs_give(struct run_space *rs, struct desc *const d[], unsigned n)
{
	lock_acquire(&rs->lock, RANK_RUN);
	for (unsigned i = 0; i < n; i++)
		desc_free(rs, d[i]);
	lock_release(&rs->lock, RANK_RUN);
}

void
run_split(
	struct run_space *rs, struct desc *d, struct desc *rest, size_t npages)
{
	ASSERT(npages > 0 && npages < d->npages);
	rest->base = d->base + (npages << RUN_LG_PAGE);
	rest->npages = d->npages - (uint32_t)npages;
	/* relaxed, both: see above on the page map */
	store_relaxed(&rest->owner, load_relaxed(&d->owner));
	map_set(rs, run_page(rs, rest->base), 1, entry_of(rs, rest));
	d->npages = (uint32_t)npages;
}

void
run_join(struct run_space *rs, struct desc *d, struct desc *next)
{
	ASSERT(d->base + ((size_t)d->npages << RUN_LG_PAGE) == next->base);
	d->npages += next->npages;
	map_set(rs, run_page(rs, next->base), 1, 0);
	/* relaxed: to who looks at it by mistake it is no object either way */
	store_relaxed(&next->owner, (uint64_t)RUN_NONE);
}

size_t
run_next_used(const struct run_space *rs, size_t page, size_t *ret_first)
{
	size_t end = (size_t)rs->npages + rs->bias;
	size_t first = tree_next_used(&rs->tree, page + rs->bias);

	*ret_first = first - rs->bias;
	return bitmap_next(rs->tree.used, first, end, false) - first;
}
