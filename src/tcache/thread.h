/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * thread.h -- which heap a thread uses in which pool, and how a pool is frozen
 *
 * Every thread has a hash table from pool to heap, and in front of it an entry
 * of the first pool that it uses, for most programs have one.  Only the owner
 * reads them on the fast path, without a lock; all writes, the owner's too, are
 * made under the threads lock, so that the thread that freezes or deletes a
 * pool can change the entries of all threads.
 *
 * The freeze.  A thread stores the pool into its `busy` word, then looks for
 * the pool's entry, works, and clears the word.  To freeze a pool, mark its
 * entry in every table, make every processor pass a barrier, and wait until no
 * busy word names the pool: each thread either had stored its busy word before
 * the barrier, and is waited for, or looks at its entry after it, and finds the
 * mark.  Two plain stores for each call, no guess about time, and nothing
 * written to the pool.
 *
 * Where the kernel has no such barrier no entry for the fast path is ever
 * made, and thread_busy_begin() has a fence of its own.  Where it is denied
 * later on, os_barrier() waits instead.
 */
#ifndef TCACHE_THREAD_H
#define TCACHE_THREAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/atomic.h"
#include "base/compiler.h"
#include "base/lock.h"
#include "base/os.h"

struct heap;

#define KEY_EMPTY ((uintptr_t)0)
#define KEY_TOMB  ((uintptr_t)1) /* no entry; searches go on behind it */

#define NOPS_NEVER UINT32_MAX /* the thread shall have no private heap */

/*
 * A key is what the caller of a public function may give by mistake, whatever
 * it is.  So it is not the key that keeps the fast path out of an entry which
 * is not for it, but the heap that it finds there: heap_inert has no object
 * and takes none.
 */
struct entry {
	uintptr_t key;     /* the pool; owner reads, threads lock to write */
	struct heap *fast; /* atomic: the private heap, or heap_inert */
	struct heap
		*heap; /* private heap; NULL: the thread uses the shared one */
	uint16_t frozen; /* atomic: nobody may start an operation */
	/*
	 * what the layer above wants to know of each operation; unless 0 none
	 * goes the fast path, nor does any while guard_on.  Owner reads,
	 * threads lock to write, frozen.
	 */
	uint16_t extra;
	uint32_t nops; /* operations in the shared heap so far; owner */
};

/* what the fast path finds in entries that are not for it; never written */
extern struct heap heap_inert __attribute__((visibility("hidden")));

/* the fast path's view; everything a thread needs without a call */
struct thread_hot {
	struct entry *table; /* never NULL; owner */
	uintptr_t mask;      /* (entries - 1) * sizeof(struct entry); owner */
	void *busy;          /* pool the thread is inside, or NULL; atomic */
	struct thread *self; /* NULL until the first use, or while exiting */
	uint32_t exiting;    /* the thread's end has begun; owner */
	uint32_t freezes;    /* freezes that it is making or holds; owner */
	struct entry front;  /* of one pool; no search finds it sooner */
};

extern TLS_INITIAL_EXEC struct thread_hot thread_hot
	__attribute__((visibility("hidden")));

/* a thread on the list of threads; threads lock */
struct thread {
	struct thread *next, *prev;
	void **busy;          /* its busy word */
	struct entry *table;  /* NULL: a visitor */
	size_t nentries;      /* power of two */
	size_t nused;         /* entries that are not empty, tombs too */
	struct entry *mapped; /* table that is no longer inside; NULL: inside */
	struct entry *front;  /* the entry that is looked at before the table */
};

struct thread_list {
	struct lock lock; /* RANK_THREADS */
	struct thread *first;
	struct thread *spare; /* blocks of threads that have ended, by next */
	unsigned nspare;
};

extern struct thread_list thread_list __attribute__((visibility("hidden")));

#define ENTRY_BYTES       sizeof(struct entry)
#define THREAD_HASH       UINT64_C(0x61c88647) /* odd, fits a signed 32-bit word */
#define THREAD_HASH_SHIFT 40

/* thread_slot -- where the search for a pool begins, in bytes */
static ALWAYS_INLINE uintptr_t
thread_slot(const void *pool, uintptr_t mask)
{
	return ((uintptr_t)pool * THREAD_HASH >> THREAD_HASH_SHIFT) & mask;
}

/*
 * thread_heap_fast -- begin an operation in the thread's private heap
 *
 * Returns false when neither the entry in front nor the first one looked at in
 * the table is the pool's; the thread is then still marked busy.  *ret is
 * heap_inert when the heap may not be used.  End with thread_busy_end() in any
 * case.
 */
static ALWAYS_INLINE bool
thread_heap_fast(void *pool, struct heap **ret)
{
	/* relaxed: the freezer's barrier orders this store (see above) */
	store_relaxed(&thread_hot.busy, pool);
	compiler_fence();
	/* acquire, both: what a freezer did before it put the heap back is
	 * seen */
	if (likely(load_folded(&thread_hot.front.key) == (uintptr_t)pool)) {
		*ret = load_acquire(&thread_hot.front.fast);
		return true;
	}
	struct entry *e = (struct entry *)((uintptr_t)thread_hot.table +
					   thread_slot(pool, thread_hot.mask));
	if (unlikely(load_folded(&e->key) != (uintptr_t)pool))
		return false;
	*ret = load_acquire(&e->fast);
	return true;
}

/*
 * thread_pin -- one pool that every thread has in front, and no other, so that
 * the fast path needs not even look for whom it is; for a library that has one
 * pool for ever
 * Call it before any thread uses a pool.
 */
void thread_pin(void *pool);

/* thread_pinned_fast -- as thread_heap_fast(), in the pinned pool */
static ALWAYS_INLINE struct heap *
thread_pinned_fast(void *pool)
{
	store_relaxed(&thread_hot.busy, pool);
	compiler_fence();
	/* acquire: as in thread_heap_fast() */
	return load_acquire(&thread_hot.front.fast);
}

/* thread_busy_begin -- the slow path's begin; orders before entry lookups */
void thread_busy_begin(void *pool);

/* thread_busy_end -- the operation is over */
static ALWAYS_INLINE void
thread_busy_end(void)
{
	/* release: pairs with the freezer's acquire; it sees all we did */
	store_release(&thread_hot.busy, NULL);
}

/* thread_init -- once, before any other call */
void thread_init(void);

/*
 * thread_busy_offset -- how far a thread's busy word lies behind what its
 * thread pointer says, the same for all threads: for who looks from outside
 */
static inline intptr_t
thread_busy_offset(void)
{
	return (intptr_t)((uintptr_t)&thread_hot.busy - os_thread_pointer());
}

/* thread_fast_allowed -- can entries for the fast path be made here? */
bool thread_fast_allowed(void);

/*
 * thread_self -- the calling thread's place on the list, made if need be;
 * NULL while it is exiting or when there is no memory: be a visitor then
 */
struct thread *thread_self(void);

/*
 * thread_visit -- put `v` on the list for one operation of a thread that
 * thread_self() gave NULL for; thread_leave() takes it off
 */
void thread_visit(struct thread *v);
void thread_leave(struct thread *v);

/* thread_entry -- the calling thread's entry for a pool, or NULL */
struct entry *thread_entry(const void *pool);

/*
 * thread_entry_set -- make or change the calling thread's entry
 * heap    private heap, or NULL for the shared one
 * frozen  mark it at once
 * extra  see struct entry
 * Returns the entry, or NULL when there is no memory for it.
 */
struct entry *thread_entry_set(
	void *pool, struct heap *heap, bool frozen, unsigned extra);

/* thread_forget -- the calling thread does not know the pool any more */
void thread_forget(const void *pool);

/*
 * thread_next_pool -- the pools that the calling thread knows, *at from 0 on;
 * NULL at the end.  Others may delete them meanwhile.
 */
void *thread_next_pool(size_t *at);

/* thread_extra -- change it in all entries of a pool; it is frozen */
void thread_extra(const void *pool, unsigned extra);

/* thread_pool_gone -- no thread knows the pool any more */
void thread_pool_gone(const void *pool);

/*
 * thread_heap_moved -- a private heap of a frozen pool is elsewhere; `to` NULL:
 * it is no more
 */
void thread_heap_moved(
	const void *pool, const struct heap *heap, struct heap *to);

/*
 * thread_mark -- mark the entries of one pool (NULL: of all pools) as frozen,
 * then the barrier.  thread_is_busy() tells whether some thread is still
 * inside.  thread_unmark() takes the marks away: hold the lock that keeps the
 * next freeze from making its own.  Then thread_thaw() wakes who waits in
 * thread_wait_thaw().
 */
void thread_mark(const void *pool);
bool thread_is_busy(const void *pool);
void thread_unmark(const void *pool);
void thread_thaw(void);

/*
 * thread_thaw_ticket, thread_wait_thaw -- wait for the next thaw
 * Take the ticket, find out that the pool is frozen, then wait with it.
 */
uint32_t thread_thaw_ticket(void);
void thread_wait_thaw(uint32_t ticket);

/* thread_on_exit -- what to do with each private heap of an ending thread */
void thread_on_exit(void (*park)(struct heap *heap));

/*
 * around fork(2): hold the list still, unless some thread is inside a pool,
 * which prepare tells by false; afterwards the marks are gone.  In the child
 * only the caller is left, and its entries stay marked: thread_fork_keep() is
 * for each pool that is the child's own, and returns the caller's private heap
 * there or NULL, thread_pool_gone() for all others.
 */
bool thread_fork_prepare(void);
void thread_fork_parent(void);
void thread_fork_child(void);
struct heap *thread_fork_keep(const void *pool);

#endif
