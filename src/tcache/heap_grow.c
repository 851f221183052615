/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * heap_grow.c -- new slabs of a bin, and how large they are
 */
#include "base/arith.h"
#include "base/probe.h"
#include "tcache/heap_internal.h"

#define SLABS_A_STEP 4u /* slabs of a bin before they grow */
#define SLABS_SMALL  5u /* of a bin of a bare pool, each double the last */
#define TOUCH_LEAST  4u /* pages of a slab that a system call is worth */

/* grow_step -- how large the bin's next slab is */
static unsigned
grow_step(const struct heap *h, const struct bin *b)
{
	unsigned step = h->dir->first_step + b->nslabs / SLABS_A_STEP;
	return (unsigned)min_size(step, h->dir->last_step);
}

/*
 * grow_small -- pages of the next slab of a bin with few slabs, where what
 * slabs are made of has to be reserved and so is touched, or where there are
 * many heaps for the room; 0: as large as others
 *
 * Most programs use most classes for a few objects only.
 */
static unsigned
grow_small(const struct heap *h, const struct bin *b, unsigned whole)
{
	size_t least = div_up(b->size, RUN_PAGE);
	if (b->nslabs >= SLABS_SMALL || least << b->nslabs >= whole ||
		(!run_is_bare(h->runs) && !is_crowded(h->dir)))
		return 0;
	return (unsigned)(least << b->nslabs);
}

/*
 * needed -- of that many pages those that a slot has a part of: others would be
 * all tail
 */
static unsigned
needed(const struct size_class *c, unsigned npages)
{
	return (unsigned)div_up(
		(size_t)class_nobj(c, npages) * c->size, RUN_PAGE);
}

/* grow_by -- a new slab of that many pages, listed; false: no room */
static bool
grow_by(struct heap *h, struct bin *b, unsigned npages)
{
	unsigned nobj = class_nobj(&h->table->cls[b->cls], npages);
	bool clean;
	struct desc *d = run_alloc(h->runs, npages, slab_granules(nobj),
		RUN_NONE, RUN_LG_PAGE, &clean);
	if (d == NULL)
		return false;
	/* a bin that has filled a slab will fill another; most never do */
	if (clean && b->nslabs > 0 && npages >= TOUCH_LEAST)
		run_touch(h->runs, d);
	struct slab *s = (struct slab *)d;
	run_note(h->runs, d, h->table->cls[b->cls].bin);
	slab_init(s, h->owner, b, h->table, b->cls);
	if (unlikely(h->hardening == HARDENING_GUARDED))
		guarded_slab(s, &h->table->cls[b->cls]);
	b->nslabs++;
	b->nnew++;
	PROBE4(slab_new, h->base, b->size, s->base, s->nobj);
	avail_push(h, s);
	return true;
}

/*
 * Where the pool has no place for one as large as it should be, smaller ones
 * are tried, in the end such as hold a single slot and leave more in front of
 * it than others: free pages must not lie idle because they are apart.
 */
bool
bin_grow(struct heap *h, struct bin *b)
{
	const struct size_class *c = &h->table->cls[b->cls];
	unsigned least = (unsigned)div_up(c->size, RUN_PAGE);
	/* what has memory was looked for before: see run_ask() */
	if (unlikely(run_asks(h->runs)))
		return grow_by(h, b, least);
	unsigned small = grow_small(h, b, c->npages[grow_step(h, b)]);
	if (small != 0 && grow_by(h, b, needed(c, small)))
		return true;
	for (unsigned step = grow_step(h, b) + 1; step-- > 0;)
		if ((step == 0 || c->npages[step] != c->npages[step - 1]) &&
			grow_by(h, b, c->npages[step]))
			return true;
	for (unsigned npages = c->npages[0]; npages > least;) {
		npages = needed(c, npages - 1);
		if (grow_by(h, b, npages))
			return true;
	}
	return false;
}
