/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * thread_table.c -- a thread's hash table from pool to entry
 */
#include "tcache/thread_table.h"

#define GROW 4u /* a full table is replaced by one so many times larger */

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

void
table_drop(struct thread *t)
{
	if (t->mapped != NULL)
		os_unmap(t->mapped, t->nentries * ENTRY_BYTES);
}

bool
table_renew(struct thread *t)
{
	size_t nlive = 0;
	for (size_t i = 0; i < t->nentries; i++)
		nlive += table_is_live(t->table[i].key);
	size_t n = t->nentries;
	while ((nlive + 2) * TABLE_LOAD_SHARE > n)
		n *= GROW;
	struct entry *fresh = os_map(n * ENTRY_BYTES);
	if (fresh == NULL)
		return false;
	fresh[0] = (struct entry)NO_ENTRY;
	for (size_t i = 0; i < t->nentries; i++) {
		struct entry *e = &t->table[i];
		if (table_is_live(e->key))
			*table_find_new(fresh, n, (void *)e->key) = *e;
	}
	table_drop(t);
	t->table = t->mapped = fresh;
	t->nentries = n;
	t->nused = nlive + 1;
	return true;
}
