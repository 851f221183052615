/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * figures.c -- what a snapshot says in numbers
 *
 * The engine's own statistics, and what they leave out: how many pages a class
 * holds, and in how many pieces the free memory lies.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/arith.h"
#include "base/error.h"
#include "inspect/snapshot.h"
#include "pool/pool_stats.h"

_Static_assert(CLASS_MAX + LARGE_CLASSES <= FIGURES_CLASSES, "all classes");

/* pages by class, while walking over all of them */
struct holdings {
	uint64_t small[CLASS_MAX];
	uint64_t large[LARGE_CLASSES];
};

static void
note_piece(struct figures *f, size_t npages)
{
	uint64_t bytes = (uint64_t)npages << RUN_LG_PAGE;
	f->nfree_pieces += npages > 0;
	if (bytes > f->largest_free)
		f->largest_free = bytes;
}

static void
note_run(struct figures *f, struct holdings *held, const struct desc *d,
	const struct class_table *table)
{
	uint64_t bytes = (uint64_t)d->npages << RUN_LG_PAGE;
	if (d->owner == RUN_LARGE)
		held->large[large_class(d->npages)] += bytes;
	if (d->owner < RUN_NTAGS)
		return;
	const struct slab *s = (const struct slab *)d;
	unsigned live = slab_live(s);
	held->small[s->cls] += bytes;
	if (live > 0)
		f->slack +=
			(uint64_t)(s->nobj - live) * table->cls[s->cls].size;
}

static void
walk(struct figures *f, struct holdings *held, const struct snapshot *snap)
{
	const struct run_space *rs = &snap->pool->runs;
	for (size_t page = rs->first; page < rs->npages;) {
		size_t used = next_used(rs, page);
		note_piece(f, used - page);
		page = used;
		if (page == rs->npages)
			break;
		const struct desc *d = desc_at(rs, page);
		if (d != NULL)
			note_run(f, held, d, snap->pool->dir.table);
		page += d == NULL ? 1 : max_size(d->npages, 1);
	}
}

static void
add_class(struct figures *f, struct class_figures k)
{
	if (k.nmalloc == 0 && k.held == 0)
		return;
	f->cls[f->nclasses++] = k;
	f->nmalloc += k.nmalloc;
	f->nlive += k.nlive;
}

int
figures_read(struct figures *ret, const struct snapshot *snap)
{
	struct holdings held;
	struct pool_stats *s = calloc(1, sizeof(*s));
	memset(ret, 0, sizeof(*ret));
	memset(&held, 0, sizeof(held));
	if (s == NULL)
		return fail(ENOMEM, "no memory for the figures");
	stats_read(s, snap->pool);
	walk(ret, &held, snap);
	ret->size = s->size;
	ret->free = s->free;
	ret->live = s->small_bytes + s->large_bytes;
	ret->metadata = s->meta;
	ret->cached = s->cached;
	for (unsigned c = 0; c < s->nclasses; c++)
		add_class(
			ret, (struct class_figures){.size = s->cls[c].size,
				     .nlive = s->cls[c].nlive,
				     .nmalloc = s->cls[c].nmalloc,
				     .bytes = s->cls[c].nlive * s->cls[c].size,
				     .held = held.small[c]});
	for (unsigned c = 0; c < LARGE_CLASSES; c++)
		add_class(ret, (struct class_figures){
				       .size = (uint32_t)min_size(
					       large_class_pages(c) * RUN_PAGE,
					       UINT32_MAX),
				       .large = true,
				       .nlive = s->large[c].nmalloc -
						s->large[c].nfree,
				       .nmalloc = s->large[c].nmalloc,
				       .bytes = s->large[c].bytes,
				       .held = held.large[c]});
	free(s);
	return 0;
}

double
figures_outer(const struct figures *f)
{
	if (f->free == 0)
		return 0;
	return 1 - (double)f->largest_free / (double)f->free;
}

double
figures_inner(const struct figures *f)
{
	double small = (double)f->slack;
	for (unsigned c = 0; c < f->nclasses; c++)
		if (!f->cls[c].large)
			small += (double)f->cls[c].bytes;
	return small > 0 ? (double)f->slack / small : 0;
}

int
snapshot_print(const struct snapshot *snap, const char *opts)
{
	return stats_print(snap->pool, opts);
}
