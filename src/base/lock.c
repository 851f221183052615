/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * lock.c -- a four-byte mutex that may live inside a pool
 *
 * The three-state futex mutex of U. Drepper, "Futexes Are Tricky" (2011),
 * with a short spin in front: the sections that these locks guard take some
 * hundred nanoseconds.
 */
#include "base/lock.h"

#include "base/assert.h"
#include "base/atomic.h"
#include "base/compiler.h"
#include "base/os.h"

#define LOCK_SPINS 60

/* owner thread: locks held or waited for; bit r of `held`: rank r */
static TLS_INITIAL_EXEC uint32_t depth;
static TLS_INITIAL_EXEC uint32_t held;

static void
rank_push(enum lock_rank rank)
{
	depth++;
	ASSERT((held >> rank) == 0);
	held |= 1u << rank;
}

static void
rank_pop(enum lock_rank rank)
{
	ASSERT((held & (1u << rank)) != 0);
	held &= ~(1u << rank);
	depth--;
}

unsigned
lock_depth(void)
{
	return depth;
}

void
lock_forget_ranks(void)
{
	held = 0;
	depth = 0;
}

#if defined(__x86_64__)
#define cpu_relax() __builtin_ia32_pause()
#elif defined(__aarch64__)
#define cpu_relax() __asm__ volatile("yield")
#else
#define cpu_relax() compiler_fence()
#endif

/* take -- the lock, as soon as it is free */
static void
take(struct lock *l)
{
	uint32_t seen = 0;
	/* acquire: pairs with the release in lock_release() */
	if (likely(cas_acquire(&l->word, &seen, 1)))
		return;
	for (int i = 0; i < LOCK_SPINS; i++) {
		cpu_relax();
		seen = 0;
		if (load_relaxed(&l->word) == 0 &&
			cas_acquire(&l->word, &seen, 1))
			return;
	}
	/* from here on always leave 2 behind: others may be asleep */
	while (exchange_acquire(&l->word, 2) != 0)
		os_futex_wait(&l->word, 2);
}

void
lock_acquire(struct lock *l, enum lock_rank rank)
{
	rank_push(rank);
	take(l);
	yield_point();
}

void
lock_release(struct lock *l, enum lock_rank rank)
{
	/* release: what the section wrote is seen by the next holder */
	if (exchange_acq_rel(&l->word, 0) == 2)
		os_futex_wake(&l->word, 1);
	rank_pop(rank);
	yield_point();
}

void
lock_reset(struct lock *l)
{
	store_relaxed(&l->word, 0);
}
