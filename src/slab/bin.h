/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * bin.h -- all slabs of one size class in one heap
 *
 * In front a LIFO of slots that were freed last; then the current word of the
 * current slab, then a list of slabs with free slots.  A slot in the LIFO is
 * not free in its slab's bits.  Only the heap's holder uses a bin.
 *
 * Few bins have a deep LIFO elsewhere, see heap_deep.h.  There a NULL may lie
 * between older slots, which nothing has needed for a while, and newer ones.
 * The fast path takes it for the LIFO's beginning, and so do the functions here
 * that do not say otherwise.
 *
 * The trail.  What malloc takes out of the LIFO stands behind the top until
 * something else is put there.  Up to the first NULL these are objects that
 * live, the newest first: who frees that one need only raise the top.  So
 * whatever else comes into the LIFO has a NULL behind it, and so has the LIFO's
 * last place; and the trail is cut where an object in it may become free by
 * another way, or the slab of one the slab of another bin.
 */
#ifndef SLAB_BIN_H
#define SLAB_BIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"
#include "slab/size_class.h"

struct slab;

/* its own LIFO lies right behind, with one place more than the class says */
struct bin {
	uint64_t nfills;     /* times that another slab became current */
	uint64_t nflushes;   /* times that the LIFO was emptied into the bits */
	uint64_t nnew;       /* slabs made */
	uint64_t nreused;    /* slabs taken from the list or from other heaps */
	void **deep;         /* its deep LIFO; NULL: it has its own */
	uint64_t nspilled;   /* frees past its own LIFO, about; a hint */
	uint32_t avail;      /* list of slabs with free slots: granules */
	uint32_t avail_tail; /* its end, where the empty ones are */
	uint32_t nslabs;     /* slabs of this bin, FULL and QUEUED ones too */
	uint32_t nempty;     /* slabs on the list with used == 0 */
	uint64_t nmalloc;    /* objects ever allocated */
	void **top;          /* behind the newest slot of the LIFO */
	uint32_t size;       /* bytes of a slot; set once */
	uint16_t full;       /* where the LIFO ends: bin_full() */
	uint16_t cls;        /* size class; set once */
	uint16_t taken;      /* slots of the current slab, see slab.h */
	uint16_t fill;     /* slots that come into the LIFO at once; 0: none */
	uint32_t ndeep;    /* slots below the NULL in the deep LIFO */
	char *cur_base;    /* slot of bit 0 of *cur */
	struct slab *slab; /* current slab; NULL: none */
	/*
	 * The two words in front of the LIFO are no object's address that
	 * lives, so that a look at the last two entries needs no look at how
	 * many there are, and the last of them says that there is none.
	 */
	uint64_t *cur; /* current word of its w; never NULL */
	void *none;    /* always NULL */
};

_Static_assert(sizeof(struct bin) == BIN_HEAD, "the classes' places count so");
_Static_assert(
	offsetof(struct bin, nmalloc) == 64, "all that is hot in a line");

/* bin_start -- where the LIFO lies, the bin's own or the deep one */
static inline void **
bin_start(const struct bin *b)
{
	return b->deep != NULL ? b->deep : (void **)(uintptr_t)(b + 1);
}

/*
 * bin_lifo -- the slots that were freed last, the newest at the end; behind the
 * NULL, if there is one
 */
static inline void **
bin_lifo(const struct bin *b)
{
	return bin_start(b) + b->ndeep + (b->ndeep != 0);
}

/*
 * bin_places -- of the LIFO, up to an address with these lower 16 bits: some
 * thousands, whatever they are
 */
static inline unsigned
bin_places(const struct bin *b, uint16_t end)
{
	uint16_t low = (uint16_t)(uintptr_t)bin_lifo(b);
	return (uint16_t)(end - low) / (unsigned)sizeof(void *);
}

/* bin_count -- slots in the LIFO */
static inline unsigned
bin_count(const struct bin *b)
{
	return bin_places(b, (uint16_t)(uintptr_t)b->top);
}

/*
 * bin_full -- what bin.full is where the LIFO ends with its n-th place: the
 * lower 16 bits of the address behind it, which no other place has
 */
static inline uint16_t
bin_full(const struct bin *b, unsigned n)
{
	return (uint16_t)(uintptr_t)(bin_start(b) + n);
}

/* trail_cut -- there is no trail */
static inline void
trail_cut(struct bin *b)
{
	*b->top = NULL;
}

/* bin_push -- a slot comes into the LIFO, which is not full, and has that top
 */
static ALWAYS_INLINE void
bin_push(struct bin *b, void **top, void *p)
{
	top[0] = p;
	top[1] = NULL;
	b->top = top + 1;
}

/* lifo_cap -- slots that the LIFO takes */
static inline unsigned
lifo_cap(const struct bin *b)
{
	return bin_places(b, b->full);
}

/* bin_is_full -- does the LIFO, whose top is that, take no more? */
static ALWAYS_INLINE bool
bin_is_full(const struct bin *b, void *const *top)
{
	return (uint16_t)(uintptr_t)top == b->full;
}

/* bin_held -- slots in the LIFO, those below the NULL too */
static inline unsigned
bin_held(const struct bin *b)
{
	return bin_count(b) + b->ndeep;
}

/* bin_held_at -- the i-th of them, the oldest first */
static inline void *
bin_held_at(const struct bin *b, unsigned i)
{
	return i < b->ndeep ? b->deep[i] : bin_lifo(b)[i - b->ndeep];
}

#endif
