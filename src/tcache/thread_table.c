/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * thread_table.c -- a thread's hash table from pool to entry
 */
#include "tcache/thread_table.h"

struct entry *
table_find(struct entry *table, size_t nentries, const void *pool)
{
	uintptr_t mask = (nentries - 1) * ENTRY_BYTES;
	uintptr_t at = thread_slot(pool, mask);
	for (;;) {
		struct entry *e = (struct entry *)((uintptr_t)table + at);
		/* relaxed: whoever writes it while we look has the pool
		 * deleted, or is us */
		uintptr_t key = load_relaxed(&e->key);
		if (key == KEY_EMPTY || key == (uintptr_t)pool)
			return e;
		at = (at + ENTRY_BYTES) & mask;
	}
}

struct entry *
table_find_new(struct entry *table, size_t nentries, const void *pool)
{
	uintptr_t mask = (nentries - 1) * ENTRY_BYTES;
	uintptr_t begin = thread_slot(pool, mask), at = begin;
	for (;; at = (at + ENTRY_BYTES) & mask) {
		struct entry *e = (struct entry *)((uintptr_t)table + at);
		/* the first entry is only for whose search begins there */
		if (!table_is_live(e->key) && (at != 0 || at == begin))
			return e;
	}
}
