/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * object.h -- what lies at an address, and another size for it
 *
 * Functions on a heap need its holder, see tcache.h.
 */
#ifndef TCACHE_OBJECT_H
#define TCACHE_OBJECT_H

#include <stdbool.h>
#include <stddef.h>

#include "run/run.h"
#include "slab/slab.h"

struct heap;
struct heap_dir;

/* what a free found the pointer to be */
enum free_result {
	FREE_DONE,
	FREE_FOREIGN, /* not an address of this pool */
	FREE_INVALID, /* of the pool, but no object starts there */
	FREE_DOUBLE,  /* free already */
	FREE_SIZE,    /* an object, but not of that size */
	FREE_DAMAGED  /* what its end says is overwritten: guarded.h */
};

/* what heap_find() found */
struct object {
	enum free_result what; /* FREE_DONE: a live object, as far as seen */
	struct desc *desc;
	size_t usable; /* bytes */
	bool large;
	unsigned idx; /* slot in its slab */
};

/*
 * object_takes -- can a live object have been allocated, or resized, to that
 * size, which is not 0?  A small one may have any that fits, since it may have
 * been aligned, or resized in place; a large one has no more pages than needed.
 */
static inline bool
object_takes(const struct object *o, size_t size)
{
	return size <= o->usable && (!o->large || size > o->usable - RUN_PAGE);
}

/*
 * heap_find -- what lies at an address of the pool, without changing anything
 */
struct object heap_find(const struct heap *h, void *p);

/*
 * dir_find -- the same without a heap, for any thread that is inside: what a
 * LIFO holds is not known to be free, since its heap's holder may be at work
 */
struct object dir_find(const struct heap_dir *dir, void *p);

/* heap_usable -- of a live object, or 0; heap_inert knows none */
static inline size_t
heap_usable(const struct heap *h, void *p)
{
	struct object o = heap_find(h, p);
	return o.what == FREE_DONE ? o.usable : 0;
}

/*
 * object_stays -- may a live object stay where it is, p, as it is, for that
 * size? A small one may when less than half of it would be unused, and where p
 * is aligned to a size that is a power of two, up to a page.
 */
bool object_stays(const struct object *o, const struct class_table *t,
	const void *p, size_t size);

/*
 * heap_realloc -- a live object becomes size bytes long, in one operation: what
 * it holds is copied while nobody can make the pool anew
 * Returns where it is now, or NULL, and nothing has changed: p is no live
 * object, or the heap has no room, which heap_inert never has.
 * Locks  none is held.
 */
void *heap_realloc(struct heap *h, void *p, size_t size);

/*
 * heap_hold -- from here to heap_let() no other thread can free the new object
 * at p, by a pointer from before, while it is written to
 * A slot needs nothing for that: its slab stays where it is while the heap is
 * held.  Returns false when one has freed it already.
 */
bool heap_hold(const struct heap *h, void *p);
void heap_let(const struct heap *h, void *p);

#endif
