/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * heap_free.c -- every free that is not the fast path's
 *
 * Own objects that the fast path would not take, objects in other heaps' slabs,
 * large ones, and what is no object at all.
 */
#include "base/assert.h"
#include "tcache/heap_internal.h"

/*
 * in_lifo -- does the bin's LIFO hold that slot?  A deep one is not searched to
 * its end: that would take longer than most of what asks.
 */
static bool
in_lifo(const struct bin *b, const void *p)
{
	unsigned n = bin_held(b);
	for (unsigned i = 0; i < n && i < BIN_LIFO_LONG; i++)
		if (bin_held_at(b, n - 1 - i) == p)
			return true;
	return false;
}

/* slot_of -- which slot starts at p, or UINT32_MAX */
static uint32_t
slot_of(const struct slab *s, const void *p)
{
	uint32_t idx = class_index(s->recip, (uintptr_t)p - (uintptr_t)s->base);
	return idx < s->nobj ? idx : UINT32_MAX;
}

/* free_own -- a slot of a slab of this heap */
static enum free_result
free_own(struct heap *h, struct slab *s, void *p, uint32_t idx, size_t size)
{
	struct bin *b = s->bin;
	if (slab_is_free(s, idx) || slab_is_remote(s, idx) || in_lifo(b, p))
		return FREE_DOUBLE;
	if (size > b->size)
		return FREE_SIZE;
	if (!bin_is_full(b, b->top)) {
		bin_push(b, b->top, p);
		return FREE_DONE;
	}
	slot_put(h, s, idx);
	return FREE_DONE;
}

void
inbox_push(const char *base, struct slab *s)
{
	/* relaxed: owner was read after the exchange that QUEUED it */
	struct heap *to = (struct heap *)(uintptr_t)(load_relaxed(&s->owner) &
						     ~OWNER_FLAGS);
	uint32_t g = run_granule(base, s);
	uint32_t head = load_relaxed(&to->inbox);
	do {
		s->next = head;
		/* release: pairs with the acquire in inbox_take() */
	} while (!cas_weak_release(&to->inbox, &head, g));
}

static enum free_result
free_remote(
	const struct heap_dir *dir, struct slab *s, uint32_t idx, size_t size)
{
	bool queued;
	/* its bin may be changing, its class cannot */
	if (size > dir->table->cls[s->cls].size && !slab_is_free(s, idx) &&
		!slab_is_remote(s, idx))
		return FREE_SIZE;
	bool fresh = slab_free_remote(s, idx, &queued);
	if (queued)
		inbox_push(dir->runs->base, s);
	return fresh ? FREE_DONE : FREE_DOUBLE;
}

enum free_result
heap_free_sized(struct heap *h, void *p, size_t size)
{
	uintptr_t page = ((uintptr_t)p - (uintptr_t)h->base) >> RUN_LG_PAGE;
	if (page >= h->npages)
		return FREE_FOREIGN;
	struct desc *d = run_lookup(h->runs, p);
	if (d == NULL)
		return FREE_INVALID;
	if (h->hardening == HARDENING_NONE)
		size = 0;
	uint64_t owner = load_relaxed(&d->owner);
	if (owner < RUN_NTAGS)
		return large_free(h, d, p, size);
	struct slab *s = (struct slab *)d;
	uint32_t idx = slot_of(s, p);
	if (idx == UINT32_MAX)
		return FREE_INVALID;
	if (owner == h->owner)
		return free_own(h, s, p, idx, size);
	return free_remote(h->dir, s, idx, size);
}

enum free_result
dir_free_stray(struct heap_dir *dir, void *p, size_t size)
{
	const struct run_space *rs = dir->runs;
	uintptr_t page = ((uintptr_t)p - (uintptr_t)rs->base) >> RUN_LG_PAGE;
	if (page >= rs->npages)
		return FREE_FOREIGN;
	struct desc *d = run_lookup(rs, p);
	if (d == NULL)
		return FREE_INVALID;
	if (dir->hardening == HARDENING_NONE)
		size = 0;
	if (load_relaxed(&d->owner) < RUN_NTAGS)
		return large_free_stray(dir, d, p, size);
	struct slab *s = (struct slab *)d;
	uint32_t idx = slot_of(s, p);
	return idx == UINT32_MAX ? FREE_INVALID
				 : free_remote(dir, s, idx, size);
}

static struct object
find_slot(const struct class_table *t, struct slab *s, void *p)
{
	struct object o = {FREE_INVALID, (struct desc *)s, 0, false, 0};
	uint32_t idx = slot_of(s, p);
	if (idx == UINT32_MAX)
		return o;
	o.idx = idx;
	o.usable = t->cls[s->cls].size;
	bool gone = slab_is_free(s, idx) || slab_is_remote(s, idx);
	o.what = gone ? FREE_DOUBLE : FREE_DONE;
	return o;
}

struct object
dir_find(const struct heap_dir *dir, void *p)
{
	struct object o = {FREE_FOREIGN, NULL, 0, false, 0};
	const struct run_space *rs = dir->runs;
	uintptr_t page = ((uintptr_t)p - (uintptr_t)rs->base) >> RUN_LG_PAGE;
	if (page >= rs->npages)
		return o;
	o.what = FREE_INVALID;
	struct desc *d = run_lookup(rs, p);
	if (d == NULL)
		return o;
	uint64_t owner = load_relaxed(&d->owner);
	if (owner >= RUN_NTAGS)
		return find_slot(dir->table, (struct slab *)d, p);
	if (owner == RUN_CACHED && p == d->base)
		o.what = FREE_DOUBLE;
	if (owner == RUN_LARGE && p == d->base) {
		o.what = FREE_DONE;
		o.desc = d;
		o.large = true;
		o.usable = (size_t)d->npages << RUN_LG_PAGE;
	}
	return o;
}

struct object
heap_find(const struct heap *h, void *p)
{
	struct object o = {FREE_FOREIGN, NULL, 0, false, 0};
	/* heap_inert has no page, nor anything else */
	if (((uintptr_t)p - (uintptr_t)h->base) >> RUN_LG_PAGE >= h->npages)
		return o;
	o = dir_find(h->dir, p);
	if (o.what != FREE_DONE || o.large)
		return o;
	const struct slab *s = (const struct slab *)o.desc;
	if (load_relaxed(&s->owner) == h->owner && in_lifo(s->bin, p))
		o.what = FREE_DOUBLE;
	return o;
}
