/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * run_copy.c -- a pool's metadata as it was, at another address
 *
 * What is read of the pool lies at places that follow from its address and its
 * size, or in pages that the copied page map has a descriptor for: these have
 * memory behind them.
 */
#include "run/run_copy.h"

#include "base/bitmap.h"
#include "base/guard.h"
#include "base/os.h"
#include "run/meta.h"
#include "run/run.h"

/* the copy lies like the pool in what is aligned: whole blocks of the tree */
#define COPY_ALIGN (TREE_BLOCK_BITS * RUN_PAGE)

#define PAGE_WORDS (RUN_PAGE / sizeof(uint64_t))

_Static_assert(RUN_HEADER_OFF % RUN_PAGE == 0 && RUN_MAP_OFF % RUN_PAGE == 0,
	"the header is whole pages");

/* a copy that is being made */
struct copying {
	const char *from;
	char *to;
	size_t size;
};

/* copy_page -- moves: its words may be addresses */
static void
copy_page(const struct copying *c, size_t page, bool moves)
{
	size_t off = page * RUN_PAGE;
	const uint64_t *from = (const void *)(c->from + off);
	uint64_t *to = (void *)(c->to + off);
	for (size_t i = 0; i < PAGE_WORDS; i++) {
		/* relaxed: another process may be changing it */
		uint64_t word = load_relaxed(&from[i]);
		if (moves && word - (uintptr_t)c->from < c->size)
			word += (uintptr_t)c->to - (uintptr_t)c->from;
		/* what is zero there already takes no memory */
		if (word != 0)
			to[i] = word;
	}
}

/*
 * copy_fixed -- header, page map where it is not hollow, and bitmaps: these
 * never are, and one that says so of itself is damaged
 */
static void
copy_fixed(const struct copying *c, const struct run_space *at)
{
	size_t page = RUN_HEADER_OFF / RUN_PAGE, map = RUN_MAP_OFF / RUN_PAGE;
	size_t end = run_page(at, at->dirty);
	/* all of the page map is read, and what nobody has written to costs a
	 * page fault for each page: those of a sparse pool are most of a check
	 */
	os_map_huge(c->to + RUN_MAP_OFF, (end - map) * RUN_PAGE);
	for (; page < map; page++)
		copy_page(c, page, true);
	for (;; page++) {
		page = bitmap_next(at->hollow, page + at->bias, end + at->bias,
			       false) -
		       at->bias;
		if (page >= end)
			break;
		copy_page(c, page, false);
	}
	for (; page < at->first; page++)
		copy_page(c, page, false);
}

/* next_used -- as the copy says; at->npages at the end */
static size_t
next_used(const struct run_space *at, size_t page)
{
	return bitmap_next(at->tree.used, page + at->bias,
		       (size_t)at->npages + at->bias, true) -
	       at->bias;
}

/* desc_of -- what the copy has for a page; NULL: nothing, or not inside */
static const struct desc *
desc_of(const struct run_space *at, size_t page)
{
	uint32_t g = run_map_granule(at->base, page);
	const struct desc *d = run_desc(at->base, g);
	bool inside = run_page(at, d + 1) < at->npages;
	return g != RUN_NO_GRANULE && inside ? d : NULL;
}

/* copy_runs -- those of descriptors, and then of heaps */
static void
copy_runs(const struct copying *c, const struct run_space *at)
{
	size_t page = next_used(at, at->first);
	for (; page < at->npages; page = next_used(at, page + 1))
		if ((const char *)desc_of(at, page) ==
			at->base + page * RUN_PAGE)
			copy_page(c, page, true);
	page = next_used(at, at->first);
	for (; page < at->npages; page = next_used(at, page + 1)) {
		const struct desc *d = desc_of(at, page);
		if (d != NULL && d->owner == RUN_HEAP)
			copy_page(c, page, true);
	}
}

bool
run_copy_make(struct run_copy *ret, const void *base, size_t size)
{
	struct run_space from, to;
	size_t bytes = size + COPY_ALIGN;
	char *map = guard_map(bytes);
	if (map == NULL)
		return false;
	size_t behind = ((uintptr_t)base - (uintptr_t)map) % COPY_ALIGN;
	*ret = (struct run_copy){map + behind, map, bytes};
	const struct copying c = {base, ret->base, size};
	run_space_layout(&from, (void *)(uintptr_t)base, size);
	run_space_layout(&to, ret->base, size);
	copy_fixed(&c, &from);
	copy_runs(&c, &to);
	return true;
}

void
run_copy_drop(struct run_copy *c)
{
	os_unmap(c->map, c->map_bytes);
	c->base = c->map = NULL;
}
