/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * pool_flush.c -- what a thread keeps in pools for its next operations
 *
 * A private heap becomes an orphan, as when its thread ends, so that others may
 * take its slabs, or all of it; the thread gets one anew when it comes again.
 * Of the shared heap what it keeps for all goes back.
 */
#include <errno.h>

#include "base/error.h"
#include "pool/pool_internal.h"

/* is_pool -- what is said of a pool that the thread has never used */
static int
is_pool(const void *handle)
{
	registry_lock();
	const struct record *rec = registry_find(handle);
	bool live = rec != NULL && !rec->overlapped;
	registry_unlock();
	return live ? 0
		    : fail(EINVAL, "invalid pool handle: 0x%zx",
			      (size_t)handle);
}

static void
flush_shared(struct heap_dir *dir)
{
	lock_acquire(&dir->shared_lock, RANK_SHARED);
	/* another process that shares the pool may have moved it */
	struct heap *h = load_relaxed(&dir->shared);
	if (h != NULL)
		heap_rest(h);
	lock_release(&dir->shared_lock, RANK_SHARED);
}

/* flush -- with the thread's entry, while it is inside */
static void
flush(void *handle, const struct entry *e)
{
	struct pool *pool = pool_at(handle);
	struct heap *h = e->heap;
	if (h == NULL) {
		flush_shared(&pool->dir);
	} else {
		heap_rest(h);
		thread_forget(handle);
		dir_park(h);
	}
	/* relaxed: a hint */
	if (load_relaxed(&pool->runs.due) != 0)
		run_decay(&pool->runs);
}

/* flush_one -- of a pool that the thread may know */
static int
flush_one(void *handle)
{
	for (;;) {
		uint32_t ticket = thread_thaw_ticket();
		thread_busy_begin(handle);
		const struct entry *e = thread_entry(handle);
		/* acquire: as in thread_heap_fast() */
		bool frozen = e != NULL && load_acquire(&e->frozen);
		if (e != NULL && !frozen)
			flush(handle, e);
		thread_busy_end();
		if (!frozen)
			return e == NULL ? is_pool(handle) : 0;
		int rc = pool_walked(handle);
		if (rc != 0)
			return rc;
		thread_wait_thaw(ticket);
	}
}

int
pool_thread_flush(void *handle)
{
	size_t at = 0;
	if (handle != NULL)
		return flush_one(handle);
	/* one that is gone meanwhile has nothing of ours any more, and one that
	 * this thread walks over stays as it is */
	while ((handle = thread_next_pool(&at)) != NULL)
		(void)flush_one(handle);
	return 0;
}
