/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * guard_keep.c -- freed objects that are kept from being used again
 */
#include "pool/guard_keep.h"

/* so that threads that come at the same time find room */
#define SPARE ((size_t)256)

void
guard_keep_init(struct guard_keep *k, struct guard_kept *ring, size_t most)
{
	lock_reset(&k->lock);
	k->ring = ring;
	k->most = most;
	guard_keep_clear(k);
}

bool
guard_keep_push(struct guard_keep *k, void *object, size_t bytes)
{
	/* a large one would drive out all others */
	if (bytes > k->most / 2)
		return false;
	lock_acquire(&k->lock, RANK_PROFILE);
	bool room = k->n < GUARD_KEEP_MOST;
	if (room) {
		struct guard_kept *last =
			&k->ring[(k->first + k->n) % GUARD_KEEP_MOST];
		last->object = object;
		last->bytes = bytes;
		k->n++;
		k->bytes += bytes;
	}
	lock_release(&k->lock, RANK_PROFILE);
	return room;
}

void *
guard_keep_pop(struct guard_keep *k, bool any)
{
	void *object = NULL;
	lock_acquire(&k->lock, RANK_PROFILE);
	if (k->n > 0 &&
		(any || k->bytes > k->most || k->n > GUARD_KEEP_MOST - SPARE)) {
		const struct guard_kept *oldest = &k->ring[k->first];
		object = oldest->object;
		k->bytes -= oldest->bytes;
		k->first = (k->first + 1) % GUARD_KEEP_MOST;
		k->n--;
	}
	lock_release(&k->lock, RANK_PROFILE);
	return object;
}

void
guard_keep_clear(struct guard_keep *k)
{
	k->first = k->n = 0;
	k->bytes = 0;
}
