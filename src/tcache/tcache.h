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

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/atomic.h"
#include "base/compiler.h"
#include "base/lock.h"
#include "run/run.h"
#include "tcache/guarded.h"
#include "tcache/object.h"
#include "tcache/run_cache.h"
#include "tcache/thread.h"

/* what a misuse check at the time of free is worth, for each pool */
enum hardening {
	HARDENING_NONE,    /* an object of the pool is believed */
	HARDENING_DEFAULT, /* start of a live object, not freed just before */
	HARDENING_EXACT,   /* no LIFO: every double free is seen at once */
	HARDENING_GUARDED, /* writes beside and after objects, too: guarded.h */
	HARDENING_LEVELS
};

/* the low bits of a slab's owner word: what the default level's compare skips
 */
#define OWNER_NONE  ((uint64_t)1)
#define OWNER_EXACT ((uint64_t)2)
#define OWNER_FLAGS ((uint64_t)3)

enum heap_state { HEAP_SHARED, HEAP_PRIVATE, HEAP_PARKED, HEAP_NSTATES };

struct large_stats {
	uint64_t nmalloc;
	uint64_t nfree;
	uint64_t bytes; /* live ones; of one heap it may wrap below zero */
};

struct heap_dir;

struct heap {
	/* what the fast paths read; set once, but for the level's tag */
	char *base;             /* the pool's first byte */
	const uint16_t *lookup; /* size to bin, of the pool's table */
	uint64_t npages;        /* of the pool */
	uint64_t owner;         /* this heap with the level's bits */
	const struct class_table *table;
	struct run_space *runs;
	struct heap_dir *dir;
	struct desc *desc;  /* of the heap's own run */
	uint64_t hardening; /* enum hardening */

	uint32_t inbox ALIGNED(64); /* atomic: QUEUED slabs, by next */

	uint64_t no_word ALIGNED(64); /* always 0: what an idle bin points to */
	uint32_t state;               /* enum heap_state; admin lock */
	uint32_t id;                  /* set once */
	struct heap *next;            /* list of all heaps; admin lock */
	struct heap *next_parked;     /* list of parked heaps; admin lock */
	uint64_t nlate; /* misuse that was found later than at the call */
	struct run_cache cache;
	struct large_stats large[LARGE_CLASSES];
	/*
	 * The class whose slots objects of a class were last given for want of
	 * their own, a multiple of its size; 0: none.  A hint.
	 */
	uint8_t spill[CLASS_MAX];
	/* the first; where the others begin their classes say */
	struct bin bins[] ALIGNED(64);
};

/* in the pool's header: all heaps of a pool */
struct heap_dir {
	struct lock admin;       /* RANK_ADMIN */
	struct lock shared_lock; /* RANK_SHARED */
	struct heap *shared;     /* set once; admin lock to set; atomic */
	struct heap *all;        /* admin lock */
	struct heap *parked;  /* admin lock; atomic to look if any is there */
	uint32_t nheaps;      /* admin lock */
	uint32_t nprivate;    /* private heaps; admin lock; atomic to look */
	uint32_t max_private; /* set once */
	uint32_t next_id;     /* admin lock */
	uint32_t hardening;   /* set once */
	uint32_t first_step;  /* of a bin's first slabs; set once */
	uint32_t last_step;   /* of a bin's later slabs; set once */
	uint32_t cache_pages; /* in a run cache, see cache_most(); set once */
	const struct class_table *table; /* set once */
	struct run_space *runs;          /* set once */
	/* large objects freed by threads without a heap; admin lock */
	struct large_stats stray[LARGE_CLASSES];
};

/*
 * heap_malloc_fast -- from the LIFO or the current word of the size's bin
 * size <= SLAB_LOOKUP_MAX.  Returns false when neither has a slot.
 */
static ALWAYS_INLINE bool
heap_malloc_fast(struct heap *h, size_t size, void **ret)
{
	struct bin *b = (struct bin *)(void *)((char *)h->bins +
					       h->lookup[(size + 7) >> 3]);
	uint64_t count = b->count;
	size_t n = count & BIN_COUNT_MASK;
	if (likely(n != 0)) {
		/* one slot less and one allocation more, in one addition */
		b->count = count + (BIN_ONE_MALLOC - 1);
		*ret = bin_top(b, n)[-1];
		return true;
	}
	/* relaxed: others only look at w to refuse a double free */
	uint64_t word = load_relaxed(b->cur);
	if (unlikely(word == 0))
		return false;
	unsigned bit = (unsigned)__builtin_ctzll(word);
	store_relaxed(b->cur, word & (word - 1));
	b->taken++;
	b->count = count + BIN_ONE_MALLOC;
	*ret = b->cur_base + (size_t)bit * b->size;
	return true;
}

/* what heap_free_fast() came to */
enum fast_free {
	FAST_DONE,
	FAST_BELIEVED, /* done as well, on the other level's path */
	FAST_BITS,     /* call heap_free_bits() with slab and slot */
	FAST_OTHER,    /* nothing has changed: call heap_free_other() */
	FAST_SLOW      /* nothing has changed: call heap_free() */
};

/*
 * heap_free_bits -- slot idx, which has been checked, becomes free in its slab,
 * because the LIFO is full; ends the operation.  It is no part of the function
 * before it so that a caller can leave with it and needs no saved registers.
 */
void heap_free_bits(struct heap *h, struct slab *s, size_t idx);

/*
 * heap_free_believed -- heap_free_fast() where nothing is checked but whose
 * slab it is; the level that asks for it pays one comparison to get here
 */
static ALWAYS_INLINE enum fast_free
heap_free_believed(struct heap *h, struct slab *s, void *p,
	struct slab **ret_slab, size_t *ret_idx)
{
	/* the fence keeps this comparison apart from the one that has failed */
	compiler_fence();
	if (unlikely(load_folded(&s->owner) != (uintptr_t)h + OWNER_NONE)) {
		*ret_slab = s;
		return FAST_OTHER;
	}
	struct bin *b = s->bin;
	uint64_t count = b->count;
	size_t n = count & BIN_COUNT_MASK;
	if (unlikely((uint16_t)n >= b->cap)) {
		/* the bits are written only where they can be right */
		uint64_t idx = ((uintptr_t)p - (uintptr_t)s->base) * s->recip;
		idx >>= 32;
		if (idx >= s->nobj || slab_is_free(s, (unsigned)idx))
			return FAST_SLOW;
		*ret_slab = s;
		*ret_idx = idx;
		return FAST_BITS;
	}
	bin_top(b, n)[0] = p;
	b->count = count + 1;
	return FAST_BELIEVED;
}

/*
 * heap_free_fast_sized -- free an object of the heap's own slabs
 * pool  the heap's pool, as the caller has it in a register
 * size  more than this it has not; 0: not known
 * *ret_slab and *ret_idx are for heap_free_bits(), *ret_slab alone, which need
 * not be a slab at all, for heap_free_other().
 */
static ALWAYS_INLINE enum fast_free
heap_free_fast_sized(struct heap *h, void *pool, void *p, size_t size,
	struct slab **ret_slab, size_t *ret_idx)
{
	uintptr_t page = ((uintptr_t)p - (uintptr_t)pool) >> RUN_LG_PAGE;
	if (unlikely(page >= h->npages))
		return FAST_SLOW;
	struct slab *s = (struct slab *)run_map_desc(pool, page);
	if (unlikely(load_folded(&s->owner) != (uintptr_t)h))
		return heap_free_believed(h, s, p, ret_slab, ret_idx);
	uint64_t idx = ((uintptr_t)p - (uintptr_t)s->base) * s->recip;
	if (unlikely((uint32_t)idx >= s->recip))
		return FAST_SLOW;
	idx >>= 32;
	if (unlikely(idx >= s->nobj))
		return FAST_SLOW;
	/* relaxed: the holder reads what only the holder writes */
	if (unlikely(load_relaxed(&s->w[idx / 64]) >> (idx % 64) & 1))
		return FAST_SLOW;
	struct bin *b = s->bin;
	if (unlikely(size > b->size))
		return FAST_SLOW;
	uint64_t count = b->count;
	size_t n = count & BIN_COUNT_MASK;
	void **top = bin_top(b, n);
	/* for n < 2 these are the two words in front, no object's address */
	if (unlikely(top[-1] == p) || unlikely(top[-2] == p))
		return FAST_SLOW;
	if (unlikely((uint16_t)n >= b->cap)) {
		*ret_slab = s;
		*ret_idx = idx;
		return FAST_BITS;
	}
	top[0] = p;
	b->count = count + 1;
	return FAST_DONE;
}

/* heap_free_fast -- the same, of any size */
static ALWAYS_INLINE enum fast_free
heap_free_fast(struct heap *h, void *pool, void *p, struct slab **ret_slab,
	size_t *ret_idx)
{
	return heap_free_fast_sized(h, pool, p, 0, ret_slab, ret_idx);
}

/*
 * heap_free_ended -- what is left of an operation after heap_free_fast() or
 * heap_free_fast_sized(); false when it has to go the slow path
 */
static ALWAYS_INLINE bool
heap_free_ended(enum fast_free f, struct heap *h, struct slab *s, size_t idx)
{
	if (likely(f == FAST_DONE)) {
		thread_busy_end();
		return true;
	}
	if (likely(f == FAST_BELIEVED)) {
		/* a return of its own: one jump less */
		thread_busy_end();
		__asm__ volatile("# believed");
		return true;
	}
	if (likely(f == FAST_BITS)) {
		heap_free_bits(h, s, idx);
		return true;
	}
	return false;
}

/* is_others -- is s, which the page map has led to, a slab of another heap? */
static ALWAYS_INLINE bool
is_others(const struct heap *h, const struct slab *s)
{
	/* relaxed: an object that lives keeps its slab */
	uint64_t owner = load_relaxed(&s->owner);
	return owner >= RUN_NTAGS && owner != h->owner &&
	       (const void *)s != run_desc(h->base, RUN_NO_GRANULE);
}

/*
 * heap_free_other -- go on after FAST_OTHER, with the slab from there
 * size  as heap_free_fast_sized()
 *
 * Checks what heap_free_sized() does, so that every second free is seen at all
 * levels.  One slot in 64 takes the long way, like a slab that nobody has been
 * told of: there it is looked after what is due in the heap and in the pool.
 *
 * Returns whether it is done, and the operation over; else go the slow way.
 */
static ALWAYS_INLINE bool
heap_free_other(struct heap *h, struct slab *s, void *p, size_t size)
{
	if (unlikely(!is_others(h, s)))
		return false;
	uint32_t idx = class_index(s->recip, (uintptr_t)p - (uintptr_t)s->base);
	if (unlikely(idx >= s->nobj) || unlikely(idx % 64 == 0))
		return false;
	if (unlikely(slab_is_free(s, idx)))
		return false;
	if (size != 0 && unlikely(size > h->table->cls[s->cls].size))
		return false;
	/* relaxed: as in slab_free_remote() */
	if (unlikely(load_relaxed(&s->state) == SLAB_FULL))
		return false;
	if (unlikely(!slab_set_remote(s, idx)))
		return false;
	thread_busy_end();
	return true;
}

/* heap_bytes -- of a heap with that table, at a level */
size_t heap_bytes(const struct class_table *t, uint64_t hardening);

/* heap_bin -- the bin of a class; h->table, or the same elsewhere, is t */
static inline struct bin *
heap_bin(struct heap *h, const struct class_table *t, unsigned cls)
{
	return (struct bin *)(void *)((char *)h->bins + t->cls[cls].bin);
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

/* bin_cap -- the slots that the LIFO of a class takes */
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
 * dir_orphan_all -- park every private heap but `keep`, which may be NULL: the
 * threads are gone
 * The pool is frozen, or this is the only thread.
 */
void dir_orphan_all(struct heap_dir *dir, const struct heap *keep);

/*
 * dir_steal -- move a slab of the class with a free slot from a parked heap
 * into h.  Returns whether there was one.  Takes the admin lock.
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
 * Returns NULL when neither the heap, nor parked ones, nor the runs have room.
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

/*
 * heap_age -- give back what the heap has not needed for the decay time; for
 * who has done something slow anyway
 */
static inline void
heap_age(struct heap *h)
{
	/* relaxed: a hint */
	if (unlikely(load_relaxed(&h->runs->period) != h->cache.period))
		cache_decay(h);
}

/* heap_resize_large -- in place; returns false when the room is not there */
bool heap_resize_large(struct heap *h, struct desc *d, size_t npages);

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

/* heap_receive -- take the slabs from the inbox; returns whether any came */
bool heap_receive(struct heap *h);

#endif
