/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * run_check.c -- verify the invariants of page runs, whatever the bytes are
 */
#include "run/run_check.h"

#include <errno.h>
#include <string.h>

#include "base/arith.h"
#include "base/bitmap.h"
#include "base/error.h"
#include "base/guard.h"
#include "base/os.h"
#include "run/meta.h"
#include "run/run.h"

#define ZERO_SAMPLES  ((size_t)64) /* clean free pages that are looked into */
#define PAGE_GRANULES ((uint32_t)(RUN_PAGE / RUN_GRANULE))

/* the granule at which a page begins; page 0 has none, it is the guard */
static uint64_t
page_granule(size_t page)
{
	return (page - RUN_HEADER_OFF / RUN_PAGE) * PAGE_GRANULES;
}

static size_t
granule_page(uint64_t g)
{
	return g / PAGE_GRANULES + RUN_HEADER_OFF / RUN_PAGE;
}

static bool
is_used(const struct run_check *c, size_t page)
{
	return bitmap_test(c->rs->tree.used, page + c->rs->bias);
}

/*
 * next_used -- the first used page from that one on; rs->npages: none is
 * Word by word: most of a large pool is free.
 */
static size_t
next_used(const struct run_check *c, size_t page)
{
	const struct run_space *rs = c->rs;
	return bitmap_next(rs->tree.used, page + rs->bias,
		       rs->npages + rs->bias, true) -
	       rs->bias;
}

/* map_is_hollow -- is there no memory behind the page map's entry of a page? */
static bool
map_is_hollow(const struct run_space *rs, size_t page)
{
	return bitmap_test(rs->hollow, run_map_page(page) + rs->bias);
}

/* entry_at -- the page map's entry of a page */
static uint64_t
entry_at(const struct run_check *c, size_t page)
{
	/* reported elsewhere, and not to be touched */
	return map_is_hollow(c->rs, page) ? 0
					  : run_map_entry(c->rs->base, page);
}

/* map_at -- the granule that it leads to, UINT32_MAX: none begins there */
static uint32_t
map_at(const struct run_check *c, size_t page)
{
	uint64_t entry = entry_at(c, page);
	return run_entry_is_well(entry) ? run_entry_granule(entry) : UINT32_MAX;
}

/* is_meta -- does the page map say that the page holds descriptors? */
static bool
is_meta(const struct run_check *c, size_t page)
{
	return page >= c->rs->first && page < c->rs->npages &&
	       is_used(c, page) && map_at(c, page) == page_granule(page);
}

static const struct meta *
meta_of(const struct run_check *c, size_t page)
{
	return (const struct meta *)run_desc(
		c->rs->base, (uint32_t)page_granule(page));
}

bool
run_check_begin(struct run_check *c, const struct run_space *rs,
	const void *base, size_t size, struct findings *f, int *ret_err)
{
	struct run_space want;
	memset(c, 0, sizeof(*c));
	c->rs = rs;
	c->f = f;
	run_space_layout(&want, (void *)(uintptr_t)base, size);
	if (rs->base != want.base || rs->npages != want.npages ||
		rs->first != want.first || rs->bias != want.bias ||
		rs->meta_pages != want.meta_pages || rs->dirty != want.dirty ||
		rs->hollow != want.hollow)
		return finding(f, "header: geometry of the runs");
	if (memcmp(&rs->tree, &want.tree, sizeof(want.tree)) != 0)
		return finding(f, "header: geometry of the page tree");
	if (!is_pow2(rs->granule) || rs->granule > TREE_BLOCK_BITS ||
		rs->give >= BACKING_NGIVES || rs->most - 1 >= rs->npages)
		return finding(f, "header: what lies behind the pages");
	c->heads = os_map(rs->npages * sizeof(uint64_t));
	c->claimed = os_map(rs->npages * sizeof(uint64_t));
	if (c->heads == NULL || c->claimed == NULL) {
		run_check_end(c);
		*ret_err = ENOMEM;
		(void)fail(ENOMEM, "no memory for the check's notes");
		return false;
	}
	return true;
}

void
run_check_end(struct run_check *c)
{
	if (c->heads != NULL)
		os_unmap(c->heads, c->rs->npages * sizeof(uint64_t));
	if (c->claimed != NULL)
		os_unmap(c->claimed, c->rs->npages * sizeof(uint64_t));
	c->heads = c->claimed = NULL;
}

struct desc *
run_check_head(const struct run_check *c, uint64_t granule)
{
	size_t page = granule_page(granule);
	if (granule == RUN_NO_GRANULE || page >= c->rs->npages ||
		!bitmap_test(&c->heads[page], granule % PAGE_GRANULES))
		return NULL;
	return run_desc(c->rs->base, (uint32_t)granule);
}

/* check_meta -- one descriptor run's own descriptor */
static void
check_meta(struct run_check *c, size_t page)
{
	const struct meta *m = meta_of(c, page);
	const struct desc *d = &m->head;
	if ((uint16_t)entry_at(c, page) != 0 || d->owner != RUN_META ||
		d->npages != META_PAGES || d->ngran != 1 ||
		d->base != c->rs->base + page * RUN_PAGE ||
		bitmap_test(m->free, 0))
		(void)finding(c->f, "page %zu: run of descriptors", page);
	c->nmeta++;
	c->nmeta_free += m->free[0] != 0;
	c->heads[page] |= 1;
	c->claimed[page] |= 1;
}

/* claim -- the granules of a descriptor; NULL, and why not */
static struct desc *
claim(const struct run_check *c, uint32_t g, const char **ret_why)
{
	size_t at = granule_page(g);
	unsigned first = g % PAGE_GRANULES;
	*ret_why = "is none";
	if (g < PAGE_GRANULES || first == 0 || !is_meta(c, at))
		return NULL;
	struct desc *d = run_desc(c->rs->base, g);
	*ret_why = "has a wrong size";
	if (d->ngran == 0 || first + d->ngran > PAGE_GRANULES)
		return NULL;
	*ret_why = "is shared";
	if (bitmap_any_set(&c->claimed[at], first, d->ngran))
		return NULL;
	bitmap_set_range(&c->claimed[at], first, d->ngran);
	return d;
}

struct desc *
run_check_spare(const struct run_check *c, uint32_t g)
{
	const char *why;
	struct desc *d = claim(c, g, &why);
	return d != NULL && d->ngran == 1 && d->owner == RUN_NONE ? d : NULL;
}

/* check_run -- the run that begins at a used page; returns its pages */
static size_t
check_run(struct run_check *c, size_t page)
{
	const struct run_space *rs = c->rs;
	uint32_t g = map_at(c, page);
	if (g == page_granule(page)) {
		check_meta(c, page);
		return META_PAGES;
	}
	const char *why;
	struct desc *d = claim(c, g, &why);
	if (d == NULL) {
		(void)finding(c->f, "page %zu: descriptor %u %s", page, g, why);
		return 1;
	}
	if (!run_begins(rs, d, page) || d->npages == 0 ||
		d->npages > rs->npages - page) {
		(void)finding(
			c->f, "page %zu: extent of descriptor %u", page, g);
		return 1;
	}
	bool large = d->owner == RUN_LARGE || d->owner == RUN_CACHED;
	if (d->owner == RUN_NONE || d->owner == RUN_META)
		(void)finding(
			c->f, "page %zu: owner of descriptor %u", page, g);
	/* what a run of the layer above has there, that one knows */
	uint16_t note = (uint16_t)entry_at(c, page);
	uint64_t entry = run_entry(g, d->owner < RUN_NTAGS ? 0 : note);
	for (size_t i = 0; i < d->npages; i++)
		if (entry_at(c, page + i) != (large && i > 0 ? 0 : entry)) {
			(void)finding(
				c->f, "page %zu: page map in a run", page + i);
			break;
		}
	if (!bitmap_all_set(rs->tree.used, page + rs->bias, d->npages))
		(void)finding(c->f, "page %zu: run with free pages", page);
	/* only now may others follow it */
	c->heads[granule_page(g)] |= UINT64_C(1) << (g % PAGE_GRANULES);
	c->nheaps += d->owner == RUN_HEAP;
	c->ncached += d->owner == RUN_CACHED;
	return d->npages;
}

static void
check_pages(struct run_check *c)
{
	const struct run_space *rs = c->rs;
	for (size_t page = 0; page < rs->npages;
		page = run_step_over(rs, page)) {
		if (page < rs->first || !is_used(c, page)) {
			if (entry_at(c, page) != 0)
				(void)finding(c->f,
					"page %zu: page map of a "
					"page without a run",
					page);
			if (page < rs->first && !is_used(c, page))
				(void)finding(c->f,
					"page %zu: fixed metadata "
					"is free",
					page);
			page++;
		} else if (entry_at(c, page) == 0) {
			(void)finding(
				c->f, "page %zu: in use by nothing", page);
			page++;
		} else {
			page += check_run(c, page);
		}
	}
}

void
run_check_granules(const struct run_check *c)
{
	size_t page = next_used(c, c->rs->first);
	for (; page < c->rs->npages; page = next_used(c, page + 1))
		if (is_meta(c, page) &&
			c->claimed[page] != ~meta_of(c, page)->free[0])
			(void)finding(c->f,
				"page %zu: descriptors in use and free", page);
}

static void
check_meta_list(struct run_check *c)
{
	uint32_t prev = RUN_NO_GRANULE, g = c->rs->meta_head;
	size_t n = 0;
	for (; g != RUN_NO_GRANULE && n <= c->nmeta; n++) {
		size_t page = granule_page(g);
		if (g % PAGE_GRANULES != 0 || !is_meta(c, page)) {
			(void)finding(c->f, "list of descriptor runs: %u", g);
			return;
		}
		const struct meta *m = meta_of(c, page);
		if (m->prev != prev || m->free[0] == 0)
			(void)finding(c->f, "list of descriptor runs: page %zu",
				page);
		prev = g;
		g = m->next;
	}
	if (n != c->nmeta_free || c->rs->nmeta != c->nmeta)
		(void)finding(c->f, "list of descriptor runs: length");
}

/* reads_as_zero -- is it said to be free, with memory that reads as zero? */
static bool
reads_as_zero(const struct run_space *rs, size_t page)
{
	size_t bit = page + rs->bias;
	return !bitmap_test(rs->tree.used, bit) &&
	       !bitmap_test(rs->dirty, bit) && !bitmap_test(rs->hollow, bit);
}

void
run_check_zero(const struct run_space *rs, struct findings *f)
{
	static const uint64_t zero[RUN_PAGE / sizeof(uint64_t)];
	size_t stride = max_size(rs->npages / ZERO_SAMPLES, 1);
	for (size_t page = rs->first; page < rs->npages; page += stride) {
		const char *at = rs->base + page * RUN_PAGE;
		/* what is not in memory would have to be read in first */
		if (!reads_as_zero(rs, page) || !os_is_resident(at))
			continue;
		if (guard_on)
			guard_open(at, RUN_PAGE);
		bool same = memcmp(at, zero, RUN_PAGE) == 0;
		if (guard_on)
			guard_close(at, RUN_PAGE);
		/* another process may have taken it, and says so first */
		compiler_fence();
		if (!same && reads_as_zero(rs, page))
			(void)finding(
				f, "page %zu: free, clean, not zero", page);
	}
}

/*
 * check_fixed -- of the fixed metadata only the page map may be hollow, and
 * not for pages that are not, or their neighbours
 */
static void
check_fixed(struct run_check *c)
{
	const struct run_space *rs = c->rs;
	size_t map = run_map_page(0), end = run_page(rs, rs->dirty);
	if (bitmap_any_set(rs->hollow, 0, map + rs->bias) ||
		bitmap_any_set(rs->hollow, end + rs->bias, rs->first - end))
		(void)finding(c->f, "fixed metadata is hollow");
	for (size_t page = 0; rs->nhollow > 0 && page < rs->npages; page++) {
		page = run_step_over(rs, page);
		if (page == rs->npages)
			break;
		size_t to = min_size(page + 1, rs->npages - 1);
		if (map_is_hollow(rs, page == 0 ? 0 : page - 1) ||
			map_is_hollow(rs, page) || map_is_hollow(rs, to))
			(void)finding(
				c->f, "page %zu: page map is hollow", page);
	}
}

/* check_used -- used pages are dirty and not hollow */
static void
check_used(struct run_check *c)
{
	const struct run_space *rs = c->rs;
	size_t page = next_used(c, rs->first);
	for (; page < rs->npages; page = next_used(c, page + 1)) {
		if (!bitmap_test(rs->dirty, page + rs->bias))
			(void)finding(
				c->f, "page %zu: used but not dirty", page);
		if (bitmap_test(rs->hollow, page + rs->bias))
			(void)finding(c->f, "page %zu: used but hollow", page);
	}
}

/* check_granules_hollow -- pages of a granule are hollow together */
static void
check_granules_hollow(struct run_check *c)
{
	const struct run_space *rs = c->rs;
	size_t g = rs->granule, nbits = rs->tree.nbits;
	for (size_t bit = 0; g > 1 && bit < nbits; bit += g) {
		size_t n = min_size(g, nbits - bit);
		if (bitmap_any_set(rs->hollow, bit, n) &&
			!bitmap_all_set(rs->hollow, bit, n))
			(void)finding(c->f, "page %zu: granule half hollow",
				bit - rs->bias);
	}
}

/* check_counts -- of free, hollow and spare pages */
static void
check_counts(struct run_check *c)
{
	const struct run_space *rs = c->rs;
	size_t end = rs->tree.nbits, nspare = 0;
	size_t words = bitmap_words(end) * BITMAP_WORD;
	size_t nfree =
		rs->npages - bitmap_count(rs->tree.used, rs->bias, rs->npages);
	if (nfree != rs->nfree)
		(void)finding(c->f, "count of free pages: %u, not %zu",
			rs->nfree, nfree);
	if (!bitmap_all_set(rs->tree.used, 0, rs->bias))
		(void)finding(c->f, "a page before the pool is free");
	/* the last word has bits past the end */
	if (bitmap_count(rs->hollow, 0, words) != rs->nhollow ||
		bitmap_any_set(rs->hollow, end, words - end))
		(void)finding(c->f, "count of hollow pages: %u", rs->nhollow);
	for (size_t i = 0; i < bitmap_words(end); i++)
		nspare += (size_t)__builtin_popcountll(
			rs->dirty[i] & ~rs->hollow[i] & ~rs->tree.used[i]);
	if (rs->dirty_end > end ||
		bitmap_any_set(rs->dirty, rs->dirty_end, end - rs->dirty_end))
		(void)finding(
			c->f, "end of the dirty pages: %u", rs->dirty_end);
	if (nspare != rs->nspare)
		(void)finding(c->f, "count of spare pages: %u, not %zu",
			rs->nspare, nspare);
}

void
run_check_all(struct run_check *c)
{
	/* nobody is inside the pool */
	if (c->rs->lock.word != 0)
		(void)finding(c->f, "lock of the runs is held");
	size_t bit = tree_consistent(&c->rs->tree);
	if (bit != TREE_NONE)
		(void)finding(c->f, "page tree at bit %zu", bit);
	check_counts(c);
	check_fixed(c);
	check_used(c);
	check_granules_hollow(c);
	check_pages(c);
	check_meta_list(c);
	run_check_zero(c->rs, c->f);
}

void
run_check_each(const struct run_check *c,
	void (*visit)(void *arg, struct desc *d), void *arg)
{
	/* descriptors lie in used pages, and the notes of others are never
	 * written: to read them would bring each one in */
	size_t page = next_used(c, c->rs->first);
	for (; page < c->rs->npages; page = next_used(c, page + 1)) {
		uint64_t heads = c->heads[page];
		for (; heads != 0; heads &= heads - 1) {
			uint64_t g = page_granule(page) +
				     (unsigned)__builtin_ctzll(heads);
			visit(arg, run_desc(c->rs->base, (uint32_t)g));
		}
	}
}
