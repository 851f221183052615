/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * pool_reclaim.c -- out of memory is said only when it is true
 *
 * Memory that no object uses can lie in many places: LIFOs and empty slabs of
 * other threads' heaps, slabs with free slots that belong to them, slots that
 * one thread freed for another, cached runs.  Nobody may touch them while
 * their threads run, so the pool is frozen.
 */
#include "base/error.h"
#include "pool/pool_internal.h"

/* a slot may be so many times as large as what was asked for */
#define SPILL 2u

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
	if (e != NULL && (load_relaxed(&e->key) & KEY_SHARED) == 0)
		return e->heap;
	return pool->dir.shared != NULL ? pool->dir.shared : pool->dir.all;
}

/* small_anywhere -- a slot of the class, or a somewhat larger one */
static void *
small_anywhere(struct heap *h, unsigned cls)
{
	const struct class_table *t = h->table;
	uint32_t most = t->cls[cls].size * SPILL;
	for (unsigned c = cls; c < t->nclasses && t->cls[c].size <= most; c++) {
		void *p = heap_alloc_listed(h, c);
		if (p == NULL && dir_steal_frozen(h, c))
			p = heap_alloc_listed(h, c);
		if (p != NULL)
			return p;
	}
	return NULL;
}

void *
pool_reclaim(void *handle, size_t size, size_t align, bool *ret_clean)
{
	struct record rec;
	struct request r;
	void *p = NULL;
	if (pool_freeze(handle, &rec) != 0)
		return NULL;
	/* another process' threads cannot be stopped: see pool_fork.c */
	if (rec.kin != KIN_FOREIGN && !rec.overlapped) {
		struct pool *pool = pool_at(handle);
		struct heap *h = caller_heap(pool, handle);
		lock_acquire(&pool->dir.shared_lock, RANK_SHARED);
		pool->nreclaim++;
		dir_collect(&pool->dir, h);
		if (request_make(&r, pool->dir.table, size, align)) {
			p = request_try(h, &r, ret_clean);
			/* a larger slot need not have the alignment */
			if (p == NULL && r.npages == 0 && align == 0)
				p = small_anywhere(h, r.cls);
		}
		lock_release(&pool->dir.shared_lock, RANK_SHARED);
	}
	pool_thaw(handle);
	return p;
}

enum free_result
pool_free_frozen(void *handle, void *p)
{
	enum free_result r = FREE_INVALID;
	if (pool_freeze(handle, NULL) != 0)
		return FREE_INVALID;
	struct pool *pool = pool_at(handle);
	lock_acquire(&pool->dir.shared_lock, RANK_SHARED);
	r = heap_free(caller_heap(pool, handle), p);
	lock_release(&pool->dir.shared_lock, RANK_SHARED);
	pool_thaw(handle);
	return r;
}
