/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * heap_deep.c -- which bins of a heap have a deep LIFO, and what moves there
 */
#include <string.h>

#include "base/arith.h"
#include "base/assert.h"
#include "tcache/heap_deep.h"
#include "tcache/heap_internal.h"

/* frees past a full LIFO, about, before there is a deep one */
#define SPILLED_MOST 512u

/*
 * How many slots stay when the LIFO is full: the last two, where a free looks
 * at them.  Three quarters of its length come when it is empty, so that as many
 * frees as a quarter come before slots move again.
 */
#define STAY 2u

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

/* limit -- of a bin with fewer slots in its deep LIFO a whole LIFO fits in */
static unsigned
limit(const struct size_class *c)
{
	return deep_cap(c) - (c->nlifo - STAY) + 1;
}

struct deep_lifo *
heap_deep(const struct heap *h, uint32_t i)
{
	uintptr_t end = (uintptr_t)h->bins + h->table->bin_bytes;
	return (struct deep_lifo *)align_up(end, RUN_PAGE) + i;
}

/* take_away -- the bin gets no deep LIFO any more */
static void
take_away(struct heap *h, struct bin *b)
{
	bin_flush(h, b);
	b->deep = NULL;
	b->deep_limit = 0;
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
	struct bin *b = d->bin;
	if (b->deep_moves != d->seen) {
		d->seen = b->deep_moves;
		return NULL;
	}
	take_away(h, b);
	return d;
}

void
deep_spilled(struct heap *h, struct bin *b, unsigned n)
{
	if (h->dir->ndeep == 0 || b->deep != NULL)
		return;
	b->nspilled = (uint16_t)(b->nspilled + n);
	if (b->nspilled < SPILLED_MOST)
		return;
	b->nspilled = 0;
	struct deep_lifo *d = find(h);
	if (d == NULL)
		return;
	d->bin = b;
	d->seen = b->deep_moves;
	b->deep = d->slot;
	b->deep_low = 0;
	b->deep_limit = (uint16_t)limit(&h->table->cls[b->cls]);
}

void
deep_push(struct heap *h, struct bin *b, void *p)
{
	unsigned n = bin_count(b);
	ASSERT(n == lifo_cap(b) && n > STAY && b->ndeep < b->deep_limit);
	unsigned go = n - STAY;
	void **lifo = bin_lifo(b);
	memcpy(b->deep + b->ndeep, lifo, go * sizeof(*lifo));
	for (unsigned i = 0; i < STAY; i++)
		lifo[i] = lifo[go + i];
	lifo[STAY] = p;
	b->top -= go - 1;
	b->ndeep = (uint16_t)(b->ndeep + go);
	b->deep_moves++;
	b->cur = &h->no_word;
}

bool
deep_pull(struct bin *b)
{
	unsigned n = (unsigned)min_size(b->ndeep, lifo_cap(b) * 3u / 4u);
	if (n == 0)
		return false;
	b->ndeep = (uint16_t)(b->ndeep - n);
	b->deep_low = (uint16_t)min_size(b->deep_low, b->ndeep);
	b->deep_moves++;
	memcpy(bin_lifo(b), b->deep + b->ndeep, n * sizeof(*b->deep));
	b->top += n;
	return true;
}

void
deep_decay(struct heap *h)
{
	for (uint32_t i = 0; i < h->ndeep; i++) {
		struct bin *b = heap_deep(h, i)->bin;
		unsigned n = (unsigned)min_size(b->deep_low, b->ndeep);
		for (unsigned k = 0; k < n; k++)
			slot_settle(h, b, b->deep[k]);
		b->ndeep = (uint16_t)(b->ndeep - n);
		memmove(b->deep, b->deep + n, b->ndeep * sizeof(*b->deep));
		b->deep_low = b->ndeep;
	}
}

bool
deep_fits(const struct heap *h, const struct bin *b)
{
	const struct size_class *c = &h->table->cls[b->cls];
	if (b->deep == NULL)
		return b->deep_limit == 0 && b->ndeep == 0;
	for (uint32_t i = 0; i < h->ndeep; i++) {
		const struct deep_lifo *d = heap_deep(h, i);
		if (b->deep == d->slot)
			return d->bin == b && b->ndeep <= deep_cap(c) &&
			       b->deep_limit == limit(c) &&
			       (b->ndeep == 0 || b->cur == &h->no_word);
	}
	return false;
}
