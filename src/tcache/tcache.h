/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tcache.h -- the heaps of a pool: one for each thread that uses it much
 *
 * A heap has a bin for each size class, a cache of large runs, and an inbox
 * into which other threads put slabs that they have freed a first object of.
 * It lies in the pool, as a run of its own.
 *
 * One heap is shared: who has no private heap locks it.  A thread gets a
 * private heap with its first operation when no other has one or an orphan is
 * there, else after some operations in the shared one, as long as the pool is
 * not too small for one more.  When a thread ends, its heap is parked: its
 * slabs can be taken one by one, or the heap as a whole by another thread.
 *
 * "The holder" of a heap: its thread; for the shared heap, who has its lock;
 * for a parked heap, who has the admin lock; while the pool is frozen, the
 * freezer for all of them.  Functions on a heap need the holder.
 */
#ifndef TCACHE_TCACHE_H
#define TCACHE_TCACHE_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/atomic.h"
#include "base/compiler.h"
#include "run/run.h"
#include "tcache/guarded.h"
#include "tcache/heap.h"
#include "tcache/heap_deep.h"
#include "tcache/heap_fast.h"
#include "tcache/heap_idle.h"
#include "tcache/heap_sweep.h"
#include "tcache/object.h"
#include "tcache/run_cache.h"
#include "tcache/thread.h"

/* heap_pages -- of each heap; dir is laid out */
size_t heap_pages(const struct heap_dir *dir);

/*
 * dir_has_heap -- does a heap begin at h, as far as the page map tells?  For
 * who reads while another process works, where h may be anything.
 */
bool dir_has_heap(const struct heap_dir *dir, const struct run_space *rs,
	const struct heap *h);

/* heap_bin -- the bin of a class; h->table, or the same elsewhere, is t */
static inline struct bin *
heap_bin(struct heap *h, const struct class_table *t, unsigned cls)
{
	return heap_bin_at(h, t->cls[cls].bin);
}

static inline const struct bin *
heap_bin_const(const struct heap *h, const struct class_table *t, unsigned cls)
{
	return (const struct bin *)(const void *)((const char *)h->bins +
						  t->cls[cls].bin);
}

/*
 * dir_layout -- everything of a directory that dir_init() sets once
 */
void dir_layout(
	struct heap_dir *dir, struct run_space *rs, enum hardening level);

/* heap_layout -- everything of a heap that is set once, but for its bins */
void heap_layout(
	struct heap *h, void *at, const struct heap_dir *dir, struct desc *d);

/* bin_cap -- the slots that a bin's own LIFO of a class takes */
unsigned bin_cap(unsigned hardening, const struct size_class *c);

/*
 * dir_init -- the directory of a new pool, with a first heap, parked
 * Returns false when there is no room for it.
 */
bool dir_init(struct heap_dir *dir, struct run_space *rs, enum hardening level);

/*
 * dir_reset -- a directory with a first heap, parked, where all runs have just
 * gone with all heaps.  Locks, layout and level stay.
 * The pool is frozen.  Returns false when there is no room for the heap.
 */
bool dir_reset(struct heap_dir *dir);

/*
 * dir_attach -- a private heap for the calling thread: an orphan, or a new one
 * where the pool is large enough
 * first   only when no other thread has one or an orphan is there
 * Returns NULL when there is none to have.
 * Locks  takes the admin lock.
 */
struct heap *dir_attach(struct heap_dir *dir, bool first);

/*
 * dir_shared -- the heap that threads without a private one lock and use, made
 * with its first use; NULL when there is no room for it.  Takes the admin lock.
 */
struct heap *dir_shared(struct heap_dir *dir);

/* dir_park -- a private heap whose thread has ended.  Takes the admin lock. */
void dir_park(struct heap *h);

/*
 * dir_rest_parked -- begin to put the heaps of ended threads to rest, unless
 * that is under way
 * What others free in such a heap after it was parked, and at level 3 what its
 * thread has freed last, has no thread that looks at it.
 * Locks  takes the admin lock.
 */
void dir_rest_parked(struct heap_dir *dir);

/*
 * dir_rest_some -- go on with that, by a few slabs
 * Locks  holder; takes the admin lock, and in it the run lock.
 */
void dir_rest_some(struct heap_dir *dir);

/*
 * dir_orphan_all -- park every private heap but `keep`, which may be NULL: the
 * threads are gone
 * The pool is frozen, or this is the only thread.
 */
void dir_orphan_all(struct heap_dir *dir, const struct heap *keep);

/*
 * dir_steal -- move a slab of the class with a free slot from a parked heap
 * into h.  Returns whether there was one in those that were looked at: 64, from
 * where the last look has ended.  Takes the admin lock.
 */
bool dir_steal(struct heap *h, unsigned cls);

/*
 * dir_steal_frozen -- as dir_steal(), from any heap of a frozen pool whose
 * inboxes and LIFOs are empty
 */
bool dir_steal_frozen(struct heap *h, unsigned cls);

/*
 * dir_collect -- give all unused memory of all heaps back to the runs: inboxes,
 * LIFOs, what other threads freed, empty slabs, cached runs, and heaps that
 * have nothing in them, except `keep`.  The pool is frozen.
 */
void dir_collect(struct heap_dir *dir, struct heap *keep);

/*
 * dir_settle -- when a heap has no slabs, move it to the lowest place there is,
 * so that it does not lie in the middle of what a large object needs
 * Returns the heap, or the one that has taken its place.  The pool is frozen.
 */
struct heap *dir_settle(struct heap_dir *dir, struct heap *h);

/*
 * heap_alloc_class -- an object of that class, after the fast path has failed
 * or for any other caller
 * Returns NULL when neither the heap, nor parked ones, nor the runs have room,
 * and when idle_collect() is due first.
 */
void *heap_alloc_class(struct heap *h, unsigned cls);

/* heap_alloc_listed -- as above, from slabs that the heap has, nothing else */
void *heap_alloc_listed(struct heap *h, unsigned cls);

/*
 * heap_alloc_large -- npages pages at a multiple of 2^lg_align
 * *ret_clean says whether all bytes read as zero.
 */
void *heap_alloc_large(
	struct heap *h, size_t npages, unsigned lg_align, bool *ret_clean);

/*
 * heap_alloc_any -- an object of any size, after heap_malloc_fast() or in its
 * place; NULL when the heap cannot, which heap_inert never can
 * Locks  none is held, as with heap_free_any(): what is due goes back.
 */
void *heap_alloc_any(struct heap *h, size_t size);

/* one look at the clock in so many slow calls, whether they come to runs or not
 */
#define SLOW_LOOK 16u

/*
 * heap_age -- give back what the heap has not needed for the decay time; for
 * who has done something slow anyway
 * Locks  takes the run lock, and the admin lock.
 */
static inline void
heap_age(struct heap *h)
{
	if (unlikely(++h->nslow % SLOW_LOOK == 0))
		run_tick(h->runs);
	/* relaxed: a hint */
	if (unlikely(load_relaxed(&h->runs->period) != h->cache.period)) {
		deep_decay(h);
		cache_decay(h);
		if (idle_age(h))
			dir_rest_parked(h->dir);
		sweep_begin(h);
	}
	if (unlikely(sweep_is_due(h)))
		sweep_some(h);
	/* relaxed: a hint */
	if (unlikely(load_relaxed(&h->dir->rest) != NULL) &&
		h->state == HEAP_PRIVATE)
		dir_rest_some(h->dir);
}

/*
 * heap_resize_large -- a large object of npages, in place
 * Returns false when the room is not there, or p is none any more.
 */
bool heap_resize_large(struct heap *h, void *p, size_t npages);

/*
 * heap_free_sized -- free any object of the pool: own, another heap's, large
 * size  what it was allocated with, or any up to what may be used of it; 0: not
 *       known.  The level of hardening that believes everything ignores it.
 * Called with the heap that the calling thread holds, after the fast path.
 */
enum free_result heap_free_sized(struct heap *h, void *p, size_t size);

/* heap_free -- the same, of any size */
static inline enum free_result
heap_free(struct heap *h, void *p)
{
	return heap_free_sized(h, p, 0);
}

/*
 * heap_free_any -- heap_free_sized() as a whole operation; returns whether it
 * is done
 * Locks  none is held.
 */
bool heap_free_any(struct heap *h, void *p, size_t size);

/*
 * dir_free_stray -- free for a thread that can have no heap: the pool is full
 * Locks  takes the admin lock for a large object.
 */
enum free_result dir_free_stray(struct heap_dir *dir, void *p, size_t size);

/*
 * heap_each -- each live object of a pool that nobody is inside, by address,
 * until a visit returns other than 0; h is any heap of the pool
 * Returns what the last visit did.
 */
int heap_each(const struct heap *h,
	int (*visit)(void *arg, void *p, size_t usable), void *arg);

/*
 * dir_check -- verify the heaps, bins and slabs of a frozen pool, whatever the
 * bytes are; run_check_all() has gone before
 * hardening  what the pool was made with
 */
void dir_check(const struct run_check *c, const struct heap_dir *dir,
	unsigned hardening);

/* heap_flush -- empty the LIFOs into the bits, and the inbox */
void heap_flush(struct heap *h);

/*
 * heap_rest -- nobody will use the heap for a while: keep nothing back in it,
 * and collect what others have freed in the slabs on its lists
 */
void heap_rest(struct heap *h);

/*
 * heap_receive -- take slabs from the inbox, those that came last; how many
 * came
 *
 * In it may be all that a program has, as when one thread frees what another
 * has loaded, and a call that takes 200,000 of them takes 200 ms.
 */
#define RECEIVE_SOME 256u
#define RECEIVE_ALL  UINT_MAX
unsigned heap_receive(struct heap *h, unsigned most);

#endif
