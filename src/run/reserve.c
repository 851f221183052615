/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * reserve.c -- memory or disk space behind the pages of a sparse pool
 */
#include "run/reserve.h"

#include "backing/backing.h"
#include "base/arith.h"

/* more pages than are asked for: a share of what there is, within bounds */
#define STEP_SHARE 8u
#define STEP_MIN   ((size_t)16)
#define STEP_MAX   ((size_t)2048)

void
run_space_sparse(struct run_space *rs)
{
	rs->reserved_low = (uint32_t)min_size(rs->first, rs->meta_pages);
	rs->reserved_high = (uint32_t)max_size(rs->first, rs->meta_pages);
}

/* extend -- a range that ends at *end to `to`, at most to `most` */
static bool
extend(struct run_space *rs, uint32_t *end, size_t to, size_t most)
{
	if (to <= *end)
		return true;
	size_t step = min_size(max_size(*end / STEP_SHARE, STEP_MIN), STEP_MAX);
	size_t more = min_size(max_size(to, *end + step), most);
	char *from = rs->base + ((size_t)*end << RUN_LG_PAGE);
	/* with less to spare when the space comes to its end */
	for (;; more = to) {
		if (backing_reserve(from, (more - *end) << RUN_LG_PAGE)) {
			*end = (uint32_t)more;
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
