/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * sift.c -- keep of a snapshot what holds
 *
 * A pool that is in use while it is copied gives a copy of several moments.
 * Here each run that the page map leads to is compared with what it must be,
 * and taken out of the map when it is not; lists that lead through heaps are
 * made anew; and the counters that heaps keep are made to fit to what is there.
 */
#include <string.h>

#include "base/arith.h"
#include "base/bitmap.h"
#include "inspect/snapshot.h"
#include "tcache/heap_deep.h"

#define PAGE_GRANULES (RUN_PAGE / RUN_GRANULE)

/* what there is, by the descriptors */
struct census {
	struct snapshot *snap;
	struct run_space *rs;
	const struct class_table *table;
	uint64_t hardening;
	struct heap *heaps;                      /* list of those that hold */
	uint64_t nlive[CLASS_MAX];               /* objects, by class */
	struct large_stats large[LARGE_CLASSES]; /* live ones */
	uint32_t nheaps, nprivate;
};

static void
forget(struct census *c, size_t page)
{
	uint64_t *entry = &run_map(c->rs->base)[page];
	/* most are 0 already, and reading takes no memory */
	if (*entry != 0)
		*entry = 0;
}

/*
 * forget_free -- pages from one on that are free, up to another
 * Of the page map only what is next to used pages was copied; between it is 0,
 * and of a large pool that is much to read.
 */
static void
forget_free(struct census *c, size_t from, size_t to)
{
	size_t head = min_size(to, align_up(from, MAP_ENTRIES));
	size_t tail = max_size(head, to - to % MAP_ENTRIES);
	for (size_t page = from; page < head; page++)
		forget(c, page);
	for (size_t page = tail; page < to; page++)
		forget(c, page);
}

/* is_meta -- do descriptors lie in that page? */
static bool
is_meta(const struct census *c, size_t page)
{
	const struct run_space *rs = c->rs;
	const char *at = rs->base + page * RUN_PAGE;
	return page >= rs->first && page < rs->npages &&
	       bitmap_test(rs->tree.used, page + rs->bias) &&
	       (const char *)desc_at(rs, page) == at;
}

/* descriptor -- of the run that begins at a page, if its head holds */
static struct desc *
descriptor(const struct census *c, size_t page)
{
	const struct run_space *rs = c->rs;
	uint32_t g = run_map_granule(rs->base, page);
	struct desc *d = run_desc(rs->base, g);
	size_t at = ((uintptr_t)d - (uintptr_t)rs->base) / RUN_PAGE;
	if (!run_entry_is_well(run_map_entry(rs->base, page)) ||
		!is_meta(c, at))
		return NULL;
	if (!run_begins(rs, d, page) || d->npages == 0 ||
		d->npages > rs->npages - page || d->ngran == 0 ||
		g % PAGE_GRANULES + d->ngran > PAGE_GRANULES)
		return NULL;
	return d;
}

static bool
slab_holds(const struct census *c, const struct slab *s)
{
	if (s->cls >= c->table->nclasses)
		return false;
	const struct size_class *k = &c->table->cls[s->cls];
	unsigned nobj = class_nobj(k, s->npages);
	return nobj != 0 && s->npages <= k->npages[CLASS_NSTEPS - 1] &&
	       (uintptr_t)s->base % RUN_PAGE == class_tail(k, s->npages) &&
	       s->nobj == nobj && s->ngran == slab_granules(nobj) &&
	       s->roff == slab_remote_offset(slab_nwords(s));
}

static void
note_heap(struct census *c, struct heap *h)
{
	h->next = c->heaps;
	h->table = c->table;
	h->lookup = c->table->lookup;
	h->hardening = c->hardening;
	c->heaps = h;
	c->nheaps++;
	c->nprivate += h->state == HEAP_PRIVATE;
}

/* note_run -- count it; false when it does not hold */
static bool
note_run(struct census *c, struct desc *d)
{
	size_t bytes = (size_t)d->npages << RUN_LG_PAGE;
	if (d->owner >= RUN_NTAGS) {
		const struct slab *s = (const struct slab *)d;
		if (!slab_holds(c, s))
			return false;
		c->nlive[s->cls] += slab_live(s);
		return true;
	}
	switch ((enum run_tag)d->owner) {
	case RUN_LARGE:
		c->large[large_class(d->npages)].bytes += bytes;
		c->large[large_class(d->npages)].nmalloc++;
		return true;
	case RUN_CACHED:
		return true;
	case RUN_META:
		return d->npages == 1;
	case RUN_HEAP:
		if (d->npages < heap_pages(&c->snap->pool->dir))
			return false;
		note_heap(c, (struct heap *)(void *)d->base);
		return true;
	default:
		return false;
	}
}

static void
sift_pages(struct census *c)
{
	struct run_space *rs = c->rs;
	rs->nfree = 0;
	for (size_t page = 0; page < rs->first; page++)
		forget(c, page);
	for (size_t page = rs->first; page < rs->npages;) {
		size_t used = next_used(rs, page);
		if (used > page) {
			rs->nfree += (uint32_t)(used - page);
			forget_free(c, page, used);
			page = used;
			continue;
		}
		struct desc *d = descriptor(c, page);
		if (d != NULL && note_run(c, d)) {
			page += d->npages;
			continue;
		}
		/* a page without an entry is the rest of a run left out */
		c->snap->torn += run_map_entry(rs->base, page) != 0;
		forget(c, page++);
	}
}

/*
 * bin_torn -- has the bin more than fits into its LIFO?  Or that of a heap that
 * was being made, where anything may have been before.
 */
static bool
bin_torn(const struct heap *h, const struct bin *b, const struct size_class *k)
{
	if (b->deep == NULL)
		return b->ndeep != 0 || bin_count(b) > k->nlifo;
	unsigned cap = deep_cap(k);
	return deep_of(h, b->deep, h->dir->ndeep) == NULL || b->ndeep >= cap ||
	       bin_count(b) > cap - b->ndeep;
}

/* fit_lifos -- slots in LIFOs look allocated: not more of them than there are
 */
static void
fit_lifos(struct census *c)
{
	for (struct heap *h = c->heaps; h != NULL; h = h->next)
		for (unsigned i = 0; i < c->table->nclasses; i++) {
			struct bin *b = heap_bin(h, c->table, i);
			if (bin_torn(h, b, &c->table->cls[i])) {
				b->deep = NULL;
				b->ndeep = 0;
				b->top = bin_lifo(b);
			}
			uint64_t n = min_size(bin_count(b), c->nlive[i]);
			c->nlive[i] -= n;
			b->ndeep = (uint32_t)min_size(b->ndeep, c->nlive[i]);
			c->nlive[i] -= b->ndeep;
			b->top = bin_lifo(b) + n;
			trail_cut(b);
		}
}

/* may_wait -- can that be an object that waits? */
static bool
may_wait(struct census *c, const void *p)
{
	const char *base = c->rs->base;
	size_t page = ((uintptr_t)p - (uintptr_t)base) >> RUN_LG_PAGE;
	if (page >= c->rs->npages)
		return false;
	uint32_t g = run_map_granule(base, page);
	const struct desc *d = run_desc(base, g);
	if (g == RUN_NO_GRANULE || d->owner < RUN_NTAGS)
		return g != RUN_NO_GRANULE && d->owner == RUN_LARGE &&
		       d->base == p;
	uint64_t *nlive = &c->nlive[((const struct slab *)d)->cls];
	if (*nlive == 0)
		return false;
	--*nlive;
	return true;
}

/* fit_waiting -- what waits looks allocated: not more than there is, either */
static void
fit_waiting(struct census *c)
{
	struct heap *h = c->hardening == HARDENING_GUARDED ? c->heaps : NULL;
	for (; h != NULL; h = h->next) {
		struct quarantine *q = heap_quarantine(h);
		uint32_t n = (uint32_t)min_size(q->n, QUARANTINE_MOST);
		q->first %= QUARANTINE_MOST;
		q->n = 0;
		for (uint32_t i = 0; i < n; i++) {
			void *p = quarantine_at(q, i);
			if (may_wait(c, p))
				q->p[(q->first + q->n++) % QUARANTINE_MOST] = p;
		}
	}
}

/* fit_large -- freed is what was allocated and does not live */
static void
fit_large(struct census *c)
{
	struct large_stats *stray = c->snap->pool->dir.stray;
	for (unsigned i = 0; i < LARGE_CLASSES; i++) {
		struct large_stats sum = stray[i];
		for (struct heap *h = c->heaps; h != NULL; h = h->next) {
			sum.nmalloc += h->large[i].nmalloc;
			sum.nfree += h->large[i].nfree;
			sum.bytes += h->large[i].bytes;
		}
		stray[i].bytes += c->large[i].bytes - sum.bytes;
		stray[i].nfree += sum.nmalloc - c->large[i].nmalloc - sum.nfree;
	}
}

void
snapshot_sift(struct snapshot *snap)
{
	struct pool *pool = snap->pool;
	struct heap_dir *dir = &pool->dir;
	struct heap_dir want;
	struct census c = {.snap = snap,
		.rs = &pool->runs,
		.table = class_table_for(pool->size)};
	unsigned level = dir->hardening < HARDENING_LEVELS ? dir->hardening
							   : HARDENING_DEFAULT;
	dir_layout(&want, &pool->runs, (enum hardening)level);
	dir->table = want.table;
	dir->runs = want.runs;
	dir->hardening = want.hardening;
	c.hardening = want.hardening;
	dir->first_step = want.first_step;
	dir->last_step = want.last_step;
	dir->ndeep = want.ndeep;
	dir->shared = dir->parked = dir->rest = dir->steal = NULL;
	sift_pages(&c);
	dir->all = c.heaps;
	dir->nheaps = c.nheaps;
	dir->nprivate = c.nprivate;
	fit_lifos(&c);
	fit_waiting(&c);
	fit_large(&c);
}
