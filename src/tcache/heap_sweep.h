/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * heap_sweep.h -- what other threads have freed in the slabs on a heap's lists
 *
 * Who frees an object of a slab on a list tells nobody.  The heap's thread sees
 * it when the class has no other slots, which can be never: then slabs that
 * have long been empty would stay what they are.  So the thread looks at all
 * that are on its lists once in a period of the decay, a few with each slow
 * call, and what is empty becomes free pages as if it had freed it itself.
 *
 * The place where it goes on is that of a slab on a list: whoever takes one off
 * a list calls sweep_pass().
 *
 * All functions need the heap's holder.
 */
#ifndef TCACHE_HEAP_SWEEP_H
#define TCACHE_HEAP_SWEEP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/compiler.h"
#include "tcache/heap.h"

/* sweep_begin -- all lists, unless the last sweep is still under way */
void sweep_begin(struct heap *h);

/* sweep_is_due -- is one under way? */
static ALWAYS_INLINE bool
sweep_is_due(const struct heap *h)
{
	return (h->sweep | h->sweep_at) != 0;
}

/* sweep_some -- a few slabs */
void sweep_some(struct heap *h);

/* sweep_bin -- all slabs on the bin's list, whatever is under way */
void sweep_bin(struct heap *h, struct bin *b);

/* sweep_pass -- s, whose granule is g, is about to leave its list */
static inline void
sweep_pass(struct heap *h, const struct slab *s, uint32_t g)
{
	if (h->sweep_at == g)
		h->sweep_at = s->next;
}

#endif
