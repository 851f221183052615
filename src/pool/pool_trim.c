/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * pool_trim.c -- what a pool does not need goes back to where it came from
 *
 * First the pool is frozen, as what its heaps keep for later is collected.
 * Then it is thawed, and the pages are given back while others work in it: the
 * kernel takes its time.
 */
#include <errno.h>

#include "base/error.h"
#include "base/guard.h"
#include "pool/pool_internal.h"

/* collect -- everything that no object uses becomes free pages */
static int
collect(void *handle)
{
	struct record rec;
	int rc = pool_freeze_own(handle, &rec);
	if (rc != 0)
		return rc;
	/* another process' threads cannot be stopped: see pool_fork.c */
	if (!pool_is_there(&rec)) {
		rc = fail(EINVAL, "invalid pool handle: 0x%zx", (size_t)handle);
	} else if (rec.kin == KIN_OWN) {
		struct heap_dir *dir = &pool_at(handle)->dir;
		struct heap *keep = pool_any_heap(pool_at(handle));
		lock_acquire(&dir->shared_lock, RANK_SHARED);
		dir_collect(dir, keep);
		/* with huge pages the place of one heap is worth much */
		if (run_lies_high(dir->runs, keep->desc))
			(void)dir_settle(dir, keep);
		lock_release(&dir->shared_lock, RANK_SHARED);
	}
	pool_thaw(handle);
	return rc;
}

int64_t
pool_trim(void *handle, size_t keep)
{
	struct visit v;
	if (unlikely(guard_on))
		pool_guard_drain(handle);
	int rc = collect(handle);
	if (rc != 0)
		return rc;
	rc = pool_enter(&v, handle);
	if (rc != 0)
		return rc;
	/* being inside is enough; others may have the shared heap */
	pool_leave_heap(&v);
	size_t n = run_trim(&v.pool->runs, keep >> RUN_LG_PAGE);
	pool_leave(&v);
	return (int64_t)(n << RUN_LG_PAGE);
}

int
pool_set_decay(void *handle, int ms)
{
	struct visit v;
	int rc = pool_enter(&v, handle);
	if (rc != 0)
		return rc;
	run_set_decay(&v.pool->runs, ms);
	pool_leave(&v);
	return 0;
}
