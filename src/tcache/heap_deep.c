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
#define PULL         128u /* slots that come above the NULL at once */

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
	return (unsigned)clamp_size(DEEP_BYTES / c->size, c->nlifo, DEEP_SLOTS);
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
	memcpy(bin_bottom(b), from, n * sizeof(*from));
	b->top = bin_bottom(b) + n;
}

/*
 * is_needed -- has the bin allocated since the last look, and was more in its
 * deep LIFO than its own takes?
 */
static bool
is_needed(const struct heap *h, struct deep_lifo *d)
{
	struct bin *b = d->bin;
	void **mark = &d->slot[h->table->cls[b->cls].nlifo];
	bool needed = b->nmalloc != d->seen && (b->top > mark || *mark != NULL);
	d->seen = b->nmalloc;
	/* whatever comes to lie there is not NULL */
	if (b->top <= mark)
		*mark = NULL;
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
	if (h->dir->ndeep == 0 || b->deep != NULL)
		return;
	b->nspilled += n;
	if (b->nspilled < SPILLED_MOST)
		return;
	b->nspilled = 0;
	struct deep_lifo *d = find(h);
	if (d == NULL)
		return;
	d->bin = b;
	d->seen = b->nmalloc;
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
decay(struct heap *h, struct bin *b)
{
	unsigned n = bin_count(b), k = b->ndeep;
	void **lifo = bin_bottom(b);
	for (unsigned i = 0; i < k; i++)
		slot_settle(h, b, b->deep[i]);
	/* the NULL takes a place */
	if (n > 0 && n == deep_cap(&h->table->cls[b->cls])) {
		slot_settle(h, b, *lifo++);
		n--;
	}
	memmove(b->deep, lifo, n * sizeof(*lifo));
	b->ndeep = n;
	b->deep[n] = NULL;
	b->top = bin_bottom(b);
	if (n > 0)
		b->cur = &h->no_word;
}

void
deep_decay(struct heap *h)
{
	for (uint32_t i = 0; i < h->ndeep; i++)
		decay(h, heap_deep(h, i)->bin);
}

bool
deep_fits(const struct heap *h, const struct bin *b)
{
	const struct size_class *c = &h->table->cls[b->cls];
	if (b->deep == NULL)
		return b->ndeep == 0 &&
		       b->full ==
			       bin_full(b, bin_cap((unsigned)h->hardening, c));
	for (uint32_t i = 0; i < h->ndeep; i++) {
		const struct deep_lifo *d = heap_deep(h, i);
		if (b->deep == d->slot)
			return d->bin == b && d->none == NULL &&
			       b->full == bin_full(b, deep_cap(c)) &&
			       b->ndeep < deep_cap(c) &&
			       (b->ndeep == 0 ||
				       (d->slot[b->ndeep] == NULL &&
					       b->cur == &h->no_word));
	}
	return false;
}
