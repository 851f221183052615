/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * heap_deep.h -- deep LIFOs for the few bins that free many objects at once
 *
 * A bin's own LIFO is short, so that it costs little memory and keeps few slabs
 * from becoming empty.  A bin whose frees often find it full gets one of the
 * heap's deep LIFOs in its place.  The fast path does not see the difference:
 * it knows where the LIFO's top is, and at which address it ends.
 *
 * The deep LIFOs lie behind the heap's bins; nothing is written there before a
 * bin needs them.  When all are taken, the next bin gets that of one which did
 * not need more than its own would have taken since it was last looked at.
 *
 * What has lain in one for a period of the decay goes back to the slabs, which
 * it may have kept from becoming empty.  To know what that is, a NULL is put
 * below the newest two slots, where a free looks, when a period begins.  Malloc
 * takes it for the end and comes the slow way, where the newest of those below
 * go above it.  As long as there is anything below, the bin's current word is
 * that of a bin without one, so that the inlined malloc does not take from the
 * bits.
 *
 * All functions need the heap's holder.
 */
#ifndef TCACHE_HEAP_DEEP_H
#define TCACHE_HEAP_DEEP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tcache/heap.h"

#define DEEP_SLOTS 1021u
#define DEEP_BYTES ((size_t)128 * 1024) /* so many bytes of objects at most */
#define DEEP_MOST  4u                   /* of a heap */
#define DEEP_SHARE ((size_t)64 << 20)   /* one for each so many of the pool */

struct deep_lifo {
	uint64_t low;    /* its bin's ndeep when the NULL was put there last */
	struct bin *bin; /* whose it is; never nobody's once it was used */
	void *none;      /* always NULL; this and the one before: see bin.h */
	void *slot[DEEP_SLOTS];
};

_Static_assert(sizeof(struct deep_lifo) == 8192, "whole pages");

/* deep_most -- deep LIFOs of each heap, in a pool of that many bytes */
uint32_t deep_most(size_t pool_size, uint64_t hardening);

/* deep_cap -- slots of a deep LIFO that a bin of the class may fill */
unsigned deep_cap(const struct size_class *c);

/* heap_deep -- the heap's i-th deep LIFO */
struct deep_lifo *heap_deep(const struct heap *h, uint32_t i);

/*
 * deep_spilled -- a slot of the bin has been freed into its bits, since its
 * LIFO is full; called for one of each word, which stands for n frees
 */
void deep_spilled(struct heap *h, struct bin *b, unsigned n);

/*
 * deep_pull -- the LIFO is empty: the newest slots below the NULL come into it;
 * false: there are none
 */
bool deep_pull(struct bin *b);

/* deep_decay -- a period is over: what it has not needed goes to the bits */
void deep_decay(struct heap *h);

/* deep_of -- which of the heap's first n deep LIFOs lies there; NULL: none */
const struct deep_lifo *deep_of(
	const struct heap *h, void *const *deep, uint32_t n);

/*
 * deep_fits -- has the bin its own LIFO, or one of the heap's deep ones, which
 * knows it, and are its ends where they should be?  Whatever the bytes are.
 */
bool deep_fits(const struct heap *h, const struct bin *b);

#endif
