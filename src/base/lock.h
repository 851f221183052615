/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * lock.h -- a four-byte mutex that may live inside a pool
 *
 * Futex based; all zero is unlocked.  Works between processes that share the
 * memory.  Not recursive, not robust.  In the debug flavour every thread keeps
 * the ranks that it holds, and taking a lock out of order ends the process.
 *
 * The lock order: a thread takes locks with growing rank only.
 */
#ifndef BASE_LOCK_H
#define BASE_LOCK_H

#include <stdbool.h>
#include <stdint.h>

enum lock_rank {
	RANK_REGISTRY = 1, /* the table of live pools */
	RANK_SHARED,       /* a pool's shared heap */
	RANK_THREADS,      /* the list of threads and their tables */
	RANK_ADMIN,        /* a pool's directory of heaps */
	RANK_RUN,          /* a pool's page runs and descriptors */
	RANK_PROFILE,      /* a profile of a pool */
	RANK_COUNT
};

struct lock {
	uint32_t word; /* atomic: 0 free, 1 held, 2 held and waited for */
};

/* lock_acquire -- acquire order; sleeps while another holds it */
void lock_acquire(struct lock *l, enum lock_rank rank);

/* lock_release -- release order */
void lock_release(struct lock *l, enum lock_rank rank);

/* lock_reset -- unlocked, whatever it was; for the child of a fork */
void lock_reset(struct lock *l);

/* lock_depth -- locks that the calling thread holds or waits for */
unsigned lock_depth(void);

/* lock_forget_ranks -- the calling thread holds nothing; debug flavour */
void lock_forget_ranks(void);

#endif
