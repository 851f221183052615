/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * registry.h -- the live pools of the process
 *
 * What the process knows of a pool without looking into it: a handle is looked
 * up here before its memory is touched, so that a dead or foreign handle is
 * refused whatever lies at its address.  A table sorted by address, in memory
 * of its own; its size is not bounded.
 *
 * The registry lock guards everything.  It is held for lookups and changes of
 * the table, never over a system call on a pool or a walk over one; except
 * during a fork, when no thread is inside a pool anyway.
 */
#ifndef POOL_REGISTRY_H
#define POOL_REGISTRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "backing/backing.h"
#include "pool/pool.h"

/* whose pool it is after a fork */
enum kinship {
	KIN_OWN,       /* made by this process, or its memory is a copy */
	KIN_INHERITED, /* from the parent; not used since, so not yet decided */
	KIN_FOREIGN    /* shared with the parent: see pool_fork.c */
};

struct record {
	struct backing backing;
	uint64_t uid;    /* never used twice in a process */
	bool guarded;    /* its first page has no access */
	bool frozen;     /* see freeze.c */
	bool overlapped; /* another pool was made over it: not to be touched */
	enum kinship kin;
	enum pool_fork at_fork;
	const char *path; /* where a forked child's file is made, or NULL */
	struct backing_twin twin; /* the next child's; during a fork only */
};

void registry_lock(void);
void registry_unlock(void);
void registry_reset_lock(void);

/* all of the following: registry lock held */

/*
 * registry_unguard -- a pool is about to be made over these bytes: the guard
 * pages of live pools that lie there must be accessible again
 */
void registry_unguard(const struct backing *b);

/* registry_add -- 0, or -ENOMEM; marks live pools that it overlaps */
int registry_add(const struct record *rec);

/* registry_find -- the live pool whose handle it is, the newest, or NULL */
struct record *registry_find(const void *handle);

/* registry_owner -- the live pool that an address lies in, or NULL */
struct record *registry_owner(const void *p);

/* registry_overlaps -- does another live pool overlap this one? */
bool registry_overlaps(const struct record *rec);

/* registry_remove -- forget it; pools that it overlaps are marked */
void registry_remove(struct record *rec);

/* registry_count, registry_at -- walk over all */
size_t registry_count(void);
struct record *registry_at(size_t i);

/*
 * registry_forking -- is a fork under way?  Then nobody may enter or freeze a
 * pool.  registry_is_closed() is that, or the pool's own freeze.
 */
bool registry_forking(void);
void registry_set_forking(bool on);
bool registry_is_closed(const struct record *rec);

#endif
