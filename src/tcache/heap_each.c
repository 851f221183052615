/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * heap_each.c -- a walk over the live objects of a pool
 */
#include "base/arith.h"
#include "tcache/heap_internal.h"

typedef int visitor(void *arg, void *p, size_t usable);

/* each_slot -- those of a slab */
static int
each_slot(const struct heap *h, const struct slab *s, visitor *visit, void *arg)
{
	if (s->cls >= h->table->nclasses)
		return 0; /* another process is about to change it */
	const struct size_class *c = &h->table->cls[s->cls];
	uint64_t words[SLAB_WORDS];
	int rc = 0;
	unsigned nwords = slab_live_words(s, words);
	for (unsigned i = 0; i < nwords && rc == 0; i++) {
		uint64_t live = words[i];
		for (; live != 0 && rc == 0; live &= live - 1) {
			unsigned bit = (unsigned)__builtin_ctzll(live);
			rc = visit(
				arg, slab_address(s, c, i * 64 + bit), c->size);
		}
	}
	return rc;
}

/* each_run -- what the run at a page has; *page goes behind it */
static int
each_run(const struct heap *h, size_t *page, visitor *visit, void *arg)
{
	const struct desc *d =
		run_lookup(h->runs, h->base + (*page << RUN_LG_PAGE));
	size_t npages = d == NULL ? 1 : max_size(d->npages, 1);
	uint64_t owner = d == NULL ? RUN_NONE : load_relaxed(&d->owner);
	*page += npages;
	if (owner >= RUN_NTAGS)
		return each_slot(h, (const struct slab *)d, visit, arg);
	if (owner == RUN_LARGE)
		return visit(arg, d->base, npages << RUN_LG_PAGE);
	return 0;
}

int
heap_each(const struct heap *h, visitor *visit, void *arg)
{
	size_t page = h->runs->first, n;
	int rc = 0;
	while (rc == 0 && (n = run_next_used(h->runs, page, &page)) > 0)
		for (size_t end = page + n; page < end && rc == 0;)
			rc = each_run(h, &page, visit, arg);
	return rc;
}
