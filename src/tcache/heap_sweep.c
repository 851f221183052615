/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * heap_sweep.c -- what other threads have freed in the slabs on a heap's lists
 */
#include "tcache/heap_sweep.h"

#include "tcache/heap_internal.h"

/* slabs with one slow call: to collect one can mean to read a deep LIFO */
#define PORTION 64u

_Static_assert(RUN_NO_GRANULE == 0, "sweep_is_due() adds it up");

void
sweep_begin(struct heap *h)
{
	if (!sweep_is_due(h))
		h->sweep = h->table->nclasses;
}

/*
 * look_at -- collect a listed slab; one that this has emptied goes to the end
 * of its list, or away, and so do more empty ones than the bin keeps
 */
static void
look_at(struct heap *h, struct slab *s)
{
	bool gained = heap_collect(h, s, false) > 0;
	if (s->used > 0)
		return;
	if (gained)
		heap_freed(h, s);
	else if (bin_has_spare(s->bin))
		bin_release(h, s);
}

void
sweep_some(struct heap *h)
{
	for (unsigned n = 0; sweep_is_due(h); n++) {
		while (h->sweep_at == RUN_NO_GRANULE && h->sweep > 0)
			h->sweep_at = heap_bin(h, h->table, --h->sweep)->avail;
		if (h->sweep_at == RUN_NO_GRANULE || n == PORTION)
			return;
		struct slab *s = heap_slab(h, h->sweep_at);
		h->sweep_at = s->next;
		look_at(h, s);
	}
}

void
sweep_bin(struct heap *h, struct bin *b)
{
	uint32_t g = b->avail;
	while (g != RUN_NO_GRANULE) {
		struct slab *s = heap_slab(h, g);
		g = s->next;
		look_at(h, s);
	}
}
