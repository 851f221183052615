/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * reserve.c -- memory or disk space behind the pages of a sparse pool
 */
#include "run/reserve.h"

#include "backing/backing.h"
#include "base/arith.h"

/* more pages than are asked for: a share of what there is, within bounds */
#define STEP_SHARE 16u
#define STEP_MIN   ((size_t)8)
#define STEP_MAX   ((size_t)1024)

/* pages of the page map that there can be: two beginnings, two ranges */
#define NRANGES 4u

struct range {
	size_t first, end; /* pages */
};

static char *
address(const struct run_space *rs, size_t page)
{
	return rs->base + (page << RUN_LG_PAGE);
}

/* map_page -- the page in which the page map has the entry of a page */
static size_t
map_page(size_t page)
{
	return (RUN_MAP_OFF + page * sizeof(uint32_t)) >> RUN_LG_PAGE;
}

/*
 * map_end -- the end of the page map for pages before `end`, and for the one
 * at `end`: what lies behind a run is looked up there
 */
static size_t
map_end(const struct run_space *rs, size_t end)
{
	return map_page(min_size(end, rs->npages - 1)) + 1;
}

/* bits_page -- the first page of the bitmaps and summaries */
static size_t
bits_page(const struct run_space *rs)
{
	return run_page(rs, rs->dirty);
}

void
run_space_sparse(struct run_space *rs)
{
	rs->reserved_low = (uint32_t)min_size(rs->first, rs->meta_pages);
	rs->reserved_high = (uint32_t)max_size(rs->first, rs->meta_pages);
}

void
run_space_full(struct run_space *rs)
{
	rs->reserved_low = rs->meta_pages;
	store_relaxed(&rs->reserved_high, rs->npages);
}

/* ranges_of -- what is reserved, by rising first pages; they may overlap */
static void
ranges_of(const struct run_space *rs, struct range r[NRANGES])
{
	size_t low = rs->reserved_low, high = rs->reserved_high;
	r[0] = (struct range){0, map_end(rs, low)};
	r[1] = (struct range){map_page(rs->meta_pages), map_end(rs, high)};
	r[2] = (struct range){bits_page(rs), max_size(low, rs->first)};
	r[3] = (struct range){max_size(rs->meta_pages, rs->first), high};
}

size_t
run_next_reserved(const struct run_space *rs, size_t page, size_t *ret_first)
{
	struct range r[NRANGES];
	size_t first = rs->npages, end = page;
	ranges_of(rs, r);
	for (unsigned i = 0; i < NRANGES; i++) {
		size_t from = max_size(r[i].first, page);
		if (from >= r[i].end || (end > page && from > end))
			continue;
		first = min_size(first, from);
		end = max_size(end, r[i].end);
	}
	*ret_first = first;
	return end > page ? end - first : 0;
}

bool
run_space_reserve(const void *base, size_t size)
{
	struct run_space rs;
	size_t first, n;
	run_space_layout(&rs, (void *)(uintptr_t)base, size);
	run_space_sparse(&rs);
	for (size_t page = 0;; page = first + n) {
		n = run_next_reserved(&rs, page, &first);
		if (n == 0)
			return true;
		if (!backing_reserve(address(&rs, first), n << RUN_LG_PAGE))
			return false;
	}
}

/* reserve_map -- the page map for pages [from, to) */
static bool
reserve_map(const struct run_space *rs, size_t from, size_t to)
{
	size_t have = map_end(rs, from), want = map_end(rs, to);
	return have >= want ||
	       backing_reserve(address(rs, have), (want - have) << RUN_LG_PAGE);
}

/* extend -- a range that ends at *end to `to`, at most to `most` */
static bool
extend(struct run_space *rs, uint32_t *end, size_t to, size_t most)
{
	if (to <= *end)
		return true;
	size_t step = min_size(max_size(*end / STEP_SHARE, STEP_MIN), STEP_MAX);
	size_t more = min_size(max_size(to, *end + step), most);
	char *from = address(rs, *end);
	/* with less to spare when the space comes to its end */
	for (;; more = to) {
		if (reserve_map(rs, *end, more) &&
			backing_reserve(from, (more - *end) << RUN_LG_PAGE)) {
			store_relaxed(end, (uint32_t)more);
			return true;
		}
		if (more == to)
			return false;
	}
}

bool
reserve_pages(struct run_space *rs, size_t page, size_t npages)
{
	size_t end = page + npages, split = rs->meta_pages;
	if (page < split &&
		!extend(rs, &rs->reserved_low, min_size(end, split), split))
		return false;
	return end <= split || extend(rs, &rs->reserved_high, end, rs->npages);
}
