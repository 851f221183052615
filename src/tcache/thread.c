/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * thread.c -- which heap a thread uses in which pool, and how a pool is frozen
 */
#include "tcache/thread.h"

#include <pthread.h>
#include <string.h>

#include "base/assert.h"
#include "base/guard.h"
#include "base/lock.h"
#include "base/os.h"
#include "tcache/thread_table.h"

/* a thread's block: its struct and its first table fill one page */
#define BLOCK_BYTES   ((size_t)4096)
#define FIRST_ENTRIES 64u
#define SPARE_MOST    32u /* blocks that are kept for the next threads */

_Static_assert(
	sizeof(struct thread) + FIRST_ENTRIES * ENTRY_BYTES <= BLOCK_BYTES,
	"a block is one page");

/* what a thread without entries looks at: a table of one entry */
static struct entry no_entry = NO_ENTRY;

TLS_INITIAL_EXEC struct thread_hot thread_hot = {
	.table = &no_entry, .front = NO_ENTRY};

struct thread_list thread_list;
static bool have_barrier;      /* set once by thread_init() */
static pthread_key_t exit_key; /* set once by thread_init() */
static bool exit_key_made;
static void (*exit_park)(struct heap *heap); /* set once */
static void *pinned_pool;                    /* set once */

static void thread_exit(void *self);

void
thread_init(void)
{
	if (exit_key_made)
		return;
	have_barrier = os_barrier_init();
	exit_key_made = pthread_key_create(&exit_key, thread_exit) == 0;
}

bool
thread_fast_allowed(void)
{
	return have_barrier;
}

void
thread_on_exit(void (*park)(struct heap *heap))
{
	exit_park = park;
}

void
thread_busy_begin(void *pool)
{
	if (have_barrier) {
		store_relaxed(&thread_hot.busy, pool);
		compiler_fence();
	} else {
		/* seq_cst and the fence stand in for the freezer's barrier */
		store_seq_cst(&thread_hot.busy, pool);
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
	}
}

static void
list_insert(struct thread *t)
{
	t->prev = NULL;
	t->next = thread_list.first;
	if (thread_list.first != NULL)
		thread_list.first->prev = t;
	thread_list.first = t;
}

static void
list_remove(struct thread *t)
{
	if (t->prev != NULL)
		t->prev->next = t->next;
	else
		thread_list.first = t->next;
	if (t->next != NULL)
		t->next->prev = t->prev;
}

/*
 * block_new -- all zero; NULL: no memory
 * One of a thread that has ended is at hand, where a new one is two system
 * calls and a page fault: more than the rest of a thread's first operation.
 */
static struct thread *
block_new(void)
{
	lock_acquire(&thread_list.lock, RANK_THREADS);
	struct thread *t = thread_list.spare;
	if (t != NULL) {
		thread_list.spare = t->next;
		thread_list.nspare--;
	}
	lock_release(&thread_list.lock, RANK_THREADS);
	return t != NULL ? memset(t, 0, BLOCK_BYTES) : os_map(BLOCK_BYTES);
}

/* block_keep -- for the next thread; false: there are enough of them.
 * Locks  threads lock held. */
static bool
block_keep(struct thread *t)
{
	if (thread_list.nspare == SPARE_MOST)
		return false;
	t->next = thread_list.spare;
	thread_list.spare = t;
	thread_list.nspare++;
	return true;
}

struct thread *
thread_self(void)
{
	struct thread *t = thread_hot.self;
	if (likely(t != NULL) || thread_hot.exiting || !exit_key_made)
		return t;
	t = block_new();
	if (t == NULL)
		return NULL;
	t->busy = &thread_hot.busy;
	t->front = &thread_hot.front;
	t->table = (struct entry *)(t + 1);
	t->nentries = FIRST_ENTRIES;
	t->table[0] = (struct entry)NO_ENTRY;
	t->nused = 1;
	/* it may call malloc, which may be us: then we are a visitor */
	thread_hot.exiting = 1;
	bool kept = pthread_setspecific(exit_key, t) == 0;
	thread_hot.exiting = 0;
	if (!kept) {
		os_unmap(t, BLOCK_BYTES);
		return NULL;
	}
	lock_acquire(&thread_list.lock, RANK_THREADS);
	list_insert(t);
	/* locked still: a handler that forks finds all of it or nothing */
	thread_hot.self = t;
	thread_hot.table = t->table;
	thread_hot.mask = (t->nentries - 1) * ENTRY_BYTES;
	lock_release(&thread_list.lock, RANK_THREADS);
	return t;
}

void
thread_visit(struct thread *v)
{
	memset(v, 0, sizeof(*v));
	v->busy = &thread_hot.busy;
	lock_acquire(&thread_list.lock, RANK_THREADS);
	list_insert(v);
	lock_release(&thread_list.lock, RANK_THREADS);
}

void
thread_leave(struct thread *v)
{
	lock_acquire(&thread_list.lock, RANK_THREADS);
	list_remove(v);
	lock_release(&thread_list.lock, RANK_THREADS);
}

/* entry_of -- the thread's entry of a pool, or an empty one, or a tomb */
static struct entry *
entry_of(struct thread *t, const void *pool)
{
	/* relaxed: as in table_find() */
	if (load_relaxed(&t->front->key) == (uintptr_t)pool)
		return t->front;
	return table_find(t->table, t->nentries, pool);
}

void
thread_pin(void *pool)
{
	lock_acquire(&thread_list.lock, RANK_THREADS);
	pinned_pool = pool;
	lock_release(&thread_list.lock, RANK_THREADS);
}

struct entry *
thread_entry(const void *pool)
{
	struct thread *t = thread_hot.self;
	if (t == NULL)
		return NULL;
	struct entry *e = entry_of(t, pool);
	return table_is_live(load_relaxed(&e->key)) ? e : NULL;
}

/*
 * entry_new -- a place for a pool that the calling thread has no entry of: in
 * front when that is free and not another's for ever; NULL: no memory
 * Locks  threads lock held.
 */
static struct entry *
entry_new(struct thread *t, const void *pool)
{
	bool others = pinned_pool != NULL && pinned_pool != pool;
	if (!others && !table_is_live(t->front->key))
		return t->front;
	bool room = table_has_room(t);
	struct entry *e = table_find_new(t->table, t->nentries, pool);
	if (e->key == KEY_EMPTY && !room) {
		if (!table_renew(t))
			return NULL;
		thread_hot.table = t->table;
		thread_hot.mask = (t->nentries - 1) * ENTRY_BYTES;
		e = table_find_new(t->table, t->nentries, pool);
	}
	t->nused += e->key == KEY_EMPTY;
	return e;
}

/* set_frozen -- or free again; Locks: threads lock held */
static void
set_frozen(struct entry *e, bool on)
{
	bool slow = on || e->heap == NULL || e->extra != 0 || guard_on;
	struct heap *heap = slow ? &heap_inert : e->heap;
	/* release, both: pairs with the acquire of the owner's lookups */
	store_release(&e->fast, heap);
	store_release(&e->frozen, on);
}

struct entry *
thread_entry_set(void *pool, struct heap *heap, bool frozen, unsigned extra)
{
	struct thread *t = thread_hot.self;
	if (t == NULL)
		return NULL;
	lock_acquire(&thread_list.lock, RANK_THREADS);
	struct entry *e = entry_of(t, pool);
	if (!table_is_live(e->key))
		e = entry_new(t, pool);
	if (e == NULL) {
		lock_release(&thread_list.lock, RANK_THREADS);
		return NULL;
	}
	e->heap = heap;
	e->nops = 0;
	e->extra = (uint16_t)extra;
	set_frozen(e, frozen);
	/* relaxed: only the owner reads it without the lock, and that is us */
	store_relaxed(&e->key, (uintptr_t)pool);
	lock_release(&thread_list.lock, RANK_THREADS);
	return e;
}

/*
 * next_entry -- of a pool, in the threads from *at on, which is moved behind
 * the one that has it; NULL: no more.  Locks  threads lock held.
 */
static struct entry *
next_entry(struct thread **at, const void *pool)
{
	for (struct thread *t = *at; t != NULL; t = t->next) {
		if (t->table == NULL)
			continue;
		struct entry *e = entry_of(t, pool);
		*at = t->next;
		if (table_is_live(e->key))
			return e;
	}
	return NULL;
}

void
thread_extra(const void *pool, unsigned extra)
{
	struct entry *e;
	lock_acquire(&thread_list.lock, RANK_THREADS);
	struct thread *t = thread_list.first;
	while ((e = next_entry(&t, pool)) != NULL)
		e->extra = (uint16_t)extra;
	lock_release(&thread_list.lock, RANK_THREADS);
}

void
thread_pool_gone(const void *pool)
{
	struct entry *e;
	lock_acquire(&thread_list.lock, RANK_THREADS);
	struct thread *t = thread_list.first;
	while ((e = next_entry(&t, pool)) != NULL)
		table_bury(e);
	lock_release(&thread_list.lock, RANK_THREADS);
}

/* heap_entry -- the entry of a private heap, or NULL; threads lock held */
static struct entry *
heap_entry(const void *pool, const struct heap *heap)
{
	struct thread *t = thread_list.first;
	struct entry *e;
	do
		e = next_entry(&t, pool);
	while (e != NULL && e->heap != heap);
	return e;
}

void
thread_heap_moved(const void *pool, const struct heap *heap, struct heap *to)
{
	lock_acquire(&thread_list.lock, RANK_THREADS);
	struct entry *e = heap_entry(pool, heap);
	if (e != NULL && to != NULL)
		e->heap = to;
	else if (e != NULL)
		table_bury(e);
	lock_release(&thread_list.lock, RANK_THREADS);
}

/*
 * entry_at -- to walk over all entries of a thread, i from 0; NULL at the end
 * Locks  threads lock held.
 */
static struct entry *
entry_at(struct thread *t, size_t i)
{
	if (i == t->nentries)
		return t->front;
	return i < t->nentries ? &t->table[i] : NULL;
}

/* mark -- all entries of a pool, or of all; Locks: threads lock held */
static void
mark(const void *pool, bool on)
{
	for (struct thread *t = thread_list.first; t != NULL; t = t->next) {
		if (t->table == NULL)
			continue;
		struct entry *e = pool != NULL ? entry_of(t, pool) : t->table;
		for (size_t i = 1; e != NULL; i++) {
			if (table_is_live(e->key))
				set_frozen(e, on);
			e = pool != NULL ? NULL : entry_at(t, i);
		}
	}
}

void
thread_mark(const void *pool)
{
	lock_acquire(&thread_list.lock, RANK_THREADS);
	mark(pool, true);
	lock_release(&thread_list.lock, RANK_THREADS);
	if (have_barrier)
		os_barrier();
	else
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

/* is_busy -- is a thread inside that pool (NULL: any)?  Threads lock held. */
static bool
is_busy(const void *pool)
{
	for (struct thread *t = thread_list.first; t != NULL; t = t->next) {
		/* acquire: pairs with thread_busy_end() */
		const void *in = load_acquire(t->busy);
		if (pool == NULL ? in != NULL : in == pool)
			return true;
	}
	return false;
}

bool
thread_is_busy(const void *pool)
{
	lock_acquire(&thread_list.lock, RANK_THREADS);
	bool busy = is_busy(pool);
	lock_release(&thread_list.lock, RANK_THREADS);
	return busy;
}

void
thread_unmark(const void *pool)
{
	lock_acquire(&thread_list.lock, RANK_THREADS);
	mark(pool, false);
	lock_release(&thread_list.lock, RANK_THREADS);
}

/*
 * thread_exit -- the destructor of the thread-local key: give the heaps away
 *
 * Other destructors may still use pools afterwards: such calls are visits.
 */
static void
thread_exit(void *self)
{
	struct thread *t = self;
	thread_hot.exiting = 1;
	for (;;) {
		uint32_t ticket = thread_thaw_ticket();
		bool frozen = false;
		lock_acquire(&thread_list.lock, RANK_THREADS);
		struct entry *e;
		for (size_t i = 0; (e = entry_at(t, i)) != NULL; i++) {
			if (!table_is_live(e->key))
				continue;
			if (e->frozen) {
				frozen = true; /* its freezer reads the heap */
				continue;
			}
			if (e->heap != NULL)
				exit_park(e->heap);
			table_bury(e);
		}
		if (!frozen)
			break;
		lock_release(&thread_list.lock, RANK_THREADS);
		thread_wait_thaw(ticket);
	}
	list_remove(t);
	thread_hot.table = &no_entry;
	thread_hot.mask = 0;
	thread_hot.self = NULL;
	table_drop(t);
	bool kept = block_keep(t);
	lock_release(&thread_list.lock, RANK_THREADS);
	if (!kept)
		os_unmap(t, BLOCK_BYTES);
}

bool
thread_fork_prepare(void)
{
	lock_acquire(&thread_list.lock, RANK_THREADS);
	bool still = !is_busy(NULL);
	if (!still)
		lock_release(&thread_list.lock, RANK_THREADS);
	return still;
}

void
thread_fork_parent(void)
{
	mark(NULL, false);
	lock_release(&thread_list.lock, RANK_THREADS);
}

void
thread_fork_child(void)
{
	/* the other threads' blocks stay mapped: a few pages, once */
	thread_list.first = thread_hot.self;
	if (thread_list.first != NULL)
		thread_list.first->next = thread_list.first->prev = NULL;
	lock_reset(&thread_list.lock);
	lock_forget_ranks();
}

struct heap *
thread_fork_keep(const void *pool)
{
	struct entry *e = thread_entry(pool);
	if (e == NULL)
		return NULL;
	set_frozen(e, false);
	return e->heap;
}
