/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tiers.h -- the process's pools, and which of them an object goes to
 *
 * Mostly there is one.  VMMALLOC_TIERS names several, with a policy: objects
 * from a size upward go to a later tier, or bytes are spread in a ratio.  When
 * a tier is full the next one is asked, after the last the first.
 *
 * The first tier is the pinned pool, whose small objects take the fast path;
 * tier_small_max says up to which size.
 */
#ifndef LIBVMMALLOC_TIERS_H
#define LIBVMMALLOC_TIERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pool/pool.h"

#define TIERS_MAX  8u
#define TIER_NAME  32u
#define TIER_PATH  4096u
#define TIER_ANON  "anon"
#define RATIO_MOST 1000u /* of a tier's share */

struct tier_spec {
	char name[TIER_NAME]; /* for the statistics */
	char path[TIER_PATH]; /* absolute; "": private memory */
	int err;              /* why no pool can be made at the path; or 0 */
	size_t size;          /* bytes; no meaning for a device */
	size_t from;          /* bytes: the smallest objects that it is for */
	unsigned share;       /* of all bytes; 0: there is no ratio */
};

struct tier_plan {
	unsigned ntiers;
	struct tier_spec tier[TIERS_MAX];
};

/*
 * tier_plan_parse -- "NAME:anon|DIR|DEVICE[:SIZE],...[,threshold=SIZE[:SIZE..]
 * |,ratio=N:N...]"; ends the process with a line when it is not that
 */
void tier_plan_parse(struct tier_plan *ret, const char *text);

/*
 * tier_set_path -- the first n bytes of a path, made absolute
 * What is wrong with it goes to the tier, which tiers_create() fails to make:
 * ENOENT when it is empty, ENAMETOOLONG, or why the current directory, which it
 * is relative to, cannot be told.
 */
void tier_set_path(struct tier_spec *tier, const char *path, size_t n);

/*
 * tiers_create -- make all pools, or end the process with a line
 * Called once, before any other of the following.
 */
void tiers_create(const struct tier_plan *plan, enum pool_fork mode);

/* the first tier's handle; NULL until tiers_create() is done */
extern void *tier_first __attribute__((visibility("hidden")));

/* smaller ones go to the first tier, and a fast path may give them */
extern size_t tier_small_end __attribute__((visibility("hidden")));

/* tiers_alloc, tiers_free, ... -- as the functions of pool.h */
void *tiers_alloc(size_t size, size_t align, bool zero, int *err);
void tiers_free(void *p);
void *tiers_realloc(void *p, size_t size, int *err);
size_t tiers_usable(void *p, int *err);

/* tiers_usable_held -- by the thread that is in the middle of a fork */
size_t tiers_usable_held(void *p);

/* tiers_stats_print -- of all tiers */
void tiers_stats_print(void);

#endif
