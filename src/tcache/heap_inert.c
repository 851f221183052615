/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * heap_inert.c -- the heap of entries that the fast path may not use
 *
 * Every size leads to a bin without a slot, and no address is of its pool: the
 * fast paths come out as if a heap of that pool had nothing, and change
 * nothing.
 */
#include "tcache/tcache.h"

static const uint16_t one_bin[LOOKUP_SIZE];

/* __extension__: the last member has an element */
__extension__ struct heap heap_inert = {
	.lookup = one_bin,
	.last = heap_inert.bins,
	/* the second is what lies behind the first one's top: NULL */
	.bins = {{.top = (void **)&heap_inert.bins[1],
			 .cur = &heap_inert.no_word},
		{.nfills = 0}},
};
