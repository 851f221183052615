/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * heap_refill.c -- where a bin's next slots come from when its LIFO is empty
 *
 * From below the NULL of a deep LIFO, the current slab, a slab on the list, the
 * inbox, another heap that nobody holds, or a new slab, in this order.
 */
#include "base/arith.h"
#include "base/assert.h"
#include "base/probe.h"
#include "tcache/heap_deep.h"
#include "tcache/heap_idle.h"
#include "tcache/heap_internal.h"

/*
 * Where other threads free what lies in the current slab, its bits are on lines
 * that each of them reads and writes.  The slots of so many bits of a word then
 * come into the LIFO at once, a power of two, if that has twice the length. Not
 * elsewhere: there a slot is no more known to be free by its bit, and a second
 * free of it not refused.
 */
#define FILL_MOST  32u
#define FILL_LEAST 8u

/* a slab is worth going on with when so many of its slots have come back */
#define ENOUGH_SHARE 4u

/* current_word -- point the bin at the slab's next word with a free slot */
static bool
current_word(struct bin *b)
{
	struct slab *s = b->slab;
	unsigned i = slab_find(s, 0);
	if (i == slab_nwords(s))
		return false;
	b->cur = &s->w[i];
	b->cur_base = s->base + (size_t)i * 64 * b->size;
	return true;
}

/* current_take -- the first slab of the list becomes the current one */
static void
current_take(struct heap *h, struct bin *b)
{
	struct slab *s = heap_slab(h, b->avail);
	avail_remove(h, s);
	b->slab = s;
	b->nfills++;
	/* what was so in the slabs before is soon forgotten */
	b->fill = b->fill > FILL_LEAST ? b->fill / 2 : 0;
	PROBE4(refill, h->base, b->size, s->base, s->nobj - s->used);
}

/* fill_most -- for the bin's LIFO; 0: it is too short */
static unsigned
fill_most(const struct bin *b)
{
	unsigned n = FILL_MOST;
	while (n * 2 > lifo_cap(b) && n > 0)
		n = n > FILL_LEAST ? n / 2 : 0;
	return n;
}

/* current_collect -- what others freed in the current slab, see FILL_MOST */
static bool
current_collect(struct heap *h, struct bin *b, bool most)
{
	if (heap_collect(h, b->slab, most) == 0)
		return false;
	b->fill = (uint16_t)fill_most(b);
	return true;
}

/*
 * current_next -- a free slot in the bin's current slab, or the next current
 * slab from the list.  Returns false when the bin has none.
 */
static bool
current_next(struct heap *h, struct bin *b)
{
	for (;;) {
		struct slab *s = b->slab;
		if (s != NULL) {
			/* used slots before fresh ones: fewer cache lines */
			if (load_relaxed(b->cur) == 0)
				(void)current_collect(h, b, true);
			if (current_word(b))
				return true;
			if (current_collect(h, b, false) && current_word(b))
				return true;
			(void)current_end(h, b);
			ASSERT(s->used == s->nobj);
			if (!slab_detach(s))
				avail_push(h, s);
		}
		if (b->avail == RUN_NO_GRANULE)
			return false;
		current_take(h, b);
	}
}

/* pop -- the newest slot of the LIFO, which has one */
static void *
pop(struct bin *b)
{
	b->nmalloc++;
	return *--b->top;
}

/* fill_mask -- the bits of a word that are taken with that one */
static uint64_t
fill_mask(const struct bin *b, unsigned bit)
{
	unsigned n = b->fill;
	/* no more than fit in, whatever it says */
	if (n == 0 || n * 2 > lifo_cap(b))
		return 0;
	return ((UINT64_C(1) << n) - 1) << (bit & ~(n - 1));
}

/*
 * take -- the first slot of the bin's current word, which has one; with a bin
 * that says so those behind it come into the LIFO, which is empty, the next one
 * on top
 */
static void *
take(struct bin *b)
{
	uint64_t word = load_relaxed(b->cur);
	ASSERT(word != 0 && bin_count(b) == 0);
	unsigned first = (unsigned)__builtin_ctzll(word);
	uint64_t rest = word & (word - 1) & fill_mask(b, first);
	/* relaxed: others only look at it to refuse a double free */
	store_relaxed(b->cur, word & (word - 1) & ~rest);
	while (rest != 0) {
		unsigned last = 63 - (unsigned)__builtin_clzll(rest);
		rest ^= (uint64_t)1 << last;
		bin_push(b, b->top, b->cur_base + (size_t)last * b->size);
	}
	b->taken = (uint16_t)(b->taken + bin_count(b) + 1);
	b->nmalloc++;
	return b->cur_base + (size_t)first * b->size;
}

/* has_near -- has the bin a slot in its LIFO, or below a NULL there? */
static bool
has_near(struct bin *b)
{
	return bin_count(b) != 0 || deep_pull(b);
}

/* listed -- a slot of the slabs that the heap has; NULL: there is none */
static void *
listed(struct heap *h, struct bin *b)
{
	return load_relaxed(b->cur) != 0 || current_next(h, b) ? take(b) : NULL;
}

void *
heap_alloc_listed(struct heap *h, unsigned cls)
{
	struct bin *b = heap_bin(h, h->table, cls);
	return has_near(b) ? pop(b) : listed(h, b);
}

/* more -- a slab with free slots comes on the bin's list, which has none */
static bool
more(struct heap *h, struct bin *b)
{
	if (heap_receive(h, RECEIVE_SOME) > 0 && b->avail != RUN_NO_GRANULE)
		return true;
	/* relaxed: a look whether the lock is worth taking */
	if (load_relaxed(&h->dir->parked) != NULL && dir_steal(h, b->cls))
		return true;
	return !idle_look(h) && bin_grow(h, b);
}

/*
 * current_change -- another slab instead of the current one, when that is used
 * up and only few of its slots have come back from other threads
 *
 * Who frees them and who allocates would else take the words of that slab from
 * each other with each few objects.  It comes by the inbox when the next slab
 * is looked for, and its slots have the time until then.  A bin whose list is
 * empty gets one slab more for that, and not another one while this one has
 * slots.
 */
static void
current_change(struct heap *h, struct bin *b)
{
	struct slab *s = b->slab;
	if (likely(b->fill == 0) || s == NULL || load_relaxed(b->cur) != 0 ||
		b->taken == 0)
		return;
	if (slab_find(s, 0) < slab_nwords(s))
		return;
	unsigned n = slab_nremote(s);
	if (n == 0 || n >= s->nobj / ENOUGH_SHARE)
		return;
	if (b->avail == RUN_NO_GRANULE && (is_crowded(h->dir) || !more(h, b)))
		return;
	(void)current_end(h, b);
	current_take(h, b);
	/* relaxed: to who frees its slots it is what it was, not FULL */
	store_relaxed(&s->state, SLAB_QUEUED);
	inbox_push(h->base, s);
}

void *
heap_alloc_class(struct heap *h, unsigned cls)
{
	struct bin *b = heap_bin(h, h->table, cls);
	if (has_near(b))
		return pop(b);
	current_change(h, b);
	void *p = listed(h, b);
	if (p != NULL)
		return p;
	while (more(h, b))
		if (current_next(h, b))
			return take(b);
	if (idle_is_due(h))
		return NULL;
	unsigned larger = h->spill[cls];
	p = larger == 0 ? NULL : heap_alloc_listed(h, larger);
	if (p == NULL)
		h->spill[cls] = 0;
	return p;
}
