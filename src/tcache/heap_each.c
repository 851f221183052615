/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * heap_each.c -- a walk over the live objects of a pool
 */
#include "base/arith.h"
#include "tcache/heap_internal.h"

/* each_slot -- those of a slab */
static void
each_slot(const struct heap *h, const struct slab *s,
	void (*visit)(void *arg, void *p, size_t usable), void *arg)
{
	size_t size = h->table->cls[s->cls].size;
	for (unsigned i = 0; i < s->nobj; i++) {
		void *p = (char *)s->base + i * size;
		if (heap_find(h, p).what == FREE_DONE)
			visit(arg, p, size);
	}
}

/* each_run -- what the run at a page has; returns its pages */
static size_t
each_run(const struct heap *h, size_t page,
	void (*visit)(void *arg, void *p, size_t usable), void *arg)
{
	const struct desc *d =
		run_lookup(h->runs, h->base + (page << RUN_LG_PAGE));
	if (d == NULL)
		return 1;
	uint64_t owner = load_relaxed(&d->owner);
	if (owner >= RUN_NTAGS)
		each_slot(h, (const struct slab *)d, visit, arg);
	else if (owner == RUN_LARGE)
		visit(arg, d->base, (size_t)d->npages << RUN_LG_PAGE);
	return max_size(d->npages, 1);
}

void
heap_each(const struct heap *h,
	void (*visit)(void *arg, void *p, size_t usable), void *arg)
{
	size_t page = h->runs->first, n;
	while ((n = run_next_used(h->runs, page, &page)) > 0)
		for (size_t end = page + n; page < end;)
			page += each_run(h, page, visit, arg);
}
