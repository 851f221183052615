/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * heap_drop.c -- what a slab that goes leaves in its bin's LIFO
 *
 * A slot in the LIFO counts as used, so an empty slab has none there, unless
 * one was freed once more when it lay in the LIFO, and went into the bits.  If
 * it stayed there when its slab's pages become something else, it would be
 * given out as an object: a heap or descriptors, perhaps.  So it is taken out.
 *
 * Where nobody frees twice that look is for nothing.  A deep LIFO would take
 * longer to read than many a slab to release.  So there the bin marks of which
 * slabs it holds slots, in the place of its own LIFO, which it has no use for.
 * Each malloc takes one slot at most, and all else adds at the end: by the
 * mallocs since the marks were made it is known how many of the oldest slots
 * are what they were.  Who changes these calls marks_forget().
 */
#include <string.h>

#include "base/arith.h"
#include "tcache/heap_internal.h"

struct marks {
	uint64_t nmalloc; /* of the bin, when they were made */
	uint32_t n;       /* slots that the LIFO held then */
	uint32_t nset;    /* marks made since there were none */
	uint64_t word[];  /* a bit stands for all slabs that come to it */
};

#define MARKS_HEAD  (sizeof(struct marks) / sizeof(void *))
#define MARKS_STALE 2u /* times as many as slots: they are made anew */

_Static_assert(BIN_LIFO_LEAST > MARKS_HEAD, "a word for the marks at least");

static inline struct marks *
marks_of(struct bin *b)
{
	return (struct marks *)(void *)(b + 1);
}

/* nwords -- a power of two, as many as there is room for */
static unsigned
nwords(const struct heap *h, const struct bin *b)
{
	return 1u << lg_floor(h->table->cls[b->cls].nlifo - MARKS_HEAD);
}

void
marks_forget(struct bin *b)
{
	if (b->deep != NULL)
		marks_of(b)->n = 0;
}

/* mark -- the slabs of the slots from the i-th on */
static void
mark(const struct heap *h, struct bin *b, struct marks *m, unsigned i)
{
	unsigned n = bin_held(b), last = nwords(h, b) * 64 - 1;
	if (m->nset + (n - i) > MARKS_STALE * n)
		i = 0;
	if (i == 0) {
		memset(m->word, 0, nwords(h, b) * sizeof(m->word[0]));
		m->nset = 0;
	}
	m->nset += n - i;
	for (; i < n; i++) {
		uintptr_t off =
			(uintptr_t)bin_held_at(b, i) - (uintptr_t)h->base;
		/* while a period ends there are NULLs */
		if (off >> RUN_LG_PAGE >= h->npages)
			continue;
		uint32_t g = run_map_granule(h->base, off >> RUN_LG_PAGE);
		g &= last;
		m->word[g / 64] |= (uint64_t)1 << (g % 64);
	}
}

/* may_hold -- false: the bin's LIFO, a deep one, has no slot of the slab */
static bool
may_hold(const struct heap *h, struct bin *b, const struct slab *s)
{
	struct marks *m = marks_of(b);
	unsigned n = bin_held(b);
	uint64_t taken = b->nmalloc - m->nmalloc;
	unsigned same = taken < m->n ? m->n - (unsigned)taken : 0;
	if (same < n)
		mark(h, b, m, same);
	m->nmalloc = b->nmalloc;
	m->n = n;
	uint32_t g = run_granule(h->base, s) & (nwords(h, b) * 64 - 1);
	return (m->word[g / 64] >> (g % 64) & 1) != 0;
}

/* lies_in -- is p a slot of s?  Its pages begin in front of its first slot. */
static inline bool
lies_in(const struct slab *s, const void *p)
{
	uintptr_t off = (uintptr_t)p - (uintptr_t)s->base;
	return off < (size_t)s->nobj * s->bin->size;
}

/* any -- does one of these lie in the slab? */
static bool
any(const struct slab *s, void *const *at, void *const *end)
{
	for (; at < end; at++)
		if (unlikely(lies_in(s, *at)))
			return true;
	return false;
}

/* keep -- of these those that do not lie in the slab, in order, from `to` on */
static void **
keep(struct heap *h, const struct slab *s, void **to, void *const *at,
	void *const *end)
{
	for (; at < end; at++) {
		void *p = *at;
		if (lies_in(s, p))
			slot_doubled(h, p);
		else
			*to++ = p;
	}
	return to;
}

void
bin_drop(struct heap *h, const struct slab *s)
{
	struct bin *b = s->bin;
	trail_cut(b);
	if (b->deep != NULL && likely(!may_hold(h, b, s)))
		return;
	void **start = bin_start(b);
	if (likely(!any(s, start, b->top)))
		return;
	void **lifo = bin_lifo(b), **low = start + b->ndeep;
	void **to = keep(h, s, start, start, low);
	b->ndeep = (uint32_t)(to - start);
	if (b->ndeep != 0)
		*to = NULL;
	b->top = keep(h, s, bin_lifo(b), lifo, b->top);
	trail_cut(b);
	marks_forget(b);
}
