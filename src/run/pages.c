/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * pages.c -- the states of pages, and their counts
 */
#include "run/pages.h"

#include "base/arith.h"
#include "base/assert.h"
#include "base/bitmap.h"

/* nspare -- pages of a range that are dirty and not hollow */
static uint32_t
nspare(const struct run_space *rs, size_t bit, size_t npages)
{
	if (rs->nhollow == 0)
		return (uint32_t)bitmap_count(rs->dirty, bit, npages);
	return (uint32_t)bitmap_count_only(rs->dirty, rs->hollow, bit, npages);
}

void
pages_hold(struct run_space *rs, size_t bit, size_t npages)
{
	tree_take(&rs->tree, bit, npages);
	/* relaxed, as everywhere here: run caches look at it without the lock
	 */
	store_relaxed(&rs->nfree, rs->nfree - (uint32_t)npages);
	rs->nspare -= nspare(rs, bit, npages);
	rs->decay.low = min_u32(rs->decay.low, rs->nspare);
}

void
pages_release(struct run_space *rs, size_t bit, size_t npages)
{
	tree_give(&rs->tree, bit, npages);
	store_relaxed(&rs->nfree, rs->nfree + (uint32_t)npages);
	rs->nspare += nspare(rs, bit, npages);
}

bool
pages_use(struct run_space *rs, size_t bit, size_t npages)
{
	ASSERT(rs->nhollow == 0 || !bitmap_any_set(rs->hollow, bit, npages));
	bool clean = !bitmap_any_set(rs->dirty, bit, npages);
	bitmap_set_range(rs->dirty, bit, npages);
	rs->dirty_end = (uint32_t)max_size(rs->dirty_end, bit + npages);
	return clean;
}

void
pages_free(struct run_space *rs, size_t bit, size_t npages)
{
	tree_give(&rs->tree, bit, npages);
	store_relaxed(&rs->nfree, rs->nfree + (uint32_t)npages);
	/* all of them are dirty and none is hollow */
	rs->nspare += (uint32_t)npages;
}

void
pages_fill(struct run_space *rs, size_t bit, size_t npages)
{
	rs->nhollow -= (uint32_t)bitmap_count(rs->hollow, bit, npages);
	bitmap_clear_range(rs->hollow, bit, npages);
}

size_t
pages_hollow(struct run_space *rs, size_t bit, size_t npages)
{
	size_t before = bitmap_count(rs->hollow, bit, npages);
	rs->nhollow += (uint32_t)(npages - before);
	bitmap_set_range(rs->hollow, bit, npages);
	return npages - before;
}

void
pages_clean(struct run_space *rs, size_t bit, size_t npages)
{
	bitmap_clear_range(rs->dirty, bit, npages);
}
