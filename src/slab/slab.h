/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * slab.h -- runs cut into equal slots, with their bits outside of them
 *
 * A slab belongs to one heap.  Two bitmaps in its descriptor say all there is
 * to know: w has a bit for each slot that is free, and only the heap's holder
 * changes it; r has a bit for each slot that some other thread has freed and
 * the holder has not collected yet.  The slots' memory is never touched.
 *
 * "The holder" of a heap is the thread that owns it, the thread that has
 * locked it, or the thread that has frozen the pool.
 *
 * State, and how a free by another thread is noticed:
 *
 *	LISTED  the bin knows the slab: it is its current one or on its list
 *		of slabs with free slots; the holder will look at r by itself
 *	FULL    the bin has let go of it: no slot was free in w or r
 *	QUEUED  no slot was free in w either, and it is in the inbox of its
 *		heap: the first thread that freed a slot of a FULL one has put
 *		it there, or the holder itself, for a rest
 *
 * Another thread looks at the state first.  If it is FULL it tries to make it
 * QUEUED, then it sets the bit, and last, when it has made it QUEUED, it puts
 * the slab into the inbox.  Once its bit is set it does not touch the slab any
 * more unless it has QUEUED it, because from then on the holder may collect
 * the bit, find the slab empty, and give its descriptor to something else.
 *
 * The price: when the holder lets go of the slab between the look and the bit,
 * the slab is FULL, has a bit, and nobody is told.  The next free of one of its
 * slots mends that, and so does dir_collect(), which looks at all slabs.
 *
 * What is left over of a slab's pages lies in front: slots end where the slab
 * does.  So an offset that is in the slab's pages, and a multiple of the slots'
 * size, is that of a slot, and free need not ask for the number of slots.
 *
 * Invariants: w has no bit at or past nobj; w & r == 0; used == nobj minus the
 * bits of w.  Of a bin's current slab the bin counts the slots taken from w
 * since then, and they come to `used` when it stops to be current: so malloc
 * does not write to the line that other threads read when they free.
 */
#ifndef SLAB_SLAB_H
#define SLAB_SLAB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/atomic.h"
#include "base/compiler.h"
#include "run/run.h"
#include "slab/bin.h"
#include "slab/size_class.h"

enum slab_state { SLAB_LISTED, SLAB_FULL, SLAB_QUEUED, SLAB_NSTATES };

#define SLAB_WORDS (SLAB_MAX_OBJECTS / 64u)

struct slab {
	uint64_t owner;  /* its heap and level; holder; atomic, relaxed */
	char *base;      /* slot 0, behind the tail; while it is a slab */
	uint32_t npages; /* set once */
	uint8_t ngran;   /* set once */
	uint8_t state;   /* slab_state; atomic, see above */
	uint8_t cls;     /* size class; set once */
	uint8_t roff;    /* word of r in the descriptor; set once */
	struct bin *bin; /* its heap's bin of the class; holder */
	uint32_t recip;  /* of the class; set once */
	uint16_t used;   /* slots not free in w; holder */
	uint16_t nobj;   /* slots; set once */
	uint32_t next;   /* LISTED: list; QUEUED: inbox; granule numbers */
	uint32_t prev;   /* LISTED: list */
	uint64_t w[];    /* 1 = free; holder writes, atomic, relaxed */
};

_Static_assert(offsetof(struct slab, w) == 48, "one granule with w[1], r[1]");
_Static_assert(offsetof(struct slab, state) == offsetof(struct desc, owned),
	"the common head");

static inline unsigned
slab_nwords(const struct slab *s)
{
	return (s->nobj + 63u) / 64u;
}

/* slab_remote -- the words of r */
static inline uint64_t *
slab_remote(const struct slab *s)
{
	return (uint64_t *)(uintptr_t)((uintptr_t)s +
				       s->roff * sizeof(uint64_t));
}

/* slab_address -- slot `idx` */
static inline void *
slab_address(const struct slab *s, const struct size_class *c, unsigned idx)
{
	return s->base + (size_t)idx * c->size;
}

/* slab_remote_offset -- where r begins in the descriptor, in words */
unsigned slab_remote_offset(unsigned nwords);

/* slab_granules -- granules of the descriptor of a slab with nobj slots */
unsigned slab_granules(unsigned nobj);

/*
 * slab_init -- a new run becomes a slab whose slots are all free
 * The owner is stored last.  The caller alone knows the run.
 */
void slab_init(struct slab *s, uint64_t owner, struct bin *bin,
	const struct class_table *t, unsigned cls);

/* slab_fini -- an empty slab is a run again, as it came.  Holder. */
void slab_fini(struct slab *s);

/*
 * slab_find -- the first word of w with a free slot, at or after `from`
 * Returns slab_nwords() when there is none.  Holder.
 */
unsigned slab_find(const struct slab *s, unsigned from);

/*
 * slab_collect -- make what other threads have freed free in w
 * slab_collect_most -- the same, only of words most of whose slots they have
 * freed, so that a line that they write to is taken from them seldom
 *
 * A bit that is already free, or whose slot lies in the bin's LIFO, is a
 * double free: it is dropped and counted in *ret_doubled.
 * Returns how many slots have become free.  Holder.
 */
unsigned slab_collect(struct slab *s, unsigned *ret_doubled);
unsigned slab_collect_most(struct slab *s, unsigned *ret_doubled);

/* slab_put -- slot idx, which was not free, is free.  Holder. */
static inline void
slab_put(struct slab *s, unsigned idx)
{
	uint64_t *word = &s->w[idx / 64];
	store_relaxed(word, load_relaxed(word) | (uint64_t)1 << (idx % 64));
	s->used--;
}

/*
 * slab_is_free -- by w alone
 * The word's address is added up in bytes: from an index into w compilers make
 * one instruction more.
 */
static ALWAYS_INLINE bool
slab_is_free(const struct slab *s, size_t idx)
{
	uintptr_t at = (uintptr_t)s + idx / 64 * sizeof(uint64_t);
	const uint64_t *word = (uint64_t *)(at + offsetof(struct slab, w));
	return (load_relaxed(word) >> (idx % 64) & 1) != 0;
}

static inline bool
slab_is_remote(const struct slab *s, unsigned idx)
{
	return (load_relaxed(&slab_remote(s)[idx / 64]) >> (idx % 64) & 1) != 0;
}

/*
 * slab_live_words -- of the slots of each word, a bit for each that has a live
 * object: free in neither w nor r, nor in the bin's LIFO
 * ret  room for SLAB_WORDS words
 * Returns how many there are.  Nobody is inside the pool.
 */
unsigned slab_live_words(const struct slab *s, uint64_t *ret);

/* slab_live -- slots that are free in neither w nor r */
unsigned slab_live(const struct slab *s);

/*
 * slab_detach -- LISTED becomes FULL; Holder, slab off the list
 * Returns false, and the slab is LISTED, when r has bits after all.
 */
bool slab_detach(struct slab *s);

/*
 * slab_attach -- FULL becomes LISTED, because the holder has freed a slot
 * Returns false when another thread has just queued it: it comes by the inbox.
 */
bool slab_attach(struct slab *s);

/*
 * slab_set_remote -- the last step of a free by another thread, which has found
 * slot idx not free in w, and then looked at the state: see above
 * Returns false when it was set already.
 */
static ALWAYS_INLINE bool
slab_set_remote(struct slab *s, size_t idx)
{
	uint64_t bit = (uint64_t)1 << (idx % 64);
	/* release: what the caller did to the slot is over */
	uint64_t old = fetch_or_seq_cst(&slab_remote(s)[idx / 64], bit);
	return (old & bit) == 0;
}

/*
 * slab_free_remote -- free slot idx of a slab that another thread holds
 * Returns false when it was free already.  With *ret_queued the caller must put
 * the slab, QUEUED by this call, into the inbox of its heap, in either case.
 */
bool slab_free_remote(struct slab *s, unsigned idx, bool *ret_queued);

/* slab_has_remote -- has any slot been freed by others and not collected? */
bool slab_has_remote(const struct slab *s);

/* slab_nremote -- how many, about */
unsigned slab_nremote(const struct slab *s);

#endif
