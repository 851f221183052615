/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * reserve.c -- memory or disk space behind hollow pages
 */
#include "run/reserve.h"

#include "base/arith.h"
#include "base/bitmap.h"
#include "run/pages.h"

/* more pages than are asked for: a share of what there is, within bounds */
#define STEP_SHARE 16u
#define STEP_MIN   ((size_t)8)
#define STEP_MAX   ((size_t)1024)

/* ask -- the kernel, for held pages; run lock held, let go meanwhile */
static bool
ask(struct run_space *rs, size_t bit, size_t end)
{
	enum backing_give give = (enum backing_give)rs->give;
	size_t size = (end - bit) << RUN_LG_PAGE;
	char *at = page_address(rs, bit);
	lock_release(&rs->lock, RANK_RUN);
	bool done = backing_reserve(at, size);
	/* the part that there was is of no use, and others may need it */
	if (!done && size > RUN_PAGE)
		(void)backing_give_back(give, at, size);
	lock_acquire(&rs->lock, RANK_RUN);
	return done;
}

/*
 * fill_map -- the page map for bits [bit, end) and both their neighbours
 *
 * Two threads may do so for the same page of the map at once, which does no
 * harm; so none gives back what came of it when it fails.
 */
static bool
fill_map(struct run_space *rs, size_t bit, size_t end)
{
	size_t last = min_size(end - rs->bias, rs->npages - 1);
	size_t at = run_map_page(bit - rs->bias - 1) + rs->bias;
	size_t stop = run_map_page(last) + rs->bias + 1;
	for (;;) {
		at = bitmap_next(rs->hollow, at, stop, true);
		if (at == stop)
			return true;
		size_t high = bitmap_next(rs->hollow, at, stop, false);
		at = align_down(at, rs->granule);
		high = align_up(high, rs->granule);
		lock_release(&rs->lock, RANK_RUN);
		bool done = backing_reserve(
			page_address(rs, at), (high - at) << RUN_LG_PAGE);
		lock_acquire(&rs->lock, RANK_RUN);
		if (!done)
			return false;
		pages_fill(rs, at, high - at);
	}
}

/* hollow_end -- where free hollow pages from a bit on end, at most `most` */
static size_t
hollow_end(const struct run_space *rs, size_t bit, size_t most)
{
	size_t nbits = (size_t)rs->npages + rs->bias;
	size_t end = min_size(bit + most, nbits);
	end = bitmap_next(rs->tree.used, bit, end, true);
	end = bitmap_next(rs->hollow, bit, end, false);
	/* whole granules; the pool may end in the middle of the last */
	return end == nbits ? end : max_size(align_down(end, rs->granule), bit);
}

/* hold, release -- as those of pages.h; the range may be empty */
static void
hold(struct run_space *rs, size_t bit, size_t end)
{
	if (bit < end)
		pages_hold(rs, bit, end - bit);
}

static void
release(struct run_space *rs, size_t bit, size_t end)
{
	if (bit < end)
		pages_release(rs, bit, end - bit);
}

/*
 * fill -- held hollow pages [bit, end), whole granules
 * ahead  some more behind them, which are free, while it is at it
 */
static bool
fill(struct run_space *rs, size_t bit, size_t end, bool ahead)
{
	size_t nheld = rs->npages - rs->nhollow, more = end;
	/* where the space was at its end, no more than is needed */
	if (ahead && rs->is_short == 0)
		more = hollow_end(rs, end,
			clamp_size(nheld / STEP_SHARE, STEP_MIN, STEP_MAX));
	hold(rs, end, more);
	bool done = fill_map(rs, bit, more) && ask(rs, bit, more);
	if (!done && end < more) {
		/* with less to spare when the space comes to its end */
		release(rs, end, more);
		more = end;
		done = fill_map(rs, bit, end) && ask(rs, bit, end);
	}
	if (done)
		pages_fill(rs, bit, more - bit);
	release(rs, end, more);
	/* relaxed: see run_is_short() */
	store_relaxed(&rs->is_short, (uint32_t)!done);
	rs->nrefused += !done;
	return done;
}

/* fill_all -- the hollow ones of held pages [low, high), whole granules */
static bool
fill_all(struct run_space *rs, size_t low, size_t high)
{
	for (size_t bit = low, end;; bit = end) {
		bit = bitmap_next(rs->hollow, bit, high, true);
		if (bit == high)
			return true;
		end = bitmap_next(rs->hollow, bit, high, false);
		if (!fill(rs, bit, end, end == high))
			return false;
	}
}

bool
reserve_pages(struct run_space *rs, size_t bit, size_t npages)
{
	size_t nbits = (size_t)rs->npages + rs->bias, end = bit + npages;
	size_t low = bit, high = end;
	if (rs->nhollow == 0 || !bitmap_any_set(rs->hollow, bit, npages))
		return true;
	/* the kernel would try, and end programs to make room */
	if (npages > rs->most) {
		rs->nrefused++;
		return false;
	}
	/*
	 * The rest of the first and the last granule: hollow too and thus free,
	 * and held meanwhile, so that nobody else works on them.
	 */
	if (bitmap_test(rs->hollow, bit))
		low = align_down(bit, rs->granule);
	if (bitmap_test(rs->hollow, end - 1))
		high = min_size(align_up(end, rs->granule), nbits);
	hold(rs, low, bit);
	hold(rs, end, high);
	bool done = fill_all(rs, low, high);
	release(rs, low, bit);
	release(rs, end, high);
	return done;
}

/* find -- the lowest place for n pages from a bit on, aligned */
static size_t
find(const struct run_space *rs, size_t n, size_t from, unsigned lg_align)
{
	if (lg_align <= RUN_LG_PAGE)
		return tree_find(&rs->tree, n, from);
	/* the bit of the address 0, as far as the alignment sees it */
	size_t align = (size_t)1 << (lg_align - RUN_LG_PAGE);
	size_t origin = rs->bias - ((uintptr_t)rs->base >> RUN_LG_PAGE);
	return tree_find_aligned(&rs->tree, n, from, align, origin);
}

/* find_solid -- as find(), where no page is hollow */
static size_t
find_solid(const struct run_space *rs, size_t n, size_t from, unsigned lg_align)
{
	size_t nbits = (size_t)rs->npages + rs->bias;
	for (;;) {
		size_t bit = find(rs, n, from, lg_align);
		if (bit == TREE_NONE)
			return TREE_NONE;
		size_t hole = bitmap_next(rs->hollow, bit, bit + n, true);
		if (hole == bit + n)
			return bit;
		from = bitmap_next(rs->hollow, hole, nbits, false);
	}
}

/* place -- hold pages that have memory; solid: have had it before */
static size_t
place(struct run_space *rs, size_t npages, size_t page, unsigned lg_align,
	size_t end, bool solid)
{
	size_t from = page == 0 ? 0 : page + rs->bias;
	size_t bit = solid ? find_solid(rs, npages, from, lg_align)
			   : find(rs, npages, from, lg_align);
	if (bit == TREE_NONE || bit - rs->bias + npages > end)
		return TREE_NONE;
	pages_hold(rs, bit, npages);
	if (reserve_pages(rs, bit, npages))
		return bit;
	pages_release(rs, bit, npages);
	return TREE_NONE;
}

/*
 * may_ask -- the kernel, while the memory is at its end?  Who is not to ask
 * comes again as one who is; but where another process uses the pool, which
 * cannot be stopped, nobody is.
 */
static bool
may_ask(const struct run_space *rs)
{
	return rs->is_short == 0 || run_asks(rs) ||
	       rs->give == BACKING_GIVE_NEVER;
}

size_t
reserve_place(struct run_space *rs, size_t npages, size_t page,
	unsigned lg_align, size_t end)
{
	if (rs->nhollow == 0)
		return place(rs, npages, page, lg_align, end, false);
	/* where the memory was at its end, first what has some */
	bool solid = rs->is_short != 0;
	size_t bit = place(rs, npages, page, lg_align, end, solid);
	if (bit == TREE_NONE && (!solid || may_ask(rs)))
		bit = place(rs, npages, page, lg_align, end, !solid);
	return bit;
}
