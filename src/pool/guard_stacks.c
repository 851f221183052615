/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * guard_stacks.c -- call stacks, each kept once, by number
 *
 * An open table of numbers leads to an array of stacks.  A stack is written
 * before its number is put into the table, and never changed.
 */
#include "pool/guard_stacks.h"

#include <string.h>
#include <unistd.h>

#include "base/atomic.h"
#include "base/guard.h"

#define SLOTS ((size_t)GUARD_STACKS * 2) /* so the table never fills up */

struct depot {
	uint32_t nstacks;                       /* atomic: numbers given out */
	uint32_t slot[SLOTS];                   /* atomic: a number, or 0 */
	struct guard_stack stack[GUARD_STACKS]; /* number 0 is not used */
};

static struct depot *depot; /* set once, by guard_stacks_init() */

bool
guard_stacks_init(void)
{
	if (profile_stack_init(false))
		depot = guard_map(sizeof(*depot));
	return depot != NULL;
}

static uint64_t
hash_of(void *const *frames, unsigned n)
{
	uint64_t hash = n;
	for (unsigned i = 0; i < n; i++) {
		hash ^= (uintptr_t)frames[i];
		hash *= UINT64_C(0x9e3779b97f4a7c15);
		hash ^= hash >> 32;
	}
	return hash;
}

/* add -- a new number for a stack, or 0 when all are taken */
static uint32_t
add(void *const *frames, unsigned n, uint64_t hash)
{
	/* relaxed: a number, nothing else; it stays small when all are taken */
	if (load_relaxed(&depot->nstacks) >= GUARD_STACKS - 1)
		return 0;
	uint32_t number = fetch_add_relaxed(&depot->nstacks, 1) + 1;
	if (number >= GUARD_STACKS)
		return 0;
	struct guard_stack *k = &depot->stack[number];
	k->hash = hash;
	k->nframes = n;
	memcpy(k->frame, frames, n * sizeof(frames[0]));
	return number;
}

/* number_of -- the stack's number, a new one if need be; 0: no room */
static uint32_t
number_of(void *const *frames, unsigned n)
{
	uint64_t hash = hash_of(frames, n);
	uint32_t fresh = 0;
	for (size_t i = hash % SLOTS;; i = (i + 1) % SLOTS) {
		/* acquire: pairs with the release that put it there */
		uint32_t number = load_acquire(&depot->slot[i]);
		if (number == 0) {
			if (fresh == 0)
				fresh = add(frames, n, hash);
			if (fresh == 0)
				return 0;
			/* release: the stack is there before its number;
			 * acquire: as above, for another's number */
			if (cas_acq_rel(&depot->slot[i], &number, fresh))
				return fresh;
			number = load_acquire(&depot->slot[i]);
		}
		/* a fresh one that is not needed is lost: threads have met */
		const struct guard_stack *k = &depot->stack[number];
		if (k->hash == hash && k->nframes == n &&
			memcmp(k->frame, frames, n * sizeof(frames[0])) == 0)
			return number;
	}
}

struct guard_origin
guard_origin_here(void)
{
	void *frame[PROFILE_DEPTH];
	struct guard_origin by = {0, 0};
	if (depot == NULL)
		return by;
	by.stack = number_of(frame, profile_stack(frame));
	by.thread = (uint32_t)gettid();
	return by;
}

const struct guard_stack *
guard_stack_at(uint32_t number)
{
	return depot != NULL && number != 0 ? &depot->stack[number] : NULL;
}
