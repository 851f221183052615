/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * pool_reclaim.c -- out of memory is said only when it is true
 *
 * Memory that no object uses can lie in many places: LIFOs and empty slabs of
 * other threads' heaps, slabs with free slots that belong to them, slots that
 * one thread freed for another, cached runs.  Nobody may touch them while
 * their threads run, so the pool is frozen.
 *
 * Where the kernel has refused memory it is asked here again, once for each
 * allocation that finds none elsewhere: so NULL is true at that moment, and
 * what others have left since is found.
 */
#include "base/arith.h"
#include "base/guard.h"
#include "base/probe.h"
#include "pool/pool_internal.h"
#include "profile/profile.h"

struct heap *
pool_any_heap(struct pool *pool)
{
	/* acquire: pairs with the release that put it there, and the first
	 * heap of a pool comes with it */
	return load_acquire(&pool->dir.all);
}

/* caller_heap -- the heap to allocate in: the thread's own if it has one */
static struct heap *
caller_heap(struct pool *pool, const void *handle)
{
	struct entry *e = thread_entry(handle);
	if (e != NULL && e->heap != NULL)
		return e->heap;
	return pool->dir.shared != NULL ? pool->dir.shared : pool->dir.all;
}

/* small_anywhere -- a slot of the class, or the next larger one that is free */
static void *
small_anywhere(struct heap *h, unsigned cls, size_t align)
{
	const struct class_table *t = h->table;
	for (unsigned c = cls; c < t->nclasses; c++) {
		if (t->cls[c].size % align != 0)
			continue;
		void *p = heap_alloc_listed(h, c);
		if (p == NULL && dir_steal_frozen(h, c))
			p = heap_alloc_listed(h, c);
		if (p == NULL)
			continue;
		/* the next one of the class need not come here for it */
		if (c > cls && t->cls[c].size % t->cls[cls].size == 0)
			h->spill[cls] = (uint8_t)c;
		return p;
	}
	return NULL;
}

/*
 * what may be done in a frozen pool so that h has an object; NULL: that was not
 * enough
 */
typedef void *collector(struct pool *pool, struct heap *h,
	const struct request *r, size_t align, bool *ret_clean);

/* idle_and_try -- what only waits for threads that sleep; others go on then */
static void *
idle_and_try(struct pool *pool, struct heap *h, const struct request *r,
	size_t align, bool *ret_clean)
{
	(void)align;
	(void)idle_collect(&pool->dir);
	return request_try(h, r, ret_clean);
}

/* collect_and_try -- everything */
static void *
collect_and_try(struct pool *pool, struct heap *h, const struct request *r,
	size_t align, bool *ret_clean)
{
	pool->nreclaim++;
	PROBE2(reclaim, (void *)h->base, pool->nreclaim);
	dir_collect(&pool->dir, h);
	void *p = request_try(h, r, ret_clean);
	if (p != NULL)
		return p;
	if (r->npages != 0) {
		h = dir_settle(&pool->dir, h);
		p = request_try(h, r, ret_clean);
	}
	if (p == NULL && run_is_short(&pool->runs)) {
		run_ask(&pool->runs, true);
		p = request_try(h, r, ret_clean);
		run_ask(&pool->runs, false);
	}
	if (p == NULL && r->npages == 0)
		p = small_anywhere(h, r->cls, align);
	return p;
}

/* order_frozen -- the frozen pool, whose shared heap's lock is held */
static int
order_frozen(void *handle, const struct record *rec, struct order *o,
	collector *collect, void **ret)
{
	struct request r;
	struct visit v = {.pool = pool_at(handle),
		.profile = profile_at(rec->profile_number)};
	size_t align = order_align(o);
	v.heap = caller_heap(v.pool, handle);
	int rc = order_start(&v, o);
	if (rc != 0)
		return rc;
	void *p = NULL;
	if (request_make(&r, v.pool->dir.table, o->size, o->align))
		p = collect(v.pool, v.heap, &r, align, &o->clean);
	if (unlikely(pool_is_guarded(v.pool)) && p != NULL)
		pool_guarded_begin(v.pool, pool_any_heap(v.pool), p, o);
	if (unlikely(guard_on) && p != NULL)
		pool_guard_begin(v.pool, p, o);
	/* it may be another one by now */
	v.heap = caller_heap(v.pool, handle);
	if (p != NULL)
		order_fill(&v, handle, p, o);
	/* without a thread it has nothing at hand, as dir_steal() expects */
	if (v.heap->state == HEAP_PARKED)
		heap_rest(v.heap);
	*ret = p;
	return 0;
}

/* reclaim -- freeze the pool for that */
static int
reclaim(void *handle, struct order *o, collector *collect, void **ret)
{
	struct record rec;
	int rc = 0;
	if (pool_freeze(handle, &rec) != 0)
		return 0;
	/* another process' threads cannot be stopped: see pool_fork.c */
	if (rec.kin == KIN_OWN && !rec.overlapped) {
		struct pool *pool = pool_at(handle);
		lock_acquire(&pool->dir.shared_lock, RANK_SHARED);
		rc = order_frozen(handle, &rec, o, collect, ret);
		lock_release(&pool->dir.shared_lock, RANK_SHARED);
	}
	pool_thaw(handle);
	return rc;
}

int
pool_reclaim(void *handle, struct order *o, void **ret)
{
	int rc = 0;
	if (o->idle)
		rc = reclaim(handle, o, idle_and_try, ret);
	if (rc != 0 || *ret != NULL)
		return rc;
	if (unlikely(guard_on))
		pool_guard_drain(handle);
	return reclaim(handle, o, collect_and_try, ret);
}
