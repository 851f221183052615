/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * pool_stats.c -- the figures of one pool, read while it is frozen
 *
 * Next to nothing is counted as it happens: what is live follows from the bits
 * of the slabs, and what was freed from what was allocated and what is live.
 */
#include "pool/pool_stats.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/arith.h"
#include "base/error.h"
#include "base/guard.h"
#include "base/log.h"
#include "base/os.h"

void
print_flush(struct printer *p)
{
	if (p->n > 0)
		log_print(p->text);
	p->n = 0;
}

void
print(struct printer *p, const char *fmt, ...)
{
	/* a line is far shorter than half of the buffer */
	if (p->n > sizeof(p->text) / 2)
		print_flush(p);
	va_list ap;
	va_start(ap, fmt);
	int n = vsnprintf(p->text + p->n, sizeof(p->text) - p->n, fmt, ap);
	va_end(ap);
	if (n > 0)
		p->n += (size_t)n;
}

/* of one class, ever: what is more was read of no heap */
#define COUNT_MOST (UINT64_C(1) << 56)

/* class_of_slab -- NULL: another process is about to change it */
static struct class_stats *
class_of_slab(struct pool_stats *s, const struct desc *d)
{
	/* relaxed: once */
	unsigned cls = load_relaxed(&((const struct slab *)d)->cls);
	return cls < s->nclasses ? &s->cls[cls] : NULL;
}

/* read_quarantine -- what waits looks allocated, too */
static void
read_quarantine(
	struct pool_stats *s, const struct pool *pool, const struct heap *h)
{
	const struct quarantine *q = quarantine_in(h, pool->dir.table);
	for (uint32_t i = 0; i < q->n && i < QUARANTINE_MOST; i++) {
		const struct desc *d =
			run_lookup(&pool->runs, quarantine_at(q, i));
		if (d == NULL)
			continue;
		/* once; 0: another process has just freed it */
		size_t npages = load_relaxed(&d->npages);
		size_t bytes = npages << RUN_LG_PAGE;
		if (d->owner >= RUN_NTAGS) {
			struct class_stats *to = class_of_slab(s, d);
			if (to != NULL)
				to->nlive--;
		} else if (d->owner == RUN_LARGE && npages != 0) {
			struct large_stats *k = &s->large[large_class(npages)];
			k->nfree++;
			k->bytes -= bytes;
			s->large_bytes -= bytes;
			s->cached += bytes;
		}
	}
}

static void
read_heap(struct pool_stats *s, const struct pool *pool, const struct heap *h)
{
	for (unsigned c = 0; c < s->nclasses; c++) {
		const struct bin *b = heap_bin_const(h, pool->dir.table, c);
		struct class_stats *to = &s->cls[c];
		to->nmalloc += b->nmalloc;
		/* slots in the LIFOs look allocated in their slabs */
		to->nlive -= bin_held(b);
		to->nslabs += b->nslabs;
		to->nfills += b->nfills;
		to->nflushes += b->nflushes;
		to->nnew += b->nnew;
		to->nreused += b->nreused;
	}
	for (unsigned c = 0; c < LARGE_CLASSES; c++) {
		s->large[c].nmalloc += h->large[c].nmalloc;
		s->large[c].nfree += h->large[c].nfree;
		s->large[c].bytes += h->large[c].bytes;
		s->large_bytes += h->large[c].bytes;
	}
	s->nlate += h->nlate;
	if (pool->dir.hardening == HARDENING_GUARDED)
		read_quarantine(s, pool, h);
}

/*
 * read_heaps -- all of them; where another process gives one back meanwhile,
 * perhaps not those behind it, and of that one anything
 */
static void
read_heaps(struct pool_stats *s, const struct pool *pool)
{
	/* relaxed, here and below: once, as it may change */
	uint32_t n = load_relaxed(&pool->dir.nheaps);
	const struct heap *h = load_relaxed(&pool->dir.all);
	for (; n > 0 && dir_has_heap(&pool->dir, &pool->runs, h); n--) {
		read_heap(s, pool, h);
		h = load_relaxed(&h->next);
	}
}

/* read_run -- what the run of that descriptor adds */
static void
read_run(struct pool_stats *s, const struct desc *d)
{
	size_t bytes = (size_t)d->npages << RUN_LG_PAGE;
	if (d->owner == RUN_META || d->owner == RUN_HEAP) {
		s->meta += bytes;
	} else if (d->owner == RUN_CACHED) {
		s->cached += bytes;
	} else if (d->owner >= RUN_NTAGS) {
		struct class_stats *to = class_of_slab(s, d);
		if (to == NULL)
			return;
		unsigned live = slab_live((const struct slab *)d);
		to->nlive += live;
		if (live > 0)
			s->small_active += bytes;
		else
			s->cached += bytes;
	}
}

/* read_name -- of what may be a damaged copy, only what can be printed */
static void
read_name(struct pool_stats *s, const struct pool *pool)
{
	for (size_t i = 0; i + 1 < sizeof(s->name); i++) {
		char c = pool->name[i];
		if (c == '\0')
			return;
		s->name[i] =
			c < ' ' || c > '~' || c == '"' || c == '\\' ? '?' : c;
	}
}

/* at_most -- 0 instead of more: what two moments gave can be less than 0, and
 * what is no heap any more holds anything */
static void
at_most(uint64_t *n, uint64_t most)
{
	if (*n > most)
		*n = 0;
}

/*
 * settle -- no more is freed than was allocated, whoever works in the pool, and
 * no sum of these is more than a number holds
 */
static void
settle(struct pool_stats *s)
{
	for (unsigned c = 0; c < s->nclasses; c++) {
		struct class_stats *k = &s->cls[c];
		at_most(&k->nlive, s->size);
		at_most(&k->nmalloc, COUNT_MOST);
		k->nmalloc = max_size(k->nmalloc, k->nlive);
	}
	for (unsigned c = 0; c < LARGE_CLASSES; c++) {
		struct large_stats *k = &s->large[c];
		at_most(&k->bytes, s->size);
		at_most(&k->nmalloc, COUNT_MOST);
		k->nfree = min_size(k->nfree, k->nmalloc);
	}
	at_most(&s->large_bytes, s->size);
}

/*
 * read_runs -- of all used pages
 * Only summaries and the bitmap of what is used lead to them: the page map of
 * what is free is large, and so is its bitmap; they may have no memory yet.
 */
static void
read_runs(struct pool_stats *s, const struct run_space *rs)
{
	size_t page = rs->first, n;
	while ((n = run_next_used(rs, page, &page)) > 0)
		for (size_t end = page + n; page < end;) {
			uint32_t g = run_map_granule(rs->base, page);
			const struct desc *d = run_desc(rs->base, g);
			if (g != RUN_NO_GRANULE)
				read_run(s, d);
			page += g == RUN_NO_GRANULE ? 1
						    : max_size(d->npages, 1);
		}
}

void
stats_read(struct pool_stats *s, const struct pool *pool)
{
	const struct run_space *rs = &pool->runs;
	const struct class_table *t = pool->dir.table;
	s->nclasses = t->nclasses;
	s->size = pool->size;
	read_name(s, pool);
	s->held = pool->size - ((uint64_t)rs->nhollow << RUN_LG_PAGE);
	s->given = rs->ngiven << RUN_LG_PAGE;
	s->nrefused = rs->nrefused;
	s->decay_ms =
		rs->give == BACKING_GIVE_NEVER ? RUN_DECAY_NEVER : rs->decay.ms;
	s->free = (uint64_t)rs->nfree << RUN_LG_PAGE;
	s->meta = (uint64_t)rs->first << RUN_LG_PAGE;
	s->nmisuse = pool->nmisuse;
	s->nreclaim = pool->nreclaim;
	s->nheaps = pool->dir.nheaps;
	s->nprivate = pool->dir.nprivate;
	s->hardening = pool->dir.hardening;
	read_runs(s, rs);
	for (unsigned c = 0; c < LARGE_CLASSES; c++) {
		s->large[c] = pool->dir.stray[c];
		s->large_bytes += pool->dir.stray[c].bytes;
	}
	read_heaps(s, pool);
	settle(s);
	for (unsigned c = 0; c < s->nclasses; c++) {
		struct class_stats *to = &s->cls[c];
		to->size = t->cls[c].size;
		to->npages = t->cls[c].npages[pool->dir.first_step];
		to->nslots = class_nobj(&t->cls[c], to->npages);
		s->small_bytes += to->nlive * to->size;
	}
}

static struct stats_opts
parse(const char *opts)
{
	struct stats_opts o = {true, true, true, true, true, false};
	for (; opts != NULL && *opts != '\0'; opts++) {
		switch (*opts) {
		case 'g':
			o.constants = false;
			break;
		case 'm':
			o.merged = false;
			break;
		case 'a':
			o.arenas = false;
			break;
		case 'b':
			o.bins = false;
			break;
		case 'l':
			o.large = false;
			break;
		case 'J':
			o.json = true;
			break;
		default:
			break; /* letters of other versions are ignored */
		}
	}
	return o;
}

/* get -- every figure of a live pool, or a negative errno */
static int
get(void *handle, struct pool_stats *ret)
{
	struct record rec;
	if (unlikely(guard_on))
		pool_guard_drain(handle);
	int rc = pool_freeze(handle, &rec);
	if (rc != 0)
		return rc;
	memset(ret, 0, sizeof(*ret));
	if (pool_is_there(&rec))
		stats_read(ret, pool_at(handle));
	else
		rc = fail(EINVAL, "invalid pool handle: 0x%zx", (size_t)handle);
	pool_thaw(handle);
	return rc;
}

static void
sum_up(struct pool_totals *to, const struct pool_stats *s)
{
	memset(to, 0, sizeof(*to));
	to->mapped = s->held;
	to->size = s->size;
	to->given = s->given;
	to->nshort = s->nrefused;
	to->free = s->free;
	to->kept = s->cached;
	to->metadata = s->meta;
	to->small.bytes = s->small_bytes;
	to->small.active = s->small_active;
	to->large.bytes = to->large.active = s->large_bytes;
	for (unsigned c = 0; c < s->nclasses; c++) {
		to->small.nmalloc += s->cls[c].nmalloc;
		to->small.nfree += s->cls[c].nmalloc - s->cls[c].nlive;
	}
	for (unsigned c = 0; c < LARGE_CLASSES; c++) {
		to->large.nmalloc += s->large[c].nmalloc;
		to->large.nfree += s->large[c].nfree;
	}
	to->nheaps = s->nheaps;
	to->nthreads = s->nprivate;
	to->nrefused = s->nmisuse + s->nlate;
	to->nreclaim = s->nreclaim;
	to->hardening = s->hardening;
}

int
pool_totals(void *handle, struct pool_totals *ret)
{
	struct pool_stats *s = os_map(sizeof(*s));
	if (s == NULL)
		return fail(ENOMEM, "no memory for the statistics");
	int rc = get(handle, s);
	if (rc == 0)
		sum_up(ret, s);
	os_unmap(s, sizeof(*s));
	return rc;
}

static void
print_all(const struct pool_stats *s, const struct stats_opts *o)
{
	if (o->json)
		stats_json(s, o);
	else
		stats_text(s, o);
}

int
stats_print(const struct pool *pool, const char *opts)
{
	struct stats_opts o = parse(opts);
	struct pool_stats *s = os_map(sizeof(*s));
	if (s == NULL)
		return fail(ENOMEM, "no memory for the statistics");
	stats_read(s, pool);
	print_all(s, &o);
	os_unmap(s, sizeof(*s));
	return 0;
}

int
pool_stats_print(void *handle, const char *opts)
{
	struct stats_opts o = parse(opts);
	struct pool_stats *s = os_map(sizeof(*s));
	if (s == NULL)
		return fail(ENOMEM, "no memory for the statistics");
	int rc = get(handle, s);
	if (rc == 0)
		print_all(s, &o);
	os_unmap(s, sizeof(*s));
	return rc;
}
