/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * heap_dir.c -- all heaps of a pool: made, attached, parked, and emptied
 */
#include <string.h>

#include "base/arith.h"
#include "base/assert.h"
#include "tcache/guarded.h"
#include "tcache/heap_deep.h"
#include "tcache/heap_idle.h"
#include "tcache/heap_internal.h"
#include "tcache/heap_sweep.h"

#define FIRST_SLAB_SHARE 1024u /* first slabs: pool / 1024... */
#define FIRST_SLAB_LEAST ((size_t)4 << 10)
#define FIRST_SLAB_MOST  ((size_t)64 << 10)
#define LAST_STEP_HUGE   5u /* later ones are larger, 128 KiB, in pools of... */
#define HUGE_POOL        ((size_t)1 << 30)
#define PRIVATE_SHARE    ((size_t)1 << 20) /* a private heap for each so many */
#define PRIVATE_MOST     ((size_t)4096)
#define STEAL_LOOKS      64u /* parked heaps looked at for a slab at once */
#define STEAL_MOST       16u /* slabs taken from others in one freeze */
#define PARKED_SORTED    64u /* heaps at the list's begin */
#define REST_LOOKS       64u /* heaps looked at for a parked one at once */
#define CACHE_SHARE      64u
#define CACHE_MOST       ((size_t)16 << 20)

/* plain_bytes -- of a heap but for its deep LIFOs */
static size_t
plain_bytes(const struct heap_dir *dir)
{
	bool guarded = dir->hardening == HARDENING_GUARDED;
	return sizeof(struct heap) + dir->table->bin_bytes +
	       (guarded ? sizeof(struct quarantine) : 0);
}

size_t
heap_pages(const struct heap_dir *dir)
{
	return div_up(plain_bytes(dir), RUN_PAGE) +
	       div_up(dir->ndeep * sizeof(struct deep_lifo), RUN_PAGE);
}

bool
dir_has_heap(const struct heap_dir *dir, const struct run_space *rs,
	const struct heap *h)
{
	uintptr_t off = (uintptr_t)h - (uintptr_t)rs->base;
	const struct desc *d = run_lookup(rs, h);
	return d != NULL && off % RUN_PAGE == 0 && d->owner == RUN_HEAP &&
	       run_begins(rs, d, off / RUN_PAGE) &&
	       d->npages >= heap_pages(dir);
}

/* heap_create -- a heap in a run of its own; Locks: admin lock held */
static struct heap *
heap_create(struct heap_dir *dir, enum heap_state state)
{
	size_t npages = heap_pages(dir);
	bool clean;
	struct desc *d =
		run_alloc(dir->runs, npages, 1, RUN_HEAP, RUN_LG_PAGE, &clean);
	if (d == NULL)
		return NULL;
	struct heap *h = (struct heap *)(void *)d->base;
	/* each bin is written to; a deep LIFO not before it is needed */
	backing_touch(d->base, plain_bytes(dir));
	if (!clean)
		memset(h, 0, plain_bytes(dir));
	heap_init(h, dir, d, state);
	h->next = dir->all;
	/* release: who looks without the admin lock finds it whole */
	store_release(&dir->all, h);
	dir->nheaps++;
	return h;
}

/*
 * parked_push -- the oldest in front, unless there are many
 *
 * Threads that end and are followed by others, all at about the same time, then
 * get the heaps in the order in which those before them had got theirs; and
 * with each heap the objects that were left to them.
 */
static void
parked_push(struct heap_dir *dir, struct heap *h)
{
	struct heap **at = &dir->parked;
	for (unsigned n = 0; n < PARKED_SORTED; n++) {
		if (*at == NULL || (*at)->id > h->id)
			break;
		at = &(*at)->next_parked;
	}
	h->state = HEAP_PARKED;
	/* what its thread has not swept is so when all of it is */
	h->sweep = 0;
	h->sweep_at = RUN_NO_GRANULE;
	h->next_parked = *at;
	/* relaxed: the look at the first without the lock is only a hint */
	store_relaxed(at, h);
}

void
dir_layout(struct heap_dir *dir, struct run_space *rs, enum hardening level)
{
	size_t size = (size_t)rs->npages << RUN_LG_PAGE;
	memset(dir, 0, sizeof(*dir));
	dir->runs = rs;
	dir->table = class_table_for(size);
	dir->hardening = level;
	size_t first = clamp_size(
		size / FIRST_SLAB_SHARE, FIRST_SLAB_LEAST, FIRST_SLAB_MOST);
	dir->first_step = lg_floor(first >> RUN_LG_PAGE);
	dir->last_step = size >= HUGE_POOL ? LAST_STEP_HUGE : dir->first_step;
	dir->ndeep = deep_most(size, level);
	dir->max_private =
		(uint32_t)clamp_size(size / PRIVATE_SHARE, 1, PRIVATE_MOST);
	dir->cache_pages =
		(uint32_t)(min_size(size / CACHE_SHARE, CACHE_MOST) >>
			   RUN_LG_PAGE);
}

bool
dir_init(struct heap_dir *dir, struct run_space *rs, enum hardening level)
{
	dir_layout(dir, rs, level);
	/* one heap to begin with, for the first thread that comes */
	struct heap *h = heap_create(dir, HEAP_PARKED);
	if (h == NULL)
		return false;
	parked_push(dir, h);
	return true;
}

bool
dir_reset(struct heap_dir *dir)
{
	dir->shared = dir->all = dir->parked = NULL;
	dir->nheaps = dir->nprivate = 0;
	dir->idle_due = dir->idle_look = 0;
	dir->rest = dir->steal = NULL;
	memset(dir->stray, 0, sizeof(dir->stray));
	struct heap *h = heap_create(dir, HEAP_PARKED);
	if (h == NULL)
		return false;
	parked_push(dir, h);
	return true;
}

struct heap *
dir_shared(struct heap_dir *dir)
{
	/* acquire: pairs with the release below */
	struct heap *h = load_acquire(&dir->shared);
	if (likely(h != NULL))
		return h;
	lock_acquire(&dir->admin, RANK_ADMIN);
	h = dir->shared;
	if (h == NULL) {
		h = heap_create(dir, HEAP_SHARED);
		/* release: who finds it finds it whole */
		store_release(&dir->shared, h);
	}
	lock_release(&dir->admin, RANK_ADMIN);
	return h;
}

struct heap *
dir_attach(struct heap_dir *dir, bool first)
{
	lock_acquire(&dir->admin, RANK_ADMIN);
	struct heap *h = dir->parked;
	if (h != NULL) {
		store_relaxed(&dir->parked, h->next_parked);
		if (dir->steal == h)
			dir->steal = h->next_parked;
		h->next_parked = NULL;
		h->state = HEAP_PRIVATE;
	} else if (dir->nprivate == 0 ||
		   (!first && dir->nprivate < dir->max_private)) {
		h = heap_create(dir, HEAP_PRIVATE);
	}
	if (h != NULL)
		store_relaxed(&dir->nprivate, dir->nprivate + 1);
	lock_release(&dir->admin, RANK_ADMIN);
	return h;
}

/* rest -- as heap_rest(), but with a look at each class only */
static void
rest(struct heap *h)
{
	heap_flush(h);
	for (unsigned c = 0; c < h->table->nclasses; c++) {
		current_drop(h, heap_bin(h, h->table, c));
		bin_release_empty(h, heap_bin(h, h->table, c));
	}
	cache_release(h);
}

void
dir_park(struct heap *h)
{
	struct heap_dir *dir = h->dir;
	rest(h);
	lock_acquire(&dir->admin, RANK_ADMIN);
	store_relaxed(&dir->nprivate, dir->nprivate - 1);
	parked_push(dir, h);
	lock_release(&dir->admin, RANK_ADMIN);
}

void
dir_orphan_all(struct heap_dir *dir, const struct heap *keep)
{
	for (struct heap *h = dir->all; h != NULL; h = h->next) {
		if (h->state != HEAP_PRIVATE || h == keep)
			continue;
		rest(h);
		dir->nprivate--;
		parked_push(dir, h);
	}
}

bool
dir_steal(struct heap *h, unsigned cls)
{
	struct heap_dir *dir = h->dir;
	bool found = false;
	lock_acquire(&dir->admin, RANK_ADMIN);
	struct heap *first = dir->steal != NULL ? dir->steal : dir->parked;
	struct heap *p = first;
	/* of thousands a part each time: others wait for the lock */
	for (unsigned n = 0; p != NULL && n < STEAL_LOOKS; n++) {
		(void)heap_receive(p, RECEIVE_SOME);
		uint32_t g = heap_bin(p, p->table, cls)->avail;
		found = g != RUN_NO_GRANULE;
		if (found) {
			slab_move(p, h, heap_slab(p, g));
			break;
		}
		p = p->next_parked != NULL ? p->next_parked : dir->parked;
		if (p == first)
			break;
	}
	dir->steal = p;
	lock_release(&dir->admin, RANK_ADMIN);
	return found;
}

bool
dir_steal_frozen(struct heap *h, unsigned cls)
{
	unsigned n = 0;
	for (struct heap *p = h->dir->all; p != NULL; p = p->next) {
		if (p == h)
			continue;
		struct bin *b = heap_bin(p, p->table, cls);
		current_drop(p, b);
		/* some at once: each may have a single slot, and freezes cost
		 */
		for (; n < STEAL_MOST && b->avail != RUN_NO_GRANULE; n++)
			slab_move(p, h, heap_slab(p, b->avail));
	}
	return n > 0;
}

static void
relist_one(struct slab *s)
{
	if (s->state != SLAB_FULL || !slab_has_remote(s))
		return;
	store_relaxed(&s->state, SLAB_LISTED);
	avail_push((struct heap *)(uintptr_t)(s->owner & ~OWNER_FLAGS), s);
}

/* relist -- FULL slabs that have bits of which nobody was told: see slab.h */
static void
relist(struct heap_dir *dir)
{
	const struct run_space *rs = dir->runs;
	size_t page = rs->first, n;
	/* the page map of what is free may have no memory yet */
	while ((n = run_next_used(rs, page, &page)) > 0)
		for (size_t end = page + n; page < end;) {
			struct desc *d = run_lookup(
				rs, rs->base + (page << RUN_LG_PAGE));
			page += d == NULL ? 1 : max_size(d->npages, 1);
			if (d != NULL && d->owner >= RUN_NTAGS)
				relist_one((struct slab *)d);
		}
}

void
heap_rest(struct heap *h)
{
	h->nlate += guarded_flush(h);
	heap_flush(h);
	for (unsigned c = 0; c < h->table->nclasses; c++) {
		struct bin *b = heap_bin(h, h->table, c);
		current_drop(h, b);
		sweep_bin(h, b);
		bin_release_empty(h, b);
	}
	cache_release(h);
}

void
dir_rest_parked(struct heap_dir *dir)
{
	lock_acquire(&dir->admin, RANK_ADMIN);
	/* relaxed: to look whether there is one is only a hint */
	if (dir->rest == NULL)
		store_relaxed(&dir->rest, dir->all);
	lock_release(&dir->admin, RANK_ADMIN);
}

/* rest_some -- a part of heap_rest(); returns whether it was the last */
static bool
rest_some(struct heap *h)
{
	if (!sweep_is_due(h)) {
		if (heap_receive(h, RECEIVE_SOME) == RECEIVE_SOME)
			return false;
		h->nlate += guarded_flush(h);
		heap_flush(h);
		cache_release(h);
		sweep_begin(h);
		return false;
	}
	sweep_some(h);
	if (sweep_is_due(h))
		return false;
	for (unsigned c = 0; c < h->table->nclasses; c++)
		bin_release_empty(h, heap_bin(h, h->table, c));
	return true;
}

void
dir_rest_some(struct heap_dir *dir)
{
	lock_acquire(&dir->admin, RANK_ADMIN);
	struct heap *h = dir->rest;
	for (unsigned n = 0; n < REST_LOOKS && h != NULL; n++) {
		if (h->state == HEAP_PARKED) {
			h = rest_some(h) ? h->next : h;
			break;
		}
		h = h->next;
	}
	/* relaxed: as above */
	store_relaxed(&dir->rest, h);
	lock_release(&dir->admin, RANK_ADMIN);
}

static bool
is_bare(const struct heap *h)
{
	for (unsigned c = 0; c < h->table->nclasses; c++)
		if (heap_bin_const(h, h->table, c)->nslabs != 0)
			return false;
	return true;
}

/* inherit -- the counters of a heap that goes away */
static void
inherit(struct heap *to, const struct heap *from)
{
	for (unsigned c = 0; c < to->table->nclasses; c++) {
		struct bin *b = heap_bin(to, to->table, c);
		const struct bin *old = heap_bin_const(from, to->table, c);
		b->nmalloc += old->nmalloc;
		b->nfills += old->nfills;
		b->nflushes += old->nflushes;
		b->nnew += old->nnew;
		b->nreused += old->nreused;
	}
	for (unsigned c = 0; c < LARGE_CLASSES; c++) {
		to->large[c].nmalloc += from->large[c].nmalloc;
		to->large[c].nfree += from->large[c].nfree;
		to->large[c].bytes += from->large[c].bytes;
	}
	to->nlate += from->nlate;
}

/*
 * drop_bare -- give all heaps without slabs back, except `keep`
 *
 * Also such that belong to live threads, which attach anew when they come
 * again: what an idle thread has is not lost to the others.
 */
static void
drop_bare(struct heap_dir *dir, struct heap *keep)
{
	dir->parked = dir->rest = dir->steal = NULL;
	for (struct heap **at = &dir->all; *at != NULL;) {
		struct heap *h = *at;
		if (h != keep && is_bare(h)) {
			if (h->state == HEAP_PRIVATE) {
				thread_heap_moved(dir->runs->base, h, NULL);
				dir->nprivate--;
			}
			if (h->state == HEAP_SHARED)
				dir->shared = NULL;
			inherit(keep, h);
			*at = h->next;
			dir->nheaps--;
			run_free(dir->runs, h->desc);
			continue;
		}
		if (h->state == HEAP_PARKED)
			parked_push(dir, h);
		at = &h->next;
	}
}

/* heap_replace -- `to`, just made, takes the place of `h`, which goes */
static void
heap_replace(struct heap_dir *dir, struct heap *h, struct heap *to)
{
	inherit(to, h);
	to->id = h->id;
	if (h->state == HEAP_PRIVATE)
		thread_heap_moved(dir->runs->base, h, to);
	if (h->state == HEAP_SHARED)
		dir->shared = to;
	struct heap **at = &dir->all;
	while (*at != h)
		at = &(*at)->next;
	*at = h->next;
	dir->nheaps--;
	run_free(dir->runs, h->desc);
	dir->parked = dir->rest = dir->steal = NULL;
	for (struct heap *p = dir->all; p != NULL; p = p->next)
		if (p->state == HEAP_PARKED)
			parked_push(dir, p);
}

struct heap *
dir_settle(struct heap_dir *dir, struct heap *h)
{
	/* the second time when the first place was the lower one after all */
	for (unsigned i = 0; i < 2 && is_bare(h); i++) {
		run_lower_meta(dir->runs);
		struct heap *to = heap_create(dir, (enum heap_state)h->state);
		if (to == NULL)
			break;
		bool lower = to < h;
		heap_replace(dir, h, to);
		run_trim_meta(dir->runs);
		h = to;
		if (lower)
			break;
	}
	return h;
}

void
dir_collect(struct heap_dir *dir, struct heap *keep)
{
	/* first, since it may be other heaps' slabs that it frees slots of */
	for (struct heap *h = dir->all; h != NULL; h = h->next)
		h->nlate += guarded_flush(h);
	relist(dir);
	for (struct heap *h = dir->all; h != NULL; h = h->next)
		heap_rest(h);
	drop_bare(dir, keep);
	run_trim_meta(dir->runs);
	idle_done(dir);
}
