/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * guarded.h -- objects with an edge and a seal, and a wait before reuse
 *
 * At the level HARDENING_GUARDED each slot of a slab, and each large object,
 * ends like this:
 *
 *	| what was asked for | edge: 8 bytes or more | seal: 8 bytes |
 *
 * The edge has one known byte.  The seal says what the slot is and how much was
 * asked for, mixed with its own address.  So a write behind an object changes
 * the edge; one before it the seal of the slot in front, or what a slab has in
 * front of its slots, which is filled like an edge.  A slab's slots are sealed
 * when it is made, so that every slot has a seal at any time.
 *
 * A freed object is filled with another known byte and waits in the quarantine
 * of the heap of the thread that has freed it.  For its slab it is allocated
 * until it leaves; what is live, its seal alone says.  The seal changes from
 * live to freed by an exchange, so of all who free it one does so.
 *
 * An object that has lost its seal cannot be told from one that waits: it stays
 * where it is, and is no more given out.
 *
 * A forked child may lack the pages of objects that a device works on
 * (MADV_DONTFORK).  It can neither use these nor free them; all that only looks
 * passes them by.
 *
 * Functions that look at bytes return how many findings they have told of; the
 * caller counts them.  Nothing here is on a fast path.
 */
#ifndef TCACHE_GUARDED_H
#define TCACHE_GUARDED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/findings.h"
#include "run/run.h"
#include "slab/slab.h"
#include "tcache/object.h"

struct heap;
struct heap_dir;
struct run_check;

/* what an object takes beyond what was asked for */
#define GUARDED_EDGE  ((size_t)8)
#define GUARDED_EXTRA (GUARDED_EDGE + sizeof(uint64_t))

/* objects that wait in one heap, at most; and as many bytes as it caches */
#define QUARANTINE_MOST 1024u

/* behind the bins of a guarded heap; the holder's */
struct quarantine {
	uint32_t first; /* the oldest in p */
	uint32_t n;
	uint64_t bytes; /* usable, of all of them */
	void *p[QUARANTINE_MOST];
};

/* quarantine_in -- of a heap with that table */
struct quarantine *quarantine_in(
	const struct heap *h, const struct class_table *t);

struct quarantine *heap_quarantine(const struct heap *h);

/* quarantine_at -- the i-th of those that wait, the oldest first */
static inline void *
quarantine_at(const struct quarantine *q, uint32_t i)
{
	return q->p[(q->first + i) % QUARANTINE_MOST];
}

/*
 * guarded_child -- the process has been forked, and has the pool in those bytes
 * from its parent; with what there is of them
 */
void guarded_child(const void *base, size_t size);

/*
 * guarded_is_away -- is one of n bytes in a page that is not there?
 * Locks  none; but for the child of a fork always false, without a call.
 */
bool guarded_is_away(const void *p, size_t n);

/* guarded_slab -- seal all slots of a new slab */
void guarded_slab(const struct slab *s, const struct size_class *c);

/*
 * guarded_begin -- `asked` bytes at p, which the heap has just given, become an
 * object.  Looks whether the slot was written to since it became free.
 * Holder of the heap whose slab it is.
 */
unsigned guarded_begin(const struct heap *h, void *p, size_t asked);

/*
 * guarded_asked -- what was asked for; *o says what heap_find() has found at p,
 * and is no live object any more when its seal says so
 */
size_t guarded_asked(void *p, struct object *o);

/* guarded_resize -- the live object at p, with that usable, has other bytes */
void guarded_resize(void *p, const struct object *o, size_t asked);

/*
 * guarded_claim -- the first half of a free: look at p, its edge, and the seal
 * in front; of all who free it one gets FREE_DONE, and then it is filled
 * h     any heap of the pool
 * size  what was asked for; 0: not known
 */
enum free_result guarded_claim(
	const struct heap *h, void *p, size_t size, unsigned *ret_found);

/*
 * guarded_put -- the second half: p waits, and what has waited long enough is
 * free.  Holder of h.
 */
unsigned guarded_put(struct heap *h, void *p);

/* guarded_put_stray -- for a thread that has no heap: it is free at once */
unsigned guarded_put_stray(struct heap_dir *dir, void *p);

/* guarded_flush -- nothing waits any more.  Holder. */
unsigned guarded_flush(struct heap *h);

/*
 * guarded_check -- the edges, seals and filled bytes of a frozen, sound pool
 * h     any heap of it, or of a run_copy
 * base  of the pool itself, where the objects lie
 */
void guarded_check(const struct heap *h, const void *base, struct findings *f);

/* quarantine_check -- what waits in a heap, whatever the bytes are */
void quarantine_check(const struct run_check *c, const struct heap *h);

#endif
