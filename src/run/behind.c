/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * behind.c -- what lies behind the pages of a pool, from its beginning
 */
#include "base/arith.h"
#include "base/bitmap.h"
#include "run/pages.h"
#include "run/run.h"

/* what is hollow of a new pool: pages */
struct hollow {
	size_t map, map_end; /* of the page map; the same: none */
	size_t from;         /* and all from here on */
};

static struct hollow
hollow_of(const struct run_space *rs, size_t granule, size_t reserved)
{
	size_t g = granule >> RUN_LG_PAGE, have = reserved >> RUN_LG_PAGE;
	struct hollow h;
	h.from = min_size(max_size(have, align_up(rs->first, g)), rs->npages);
	/* the map for what is there, and for the page behind it */
	size_t last = run_map_page(min_size(h.from, rs->npages - 1));
	h.map = align_up(max_size(last + 1, have), g);
	h.map_end = align_down(run_page(rs, rs->dirty), g);
	if (have >= rs->first || h.map > h.map_end)
		h.map = h.map_end;
	return h;
}

bool
run_space_reserve(void *base, size_t size, size_t granule, size_t reserved)
{
	struct run_space rs;
	run_space_layout(&rs, base, size);
	if (reserved >> RUN_LG_PAGE >= rs.first)
		return true;
	struct hollow h = hollow_of(&rs, granule, reserved);
	size_t n = h.from - h.map_end;
	return backing_reserve(rs.base, h.map << RUN_LG_PAGE) &&
	       backing_reserve(
		       rs.base + (h.map_end << RUN_LG_PAGE), n << RUN_LG_PAGE);
}

void
run_space_behind(struct run_space *rs, const struct run_behind *behind)
{
	struct hollow h = hollow_of(rs, behind->granule, behind->reserved);
	size_t granule = behind->granule >> RUN_LG_PAGE;
	size_t from = h.from + rs->bias, n = rs->npages - h.from;
	rs->decay.ms = behind->decay_ms;
	rs->touch = behind->touch;
	if (behind->most != 0)
		rs->most = (uint32_t)min_size(
			behind->most >> RUN_LG_PAGE, rs->npages);
	/* the blocks of the bitmaps would be no whole granules: all is there */
	if (granule > TREE_BLOCK_BITS)
		return;
	rs->granule = (uint32_t)granule;
	rs->give = behind->give;
	if (h.map < h.map_end)
		(void)pages_hollow(rs, h.map + rs->bias, h.map_end - h.map);
	if (n > 0) {
		pages_hold(rs, from, n);
		(void)pages_hollow(rs, from, n);
		pages_release(rs, from, n);
	}
	store_relaxed(&rs->is_bare, (uint32_t)(rs->nhollow > 0));
}

void
run_space_give(struct run_space *rs, enum backing_give give)
{
	lock_acquire(&rs->lock, RANK_RUN);
	/* relaxed: only a look goes without the lock */
	store_relaxed(&rs->give, (uint32_t)give);
	lock_release(&rs->lock, RANK_RUN);
}

void
run_space_filled(struct run_space *rs, size_t page, size_t end)
{
	lock_acquire(&rs->lock, RANK_RUN);
	size_t bit = page + rs->bias, n = end - page;
	/* the page map is in use, all others are free */
	if (page >= rs->first)
		pages_hold(rs, bit, n);
	pages_fill(rs, bit, n);
	if (page >= rs->first)
		pages_release(rs, bit, n);
	store_relaxed(&rs->is_bare, (uint32_t)(rs->nhollow > 0));
	lock_release(&rs->lock, RANK_RUN);
}

void
run_touch(const struct run_space *rs, const struct desc *d)
{
	/* relaxed: private copies of the pages, as after a fork, take memory */
	if (rs->touch != 0 && load_relaxed(&rs->give) == BACKING_GIVE_FILE)
		backing_touch(d->base, (size_t)d->npages << RUN_LG_PAGE);
}

size_t
run_next_held(const struct run_space *rs, size_t page, size_t *ret_first)
{
	size_t end = (size_t)rs->npages + rs->bias;
	size_t first = bitmap_next(rs->hollow, page + rs->bias, end, false);

	*ret_first = first - rs->bias;
	return bitmap_next(rs->hollow, first, end, true) - first;
}

size_t
run_step_over(const struct run_space *rs, size_t page)
{
	size_t end = (size_t)rs->npages + rs->bias;
	if (page >= rs->npages)
		return rs->npages;
	return bitmap_next(rs->hollow, page + rs->bias, end, false) - rs->bias;
}
