/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * heap_idle.c -- what was freed in the heaps of threads that sleep
 *
 * Slabs that other threads have freed objects of wait in the inbox of their
 * heap until its thread needs one.  A thread that has loaded the data and then
 * waits for those that work on it never does: its memory would be lost to them,
 * and the pool grow to twice what is in it.
 *
 * So threads look at all inboxes, when the pool has grown by a part, and when a
 * period of the decay is over.  A heap is idle that has slabs in there and has
 * taken none since the look before.  Then idle_due asks for the pool to be
 * frozen, as nobody else may touch the heap, and the empty ones of the slabs
 * that wait become free pages.  The others stay: on the lists of another heap,
 * where what others free of them is told to nobody, they would be hidden for
 * good.
 */
#include "tcache/heap_idle.h"

#include "base/arith.h"
#include "base/probe.h"
#include "tcache/heap_internal.h"

#define LOOK_SHARE 32u /* of the pages in use: looks are so far apart */
#define LOOK_LEAST ((size_t)256) /* pages, at least */
#define LOOK_VAIN  4u /* steps, or periods, after a freeze for nothing */

static size_t
in_use(const struct run_space *rs)
{
	/* relaxed: a hint */
	return rs->npages - load_relaxed(&rs->nfree);
}

/* put_off -- the next look when that many more steps have been made */
static void
put_off(struct heap_dir *dir, size_t nsteps)
{
	size_t used = in_use(dir->runs);
	size_t step = max_size(used / LOOK_SHARE, LOOK_LEAST);
	/* relaxed: who sees it late looks once more */
	store_relaxed(&dir->idle_look,
		(uint32_t)min_size(used + step * nsteps, UINT32_MAX));
}

/* look -- is any heap idle?  Locks: takes the admin lock */
static bool
look(struct heap_dir *dir)
{
	bool found = false;
	lock_acquire(&dir->admin, RANK_ADMIN);
	for (struct heap *p = dir->all; p != NULL; p = p->next) {
		/* relaxed, both: hints of a thread that may be at work */
		uint32_t n = load_relaxed(&p->nreceived);
		bool waits = p->state != HEAP_PARKED &&
			     load_relaxed(&p->inbox) != RUN_NO_GRANULE;
		found = found || (waits && p->idle_seen == n);
		p->idle_seen = waits ? n : n - 1;
	}
	put_off(dir, 1);
	/* relaxed: a hint */
	if (found)
		store_relaxed(&dir->idle_due, 1u);
	lock_release(&dir->admin, RANK_ADMIN);
	return found;
}

bool
idle_look(const struct heap *h)
{
	/* relaxed: as in put_off() */
	if (likely(in_use(h->runs) < load_relaxed(&h->dir->idle_look)) ||
		h->state != HEAP_PRIVATE)
		return idle_is_due(h);
	return look(h->dir);
}

bool
idle_age(const struct heap *h)
{
	/* relaxed, all: hints; if two threads come at once, both look */
	uint32_t period = load_relaxed(&h->runs->period);
	int32_t past = (int32_t)(period - load_relaxed(&h->dir->idle_period));
	if (h->state != HEAP_PRIVATE || past <= 0)
		return false;
	store_relaxed(&h->dir->idle_period, period);
	(void)look(h->dir);
	return true;
}

/*
 * release -- a slab out of an idle heap's inbox; false: it has objects, or a
 * slot in a LIFO of the heap, and is as it was
 */
static bool
release(struct heap *h, struct slab *s)
{
	if (slab_nremote(s) < s->used)
		return false;
	slab_receive(h, s);
	/* what was freed twice can make one seem empty */
	if (s->used == 0)
		bin_release(h, s);
	return true;
}

/* empty -- the inbox of an idle heap of empty slabs; how many there were */
static unsigned
empty(struct heap *h)
{
	unsigned n = 0;
	uint32_t g = inbox_take(h);
	while (g != RUN_NO_GRANULE) {
		struct slab *s = heap_slab(h, g);
		g = s->next;
		if (release(h, s))
			n++;
		else
			inbox_push(h->base, s);
	}
	return n;
}

void
idle_done(struct heap_dir *dir)
{
	/* relaxed: nobody is inside */
	store_relaxed(&dir->idle_due, 0u);
	put_off(dir, 1);
}

unsigned
idle_collect(struct heap_dir *dir)
{
	unsigned n = 0;
	/* relaxed, all: nobody is inside; another thread may have been faster
	 */
	bool due = load_relaxed(&dir->idle_due) != 0;
	for (struct heap *p = dir->all; due && p != NULL; p = p->next)
		if (p->state != HEAP_PARKED && p->idle_seen == p->nreceived)
			n += empty(p);
	idle_done(dir);
	if (!due)
		return 0;
	PROBE2(idle, dir->runs->base, n);
	if (n == 0) {
		put_off(dir, LOOK_VAIN);
		store_relaxed(&dir->idle_period,
			load_relaxed(&dir->runs->period) + LOOK_VAIN);
	}
	return n;
}
