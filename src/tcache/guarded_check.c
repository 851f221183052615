/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * guarded_check.c -- verify edges, seals and filled bytes, and what waits
 *
 * The objects are looked at when all else has been found sound, since their
 * bounds follow from it.
 */
#include "base/arith.h"
#include "tcache/guarded.h"
#include "tcache/heap_internal.h"
#include "tcache/seal.h"
#include "tcache/tcache.h"

/* what waits: how many, and the sum of their addresses */
struct waiting {
	size_t n;
	uintptr_t sum;
};

static void
note_waiting(struct waiting *w, const void *p)
{
	w->n++;
	w->sum += (uintptr_t)p;
}

/*
 * place -- where an object lies that the heap's pool has at p: the heap may be
 * one of a copy, and `base` is the pool's
 */
static char *
place(const struct heap *h, const void *base, const void *p)
{
	return (char *)(uintptr_t)base + ((const char *)p - h->base);
}

/* check_end -- of a slot, or of a large object, that is in use or not */
static void
check_end(void *p, size_t usable, bool used, struct findings *f,
	struct waiting *w)
{
	size_t asked = 0, end = usable - sizeof(uint64_t);
	if (guarded_is_away(p, usable))
		return;
	enum seal_state state = seal_of(p, usable, &asked, NULL);
	const char *bytes = p;
	bool fits = used ? state == SEAL_LIVE || state == SEAL_FREED
			 : state == SEAL_NEW || state == SEAL_EMPTIED;
	if (!fits)
		(void)finding(f, "object %p: its end is overwritten", p);
	else if (state == SEAL_LIVE &&
		 !bytes_are(bytes + asked, SEAL_EDGE_BYTE, end - asked))
		(void)finding(f,
			"object %p: written behind its end, at %zu bytes", p,
			asked);
	else if ((state == SEAL_FREED || state == SEAL_EMPTIED) &&
		 !bytes_are(p, SEAL_FILL_BYTE, end))
		(void)finding(f, "object %p: written after it was freed", p);
	if (state == SEAL_FREED)
		note_waiting(w, p);
}

/* check_run -- all objects in a run */
static void
check_run(const struct heap *h, const void *base, const struct desc *d,
	struct findings *f, struct waiting *w)
{
	if (d->owner == RUN_LARGE)
		check_end(place(h, base, d->base),
			(size_t)d->npages << RUN_LG_PAGE, true, f, w);
	if (d->owner < RUN_NTAGS)
		return;
	const struct slab *s = (const struct slab *)d;
	const struct size_class *c = &h->table->cls[s->cls];
	/* the smallest slots have no room for a seal */
	if (c->size < GUARDED_EXTRA)
		return;
	size_t n;
	const char *front = place(h, base, seal_front(s, c, &n));
	if (!guarded_is_away(front, n) && !bytes_are(front, SEAL_EDGE_BYTE, n))
		(void)finding(f, "object %p: written before its beginning",
			(void *)place(h, base, s->base));
	for (unsigned i = 0; i < s->nobj; i++)
		check_end(place(h, base, slab_address(s, c, i)), c->size,
			!slab_is_free(s, i) && !slab_is_remote(s, i), f, w);
}

/* count_waiting -- in all rings, those whose seals say so too */
static struct waiting
count_waiting(const struct heap_dir *dir, const void *base)
{
	struct waiting w = {0, 0};
	size_t asked;
	for (const struct heap *h = dir->all; h != NULL; h = h->next) {
		const struct quarantine *q = heap_quarantine(h);
		for (uint32_t i = 0; i < q->n; i++) {
			void *p = quarantine_at(q, i);
			struct object o = heap_find(h, p);
			p = place(h, base, p);
			if (o.what != FREE_DONE || guarded_is_away(p, o.usable))
				continue;
			if (seal_of(p, o.usable, &asked, NULL) == SEAL_FREED)
				note_waiting(&w, p);
		}
	}
	return w;
}

void
guarded_check(const struct heap *h, const void *base, struct findings *f)
{
	const struct run_space *rs = h->runs;
	struct waiting found = {0, 0}, kept;
	size_t page = rs->first, n;
	while ((n = run_next_used(rs, page, &page)) > 0)
		for (size_t end = page + n; page < end;) {
			const struct desc *d = run_lookup(
				rs, rs->base + (page << RUN_LG_PAGE));
			if (d != NULL)
				check_run(h, base, d, f, &found);
			page += d == NULL ? 1 : max_size(d->npages, 1);
		}
	kept = count_waiting(h->dir, base);
	if (found.n != kept.n || found.sum != kept.sum)
		(void)finding(f, "%zu freed objects wait, and others are kept",
			found.n);
}

/* waits -- usable bytes of what may wait at p, 0: nothing may */
static size_t
waits(const struct run_check *c, const struct heap *h, const void *p)
{
	uintptr_t off = (uintptr_t)p - (uintptr_t)h->base;
	if (off >> RUN_LG_PAGE >= h->npages)
		return 0;
	const struct desc *d =
		run_check_head(c, run_map_granule(h->base, off >> RUN_LG_PAGE));
	if (d == NULL)
		return 0;
	if (d->owner == RUN_LARGE)
		return d->base == p ? (size_t)d->npages << RUN_LG_PAGE : 0;
	const struct slab *s = (const struct slab *)d;
	if (d->owner < RUN_NTAGS || s->cls >= h->table->nclasses)
		return 0;
	const struct size_class *k = &h->table->cls[s->cls];
	/* what leads to its bits, before they are read */
	if (s->nobj != class_nobj(k, s->npages) ||
		(uintptr_t)s->base % RUN_PAGE != class_tail(k, s->npages) ||
		s->roff != slab_remote_offset(slab_nwords(s)))
		return 0;
	uint32_t idx = class_index(k->recip, (uintptr_t)p - (uintptr_t)s->base);
	if (idx >= s->nobj || slab_is_free(s, idx) || slab_is_remote(s, idx))
		return 0;
	return k->size;
}

void
quarantine_check(const struct run_check *c, const struct heap *h)
{
	const struct quarantine *q = heap_quarantine(h);
	uint64_t bytes = 0;
	bool good = q->n <= QUARANTINE_MOST && q->first < QUARANTINE_MOST;
	for (uint32_t i = 0; good && i < q->n; i++) {
		size_t usable = waits(c, h, quarantine_at(q, i));
		good = usable != 0;
		bytes += usable;
	}
	if (!good || bytes != q->bytes)
		(void)finding(c->f, "heap %u: objects that wait", h->id);
}
