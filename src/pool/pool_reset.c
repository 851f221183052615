/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * pool_reset.c -- all objects of a pool freed at once, the pool as new
 *
 * While nobody is inside, all runs go, with the heaps among them, and every
 * thread forgets the heap that it had.  The objects themselves are not looked
 * at, nor is what is free: it costs what was in use of the page map.
 */
#include <errno.h>

#include "base/assert.h"
#include "base/error.h"
#include "base/guard.h"
#include "base/log.h"
#include "base/probe.h"
#include "pool/pool_internal.h"
#include "profile/profile.h"

/* empty -- the frozen pool; the shared heap's lock is held */
static void
empty(void *handle, unsigned profile, struct guard_origin by)
{
	struct pool *pool = pool_at(handle);
	/* what is told of objects needs the heaps */
	if (unlikely(guard_on))
		pool_guard_end_all(handle, by);
	if (profile != 0)
		profile_clear(profile_at(profile));
	thread_pool_gone(handle);
	run_space_reset(&pool->runs);
	/* pages that another heap had: they have memory behind them */
	bool room = dir_reset(&pool->dir);
	ASSERT(room);
	(void)room;
	pool->nmisuse = pool->nreclaim = 0;
}

/* reset -- the frozen pool of that record, if it is this process's alone */
static int
reset(void *handle, const struct record *rec, struct guard_origin by)
{
	struct pool *pool = pool_at(handle);
	if (!pool_is_there(rec))
		return fail(
			EINVAL, "invalid pool handle: 0x%zx", (size_t)handle);
	int rc = 0;
	lock_acquire(&pool->dir.shared_lock, RANK_SHARED);
	if (rec->kin != KIN_OWN || pool->has_guests != 0)
		rc = fail(EBUSY, "pool %p is used by another process too",
			handle);
	else
		empty(handle, rec->profile_number, by);
	lock_release(&pool->dir.shared_lock, RANK_SHARED);
	return rc;
}

int
pool_reset(void *handle)
{
	struct record rec;
	struct visit v;
	struct guard_origin by = {0, 0};
	if (unlikely(guard_on))
		by = guard_origin_here();
	int rc = pool_freeze_own(handle, &rec);
	if (rc != 0)
		return rc;
	rc = reset(handle, &rec, by);
	if (rc == 0)
		pool_forget_inner(&rec.backing);
	/* relaxed: a hint */
	bool due = rc == 0 && load_relaxed(&pool_at(handle)->runs.due) != 0;
	pool_thaw(handle);
	if (rc != 0)
		return rc;
	LOG(2, "pool %p, all objects freed", handle);
	PROBE2(pool_reset, handle, rec.backing.size);
	/* what goes back at once does so here */
	if (due && pool_enter(&v, handle) == 0)
		pool_leave(&v);
	return 0;
}
