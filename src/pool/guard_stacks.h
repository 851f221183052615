/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * guard_stacks.h -- call stacks, each kept once, by number
 *
 * Thread-safe without locks: a forked child may go on, and a report may read
 * it, wherever a thread is.  Nothing is ever taken out.
 */
#ifndef POOL_GUARD_STACKS_H
#define POOL_GUARD_STACKS_H

#include <stdbool.h>
#include <stdint.h>

#include "profile/profile.h"

#define GUARD_STACKS (UINT32_C(1) << 19) /* most */

/* who has done something to an object, and where */
struct guard_origin {
	uint32_t stack;  /* number; 0: not known */
	uint32_t thread; /* the kernel's number; 0: not known */
};

struct guard_stack {
	uint64_t hash;
	uint32_t nframes;                 /* innermost first */
	const void *frame[PROFILE_DEPTH]; /* return addresses */
};

/* guard_stacks_init -- once; false: there is no unwinder, or no memory */
bool guard_stacks_init(void);

/*
 * guard_origin_here -- the calling thread and the callers of the library;
 * zero before guard_stacks_init().  Outside of all locks.
 */
struct guard_origin guard_origin_here(void);

/* guard_stack_at -- of a number, or NULL */
const struct guard_stack *guard_stack_at(uint32_t number);

#endif
