/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * freeze.c -- a pool that nobody is inside, for as long as it takes
 *
 * The registry's mark keeps newcomers out, the mark in the threads' tables
 * those who know the pool; thread.h tells why the wait is exact.  Nothing is
 * written to the pool.  Threads that come meanwhile sleep until the thaw.
 */
#include <errno.h>

#include "base/error.h"
#include "base/guard.h"
#include "base/os.h"
#include "pool/pool_internal.h"

int
pool_freeze(void *handle, struct record *ret)
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
		bool mine = !registry_is_closed(rec);
		if (mine) {
			rec->frozen = true;
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

int
pool_freeze_own(void *handle, struct record *ret)
{
	int rc = pool_freeze(handle, ret);
	if (rc != 0 || ret->kin != KIN_INHERITED)
		return rc;
	registry_lock();
	struct record *rec = registry_find(handle);
	pool_adopt(rec);
	*ret = *rec;
	registry_unlock();
	return 0;
}
