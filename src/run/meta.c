/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * meta.c -- granules for descriptors, from runs of their own
 */
#include "run/meta.h"

#include <string.h>

#include "base/assert.h"
#include "base/bitmap.h"

static struct meta *
meta_at(const struct run_space *rs, uint32_t granule)
{
	return (struct meta *)run_desc(rs->base, granule);
}

/*
 * list_insert -- in front when it lies lower than the first one, else behind
 * that, so that descriptors tend to lie low and large runs find room above
 */
static void
list_insert(struct run_space *rs, struct meta *m)
{
	uint32_t g = run_granule(rs->base, m), head = rs->meta_head;
	bool first = head == RUN_NO_GRANULE || g < head;
	m->prev = first ? RUN_NO_GRANULE : head;
	m->next = first ? head : meta_at(rs, head)->next;
	if (m->next != RUN_NO_GRANULE)
		meta_at(rs, m->next)->prev = g;
	if (m->prev != RUN_NO_GRANULE)
		meta_at(rs, m->prev)->next = g;
	else
		rs->meta_head = g;
}

static void
list_remove(struct run_space *rs, struct meta *m)
{
	if (m->prev != RUN_NO_GRANULE)
		meta_at(rs, m->prev)->next = m->next;
	else
		rs->meta_head = m->next;
	if (m->next != RUN_NO_GRANULE)
		meta_at(rs, m->next)->prev = m->prev;
	m->next = m->prev = RUN_NO_GRANULE;
}

_Static_assert(META_WORDS == 1, "one word is all of them");

/* granules -- that many bits, fewer than a word has */
static uint64_t
granules(unsigned n)
{
	return (UINT64_C(1) << n) - 1;
}

/* is_full, is_unused -- none of its granules is free, or all are */
static bool
is_full(const struct meta *m)
{
	return m->free[0] == 0;
}

static bool
is_unused(const struct meta *m)
{
	return m->free[0] == ~UINT64_C(1);
}

/* find -- the first ngran free granules together, or META_GRANULES */
static unsigned
find(const struct meta *m, unsigned ngran)
{
	size_t at = 0;
	if (ngran == 1)
		return is_full(m) ? META_GRANULES
				  : (unsigned)__builtin_ctzll(m->free[0]);
	for (;;) {
		at = bitmap_next(m->free, at, META_GRANULES, true);
		if (at + ngran > META_GRANULES)
			return META_GRANULES;
		size_t stop = bitmap_next(m->free, at, at + ngran, false);
		if (stop == at + ngran)
			return (unsigned)at;
		at = stop;
	}
}

struct desc *
meta_alloc(struct run_space *rs, unsigned ngran)
{
	ASSERT(ngran > 0 && ngran < META_GRANULES);
	uint32_t g = rs->meta_head;
	while (g != RUN_NO_GRANULE) {
		struct meta *m = meta_at(rs, g);
		unsigned at = find(m, ngran);
		if (at == META_GRANULES) {
			g = m->next;
			continue;
		}
		m->free[0] &= ~(granules(ngran) << at);
		if (is_full(m))
			list_remove(rs, m);
		struct desc *d = run_desc(rs->base, g + at);
		memset(d, 0, ngran * RUN_GRANULE);
		d->ngran = (uint8_t)ngran;
		return d;
	}
	return NULL;
}

void
meta_add(struct run_space *rs, char *pages)
{
	struct meta *m = (struct meta *)(void *)pages;
	memset(m, 0, sizeof(*m));
	m->head.owner = RUN_META;
	m->head.base = pages;
	m->head.npages = META_PAGES;
	m->head.ngran = 1;
	m->free[0] = ~UINT64_C(1); /* granule 0 is its own descriptor */
	list_insert(rs, m);
	rs->nmeta++;
}

struct meta *
meta_free(struct run_space *rs, struct desc *d)
{
	uint32_t g = run_granule(rs->base, d);
	uint32_t page = run_page(rs, d);
	uint32_t first = run_map_granule(rs->base, page);
	struct meta *m = meta_at(rs, first);
	ASSERT(m->head.owner == RUN_META && g > first);
	if (is_full(m))
		list_insert(rs, m);
	m->free[0] |= granules(d->ngran) << (g - first);
	d->owner = RUN_NONE;
	bool only = m->next == RUN_NO_GRANULE && m->prev == RUN_NO_GRANULE;
	if (!is_unused(m) || only)
		return NULL;
	list_remove(rs, m);
	rs->nmeta--;
	return m;
}

struct meta *
meta_surplus(struct run_space *rs)
{
	uint32_t g = rs->meta_head;
	while (g != RUN_NO_GRANULE) {
		struct meta *m = meta_at(rs, g);
		bool only =
			m->next == RUN_NO_GRANULE && m->prev == RUN_NO_GRANULE;
		if (is_unused(m) && !only) {
			list_remove(rs, m);
			rs->nmeta--;
			return m;
		}
		g = m->next;
	}
	return NULL;
}
