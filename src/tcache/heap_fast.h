/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * heap_fast.h -- malloc and free as most calls go: inlined, without a lock,
 * and without a look at anything that another thread writes
 *
 * All functions need the heap's holder.
 */
#ifndef TCACHE_HEAP_FAST_H
#define TCACHE_HEAP_FAST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/atomic.h"
#include "base/compiler.h"
#include "tcache/heap.h"
#include "tcache/thread.h"

/*
 * heap_malloc_at -- from the LIFO of the bin that stands there in the table, or
 * from its current word, unless slots of that come into the LIFO at once;
 * returns false when there is none
 */
static ALWAYS_INLINE bool
heap_malloc_at(struct heap *h, size_t at, void **ret)
{
	struct bin *b = heap_bin_at(h, h->lookup[at]);
	void **top = b->top;
	void *p = top[-1];
	if (likely(p != NULL)) {
		b->top = top - 1;
		b->nmalloc++;
		h->last = b;
		*ret = p;
		return true;
	}
	/* relaxed: others only look at w to refuse a double free */
	uint64_t word = load_relaxed(b->cur);
	if (unlikely(word == 0) || unlikely(b->fill != 0))
		return false;
	unsigned bit = (unsigned)__builtin_ctzll(word);
	store_relaxed(b->cur, word & (word - 1));
	b->taken++;
	b->nmalloc++;
	*ret = b->cur_base + (size_t)bit * b->size;
	return true;
}

/* heap_malloc_fast -- the same, of a size up to SLAB_LOOKUP_MAX */
static ALWAYS_INLINE bool
heap_malloc_fast(struct heap *h, size_t size, void **ret)
{
	return heap_malloc_at(h, lookup_small(size), ret);
}

/* heap_malloc_above -- of a size above that, to SLAB_MAX; false: of any other
 */
static ALWAYS_INLINE bool
heap_malloc_above(struct heap *h, size_t size, void **ret)
{
	return size > SLAB_LOOKUP_MAX && size <= SLAB_MAX &&
	       heap_malloc_at(h, lookup_above(size), ret);
}

/*
 * heap_free_last -- free p if it comes first in the trail of the bin that was
 * allocated from last, and is no larger than `size` says: see bin.h
 *
 * Its slot has only to come back below the top.  That it is one of this heap's,
 * and lives, needs no look, as the trail has it.
 */
static ALWAYS_INLINE bool
heap_free_last(struct heap *h, const void *p, size_t size)
{
	struct bin *b = h->last;
	void **top = b->top;
	if (*top != p || unlikely(p == NULL) || unlikely(size > b->size))
		return false;
	b->top = top + 1;
	return true;
}

/* what heap_free_fast() came to */
enum fast_free {
	FAST_DONE,
	FAST_BELIEVED, /* done as well, with fewer looks */
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
heap_free_believed(struct heap *h, struct slab *s, struct bin *b, void *p,
	struct slab **ret_slab, size_t *ret_idx)
{
	/* the fence keeps this comparison apart from the one that has failed */
	compiler_fence();
	if (unlikely(load_folded(&s->owner) != (uintptr_t)h + OWNER_NONE)) {
		*ret_slab = s;
		return FAST_OTHER;
	}
	void **top = b->top;
	if (unlikely(bin_is_full(b, top))) {
		/* the bits are written only where they can be right */
		uint64_t idx = ((uintptr_t)p - (uintptr_t)s->base) * s->recip;
		idx >>= 32;
		if (idx >= s->nobj || slab_is_free(s, idx))
			return FAST_SLOW;
		*ret_slab = s;
		*ret_idx = idx;
		return FAST_BITS;
	}
	bin_push(b, top, p);
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
	if (heap_free_last(h, p, size))
		return FAST_BELIEVED;
	uintptr_t page = ((uintptr_t)p - (uintptr_t)pool) >> RUN_LG_PAGE;
	if (unlikely(page >= h->npages))
		return FAST_SLOW;
	/* what the slab says of its bin would come one load later */
	struct bin *b = heap_bin_at(h, run_map_note(pool, page));
	struct slab *s = (struct slab *)run_map_desc(pool, page);
	if (unlikely(load_folded(&s->owner) != (uintptr_t)h))
		return heap_free_believed(h, s, b, p, ret_slab, ret_idx);
	uint64_t idx = ((uintptr_t)p - (uintptr_t)s->base) * s->recip;
	if (unlikely((uint32_t)idx >= s->recip))
		return FAST_SLOW;
	/* p is in one of the slab's pages, so there is such a slot */
	idx >>= 32;
	/* relaxed: the holder reads what only the holder writes */
	if (unlikely(slab_is_free(s, idx)))
		return FAST_SLOW;
	if (unlikely(size > b->size))
		return FAST_SLOW;
	void **top = b->top;
	/* with fewer than two these are the words in front, see there */
	if (unlikely(top[-1] == p) || unlikely(top[-2] == p))
		return FAST_SLOW;
	if (unlikely(bin_is_full(b, top))) {
		*ret_slab = s;
		*ret_idx = idx;
		return FAST_BITS;
	}
	bin_push(b, top, p);
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

/* is_slab -- is s, which the page map has led to, a slab? */
static ALWAYS_INLINE bool
is_slab(const struct heap *h, const struct slab *s, uint64_t owner)
{
	return owner >= RUN_NTAGS &&
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
 * The heap's own slabs come here from the level that has no LIFO.  At the
 * others the fast path has met them, or, in a guarded pool, nothing but
 * heap_inert.
 *
 * Returns whether it is done, and the operation over; else go the slow way.
 */
static ALWAYS_INLINE bool
heap_free_other(struct heap *h, struct slab *s, void *p, size_t size)
{
	/* relaxed: an object that lives keeps its slab */
	uint64_t owner = load_relaxed(&s->owner);
	if (unlikely(!is_slab(h, s, owner)))
		return false;
	uint32_t idx = class_index(s->recip, (uintptr_t)p - (uintptr_t)s->base);
	if (unlikely(idx >= s->nobj) || unlikely(idx % 64 == 0))
		return false;
	if (unlikely(slab_is_free(s, idx)))
		return false;
	if (unlikely(size > h->table->cls[s->cls].size))
		return false;
	if (owner == h->owner) {
		if (unlikely(slab_is_remote(s, idx)))
			return false;
		heap_free_bits(h, s, idx);
		return true;
	}
	/* relaxed: as in slab_free_remote() */
	if (unlikely(load_relaxed(&s->state) == SLAB_FULL))
		return false;
	if (unlikely(!slab_set_remote(s, idx)))
		return false;
	thread_busy_end();
	return true;
}

#endif
