/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * page_tree.c -- which pages are in use, and where n free ones lie together
 */
#include "run/page_tree.h"

#include <string.h>

#include "base/arith.h"
#include "base/assert.h"
#include "base/bitmap.h"

#define BLOCK_WORDS (TREE_BLOCK_BITS / BITMAP_WORD)

/* a summary as plain counts of free pages */
struct extent {
	size_t start, max, end;
};

/* width -- bits below a node of that level; the root's may be cut short */
static size_t
width(const struct page_tree *t, unsigned level)
{
	size_t whole = (size_t)t->nnodes[0] * TREE_BLOCK_BITS;
	return min_size(
		(size_t)TREE_BLOCK_BITS << (level * TREE_LG_FAN), whole);
}

static unsigned
levels_of(size_t nbits, uint32_t nnodes[TREE_MAX_LEVELS])
{
	size_t n = div_up(nbits, TREE_BLOCK_BITS);
	unsigned levels = 0;
	for (;;) {
		nnodes[levels++] = (uint32_t)n;
		if (n == 1 || levels == TREE_MAX_LEVELS)
			return levels;
		n = div_up(n, TREE_FAN);
	}
}

static size_t
bitmap_bytes(size_t nbits)
{
	return div_up(nbits, TREE_BLOCK_BITS) * TREE_BLOCK_BITS / 8;
}

size_t
tree_bytes(size_t nbits)
{
	uint32_t nnodes[TREE_MAX_LEVELS];
	unsigned levels = levels_of(nbits, nnodes);
	size_t bytes = bitmap_bytes(nbits);
	for (unsigned l = 0; l < levels; l++)
		bytes += nnodes[l] * sizeof(struct summary);
	return align_up(bytes, sizeof(uint64_t));
}

/*
 * longest -- the most set bits together in a word
 *
 * ones[k] has a bit where 2^k set bits begin; from the longest such down, each
 * length that still fits behind what was found is added.
 */
static size_t
longest(uint64_t word)
{
	uint64_t ones[BITMAP_LG_WORD + 1];
	unsigned k = 0;
	for (ones[0] = word; k < BITMAP_LG_WORD; k++) {
		ones[k + 1] = ones[k] & (ones[k] >> (1u << k));
		if (ones[k + 1] == 0)
			break;
	}
	size_t n = (size_t)1 << k;
	for (word = ones[k]; k-- > 0;) {
		uint64_t more = word & (ones[k] >> n);
		if (more != 0) {
			word = more;
			n += (size_t)1 << k;
		}
	}
	return n;
}

/*
 * block_extent -- of the bits of one block
 *
 * end is also how many free bits lie together up to the word at hand.  A word's
 * inner free bits are looked at only when there are enough of them to matter.
 */
static struct extent
block_extent(const struct page_tree *t, size_t block)
{
	const uint64_t *word = &t->used[block * BLOCK_WORDS];
	struct extent sum = {TREE_BLOCK_BITS, 0, 0};
	for (unsigned i = 0; i < BLOCK_WORDS; i++) {
		uint64_t w = word[i];
		if (w == 0) {
			sum.end += BITMAP_WORD;
			continue;
		}
		size_t head = sum.end + (size_t)__builtin_ctzll(w);
		if (sum.start == TREE_BLOCK_BITS)
			sum.start = head;
		sum.max = max_size(sum.max, head);
		sum.end = (size_t)__builtin_clzll(w);
		if (w == ~UINT64_C(0))
			continue;
		size_t nfree = BITMAP_WORD - (size_t)__builtin_popcountll(w);
		if (nfree > sum.max)
			sum.max = max_size(sum.max, longest(~w));
	}
	sum.max = max_size(sum.max, sum.end);
	return sum;
}

static struct extent
node_extent(const struct page_tree *t, unsigned level, size_t i)
{
	const struct summary *s = &t->level[level][i];
	size_t w = width(t, level);
	return (struct extent){w - s->start, w - s->max, w - s->end};
}

/*
 * children_extent -- of the nodes below one; past the last all is in use
 * end is also how many free bits lie together up to the child at hand.
 */
static struct extent
children_extent(const struct page_tree *t, unsigned level, size_t i)
{
	size_t first = i << TREE_LG_FAN, w = width(t, level - 1);
	size_t last = min_size(first + TREE_FAN, t->nnodes[level - 1]);
	const struct summary *s = &t->level[level - 1][first];
	const struct summary *stop = &t->level[level - 1][last];
	struct extent sum = {SIZE_MAX, 0, 0};
	for (; s < stop; s++) {
		if (s->start == 0) {
			sum.end += w; /* all free */
			continue;
		}
		size_t head = sum.end + w - s->start;
		if (sum.start == SIZE_MAX)
			sum.start = head;
		sum.max = max_size(sum.max, max_size(head, w - s->max));
		sum.end = w - s->end;
	}
	sum.max = max_size(sum.max, sum.end);
	if (sum.start == SIZE_MAX)
		sum.start = sum.end;
	if ((last - first) * w < width(t, level))
		sum.end = 0;
	return sum;
}

/* compute -- what the node's summary must be, from what lies below it */
static struct summary
compute(const struct page_tree *t, unsigned level, size_t i)
{
	size_t w = width(t, level);
	struct extent e =
		level == 0 ? block_extent(t, i) : children_extent(t, level, i);
	return (struct summary){(uint32_t)(w - e.start), (uint32_t)(w - e.max),
		(uint32_t)(w - e.end)};
}

/* refresh -- recompute the summaries over bits [first, first + n) */
static void
refresh(struct page_tree *t, size_t first, size_t n)
{
	size_t low = first / TREE_BLOCK_BITS;
	size_t high = (first + n - 1) / TREE_BLOCK_BITS;
	for (unsigned l = 0; l < t->nlevels; l++) {
		bool changed = false;
		for (size_t i = low; i <= high; i++) {
			struct summary s = compute(t, l, i);
			struct summary *old = &t->level[l][i];
			changed |= s.start != old->start || s.max != old->max ||
				   s.end != old->end;
			*old = s;
		}
		if (!changed)
			return;
		low >>= TREE_LG_FAN;
		high >>= TREE_LG_FAN;
	}
}

void
tree_layout(struct page_tree *t, void *mem, size_t nbits)
{
	memset(t, 0, sizeof(*t));
	t->nbits = (uint32_t)nbits;
	t->nlevels = levels_of(nbits, t->nnodes);
	t->used = mem;
	char *at = (char *)mem + bitmap_bytes(nbits);
	for (unsigned l = 0; l < t->nlevels; l++) {
		t->level[l] = (struct summary *)(void *)at;
		at += t->nnodes[l] * sizeof(struct summary);
	}
}

void
tree_init(struct page_tree *t, size_t bias)
{
	if (bias > 0)
		tree_take(t, 0, bias);
	size_t end = (size_t)t->nnodes[0] * TREE_BLOCK_BITS;
	if (t->nbits < end)
		bitmap_set_range(t->used, t->nbits, end - t->nbits);
	/* the last nodes of every level may lack children: compute them */
	for (unsigned l = 0; l < t->nlevels; l++) {
		size_t last = t->nnodes[l] - 1;
		t->level[l][last] = compute(t, l, last);
	}
}

/* next_node -- the first one of a level, from `i` on, that is not all free */
static size_t
next_node(const struct page_tree *t, unsigned level, size_t i)
{
	while (i < t->nnodes[level] && t->level[level][i].max == 0) {
		unsigned l = level;
		size_t at = i;
		/* the largest free node that begins here */
		while (l + 1 < t->nlevels && at % TREE_FAN == 0 &&
			t->level[l + 1][at >> TREE_LG_FAN].max == 0) {
			at >>= TREE_LG_FAN;
			l++;
		}
		i = (at + 1) << ((l - level) * TREE_LG_FAN);
	}
	return min_size(i, t->nnodes[level]);
}

size_t
tree_next_used(const struct page_tree *t, size_t from)
{
	while (from < t->nbits) {
		size_t block = from / TREE_BLOCK_BITS;
		size_t next = next_node(t, 0, block);
		if (next != block) {
			from = next * TREE_BLOCK_BITS;
			continue;
		}
		size_t end = (block + 1) * TREE_BLOCK_BITS;
		from = bitmap_next(t->used, from, end, true);
		if (from < end)
			break;
	}
	/* bits past the end are set */
	return min_size(from, t->nbits);
}

void
tree_clear(struct page_tree *t, size_t bias)
{
	size_t i = 0;
	for (; (i = next_node(t, 0, i)) < t->nnodes[0]; i++)
		memset(&t->used[i * BLOCK_WORDS], 0, TREE_BLOCK_BITS / 8);
	/* upwards: which nodes to look at is seen from those above */
	for (unsigned l = 0; l < t->nlevels; l++)
		for (i = 0; (i = next_node(t, l, i)) < t->nnodes[l]; i++)
			t->level[l][i] = (struct summary){0, 0, 0};
	tree_init(t, bias);
}

/* block_find -- the first n free bits together in [from, end) of one block */
static size_t
block_find(const struct page_tree *t, size_t n, size_t from, size_t end)
{
	for (;;) {
		from = bitmap_next(t->used, from, end, false);
		size_t stop = bitmap_next(t->used, from, end, true);
		if (stop - from >= n)
			return from;
		if (stop == end)
			return TREE_NONE;
		from = stop;
	}
}

size_t
tree_find(const struct page_tree *t, size_t n, size_t from)
{
	unsigned l = t->nlevels - 1;
	size_t i = 0;
	size_t run = 0,
	       run_first = from; /* free bits just before node (l, i) */
	if (from >= t->nbits)
		return TREE_NONE;
	if (from > 0) {
		/* the rest of from's block by hand, then climb from there */
		i = from / TREE_BLOCK_BITS + 1;
		l = 0;
		size_t end = i * TREE_BLOCK_BITS;
		size_t at = block_find(t, n, from, end);
		if (at != TREE_NONE)
			return at;
		run_first = end;
		while (run_first > from && !bitmap_test(t->used, run_first - 1))
			run_first--;
		run = end - run_first;
	}
	for (;;) {
		while (l + 1 < t->nlevels && i % TREE_FAN == 0) {
			i >>= TREE_LG_FAN;
			l++;
		}
		/* descend as long as the node itself holds the answer */
		for (;;) {
			if (i >= t->nnodes[l])
				return TREE_NONE;
			struct extent e = node_extent(t, l, i);
			if (run + e.start >= n)
				return run_first;
			if (e.max < n) {
				size_t w = width(t, l);
				if (e.end == w) {
					run += w;
				} else {
					run = e.end;
					run_first = (i + 1) * w - e.end;
				}
				break;
			}
			if (l == 0)
				return block_find(t, n, i * TREE_BLOCK_BITS,
					(i + 1) * TREE_BLOCK_BITS);
			i <<= TREE_LG_FAN;
			l--;
		}
		i++;
		if (l + 1 == t->nlevels)
			return TREE_NONE;
	}
}

size_t
tree_find_aligned(const struct page_tree *t, size_t n, size_t from,
	size_t align, size_t origin)
{
	for (;;) {
		size_t at = tree_find(t, n, from);
		if (at == TREE_NONE)
			return TREE_NONE;
		/* unsigned arithmetic wraps rightly: align is a power of two */
		size_t next = align_up(at - origin, align) + origin;
		if (next == at)
			return at;
		from = next;
	}
}

void
tree_take(struct page_tree *t, size_t first, size_t n)
{
	ASSERT(!bitmap_any_set(t->used, first, n));
	bitmap_set_range(t->used, first, n);
	refresh(t, first, n);
}

void
tree_give(struct page_tree *t, size_t first, size_t n)
{
	ASSERT(bitmap_all_set(t->used, first, n));
	bitmap_clear_range(t->used, first, n);
	refresh(t, first, n);
}

size_t
tree_consistent(const struct page_tree *t)
{
	for (unsigned l = 0; l < t->nlevels; l++) {
		for (size_t i = 0; i < t->nnodes[l]; i++) {
			struct summary s = compute(t, l, i);
			const struct summary *have = &t->level[l][i];
			if (s.start != have->start || s.max != have->max ||
				s.end != have->end)
				return i * width(t, l);
		}
	}
	size_t end = (size_t)t->nnodes[0] * TREE_BLOCK_BITS;
	if (!bitmap_all_set(t->used, t->nbits, end - t->nbits))
		return t->nbits;
	return TREE_NONE;
}
