/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * heap_deep.c -- which bins of a heap have a deep LIFO, and what moves there
 */
#include <string.h>

#include "base/arith.h"
#include "base/assert.h"
#include "tcache/heap_deep.h"
#include "tcache/heap_internal.h"

#define SPILLED_MOST 512u /* frees past a full LIFO, about, before that */
#define GAIN         2u   /* times as many slots, or it is not worth it */
#define PULL         128u /* slots that come above the NULL at once */
#define STAY         2u   /* slots that stay there, where a free looks */

uint32_t
deep_most(size_t pool_size, uint64_t hardening)
{
	if (hardening >= HARDENING_EXACT)
		return 0;
	return (uint32_t)min_size(pool_size / DEEP_SHARE, DEEP_MOST);
}

unsigned
deep_cap(const struct size_class *c)
{
	return (unsigned)clamp_size(
		DEEP_BYTES / c->size, c->nlifo, DEEP_SLOTS - 1);
}

struct deep_lifo *
heap_deep(const struct heap *h, uint32_t i)
{
	uintptr_t end = (uintptr_t)h->bins + h->table->bin_bytes;
	return (struct deep_lifo *)align_up(end, RUN_PAGE) + i;
}

/* change -- the bin's LIFO lies elsewhere from now on; NULL: it is its own */
static void
change(const struct heap *h, struct bin *b, void **deep)
{
	const struct size_class *c = &h->table->cls[b->cls];
	void *const *from = bin_lifo(b);
	unsigned n = bin_count(b);
	ASSERT(b->ndeep == 0);
	b->deep = deep;
	b->full = bin_full(b, deep != NULL ? deep_cap(c) : c->nlifo);
	ASSERT(n <= lifo_cap(b));
	memcpy(bin_lifo(b), from, n * sizeof(*from));
	b->top = bin_lifo(b) + n;
	trail_cut(b);
	/* what lies there is of another time */
	bin_start(b)[lifo_cap(b)] = NULL;
	marks_forget(b);
}

/*
 * drop_null -- the slots above the NULL lie behind the oldest n of those below,
 * which are all that stay; lower_all() follows, and cuts the trail
 */
static void
drop_null(struct bin *b, unsigned n)
{
	unsigned above = bin_count(b);
	memmove(b->deep + n, bin_lifo(b), above * sizeof(*b->deep));
	b->ndeep = 0;
	b->top = b->deep + n + above;
	marks_forget(b);
}

/*
 * lower_all -- all but the newest two slots lie below the NULL; there is none
 * before, nor after it where there are no more
 */
static void
lower_all(struct heap *h, struct deep_lifo *d)
{
	struct bin *b = d->bin;
	void **slot = d->slot;
	ASSERT(b->ndeep == 0);
	/* the NULL takes a place */
	if (bin_count(b) == lifo_cap(b)) {
		void *oldest = slot[0];
		memmove(slot, slot + 1, (bin_count(b) - 1) * sizeof(*slot));
		b->top--;
		slot_settle(h, b, oldest);
	}
	unsigned n = bin_count(b);
	unsigned above = (unsigned)min_size(n, STAY);
	b->ndeep = n - above;
	d->low = b->ndeep;
	b->top = bin_lifo(b) + above;
	trail_cut(b);
	if (b->ndeep == 0)
		return;
	slot += b->ndeep;
	memmove(slot + 1, slot, above * sizeof(*slot));
	*slot = NULL;
	b->cur = &h->no_word;
}

/*
 * is_needed -- have more slots than the bin's own LIFO takes come out of the
 * deep one since the last look, or lain in it?
 *
 * What it holds now goes below the NULL, to see what comes up.  If that is
 * little, the place behind as many slots as its own takes is made NULL instead:
 * a slot that comes to lie there is not.  The NULL of a period, or the one that
 * ends a trail, may be put there too, seldom, and then a bin has to ask for its
 * deep LIFO anew.
 */
static bool
is_needed(struct heap *h, struct deep_lifo *d)
{
	struct bin *b = d->bin;
	unsigned own = h->table->cls[b->cls].nlifo;
	bool needed = d->low == 0 ? d->slot[own] != NULL
				  : b->ndeep == 0 || b->ndeep + own < d->low;
	if (b->top > &d->slot[own]) {
		drop_null(b, b->ndeep);
		lower_all(h, d);
	} else {
		d->low = 0;
		d->slot[own] = NULL;
	}
	return needed;
}

/* find -- a deep LIFO that no bin has had, or needs; NULL: none now */
static struct deep_lifo *
find(struct heap *h)
{
	uint32_t most = h->dir->ndeep;
	if (h->ndeep < most)
		return heap_deep(h, h->ndeep++);
	struct deep_lifo *d = heap_deep(h, h->deep_next);
	h->deep_next = (h->deep_next + 1) % most;
	if (is_needed(h, d))
		return NULL;
	bin_flush(h, d->bin);
	change(h, d->bin, NULL);
	return d;
}

void
deep_spilled(struct heap *h, struct bin *b, unsigned n)
{
	const struct size_class *c = &h->table->cls[b->cls];
	if (h->dir->ndeep == 0 || b->deep != NULL ||
		deep_cap(c) < GAIN * c->nlifo)
		return;
	b->nspilled += n;
	if (b->nspilled < SPILLED_MOST)
		return;
	b->nspilled = 0;
	struct deep_lifo *d = find(h);
	if (d == NULL)
		return;
	d->bin = b;
	d->low = 0;
	d->none = NULL;
	change(h, b, d->slot);
}

bool
deep_pull(struct bin *b)
{
	unsigned n = (unsigned)min_size(b->ndeep, PULL);
	if (n == 0)
		return false;
	ASSERT(bin_count(b) == 0);
	b->ndeep -= n;
	void **at = b->deep + b->ndeep;
	/* those at the bottom have none in front of them but the first */
	if (b->ndeep == 0) {
		b->top--;
		return true;
	}
	memmove(at + 1, at, n * sizeof(*at));
	*at = NULL;
	return true;
}

/* decay -- of one that a bin has */
static void
decay(struct heap *h, struct deep_lifo *d)
{
	struct bin *b = d->bin;
	/* out of the LIFO first: with the slot its slab may go, and others */
	for (unsigned i = 0; i < b->ndeep; i++) {
		void *p = d->slot[i];
		d->slot[i] = NULL;
		slot_settle(h, b, p);
	}
	drop_null(b, 0);
	lower_all(h, d);
}

void
deep_decay(struct heap *h)
{
	for (uint32_t i = 0; i < h->ndeep; i++)
		decay(h, heap_deep(h, i));
}

const struct deep_lifo *
deep_of(const struct heap *h, void *const *deep, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		if (deep == heap_deep(h, i)->slot)
			return heap_deep(h, i);
	return NULL;
}

bool
deep_fits(const struct heap *h, const struct bin *b)
{
	const struct size_class *c = &h->table->cls[b->cls];
	if (b->deep == NULL)
		return b->ndeep == 0 &&
		       b->full ==
			       bin_full(b, bin_cap((unsigned)h->hardening, c));
	const struct deep_lifo *d = deep_of(h, b->deep, h->ndeep);
	return d != NULL && d->bin == b && d->none == NULL &&
	       b->full == bin_full(b, deep_cap(c)) && b->ndeep < deep_cap(c) &&
	       (b->ndeep == 0 ||
		       (d->slot[b->ndeep] == NULL && b->cur == &h->no_word));
}
