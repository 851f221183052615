/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * heap_deep.h -- deep LIFOs for the few bins that free many objects at once
 *
 * A bin's LIFO is short, so that it costs little memory and keeps few slabs
 * from becoming empty.  Behind that of a bin whose frees often find it full
 * lies one of the heap's deep LIFOs: the two are one stack of slots, whose
 * older part is the deep one.  Slots go from one to the other many at a time,
 * which is cheaper than to set and find a bit for each.
 *
 * The deep LIFOs lie behind the heap's bins; nothing is written there before a
 * bin needs them.  When all are taken, the next bin gets that of one which has
 * moved nothing since it was last looked at.  What has lain in one for a period
 * of the decay goes back to the slabs, which it may have kept from becoming
 * empty.
 *
 * As long as there is anything in a bin's deep LIFO its current word is that of
 * a bin without one, so that the inlined malloc does not take from the bits.
 *
 * All functions need the heap's holder.
 */
#ifndef TCACHE_HEAP_DEEP_H
#define TCACHE_HEAP_DEEP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tcache/heap.h"

#define DEEP_SLOTS 1022u
#define DEEP_BYTES ((size_t)128 * 1024) /* so many bytes of objects at most */
#define DEEP_MOST  4u                   /* of a heap */
#define DEEP_SHARE ((size_t)64 << 20)   /* one for each so many of the pool */

struct deep_lifo {
	struct bin *bin; /* whose it is; never nobody's once it was used */
	uint64_t seen;   /* the bin's moves when it was last looked at */
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
 * deep_spilled -- a slot of the bin has been freed into its bits, since all is
 * full; called for one of each word, which stands for n frees
 */
void deep_spilled(struct heap *h, struct bin *b, unsigned n);

/* deep_push -- p is freed, the LIFO is full, and the deep one under its limit
 */
void deep_push(struct heap *h, struct bin *b, void *p);

/* deep_pull -- the LIFO is empty: fill it; false: the deep one is empty, too */
bool deep_pull(struct bin *b);

/* deep_decay -- a period is over: what it has not needed goes to the bits */
void deep_decay(struct heap *h);

/*
 * deep_fits -- has the bin no deep LIFO, or one of the heap's, which knows it,
 * with no more in it than may be?  Whatever the bytes are.
 */
bool deep_fits(const struct heap *h, const struct bin *b);

#endif
