/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * thread_table.h -- a thread's hash table from pool to entry
 *
 * Open addressing; the fast path looks only where the search for a pool begins,
 * so an entry belongs there whenever that place can be had.  The first entry is
 * a tomb, or a pool's whose search begins there: a NULL handle is looked for at
 * it, and must not find an empty entry, which is 0 as well.
 *
 * Needs the owner, or the threads lock.
 */
#ifndef TCACHE_THREAD_TABLE_H
#define TCACHE_THREAD_TABLE_H

#include "tcache/thread.h"

/* what no pool is found at; a thread without entries has a table of it */
#define NO_ENTRY                                                               \
	{                                                                      \
		.key = KEY_TOMB, .fast = &heap_inert                           \
	}

#define TABLE_LOAD_SHARE 4u /* at most 1/4 of the entries are used */

static inline bool
table_is_live(uintptr_t key)
{
	return key != KEY_EMPTY && key != KEY_TOMB;
}

/*
 * table_find -- the entry of a pool, or the empty one where the search ends
 * A table always has empty entries.
 */
struct entry *table_find(
	struct entry *table, size_t nentries, const void *pool);

/*
 * table_find_new -- the entry for a pool that has none: the first one of its
 * search that holds no other pool, empty or a tomb
 */
struct entry *table_find_new(
	struct entry *table, size_t nentries, const void *pool);

/* table_has_room -- for one entry more; else renew it first */
static inline bool
table_has_room(const struct thread *t)
{
	return (t->nused + 1) * TABLE_LOAD_SHARE <= t->nentries;
}

/*
 * table_renew -- a table without tombs and with room
 * Locks  threads lock held; owner, who has it looked at from now on.  Returns
 * false when there is no memory.
 */
bool table_renew(struct thread *t);

/* table_drop -- the thread's table goes, unless it is a part of its block */
void table_drop(struct thread *t);

/* table_bury -- the entry is none any more.  Threads lock held. */
static inline void
table_bury(struct entry *e)
{
	/* release: who comes anew sees what was done before, and no heap */
	store_release(&e->fast, &heap_inert);
	store_release(&e->key, KEY_TOMB);
}

#endif
