/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * purge.c -- free pages go back to the file or to memory
 */
#include "run/purge.h"

#include <errno.h>

#include "base/arith.h"
#include "base/assert.h"
#include "base/bitmap.h"
#include "base/probe.h"
#include "run/pages.h"

#define STEP_MAX ((size_t)8192) /* pages; what one system call is given */

/*
 * is_final -- the kernel will say no again
 *
 * Not -EINVAL: a page among them is locked (mlock(2)), and others are not.
 */
static bool
is_final(int err)
{
	return err == -EOPNOTSUPP || err == -EACCES || err == -EPERM ||
	       err == -ENODEV || err == -ENOSYS;
}

/*
 * give -- pages [bit, end), which are free; run lock held, let go meanwhile
 *
 * A failure may have come halfway, and what is there is not known: the pages
 * count as hollow, which costs no more than to reserve them again.
 */
static size_t
give(struct run_space *rs, size_t bit, size_t end)
{
	size_t n = end - bit;
	enum backing_give how = (enum backing_give)rs->give;
	pages_hold(rs, bit, n);
	lock_release(&rs->lock, RANK_RUN);
	int err =
		backing_give_back(how, page_address(rs, bit), n << RUN_LG_PAGE);
	PROBE4(purge, rs->base, page_address(rs, bit), n << RUN_LG_PAGE, err);
	lock_acquire(&rs->lock, RANK_RUN);
	if (is_final(err))
		/* relaxed: only a look goes without the lock */
		store_relaxed(&rs->give, (uint32_t)BACKING_GIVE_NEVER);
	size_t fresh = pages_hollow(rs, bit, n);
	if (err == 0 && how != BACKING_GIVE_COPY)
		pages_clean(rs, bit, n);
	pages_release(rs, bit, n);
	if (err != 0)
		return 0;
	rs->ngiven += fresh;
	return fresh;
}

/* is_wanted -- has the block anything to give back? */
static bool
is_wanted(const struct run_space *rs, const struct purge *p, size_t block)
{
	size_t bit = block * TREE_BLOCK_BITS;
	if (!tree_block_is_free(&rs->tree, block))
		return false;
	if (!p->dirty)
		return !bitmap_all_set(rs->hollow, bit, TREE_BLOCK_BITS);
	return bitmap_count_only(rs->dirty, rs->hollow, bit, TREE_BLOCK_BITS) >
	       0;
}

/* blocks_step -- the next whole blocks together */
static size_t
blocks_step(struct run_space *rs, struct purge *p, size_t most)
{
	size_t end = p->at / TREE_BLOCK_BITS;
	while (end > 0 && !is_wanted(rs, p, end - 1))
		end--;
	size_t most_blocks = most / TREE_BLOCK_BITS, low = end;
	while (low > 0 && end - low < most_blocks && is_wanted(rs, p, low - 1))
		low--;
	p->at = low * TREE_BLOCK_BITS;
	if (low == end)
		return 0;
	return give(rs, p->at, end * TREE_BLOCK_BITS);
}

/* word_of -- the bits of a word that may be given back */
static uint64_t
word_of(const struct run_space *rs, const struct purge *p, size_t i)
{
	uint64_t word = ~rs->tree.used[i] & ~rs->hollow[i];
	return p->dirty ? word & rs->dirty[i] : word;
}

/*
 * last_before -- the end of the bits before `at` that may be given back, or
 * (want false) that may not; 0 when there are none
 */
static size_t
last_before(
	const struct run_space *rs, const struct purge *p, size_t at, bool want)
{
	while (at > 0) {
		size_t i = (at - 1) / BITMAP_WORD;
		uint64_t word = word_of(rs, p, i);
		word = want ? word : ~word;
		word &= bitmap_mask(0, (unsigned)(at - i * BITMAP_WORD));
		if (word != 0)
			return (i + 1) * BITMAP_WORD -
			       (size_t)__builtin_clzll(word);
		at = i * BITMAP_WORD;
	}
	return 0;
}

/* pieces_step -- the next piece of any length that is worth it */
static size_t
pieces_step(struct run_space *rs, struct purge *p, size_t most)
{
	size_t least = max_size(p->least, rs->granule);
	while (p->at > 0) {
		size_t end = last_before(rs, p, p->at, true);
		size_t low = last_before(rs, p, end, false);
		p->at = low;
		/* whole granules */
		end = align_down(end, rs->granule);
		low = align_up(low, rs->granule);
		if (end < low + least)
			continue;
		if (end - low > most) {
			low = end - align_down(most, rs->granule);
			p->at = low;
		}
		return give(rs, low, end);
	}
	return 0;
}

size_t
purge_step(struct run_space *rs, struct purge *p, size_t most)
{
	most = min_size(most, STEP_MAX);
	if (rs->give == BACKING_GIVE_NEVER || most < rs->granule)
		return 0;
	return p->whole ? blocks_step(rs, p, most) : pieces_step(rs, p, most);
}

/* surplus -- free pages with memory behind them, over `keep` */
static size_t
surplus(const struct run_space *rs, size_t keep)
{
	size_t nfixed = bitmap_count(rs->hollow, rs->bias, rs->first);
	/* pages that someone holds just now may be counted as well */
	size_t nhollow = min_size(rs->nhollow - nfixed, rs->nfree);
	size_t nheld = rs->nfree - nhollow;
	return nheld > keep ? nheld - keep : 0;
}

size_t
run_trim(struct run_space *rs, size_t keep)
{
	struct purge p = {.least = 1, .whole = true};
	size_t total = 0, n;
	lock_acquire(&rs->lock, RANK_RUN);
	for (unsigned i = 0; i < 2; i++, p.whole = false) {
		p.at = (size_t)rs->npages + rs->bias;
		while ((n = purge_step(rs, &p, surplus(rs, keep))) > 0)
			total += n;
	}
	lock_release(&rs->lock, RANK_RUN);
	return total;
}
