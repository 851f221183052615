/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * heap.c -- small objects: bins, their slabs, and where the next slot is from
 */
#include <errno.h>

#include "base/arith.h"
#include "base/assert.h"
#include "base/misuse.h"
#include "base/probe.h"
#include "tcache/heap_deep.h"
#include "tcache/heap_idle.h"
#include "tcache/heap_internal.h"
#include "tcache/heap_sweep.h"

static uint64_t
owner_bits(uint32_t level)
{
	static const uint64_t bits[HARDENING_LEVELS] = {
		[HARDENING_NONE] = OWNER_NONE,
		[HARDENING_DEFAULT] = 0,
		[HARDENING_EXACT] = OWNER_EXACT,
		[HARDENING_GUARDED] = OWNER_EXACT,
	};
	return bits[level];
}

unsigned
bin_cap(unsigned hardening, const struct size_class *c)
{
	return hardening >= HARDENING_EXACT ? 0 : c->nlifo;
}

void
heap_layout(
	struct heap *h, void *at, const struct heap_dir *dir, struct desc *d)
{
	h->base = dir->runs->base;
	h->lookup = dir->table->lookup;
	h->npages = dir->runs->npages;
	h->hardening = dir->hardening;
	h->owner = (uintptr_t)at | owner_bits(dir->hardening);
	h->table = dir->table;
	h->runs = dir->runs;
	h->dir = (struct heap_dir *)(uintptr_t)dir;
	h->last = ((struct heap *)at)->bins;
	h->desc = d;
}

void
heap_init(struct heap *h, struct heap_dir *dir, struct desc *d,
	enum heap_state state)
{
	heap_layout(h, h, dir, d);
	h->state = state;
	h->id = dir->next_id++;
	for (unsigned c = 0; c < dir->table->nclasses; c++) {
		const struct size_class *k = &dir->table->cls[c];
		struct bin *b = heap_bin(h, dir->table, c);
		b->size = k->size;
		b->full = bin_full(b, bin_cap(dir->hardening, k));
		b->top = bin_lifo(b);
		b->cls = (uint16_t)c;
		b->cur = &h->no_word;
	}
	h->idle_seen = h->nreceived - 1;
}

/*
 * avail_push -- slabs with objects go to the front, empty ones to the end, so
 * that these are used last and can serve another class when room is short
 */
void
avail_push(struct heap *h, struct slab *s)
{
	struct bin *b = s->bin;
	uint32_t g = run_granule(h->base, s);
	bool empty = s->used == 0;
	s->prev = empty ? b->avail_tail : RUN_NO_GRANULE;
	s->next = empty ? RUN_NO_GRANULE : b->avail;
	if (s->prev != RUN_NO_GRANULE)
		heap_slab(h, s->prev)->next = g;
	else
		b->avail = g;
	if (s->next != RUN_NO_GRANULE)
		heap_slab(h, s->next)->prev = g;
	else
		b->avail_tail = g;
	b->nempty += empty;
}

void
avail_remove(struct heap *h, struct slab *s)
{
	struct bin *b = s->bin;
	sweep_pass(h, s, run_granule(h->base, s));
	if (s->prev != RUN_NO_GRANULE)
		heap_slab(h, s->prev)->next = s->next;
	else
		b->avail = s->next;
	if (s->next != RUN_NO_GRANULE)
		heap_slab(h, s->next)->prev = s->prev;
	else
		b->avail_tail = s->prev;
	s->next = s->prev = RUN_NO_GRANULE;
	b->nempty -= s->used == 0;
}

struct slab *
current_end(struct heap *h, struct bin *b)
{
	struct slab *s = b->slab;
	b->slab = NULL;
	b->cur = &h->no_word;
	/* less than none may have been used until now: it wraps back */
	s->used = (uint16_t)(s->used + b->taken);
	b->taken = 0;
	return s;
}

void
current_drop(struct heap *h, struct bin *b)
{
	if (b->slab == NULL)
		return;
	struct slab *s = current_end(h, b);
	if (s->used < s->nobj || !slab_detach(s))
		avail_push(h, s);
}

void
bin_release(struct heap *h, struct slab *s)
{
	avail_remove(h, s);
	bin_drop(h, s);
	s->bin->nslabs--;
	slab_fini(s);
	run_free(h->runs, (struct desc *)s);
}

void
bin_release_empty(struct heap *h, struct bin *b)
{
	while (b->nempty > 0)
		bin_release(h, heap_slab(h, b->avail_tail));
}

void
heap_freed(struct heap *h, struct slab *s)
{
	struct bin *b = s->bin;
	if (load_relaxed(&s->state) != SLAB_LISTED) {
		if (!slab_attach(s))
			return; /* it comes by the inbox */
		avail_push(h, s);
	} else if (s->used == 0 && !slab_is_current(s)) {
		/* it has been listed as one with objects */
		b->nempty++;
		avail_remove(h, s);
		avail_push(h, s);
	}
	if (s->used == 0 && !slab_is_current(s) && bin_has_spare(b))
		bin_release(h, s);
}

/* put -- slot idx becomes free in its slab; returns whether more is to do */
static ALWAYS_INLINE bool
put(struct slab *s, size_t idx)
{
	slab_put(s, (unsigned)idx);
	/* relaxed: only the holder makes a slab LISTED */
	return unlikely(s->used == 0) ||
	       unlikely(load_relaxed(&s->state) != SLAB_LISTED);
}

void
slot_put(struct heap *h, struct slab *s, size_t idx)
{
	if (put(s, idx))
		heap_freed(h, s);
}

/* tend -- what is due goes back, now that the operation is slow anyway */
static ALWAYS_INLINE void
tend(struct heap *h)
{
	heap_age(h);
	/* relaxed: a hint */
	if (unlikely(load_relaxed(&h->runs->due) != 0))
		run_decay(h->runs);
}

/* freed_end -- apart from heap_free_bits(), which then saves no registers */
static NOINLINE void
freed_end(struct heap *h, struct slab *s)
{
	int saved = errno;
	heap_freed(h, s);
	tend(h);
	thread_busy_end();
	errno = saved;
}

/* spilled_end -- likewise */
static NOINLINE void
spilled_end(struct heap *h, const struct slab *s)
{
	int saved = errno;
	deep_spilled(h, s->bin, (unsigned)min_size(s->nobj, 64));
	thread_busy_end();
	errno = saved;
}

void
heap_free_bits(struct heap *h, struct slab *s, size_t idx)
{
	if (put(s, idx))
		freed_end(h, s);
	else if (unlikely(idx % 64 == 0))
		spilled_end(h, s);
	else
		thread_busy_end();
}

void
slot_doubled(struct heap *h, void *p)
{
	h->nlate++;
	PROBE3(misuse, h->base, p, FREE_DOUBLE);
	misuse_late("%p in pool %p: freed twice", p, (void *)h->base);
}

void
slot_settle(struct heap *h, struct bin *b, void *p)
{
	struct slab *s = (struct slab *)run_lookup(h->runs, p);
	/* only the level that believes everything can meet others */
	if (s == NULL || s->owner != h->owner || s->bin != b)
		return;
	uint32_t idx = class_index(s->recip, (uintptr_t)p - (uintptr_t)s->base);
	if (idx >= s->nobj || slab_is_free(s, idx))
		slot_doubled(h, p);
	else
		slot_put(h, s, idx);
}

void
bin_flush(struct heap *h, struct bin *b)
{
	unsigned n = bin_held(b);
	if (n == 0)
		return;
	b->nflushes++;
	PROBE3(flush, h->base, b->size, n);
	do {
		while (bin_count(b) > 0)
			slot_settle(h, b, *--b->top);
	} while (deep_pull(b));
	trail_cut(b);
	marks_forget(b);
}

void
heap_doubled(struct heap *h, unsigned n)
{
	h->nlate += n;
	if (unlikely(n > 0))
		misuse_late("pool %p: an object was freed twice, once by "
			    "another thread",
			(void *)h->base);
}

void
slab_receive(struct heap *h, struct slab *s)
{
	/* relaxed: QUEUED is left by the holder alone */
	store_relaxed(&s->state, SLAB_LISTED);
	(void)heap_collect(h, s, false);
	avail_push(h, s);
}

uint32_t
inbox_take(struct heap *h)
{
	/* acquire: pairs with the release of who put the slabs there */
	return exchange_acquire(&h->inbox, RUN_NO_GRANULE);
}

/*
 * inbox_return -- slabs that were taken, behind those that have come meanwhile
 * Only the holder takes any, so an empty inbox has no end to be found.
 */
static void
inbox_return(struct heap *h, uint32_t g)
{
	uint32_t head = RUN_NO_GRANULE;
	/* release: as in inbox_push() */
	while (!cas_weak_release(&h->inbox, &head, g)) {
		if (head == RUN_NO_GRANULE)
			continue;
		head = inbox_take(h);
		struct slab *s = heap_slab(h, head);
		while (s->next != RUN_NO_GRANULE)
			s = heap_slab(h, s->next);
		s->next = g;
		g = head;
		head = RUN_NO_GRANULE;
	}
}

unsigned
heap_receive(struct heap *h, unsigned most)
{
	unsigned n = 0;
	if (load_relaxed(&h->inbox) == RUN_NO_GRANULE)
		return 0;
	uint32_t g = inbox_take(h);
	/* relaxed: a hint for others */
	store_relaxed(&h->nreceived, h->nreceived + 1);
	for (; g != RUN_NO_GRANULE && n < most; n++) {
		struct slab *s = heap_slab(h, g);
		g = s->next;
		slab_receive(h, s);
		struct bin *b = s->bin;
		if (s->used == 0 && bin_has_spare(b))
			bin_release(h, s);
	}
	if (unlikely(g != RUN_NO_GRANULE))
		inbox_return(h, g);
	return n;
}

void
heap_flush(struct heap *h)
{
	(void)heap_receive(h, RECEIVE_ALL);
	for (unsigned c = 0; c < h->table->nclasses; c++)
		bin_flush(h, heap_bin(h, h->table, c));
}

void
slab_move(struct heap *from, struct heap *to, struct slab *s)
{
	struct bin *old = s->bin;
	/* a heap that slabs are taken from has been flushed */
	ASSERT(bin_held(old) == 0);
	trail_cut(old);
	avail_remove(from, s);
	old->nslabs--;
	s->bin = heap_bin(to, to->table, s->cls);
	/* relaxed: to whom neither heap belongs it is a stranger's either way
	 */
	store_relaxed(&s->owner, to->owner);
	s->bin->nslabs++;
	s->bin->nreused++;
	avail_push(to, s);
}

void *
heap_alloc_any(struct heap *h, size_t size)
{
	bool clean;
	void *p = NULL;
	if (h == &heap_inert || size > PTRDIFF_MAX || idle_is_due(h))
		return NULL;
	if (size <= SLAB_MAX)
		p = heap_alloc_class(h, class_of(h->table, size));
	else
		p = heap_alloc_large(
			h, div_up(size, RUN_PAGE), RUN_LG_PAGE, &clean);
	tend(h);
	return p;
}

bool
heap_free_any(struct heap *h, void *p, size_t size)
{
	if (h == &heap_inert)
		return false;
	bool done = heap_free_sized(h, p, size) == FREE_DONE;
	tend(h);
	return done;
}
