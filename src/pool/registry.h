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
#include "base/lock.h"
#include "pool/pool.h"
#include "tcache/tcache.h"

/* whose pool it is after a fork */
enum kinship {
	KIN_OWN,       /* made by this process, or its memory is a copy */
	KIN_INHERITED, /* from the parent; not used since, so not yet decided */
	KIN_FOREIGN    /* shared with the parent: see pool_fork.c */
};

struct record {
	struct backing backing;
	uint64_t uid;       /* never used twice in a process */
	uint8_t guarded;    /* its first page has no access */
	uint8_t frozen;     /* see freeze.c */
	uint8_t overlapped; /* another pool lies over it: not to be touched */
	uint8_t forked; /* the process has forked since: a child may use it */
	enum kinship kin;
	enum pool_fork at_fork;
	const char *path; /* where a forked child's file is made, or NULL */
	struct backing_twin twin; /* the next child's; during a fork only */
	struct profile *profile;  /* of its objects, for outsiders; or NULL */
	unsigned profile_number;  /* by which profile_at() finds it; 0: none */
};

/*
 * The table and all that leads to it, for a debugger's eyes: the command looks
 * for the magic number at the beginning of every page of a process's data, in
 * memory or in a core file, without the process's help.  A reader of another
 * version must find out that it is one, so `layout` grows with every change of
 * this struct, of a record, and of what they lead to outside of pools; inside
 * of pools POOL_LAYOUT tells.  What is yes or no is a byte in all of them: a
 * reader may find any value there, and a bool must not be read with one.
 *
 * `changes` is odd while the table is being changed.  The fields to `self`
 * never move.
 */
struct registry {
	uint64_t magic[2];    /* REGISTRY_MAGIC; set once, as all up to */
	uint32_t layout;      /* ... `class_tables` */
	uint32_t record_size; /* bytes of a record */
	const struct registry *self; /* where it is: a copy of it is none */
	uint32_t pool_size, heap_size, slab_size; /* of the structs in pools */
	const struct thread_list *threads;
	intptr_t busy_off; /* see thread_busy_offset() */
	const struct class_table *class_tables[CLASS_TABLES];
	uint64_t changes;     /* atomic; registry lock */
	struct record *table; /* sorted by base; of one base the newest last */
	size_t count, room;
	size_t largest;   /* bytes of the largest pool ever: bounds searches */
	struct lock lock; /* RANK_REGISTRY; all of the following, too */
	uint8_t forking;
};

#define REGISTRY_MAGIC                                                         \
	{                                                                      \
		UINT64_C(0x6ba1c5d10f3e9a27), UINT64_C(0x9d42e87cb3f05618)     \
	}
#define REGISTRY_LAYOUT 7u
#define REGISTRY_ALIGN  ((size_t)4096) /* it begins a page */

/* registry_init -- what is set once; before any other call */
void registry_init(void);

void registry_lock(void);
void registry_unlock(void);
void registry_reset_lock(void);

/* all of the following: registry lock held */

/*
 * registry_unguard -- a pool is about to be made over these bytes: the guard
 * pages of live pools that lie there must be accessible again; no others
 * Returns 0 or -ENOMEM.
 */
int registry_unguard(const struct backing *b);

/*
 * registry_unmapped -- these bytes are about to be unmapped: the guard pages of
 * live pools that lie there are whoever's from then on
 */
void registry_unmapped(const struct backing *b);

/* registry_add -- 0, or -ENOMEM; marks live pools that it overlaps */
int registry_add(const struct record *rec);

/* registry_find -- the live pool whose handle it is, the newest, or NULL */
struct record *registry_find(const void *handle);

/* registry_owner -- the live pool that an address lies in, or NULL */
struct record *registry_owner(const void *p);

/*
 * registry_overlap -- who has these bytes from now on is about to write to
 * them: live pools that have some are marked, and all threads forget them
 */
void registry_overlap(const struct backing *b);

/* registry_overlapped_by -- a live pool that has some of these bytes, or NULL
 */
struct record *registry_overlapped_by(const struct backing *b);

/*
 * registry_overlaps -- does another live pool overlap this one?  Not when one
 * of the two has the other in an object.
 */
bool registry_overlaps(const struct record *rec);

/* registry_inner -- a pool that begins behind the first of these bytes, or NULL
 */
struct record *registry_inner(const struct backing *b);

/* registry_remove -- forget it; pools that it overlaps are marked */
void registry_remove(struct record *rec);

/* registry_take_out -- forget it; nothing of its memory is touched any more */
void registry_take_out(struct record *rec);

/*
 * registry_forget_older -- a pool is about to be made where this one begins: of
 * regions that began there before it, and were made anew without a delete, none
 * is kept.  Otherwise they would be more and more.
 * Returns the number of its profile, to be deleted, or 0.
 */
unsigned registry_forget_older(const void *handle);

/* registry_count, registry_at -- walk over all */
size_t registry_count(void);
struct record *registry_at(size_t i);

/*
 * registry_forking -- is a fork under way, which waits for no freeze any more?
 * Then nobody may enter or freeze a pool.  registry_is_closed() is that, or the
 * pool's own freeze.
 */
bool registry_forking(void);
void registry_set_forking(bool on);
bool registry_is_closed(const struct record *rec);

#endif
