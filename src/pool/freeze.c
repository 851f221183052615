/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * freeze.c -- a pool that nobody is inside, for as long as it takes
 *
 * The registry's mark keeps newcomers out, the mark in the threads' tables
 * those who know the pool; thread.h tells why the wait is exact.  Nothing is
 * written to the pool.  Threads that come meanwhile sleep until the thaw.
 *
 * A fork waits until no pool is frozen.  Only a walk can take long, and only a
 * walk's end can hang on what others do: its callback may use other pools, and
 * wait for threads that do.  So while a walk is under way all may freeze as
 * ever, but for a walk of a thread that is in none: walks come to an end, no
 * matter how many threads begin them.  When there is none the fork holds back
 * every freeze that has not begun, and the last one to end lets it go on.
 */
#include <errno.h>

#include "base/error.h"
#include "base/guard.h"
#include "base/os.h"
#include "pool/pool_internal.h"

/* what for; a thread is in a walk while it freezes for an inner one */
enum aim { AIM_SHORT, AIM_WALK, AIM_INNER_WALK };

/* registry lock, both */
static bool fork_waits; /* a fork waits until no pool is frozen */
static size_t nwalks;   /* freezes for walks */

bool
pool_fork_waits(void)
{
	return fork_waits;
}

void
pool_set_fork_waits(bool on)
{
	fork_waits = on;
}

static bool
may_freeze(const struct record *rec, enum aim aim)
{
	if (registry_is_closed(rec))
		return false;
	/* an inner walk is never refused here: the outer one is counted */
	return !fork_waits || (nwalks > 0 && aim != AIM_WALK);
}

static int
freeze(void *handle, enum aim aim, struct record *ret)
{
	struct record now = {.uid = 0};
	thread_hot.freezes++;
	for (;;) {
		uint32_t ticket = thread_thaw_ticket();
		registry_lock();
		struct record *rec = registry_find(handle);
		if (rec == NULL) {
			registry_unlock();
			thread_hot.freezes--;
			return fail(EINVAL, "invalid pool handle: 0x%zx",
				(size_t)handle);
		}
		bool mine = may_freeze(rec, aim);
		if (mine) {
			rec->frozen = true;
			/* in one step: it may wait for whoever comes next */
			nwalks += aim != AIM_SHORT;
			now = *rec;
		}
		registry_unlock();
		if (mine)
			break;
		int rc = pool_walked(handle);
		if (rc != 0) {
			thread_hot.freezes--;
			return rc;
		}
		thread_wait_thaw(ticket);
	}
	if (ret != NULL)
		*ret = now;
	thread_mark(handle);
	for (unsigned round = 0; thread_is_busy(handle); round++)
		os_yield(round);
	if (unlikely(guard_on))
		pool_guard_share(&now);
	return 0;
}

int
pool_freeze(void *handle, struct record *ret)
{
	return freeze(handle, AIM_SHORT, ret);
}

void
pool_thaw(void *handle)
{
	registry_lock();
	struct record *rec = registry_find(handle);
	if (rec != NULL)
		rec->frozen = false;
	/* before the next freeze can begin, which needs the registry lock */
	thread_unmark(handle);
	registry_unlock();
	thread_thaw();
	thread_hot.freezes--;
}

/* adopt -- the frozen pool, if it is inherited */
static void
adopt(void *handle, struct record *ret)
{
	if (ret->kin != KIN_INHERITED)
		return;
	registry_lock();
	struct record *rec = registry_find(handle);
	pool_adopt(rec);
	*ret = *rec;
	registry_unlock();
}

int
pool_freeze_own(void *handle, struct record *ret)
{
	int rc = freeze(handle, AIM_SHORT, ret);
	if (rc == 0)
		adopt(handle, ret);
	return rc;
}

int
pool_freeze_walk(void *handle, bool inner, struct record *ret)
{
	int rc = freeze(handle, inner ? AIM_INNER_WALK : AIM_WALK, ret);
	if (rc == 0)
		adopt(handle, ret);
	return rc;
}

void
pool_thaw_walk(void *handle)
{
	registry_lock();
	nwalks--;
	registry_unlock();
	/* it wakes the fork, should it have waited for this walk */
	pool_thaw(handle);
}
