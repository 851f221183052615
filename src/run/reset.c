/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * reset.c -- all runs of a pool are no more
 *
 * What lies behind the pages stays as it is: pages that were used are dirty and
 * spare from here on, and hollow ones stay hollow.  It costs what was in use.
 */
#include <string.h>

#include "base/guard.h"
#include "run/decay.h"

/* map_clear -- the page map has no descriptor for pages in use */
static void
map_clear(struct run_space *rs)
{
	size_t page = rs->first, n;
	/* the map for used pages is not hollow */
	for (; (n = run_next_used(rs, page, &page)) > 0; page += n)
		memset(&run_map(rs->base)[page], 0, n * sizeof(uint64_t));
}

void
run_space_reset(struct run_space *rs)
{
	size_t first = rs->first;
	lock_acquire(&rs->lock, RANK_RUN);
	if (unlikely(guard_on))
		guard_close(rs->base + (first << RUN_LG_PAGE),
			(rs->npages - first) << RUN_LG_PAGE);
	map_clear(rs);
	/* all that were in use are dirty and not hollow */
	rs->nspare += rs->npages - rs->first - rs->nfree;
	/* relaxed: as in pages.c */
	store_relaxed(&rs->nfree, rs->npages - rs->first);
	tree_clear(&rs->tree, rs->bias);
	tree_take(&rs->tree, rs->bias, first);
	rs->meta_head = RUN_NO_GRANULE;
	rs->nmeta = 0;
	decay_tick(rs);
	lock_release(&rs->lock, RANK_RUN);
}
