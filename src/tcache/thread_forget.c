/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * thread_forget.c -- the pools that the calling thread knows, one by one
 */
#include "tcache/thread_table.h"

void
thread_forget(const void *pool)
{
	lock_acquire(&thread_list.lock, RANK_THREADS);
	struct entry *e = thread_entry(pool);
	if (e != NULL)
		table_bury(e);
	lock_release(&thread_list.lock, RANK_THREADS);
}

void *
thread_next_pool(size_t *at)
{
	const struct thread *t = thread_hot.self;
	size_t n = t == NULL ? 0 : t->nentries + 1; /* the last is in front */
	while (*at < n) {
		size_t i = (*at)++;
		const struct entry *e = i + 1 < n ? &t->table[i] : t->front;
		/* relaxed: another thread may delete the pool at any time */
		uintptr_t key = load_relaxed(&e->key);
		if (table_is_live(key))
			return (void *)key;
	}
	return NULL;
}
