/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * decay.c -- what nobody has used for a while goes back
 */
#include "run/decay.h"

#include "base/arith.h"
#include "base/clock.h"
#include "run/purge.h"

/* pages: what is worth a look, a piece that is, and what one event gives */
#define SPARE_LEAST ((uint32_t)64)
#define PIECE_LEAST ((size_t)16)
#define PORTION     ((size_t)1024)

/* one event in so many looks at the clock where little is spare */
#define FEW_LOOK 16u

/* ms: what heaps keep has periods also where free pages go back at once */
#define AT_ONCE_PERIOD 100

/*
 * top -- the bit to begin at, downwards, with whole blocks: in a pool of
 * terabytes a look at all bits takes a quarter of a second
 */
static uint32_t
top(const struct run_space *rs)
{
	size_t end = align_up(rs->dirty_end, TREE_BLOCK_BITS);
	return (uint32_t)min_size(end, (size_t)rs->npages + rs->bias);
}

/* begin -- the next period; what the last one has not needed is owed */
static void
begin(struct run_space *rs, uint32_t owed)
{
	struct decay *d = &rs->decay;
	d->owed = owed;
	d->low = rs->nspare;
	d->at = top(rs);
	d->whole = 1;
	/* relaxed: whoever sees it late comes late */
	store_relaxed(&rs->due, (uint32_t)(owed >= SPARE_LEAST));
}

/* look -- begin the next period where the last one is over */
static void
look(struct run_space *rs)
{
	struct decay *d = &rs->decay;
	uint64_t now = clock_ms();
	if (now < d->until)
		return;
	/* at once: the frees themselves say what is owed */
	if (d->ms > 0)
		begin(rs, d->until == 0 ? 0 : d->low);
	/* relaxed, both: whoever sees it late comes late */
	uint64_t ms = d->ms > 0 ? (uint64_t)d->ms : AT_ONCE_PERIOD;
	store_relaxed(&d->until, now + ms);
	store_relaxed(&rs->period, rs->period + 1);
}

void
decay_tick(struct run_space *rs)
{
	struct decay *d = &rs->decay;
	if (d->ms < 0 || rs->give == BACKING_GIVE_NEVER)
		return;
	bool few = rs->nspare < SPARE_LEAST;
	if (d->ms == 0) {
		if (!few)
			begin(rs, rs->nspare);
		return;
	}
	/* what heaps keep grows old too, but need not be looked at each time */
	if (!few || ++d->nfew % FEW_LOOK == 0)
		look(rs);
}

void
run_tick(struct run_space *rs)
{
	const struct decay *d = &rs->decay;
	/* relaxed, all: hints; the lock orders what counts */
	if (load_relaxed(&d->ms) < 0 ||
		load_relaxed(&rs->give) == BACKING_GIVE_NEVER ||
		clock_ms() < load_relaxed(&d->until))
		return;
	lock_acquire(&rs->lock, RANK_RUN);
	/* however little is spare: it is what heaps keep that grows old */
	if (d->ms >= 0 && rs->give != BACKING_GIVE_NEVER)
		look(rs);
	lock_release(&rs->lock, RANK_RUN);
}

/* portion -- give back a part of what is owed; returns whether that is all */
static bool
portion(struct run_space *rs)
{
	struct decay *d = &rs->decay;
	while (d->owed > 0) {
		struct purge p = {.at = d->at,
			.least = PIECE_LEAST,
			.whole = d->whole != 0 && d->owed >= TREE_BLOCK_BITS,
			.dirty = true};
		/* what another thread holds meanwhile is not free, and skipped
		 */
		size_t n = purge_step(rs, &p, min_size(d->owed, PORTION));
		d->at = (uint32_t)p.at;
		d->owed -= min_u32(d->owed, (uint32_t)n);
		if (n > 0 && d->ms != 0)
			return d->owed == 0;
		if (n == 0 && d->whole == 0)
			return true;
		if (n == 0) {
			d->whole = 0;
			d->at = top(rs);
		}
	}
	return true;
}

void
run_decay(struct run_space *rs)
{
	lock_acquire(&rs->lock, RANK_RUN);
	/* relaxed: the lock orders what counts */
	if (load_relaxed(&rs->due) != 0 && portion(rs)) {
		rs->decay.owed = 0;
		store_relaxed(&rs->due, 0u);
	}
	lock_release(&rs->lock, RANK_RUN);
}

void
run_set_decay(struct run_space *rs, int ms)
{
	lock_acquire(&rs->lock, RANK_RUN);
	/* relaxed: a cache that sees it late keeps runs a little longer */
	store_relaxed(&rs->decay.ms, ms);
	store_relaxed(&rs->decay.until, (uint64_t)0);
	rs->decay.owed = 0;
	store_relaxed(&rs->due, 0u);
	decay_tick(rs);
	lock_release(&rs->lock, RANK_RUN);
}
