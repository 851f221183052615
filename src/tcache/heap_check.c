/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * heap_check.c -- verify the heaps, bins and slabs of a frozen pool
 *
 * Every member of a list is checked to be where it must be, and is noted, so
 * that a list cannot be endless or hold anything twice; in the end the members
 * found by the lists are as many as those found by the page map.
 */
#include <string.h>

#include "base/findings.h"
#include "base/sort.h"
#include "tcache/guarded.h"
#include "tcache/heap_deep.h"
#include "tcache/heap_internal.h"

/* what one walk over all heaps and one over all descriptors must agree on */
struct tally {
	const struct run_check *c;
	const struct heap_dir *dir;
	uint64_t slabs, slabs_said;   /* slabs */
	uint64_t listed, listed_said; /* slabs of which the bin knows */
	uint64_t queued, queued_said; /* slabs in inboxes */
	uint64_t empty, empty_said;   /* listed slabs without objects */
	uint64_t cached_said;         /* runs in the run caches */
	uint64_t nprivate, nparked, nshared, nheaps;
	/* of each class, what the descriptors show and what was counted */
	uint64_t live[CLASS_MAX], nmalloc[CLASS_MAX];
	struct large_stats large[LARGE_CLASSES], large_said[LARGE_CLASSES];
	size_t limit; /* more members than a list can have */
};

/* is_heap -- does a heap's own run begin at that address? */
static bool
is_heap(const struct tally *t, uintptr_t at)
{
	const struct run_space *rs = t->c->rs;
	uintptr_t off = at - (uintptr_t)rs->base;
	if (off % RUN_PAGE != 0 || off / RUN_PAGE >= rs->npages)
		return false;
	const struct desc *d =
		run_check_head(t->c, run_map_granule(rs->base, off / RUN_PAGE));
	return d != NULL && d->owner == RUN_HEAP && (uintptr_t)d->base == at &&
	       d->npages >= heap_pages(t->dir);
}

static unsigned
granule_of(const struct tally *t, const void *d)
{
	return run_granule(t->c->rs->base, d);
}

/* slab_head -- the slab whose descriptor begins at a granule, or NULL */
static struct slab *
slab_head(const struct tally *t, uint32_t g)
{
	struct desc *d = run_check_head(t->c, g);
	return d != NULL && d->owner >= RUN_NTAGS ? (struct slab *)d : NULL;
}

/* check_geometry -- what slab_init() has set once; before its words are read */
static bool
check_geometry(const struct tally *t, const struct slab *s)
{
	struct findings *f = t->c->f;
	const struct class_table *table = t->dir->table;
	const struct run_space *rs = t->c->rs;
	unsigned g = granule_of(t, s);
	uintptr_t at = (uintptr_t)(s->owner & ~OWNER_FLAGS);
	const struct heap *h = (const struct heap *)at;
	if (!is_heap(t, at) || s->owner != h->owner)
		return finding(f, "slab %u: owner", g);
	if (s->cls >= table->nclasses ||
		s->bin != heap_bin_const(h, table, s->cls))
		return finding(f, "slab %u: class or bin", g);
	const struct size_class *k = &table->cls[s->cls];
	unsigned nobj = class_nobj(k, s->npages);
	if (nobj == 0 || s->npages > k->npages[CLASS_NSTEPS - 1] ||
		s->nobj != nobj || s->recip != k->recip ||
		(uintptr_t)s->base % RUN_PAGE != class_tail(k, s->npages) ||
		s->ngran != slab_granules(nobj) ||
		s->roff != slab_remote_offset(slab_nwords(s)) ||
		s->state >= SLAB_NSTATES ||
		run_map_note(rs->base, run_page(rs, s->base)) != k->bin)
		return finding(f, "slab %u: geometry", g);
	return true;
}

/* count_large -- a large object */
static void
count_large(struct tally *t, const struct desc *d)
{
	struct large_stats *k = &t->large[large_class(d->npages)];
	k->nmalloc++;
	k->bytes += (uint64_t)d->npages << RUN_LG_PAGE;
}

static void
check_desc(void *arg, struct desc *d)
{
	struct tally *t = arg;
	if (d->owner == RUN_LARGE)
		count_large(t, d);
	if (d->owner < RUN_NTAGS)
		return;
	const struct slab *s = (const struct slab *)d;
	if (!check_geometry(t, s))
		return;
	const uint64_t *r = slab_remote(s);
	unsigned nfree = 0, nremote = 0;
	bool twice = false;
	for (unsigned i = 0; i < slab_nwords(s); i++) {
		unsigned left = s->nobj - i * 64;
		uint64_t beyond = left >= 64 ? 0 : ~UINT64_C(0) << left;
		twice |= (s->w[i] & r[i]) != 0 ||
			 ((s->w[i] | r[i]) & beyond) != 0;
		nfree += (unsigned)__builtin_popcountll(s->w[i]);
		nremote += (unsigned)__builtin_popcountll(r[i]);
	}
	bool current = s->bin->slab == s;
	unsigned taken = current ? s->bin->taken : 0u;
	/* of a current slab either may have wrapped */
	if (twice || (uint16_t)(s->used + taken) != s->nobj - nfree)
		(void)finding(t->c->f, "slab %u: bits", granule_of(t, s));
	t->live[s->cls] += s->nobj - nfree - nremote;
	t->slabs++;
	t->listed += s->state == SLAB_LISTED;
	t->queued += s->state == SLAB_QUEUED;
	t->empty += s->state == SLAB_LISTED && s->used == 0 && !current;
}

/* is_taken -- is that a slot of the bin's slabs that is not free there? Whether
 * another thread has freed it, *remote says. */
static bool
is_taken(const struct tally *t, const struct heap *h, const struct bin *b,
	uintptr_t p, bool *remote)
{
	size_t page = (p - (uintptr_t)h->base) >> RUN_LG_PAGE;
	const struct slab *s =
		page < h->npages ? slab_head(t, run_map_granule(h->base, page))
				 : NULL;
	if (s == NULL || s->bin != b || s->cls != b->cls ||
		!check_geometry(t, s))
		return false;
	uint32_t idx = class_index(s->recip, p - (uintptr_t)s->base);
	if (idx >= s->nobj || slab_is_free(s, idx))
		return false;
	*remote = slab_is_remote(s, idx);
	return true;
}

static uint64_t
held_key(const void *bin, uint32_t i)
{
	return (uintptr_t)bin_held_at(bin, i);
}

/* trail_len -- how many objects stand behind the top */
static uint32_t
trail_len(const struct bin *b)
{
	uint32_t n = bin_count(b), cap = lifo_cap(b), i = n;
	while (i < cap && bin_lifo(b)[i] != NULL)
		i++;
	return i - n;
}

/*
 * check_lifo -- slots of live slabs of this bin, allocated, none twice, nor in
 * the trail, whose objects may have been freed by other threads
 */
static void
check_lifo(const struct tally *t, const struct heap *h, const struct bin *b)
{
	uint32_t sorted[DEEP_SLOTS];
	uintptr_t bytes = (uintptr_t)b->top - (uintptr_t)bin_lifo(b);
	if (bytes % sizeof(void *) != 0 ||
		bytes / sizeof(void *) > lifo_cap(b) || b->none != NULL ||
		bin_lifo(b)[lifo_cap(b)] != NULL) {
		(void)finding(t->c->f, "heap %u, bin %u: ends of the LIFO",
			h->id, b->cls);
		return;
	}
	uint32_t nheld = bin_held(b), n = nheld + trail_len(b);
	for (uint32_t i = 0; i < n; i++)
		sorted[i] = i;
	sort_largest_first(sorted, n, held_key, b);
	for (uint32_t i = 0; i < n; i++) {
		uintptr_t p = held_key(b, sorted[i]);
		bool remote;
		bool well = is_taken(t, h, b, p, &remote) &&
			    (!remote || sorted[i] >= nheld);
		if (!well || (i > 0 && p == held_key(b, sorted[i - 1])))
			(void)finding(t->c->f, "heap %u, bin %u: LIFO's %u",
				h->id, b->cls, sorted[i]);
	}
}

static void
check_current(struct tally *t, const struct heap *h, const struct bin *b)
{
	struct findings *f = t->c->f;
	const struct slab *s = b->slab;
	if (s == NULL) {
		if (b->cur != &h->no_word || b->taken != 0)
			(void)finding(f, "heap %u, bin %u: current word", h->id,
				b->cls);
		return;
	}
	uintptr_t off = (uintptr_t)s - (uintptr_t)h->base - RUN_HEADER_OFF;
	size_t size = (size_t)h->npages << RUN_LG_PAGE;
	bool good = off % RUN_GRANULE == 0 && off < size &&
		    slab_head(t, (uint32_t)(off >> RUN_LG_GRANULE)) == s &&
		    check_geometry(t, s) && s->bin == b &&
		    s->state == SLAB_LISTED;
	uintptr_t word = good ? (uintptr_t)b->cur - (uintptr_t)s->w : 0;
	/* a slab that has just become current has no current word yet */
	bool idle = b->cur == &h->no_word;
	if (good && !idle)
		good = word % sizeof(uint64_t) == 0 &&
		       word / sizeof(uint64_t) < slab_nwords(s) &&
		       b->cur_base == s->base + word * 8 * b->size;
	if (!good)
		(void)finding(
			f, "heap %u, bin %u: current slab", h->id, b->cls);
	t->listed_said++;
}

static void
check_avail(struct tally *t, const struct heap *h, const struct bin *b)
{
	uint32_t prev = RUN_NO_GRANULE, g = b->avail;
	uint32_t empty = 0;
	size_t n = 0;
	for (; g != RUN_NO_GRANULE; n++) {
		const struct slab *s = slab_head(t, g);
		if (n > t->limit || s == NULL || s->bin != b || s == b->slab ||
			s->prev != prev || s->state != SLAB_LISTED ||
			(empty > 0 && s->used != 0)) {
			(void)finding(t->c->f, "heap %u, bin %u: list at %u",
				h->id, b->cls, g);
			return;
		}
		empty += s->used == 0;
		prev = g;
		g = s->next;
	}
	t->listed_said += n;
	if (empty != b->nempty || b->avail_tail != prev)
		(void)finding(
			t->c->f, "heap %u, bin %u: empty slabs", h->id, b->cls);
}

/* check_sweep -- it goes on at a slab on the list of its bin */
static void
check_sweep(const struct tally *t, const struct heap *h)
{
	if (h->sweep_at == RUN_NO_GRANULE &&
		h->sweep <= t->dir->table->nclasses)
		return;
	const struct slab *s = slab_head(t, h->sweep_at);
	if (s == NULL || h->sweep >= t->dir->table->nclasses ||
		s->bin != heap_bin_const(h, t->dir->table, h->sweep) ||
		s->state != SLAB_LISTED || s == s->bin->slab)
		(void)finding(t->c->f, "heap %u: place of the sweep", h->id);
}

static void
check_inbox(struct tally *t, const struct heap *h)
{
	uint32_t g = load_acquire(&h->inbox);
	size_t n = 0;
	for (; g != RUN_NO_GRANULE; n++) {
		const struct slab *s = slab_head(t, g);
		if (n > t->limit || s == NULL || s->owner != h->owner ||
			s->state != SLAB_QUEUED) {
			(void)finding(
				t->c->f, "heap %u: inbox at %u", h->id, g);
			return;
		}
		g = s->next;
	}
	t->queued_said += n;
}

/* check_bin -- returns whether it has a deep LIFO */
static bool
check_bin(struct tally *t, const struct heap *h, unsigned cls)
{
	const struct bin *b = heap_bin_const(h, t->dir->table, cls);
	if (b->cls != cls || b->size != t->dir->table->cls[cls].size ||
		!deep_fits(h, b)) {
		(void)finding(t->c->f, "heap %u, bin %u: geometry", h->id, cls);
		return false;
	}
	check_lifo(t, h, b);
	check_current(t, h, b);
	check_avail(t, h, b);
	t->nmalloc[cls] += b->nmalloc;
	t->live[cls] -= bin_held(b);
	t->slabs_said += b->nslabs;
	t->empty_said += b->nempty;
	return b->deep != NULL;
}

/* count_said -- what a heap, or the directory, has counted */
static void
count_said(struct tally *t, const struct large_stats *large)
{
	for (unsigned c = 0; c < LARGE_CLASSES; c++) {
		t->large_said[c].nmalloc += large[c].nmalloc - large[c].nfree;
		t->large_said[c].bytes += large[c].bytes;
	}
}

/* check_spill -- the hints lead to larger classes that fit */
static void
check_spill(const struct tally *t, const struct heap *h)
{
	const struct class_table *table = t->dir->table;
	for (unsigned c = 0; c < table->nclasses; c++) {
		unsigned to = h->spill[c];
		if (to != 0 &&
			(to <= c || to >= table->nclasses ||
				table->cls[to].size % table->cls[c].size != 0))
			(void)finding(
				t->c->f, "heap %u, bin %u: spill", h->id, c);
	}
}

static void
check_heap(struct tally *t, const struct heap *h)
{
	struct heap want;
	memset(&want, 0, sizeof(want));
	struct desc *d = run_check_head(
		t->c, run_map_granule(t->c->rs->base, run_page(t->c->rs, h)));
	heap_layout(&want, (void *)(uintptr_t)h, t->dir, d);
	want.last = h->last;
	if (memcmp(h, &want, offsetof(struct heap, inbox)) != 0 ||
		h->no_word != 0 || h->state >= HEAP_NSTATES ||
		h->ndeep > t->dir->ndeep ||
		(h->deep_next != 0 && h->deep_next >= h->ndeep) ||
		h->id >= t->dir->next_id) {
		(void)finding(
			t->c->f, "heap at page %u", run_page(t->c->rs, h));
		return;
	}
	unsigned ndeep = 0;
	bool last = false;
	for (unsigned c = 0; c < t->dir->table->nclasses; c++) {
		ndeep += check_bin(t, h, c);
		last |= heap_bin_const(h, t->dir->table, c) == h->last;
	}
	if (!last)
		(void)finding(t->c->f, "heap %u: bin used last", h->id);
	/* each knows one bin, and as many bins know one */
	if (ndeep != h->ndeep)
		(void)finding(t->c->f, "heap %u: deep LIFOs", h->id);
	check_inbox(t, h);
	check_sweep(t, h);
	t->cached_said += cache_check(t->c, h);
	if (h->hardening == HARDENING_GUARDED)
		quarantine_check(t->c, h);
	check_spill(t, h);
	count_said(t, h->large);
	t->nprivate += h->state == HEAP_PRIVATE;
	t->nparked += h->state == HEAP_PARKED;
	t->nshared += h->state == HEAP_SHARED;
	if ((h->state == HEAP_SHARED) != (h == t->dir->shared))
		(void)finding(t->c->f, "heap %u: state", h->id);
}

/* check_parked -- the list of parked heaps */
static void
check_parked(const struct tally *t)
{
	const struct heap *h = t->dir->parked;
	uint64_t n = 0;
	for (; h != NULL && n <= t->nparked; n++) {
		if (!is_heap(t, (uintptr_t)h) || h->state != HEAP_PARKED) {
			(void)finding(t->c->f, "list of parked heaps");
			return;
		}
		h = h->next_parked;
	}
	if (n != t->nparked)
		(void)finding(t->c->f, "length of the list of parked heaps");
}

/* check_totals -- what was counted fits what is there */
static void
check_totals(struct tally *t)
{
	for (unsigned c = 0; c < t->dir->table->nclasses; c++)
		if (t->live[c] > t->nmalloc[c])
			(void)finding(t->c->f,
				"class %u: more objects than were allocated",
				c);
	count_said(t, t->dir->stray);
	for (unsigned c = 0; c < LARGE_CLASSES; c++)
		if (t->large[c].nmalloc != t->large_said[c].nmalloc ||
			t->large[c].bytes != t->large_said[c].bytes)
			(void)finding(
				t->c->f, "large class %u: count of objects", c);
}

void
dir_check(const struct run_check *c, const struct heap_dir *dir,
	unsigned hardening)
{
	struct heap_dir want;
	struct tally t = {.c = c, .dir = dir, .limit = c->rs->npages};
	dir_layout(&want, (struct run_space *)(uintptr_t)c->rs,
		(enum hardening)hardening);
	if (dir->runs != want.runs || dir->table != want.table ||
		dir->hardening != want.hardening ||
		dir->first_step != want.first_step ||
		dir->last_step != want.last_step || dir->ndeep != want.ndeep ||
		dir->cache_pages != want.cache_pages ||
		dir->max_private != want.max_private) {
		(void)finding(c->f, "header: geometry of the heaps");
		return;
	}
	if (dir->admin.word != 0 || dir->shared_lock.word != 0)
		(void)finding(c->f, "lock of the heaps is held");
	run_check_each(c, check_desc, &t);
	for (const struct heap *h = dir->all; h != NULL; h = h->next) {
		if (t.nheaps >= c->nheaps || !is_heap(&t, (uintptr_t)h)) {
			(void)finding(c->f, "list of heaps");
			return;
		}
		t.nheaps++;
		check_heap(&t, h);
	}
	check_parked(&t);
	if (dir->rest != NULL && !is_heap(&t, (uintptr_t)dir->rest))
		(void)finding(c->f, "header: heap that is put to rest");
	if (dir->steal != NULL && !is_heap(&t, (uintptr_t)dir->steal))
		(void)finding(c->f, "header: heap that is looked at next");
	if (t.nshared != (dir->shared != NULL))
		(void)finding(c->f, "header: shared heap");
	if (t.nheaps != c->nheaps || t.nheaps != dir->nheaps ||
		t.nprivate != dir->nprivate || t.nprivate > dir->max_private)
		(void)finding(c->f, "count of heaps");
	if (t.slabs != t.slabs_said || t.listed != t.listed_said ||
		t.queued != t.queued_said || t.empty != t.empty_said)
		(void)finding(c->f, "count of slabs");
	if (t.cached_said != c->ncached)
		(void)finding(c->f, "count of cached runs");
	check_totals(&t);
}
