/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * run_check.h -- verify the invariants of page runs, whatever the bytes are
 *
 * Reads the pool and writes to notes of its own only.  First the geometry is
 * compared with what the address and the size say it must be; only then are
 * its pointers followed.  Every number that comes from the pool is checked
 * against its range before it is used.
 */
#ifndef RUN_RUN_CHECK_H
#define RUN_RUN_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/findings.h"

struct desc;
struct run_space;

struct run_check {
	const struct run_space *rs;
	struct findings *f;
	uint64_t *heads;   /* a word for each page: granules that begin one */
	uint64_t *claimed; /* and granules that belong to a descriptor */
	size_t nmeta;      /* descriptor runs found */
	size_t nmeta_free; /* of these, with a free granule */
	size_t nheaps;     /* heaps found */
	size_t ncached;    /* cached runs found */
};

/*
 * run_check_begin -- the geometry, and memory for the notes
 * Returns false with a finding, or with *ret_err an errno.
 */
bool run_check_begin(struct run_check *c, const struct run_space *rs,
	const void *base, size_t size, struct findings *f, int *ret_err);

/* run_check_end -- give the notes back */
void run_check_end(struct run_check *c);

/* run_check_all -- tree, page map, descriptors, lists, counts, zero pages */
void run_check_all(struct run_check *c);

/* run_check_zero -- some of the free pages that are said to read as zero do */
void run_check_zero(const struct run_space *rs, struct findings *f);

/*
 * run_check_spare -- after that: a granule is said to be a descriptor of one,
 * without a run
 * Returns it, or NULL when that cannot be.
 */
struct desc *run_check_spare(const struct run_check *c, uint32_t g);

/*
 * run_check_granules -- after these: what descriptors there are is exactly what
 * is not free
 */
void run_check_granules(const struct run_check *c);

/* run_check_head -- the descriptor that begins at a granule, or NULL */
struct desc *run_check_head(const struct run_check *c, uint64_t granule);

/* run_check_each -- every descriptor that was found, in order of pages */
void run_check_each(const struct run_check *c,
	void (*visit)(void *arg, struct desc *d), void *arg);

#endif
