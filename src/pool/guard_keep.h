/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * guard_keep.h -- freed objects that are kept from being used again
 *
 * Who goes on using a freed object is found only as long as nobody else has got
 * it.  So the objects that were freed last stay allocated, as far as the heap
 * knows, and the oldest are really freed instead.
 *
 * Thread-safe; used inside of the pool only, so that no lock is held in a
 * forked child.
 */
#ifndef POOL_GUARD_KEEP_H
#define POOL_GUARD_KEEP_H

#include <stdbool.h>
#include <stddef.h>

#include "base/lock.h"

#define GUARD_KEEP_MOST ((size_t)1 << 16) /* objects of a pool */

struct guard_kept {
	void *object;
	size_t bytes;
};

struct guard_keep {
	struct lock lock;        /* RANK_PROFILE; of all that follows */
	struct guard_kept *ring; /* GUARD_KEEP_MOST; set once, as `most` */
	size_t most;             /* bytes */
	size_t first, n;         /* the oldest, and how many */
	size_t bytes;
};

/* guard_keep_init -- there are none */
void guard_keep_init(
	struct guard_keep *k, struct guard_kept *ring, size_t most);

/* guard_keep_push -- false: it is not kept, so free it */
bool guard_keep_push(struct guard_keep *k, void *object, size_t bytes);

/* guard_keep_pop -- the oldest, when there are too many, or `any`; or NULL */
void *guard_keep_pop(struct guard_keep *k, bool any);

/* guard_keep_clear -- they are gone, or another's to free; nobody is inside */
void guard_keep_clear(struct guard_keep *k);

#endif
