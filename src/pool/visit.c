/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * visit.c -- how a thread gets into a pool when the fast path does not know it
 */
#include <errno.h>

#include "base/error.h"
#include "base/guard.h"
#include "pool/pool_internal.h"
#include "profile/profile.h"

/*
 * Operations in the shared heap before a thread may have one of its own: in a
 * row, without one in another pool's shared heap between, or in all.  A heap is
 * some pages that are touched, and some more for the sizes that it has: who
 * goes from pool to pool would touch them all at once, for few operations each.
 */
#define PROMOTE_ROW 64u
#define PROMOTE_ALL 256u

/* the pool whose shared heap the thread was in last, and how often in a row */
static TLS_INITIAL_EXEC struct {
	const void *pool;
	uint32_t nops;
} lately;

/*
 * what the registry says of a handle: SHARED_ONLY where another process uses
 * the pool too, whose threads we cannot stop
 */
enum admission { ADMIT_NO, ADMIT_LATER, ADMIT_SHARED_ONLY, ADMIT };

static enum admission
admission(void *handle, unsigned *ret_profile)
{
	enum admission a = ADMIT_NO;
	registry_lock();
	struct record *rec = registry_find(handle);
	if (rec != NULL && registry_is_closed(rec)) {
		a = ADMIT_LATER;
	} else if (rec != NULL && !rec->overlapped) {
		if (rec->kin == KIN_INHERITED)
			pool_adopt(rec);
		if (pool_is_there(rec))
			a = rec->kin == KIN_FOREIGN ? ADMIT_SHARED_ONLY : ADMIT;
		*ret_profile = rec->profile_number;
	}
	registry_unlock();
	return a;
}

/*
 * install -- the thread's entry from now on
 *
 * The thread is busy in the pool.  When a freeze has begun meanwhile it is
 * waiting for us, and the entry must have its mark.  Returns NULL when there is
 * no memory for it.
 */
static struct entry *
install(void *handle, struct heap *heap)
{
	registry_lock();
	struct record *rec = registry_find(handle);
	bool frozen = rec != NULL && registry_is_closed(rec);
	unsigned extra =
		rec != NULL ? pool_extra(rec->profile_number, pool_at(handle))
			    : 0;
	struct entry *e = thread_entry_set(handle, heap, frozen, extra);
	registry_unlock();
	return e;
}

/* own_heap -- try to get a private heap and install it */
static struct heap *
own_heap(void *handle, struct pool *pool, bool first)
{
	struct heap *h = dir_attach(&pool->dir, first);
	if (h != NULL && install(handle, h) == NULL) {
		dir_park(h);
		h = NULL;
	}
	return h;
}

/*
 * use_shared -- hold the shared heap, if there is one to have
 *
 * The lock comes first.  A freeze does not stop another process that shares the
 * pool; this lock, which whoever freezes holds, is all that keeps it from the
 * heaps then: from making one, too, and, where there is no room for one, from
 * freeing in those of others.
 */
static void
use_shared(struct visit *v)
{
	struct heap_dir *dir = &v->pool->dir;
	lock_acquire(&dir->shared_lock, RANK_SHARED);
	v->locked = true;
	v->heap = dir_shared(dir);
}

/* is_time -- one more operation in the shared heap: may it have its own now? */
static bool
is_time(const struct heap_dir *dir, const void *handle, struct entry *e)
{
	if (lately.pool != handle)
		lately.nops = 0;
	lately.pool = handle;
	if (e->nops == NOPS_NEVER)
		return false;
	lately.nops = (lately.nops + 1) % PROMOTE_ROW;
	e->nops = (e->nops + 1) % PROMOTE_ALL;
	/* relaxed: a look whether one more may have its own */
	return (lately.nops == 0 || e->nops == 0) &&
	       load_relaxed(&dir->nprivate) < dir->max_private;
}

/* known -- go on with an entry that is not frozen */
static void
known(struct visit *v, void *handle, struct entry *e)
{
	v->heap = e->heap;
	v->profile = profile_at(e->extra & ~EXTRA_GUARDED);
	if (v->heap != NULL)
		return;
	if (is_time(&v->pool->dir, handle, e))
		v->heap = own_heap(handle, v->pool, false);
	if (v->heap == NULL)
		use_shared(v);
}

/*
 * is_news -- does a forked child use the pool, and learn_shared() has not been
 * called?  What the child has made must not be looked at before.
 */
static bool
is_news(const struct visit *v)
{
	return !v->learned && pool_guard_shared(v->pool);
}

/*
 * learn_shared -- the child's pages may be read from now on, which must be
 * known to all threads at once; the caller is not inside
 */
static int
learn_shared(struct visit *v, void *handle)
{
	int rc = pool_freeze(handle, NULL);
	v->learned = true;
	if (rc == 0)
		pool_thaw(handle);
	return rc;
}

/* stranger -- the thread's first operation in the pool */
static int
stranger(struct visit *v, void *handle)
{
	unsigned profile = 0;
	enum admission a = admission(handle, &profile);
	if (a == ADMIT_LATER)
		return -EAGAIN;
	if (a == ADMIT_NO)
		return fail(
			EINVAL, "invalid pool handle: 0x%zx", (size_t)handle);
	if (unlikely(guard_on) && is_news(v))
		return -ESTALE;
	v->profile = profile_at(profile);
	if (!v->guest && a == ADMIT && thread_fast_allowed())
		v->heap = own_heap(handle, v->pool, true);
	if (v->heap == NULL) {
		/* without memory for an entry the next call comes here again */
		struct entry *e = v->guest ? NULL : install(handle, NULL);
		if (e != NULL &&
			(a == ADMIT_SHARED_ONLY || !thread_fast_allowed()))
			e->nops = NOPS_NEVER;
		use_shared(v);
	}
	return 0;
}

int
pool_enter(struct visit *v, void *handle)
{
	v->learned = false;
	for (;;) {
		uint32_t ticket = thread_thaw_ticket();
		v->pool = pool_at(handle);
		v->heap = NULL;
		v->profile = NULL;
		v->locked = false;
		v->guest = thread_self() == NULL;
		thread_busy_begin(handle);
		/* a fork by a signal handler takes the place for one inside */
		if (v->guest)
			thread_visit(&v->place);
		struct entry *e = thread_entry(handle);
		int rc = 0;
		if (e == NULL)
			rc = stranger(v, handle);
		/* acquire: as in thread_heap_fast() */
		else if (load_acquire(&e->frozen))
			rc = -EAGAIN;
		else if (unlikely(guard_on) && is_news(v))
			rc = -ESTALE;
		else
			known(v, handle, e);
		if (rc == 0)
			return 0;
		pool_leave(v);
		if (rc == -EAGAIN)
			rc = pool_walked(handle);
		else if (rc == -ESTALE)
			rc = learn_shared(v, handle);
		if (rc != 0)
			return rc;
		thread_wait_thaw(ticket);
	}
}

struct object
pool_object_at(const struct visit *v, void *p)
{
	return v->heap != NULL ? heap_find(v->heap, p)
			       : dir_find(&v->pool->dir, p);
}

void
pool_leave_heap(struct visit *v)
{
	if (v->heap != NULL)
		heap_age(v->heap);
	if (v->locked)
		lock_release(&v->pool->dir.shared_lock, RANK_SHARED);
	v->locked = false;
	v->heap = NULL;
}

void
pool_leave(struct visit *v)
{
	bool inside = v->heap != NULL;
	pool_leave_heap(v);
	/* relaxed: a hint; without locks, but before others may freeze it */
	if (inside && unlikely(load_relaxed(&v->pool->runs.due) != 0))
		run_decay(&v->pool->runs);
	if (v->guest)
		thread_leave(&v->place);
	thread_busy_end();
}
