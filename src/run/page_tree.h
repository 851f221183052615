/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * page_tree.h -- which pages are in use, and where n free ones lie together
 *
 * A bitmap with one bit a page (1 = in use) and above it a tree of summaries
 * with fan-out 16.  A summary tells of the bits below it how many free ones
 * lie at the start, at the end, and together at most.  It is kept as what is
 * missing to "all free", so that zero memory is a tree of free pages and a
 * huge sparse pool needs no initialisation.
 *
 * Bit i stands for page i - bias, so that the 512 bits of a block are one
 * aligned 2 MiB of addresses.  Not thread-safe: the run lock guards it.
 *
 * Invariant: every summary equals the one computed from the bits below it;
 * bits before the bias and past the end are set.
 *
 * Source  the summaries are those of the Go runtime's page allocator (Go
 *         proposal 35112), the search order is address-ordered first fit.
 */
#ifndef RUN_PAGE_TREE_H
#define RUN_PAGE_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TREE_BLOCK_BITS 512u /* pages of a leaf: 2 MiB */
#define TREE_LG_FAN     4u
#define TREE_FAN        (1u << TREE_LG_FAN)
#define TREE_MAX_LEVELS 8
#define TREE_NONE       SIZE_MAX

/* what is missing to "all free", in pages */
struct summary {
	uint32_t start; /* width - free pages at the start */
	uint32_t max;   /* width - most free pages together */
	uint32_t end;   /* width - free pages at the end */
};

struct page_tree {
	uint64_t *used;                         /* one bit a page */
	struct summary *level[TREE_MAX_LEVELS]; /* [0] leaves: one a block */
	uint32_t nnodes[TREE_MAX_LEVELS];
	uint32_t nlevels;
	uint32_t nbits; /* bias + pages */
};

/*
 * tree_bytes -- bytes that the bitmap and the summaries of nbits need
 */
size_t tree_bytes(size_t nbits);

/*
 * tree_layout -- lay the tree over tree_bytes(nbits) bytes at mem, 8-byte
 * aligned; they are not touched
 */
void tree_layout(struct page_tree *t, void *mem, size_t nbits);

/* tree_init -- over zero bytes; the bits before `bias` are in use */
void tree_init(struct page_tree *t, size_t bias);

/*
 * tree_find -- the lowest n free bits together at or after `from`
 * Returns the first bit, or TREE_NONE.  n >= 1.
 */
size_t tree_find(const struct page_tree *t, size_t n, size_t from);

/* tree_find_aligned -- as tree_find(), with (bit - origin) % align == 0 */
size_t tree_find_aligned(const struct page_tree *t, size_t n, size_t from,
	size_t align, size_t origin);

/* tree_take, tree_give -- set or clear bits [first, first + n) */
void tree_take(struct page_tree *t, size_t first, size_t n);
void tree_give(struct page_tree *t, size_t first, size_t n);

/*
 * tree_next_used -- the first bit in use at or after `from`, or nbits; what is
 * free is passed over by its summaries
 */
size_t tree_next_used(const struct page_tree *t, size_t from);

/*
 * tree_clear -- as new: all bits are free, but for those before `bias`
 * Costs what is in use, not what there is.
 */
void tree_clear(struct page_tree *t, size_t bias);

/* tree_block_is_free -- are all pages of that block of 2 MiB free? */
static inline bool
tree_block_is_free(const struct page_tree *t, size_t block)
{
	return t->level[0][block].max == 0;
}

/*
 * tree_consistent -- does every summary match the bits below it?
 * Reads only; the pointers and counts of t must be right.
 * Returns TREE_NONE when all match, else the first bit below the wrong one.
 */
size_t tree_consistent(const struct page_tree *t);

#endif
