/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * heap_map.c -- what every page of a pool is
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/bitmap.h"
#include "base/error.h"
#include "inspect/snapshot.h"

#define FIRST_EXTENTS ((size_t)256)

static const char *const names[PAGE_KINDS] = {
	[PAGE_META] = "metadata",
	[PAGE_SLAB] = "slab",
	[PAGE_LARGE] = "large",
	[PAGE_CACHED] = "kept",
	[PAGE_DIRTY] = "free, dirty",
	[PAGE_CLEAN] = "free, clean",
	[PAGE_TORN] = "changing",
};

const char *
page_kind_name(enum page_kind kind)
{
	return names[kind];
}

/* joins -- are pages together one extent, whatever run they belong to? */
static bool
joins(enum page_kind kind)
{
	return kind != PAGE_SLAB && kind != PAGE_LARGE && kind != PAGE_CACHED;
}

static int
add(struct heap_map *map, size_t *room, const struct extent *e)
{
	struct extent *last =
		map->nextents > 0 ? &map->extents[map->nextents - 1] : NULL;
	map->pages[e->kind] += e->npages;
	if (last != NULL && last->kind == e->kind && joins(e->kind)) {
		last->npages += e->npages;
		return 0;
	}
	if (map->extents == NULL || map->nextents == *room) {
		size_t n = *room == 0 ? FIRST_EXTENTS : *room * 2;
		struct extent *more = realloc(map->extents, n * sizeof(*more));
		if (more == NULL)
			return fail(ENOMEM, "no memory for the map");
		map->extents = more;
		*room = n;
	}
	map->extents[map->nextents++] = *e;
	return 0;
}

/* extent_of -- what the run of a descriptor is */
static struct extent
extent_of(const struct snapshot *snap, const struct desc *d, size_t page)
{
	struct extent e = {
		.page = page, .npages = d->npages, .kind = PAGE_META};
	if (d->owner == RUN_LARGE)
		e.kind = PAGE_LARGE;
	if (d->owner == RUN_CACHED)
		e.kind = PAGE_CACHED;
	if (d->owner < RUN_NTAGS)
		return e;
	const struct slab *s = (const struct slab *)d;
	e.size = snap->pool->dir.table->cls[s->cls].size;
	e.nlive = slab_live(s);
	e.nslots = s->nobj;
	e.kind = e.nlive > 0 ? PAGE_SLAB : PAGE_CACHED;
	return e;
}

/* free_extent -- free pages that are alike, up to a used one */
static struct extent
free_extent(const struct run_space *rs, size_t page, size_t used)
{
	bool dirty = bitmap_test(rs->dirty, page + rs->bias);
	size_t end = bitmap_next(
		rs->dirty, page + rs->bias, used + rs->bias, !dirty);
	return (struct extent){.page = page,
		.npages = end - rs->bias - page,
		.kind = dirty ? PAGE_DIRTY : PAGE_CLEAN};
}

/*
 * next_extent -- what begins at a page
 * *used is the next used one, looked for once for all free pages before it.
 */
static struct extent
next_extent(const struct snapshot *snap, size_t page, size_t *used)
{
	const struct run_space *rs = &snap->pool->runs;
	struct extent e = {.page = page, .npages = 1, .kind = PAGE_TORN};
	if (page >= rs->first && page >= *used)
		*used = next_used(rs, page);
	if (page < rs->first) {
		e.npages = rs->first - page;
		e.kind = PAGE_META;
	} else if (page < *used) {
		e = free_extent(rs, page, *used);
	} else {
		const struct desc *d = desc_at(rs, page);
		if (d != NULL && d->npages > 0)
			e = extent_of(snap, d, page);
	}
	return e;
}

int
heap_map_make(struct heap_map *ret, const struct snapshot *snap)
{
	size_t room = 0, used = 0;
	memset(ret, 0, sizeof(*ret));
	ret->npages = snap->pool->runs.npages;
	for (size_t page = 0; page < ret->npages;) {
		struct extent e = next_extent(snap, page, &used);
		int rc = add(ret, &room, &e);
		if (rc != 0) {
			heap_map_free(ret);
			return rc;
		}
		page += e.npages;
	}
	return 0;
}

void
heap_map_free(struct heap_map *map)
{
	free(map->extents);
	memset(map, 0, sizeof(*map));
}
