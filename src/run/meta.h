/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * meta.h -- granules for descriptors, from runs of their own
 *
 * A descriptor run is one page: its own descriptor in granule 0 of it, which
 * has a bit for each of the 64 granules, and then the granules.  Runs that have
 * a free granule are on a list; one that is all free goes back, unless it is
 * the only one on the list.
 *
 * The run lock guards everything here.
 *
 * Invariant: a granule's bit is set exactly when it is free; a run is on the
 * list exactly when it has a free granule.
 */
#ifndef RUN_META_H
#define RUN_META_H

#include "run/run.h"

#define META_PAGES    1u
#define META_GRANULES ((unsigned)(META_PAGES * RUN_PAGE / RUN_GRANULE))
#define META_WORDS    (META_GRANULES / 64u)

/* the descriptor of a descriptor run: one granule */
struct meta {
	struct desc head;
	uint32_t next; /* list of runs with free granules: granule numbers */
	uint32_t prev;
	uint64_t free[META_WORDS]; /* 1 = free */
};

_Static_assert(sizeof(struct meta) <= RUN_GRANULE, "one granule");

/*
 * meta_alloc -- ngran zeroed granules together; NULL when the listed runs have
 * none, and the caller must call meta_add() first.  ngran < META_GRANULES.
 */
struct desc *meta_alloc(struct run_space *rs, unsigned ngran);

/* meta_add -- make META_PAGES pages, already taken, a descriptor run */
void meta_add(struct run_space *rs, char *pages);

/*
 * meta_free -- give a descriptor's granules back
 * Returns a descriptor run that is now empty and off the list, whose pages the
 * caller must give back, or NULL.
 */
struct meta *meta_free(struct run_space *rs, struct desc *d);

/*
 * meta_surplus -- a descriptor run of the list that is all free and not the
 * only one there, now off the list, whose pages the caller must give back;
 * NULL when there is none.  Cost: a walk over the list.
 */
struct meta *meta_surplus(struct run_space *rs);

#endif
