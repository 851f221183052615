/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * snapshot.h -- the metadata of a pool of another process, at its own place
 *
 * A private mapping at the pool's addresses, of its size, into which only the
 * metadata is copied: header, bitmaps, summaries, the used parts of the page
 * map, descriptors, heaps.  All else reads as zero and takes no memory.  So
 * every pointer in it leads to where it should, and the engine's own functions
 * that only read can be called on it; what pointed to the other process's
 * tables of size classes points to ours.
 */
#ifndef INSPECT_SNAPSHOT_H
#define INSPECT_SNAPSHOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bitmap.h"
#include "inspect/finder.h"

#define MAP_ENTRIES (RUN_PAGE / sizeof(uint64_t)) /* in a page of the map */

struct snapshot {
	struct record rec; /* as the other process has it */
	struct pool *pool; /* its copied header */
	uint64_t copied;   /* bytes */
	uint64_t *pages;   /* one bit a page: notes of what is to be copied */
	bool sums;         /* is `sum` wanted? */
	uint64_t sum;      /* of what was copied: equal ones are the same */
	bool exact;        /* nothing was found wrong */
	bool damaged;      /* what was found wrong is no change under way */
	size_t torn;       /* runs that were left out */
};

/* snapshot_open -- the mapping, with nothing in it */
int snapshot_open(struct snapshot **ret, const struct record *rec);

/*
 * snapshot_copy -- the metadata as it is now; again for another try
 * whole  all of the page map, so that a check sees what should not be there
 * Afterwards the header's geometry is right, and nothing else is known.
 */
int snapshot_copy(struct snapshot *snap, struct source *s,
	const struct registry *registry, bool whole);

/*
 * snapshot_use_own_tables -- where theirs are pointed to, point to ours
 * Once for each copy, before anything else is done with it; the process need
 * not wait for that.
 */
void snapshot_use_own_tables(
	struct snapshot *snap, const struct registry *registry);

/* snapshot_verify -- does everything hold?  For tell see findings.h. */
bool snapshot_verify(const struct snapshot *snap,
	void (*tell)(void *arg, const char *text), void *arg, int *ret_err);

/*
 * snapshot_sift -- take out of the copy what does not hold, so that it can be
 * walked over, and count it; figures that are kept are made to fit
 */
void snapshot_sift(struct snapshot *snap);

/* next_used -- the first used page from one on; npages when there is none */
static inline size_t
next_used(const struct run_space *rs, size_t page)
{
	return bitmap_next(rs->tree.used, page + rs->bias,
		       rs->npages + rs->bias, true) -
	       rs->bias;
}

/* desc_at -- the descriptor that the page map has for a page, or NULL */
static inline struct desc *
desc_at(const struct run_space *rs, size_t page)
{
	uint32_t g = run_map_granule(rs->base, page);
	return g == RUN_NO_GRANULE ? NULL : run_desc(rs->base, g);
}

#endif
