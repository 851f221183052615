/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * map_summary.c -- a heap map in words
 */
#include <stdlib.h>
#include <string.h>

#include "cli/format.h"
#include "cli/map.h"

#define PAGE_BYTES UINT64_C(4096)
#define STEP_PAGES UINT64_C(512)
#define HUNDRED    100.0
#define TEN        10.0 /* percent from which no digit behind the point is shown */

uint64_t
map_used_pages(const struct heap_map *map)
{
	uint64_t end = 0;

	for (size_t i = 0; i < map->nextents; i++)
		if (map->extents[i].kind != PAGE_DIRTY &&
			map->extents[i].kind != PAGE_CLEAN)
			end = map->extents[i].page + map->extents[i].npages;
	end = (end + STEP_PAGES - 1) / STEP_PAGES * STEP_PAGES;
	return end * 2 <= map->npages ? end : map->npages;
}

void
map_scale(char text[MAP_LINE_SIZE], const struct map_picture *picture,
	uint64_t per_cell)
{
	char cell[FORMAT_SIZE], shown[FORMAT_SIZE];

	if (picture->shown < picture->map->npages)
		(void)snprintf(text, MAP_LINE_SIZE,
			"a cell is %s; the first %s, all behind is free",
			format_bytes(cell, per_cell * PAGE_BYTES),
			format_bytes(shown, picture->shown * PAGE_BYTES));
	else
		(void)snprintf(text, MAP_LINE_SIZE, "a cell is %s",
			format_bytes(cell, per_cell * PAGE_BYTES));
}

double
map_share(const struct map_picture *picture, enum page_kind kind)
{
	return percent(picture->map->pages[kind], picture->map->npages);
}

void
map_summary(char text[MAP_LINE_SIZE], const struct map_picture *picture)
{
	const struct figures *f = picture->figures;
	char live[FORMAT_SIZE], spare[FORMAT_SIZE], largest[FORMAT_SIZE];
	char slack[FORMAT_SIZE];

	(void)snprintf(text, MAP_LINE_SIZE,
		"Objects %s (%.0f%%); free %s in %llu piece%s, the largest %s: "
		"%.0f%% fragmented; free slots in slabs %s: %.0f%% of their "
		"slots",
		format_bytes(live, f->live), percent(f->live, f->size),
		format_bytes(spare, f->free),
		(unsigned long long)f->nfree_pieces, plural(f->nfree_pieces),
		format_bytes(largest, f->largest_free),
		HUNDRED * figures_outer(f), format_bytes(slack, f->slack),
		HUNDRED * figures_inner(f));
}

/* a class of slots, or all large objects together */
struct filler {
	uint64_t held;
	uint32_t size; /* bytes of a slot; 0: large objects */
};

static int
compare(const void *a, const void *b)
{
	const struct filler *x = a, *y = b;

	return (x->held < y->held) - (x->held > y->held);
}

void
map_fillers(char text[MAP_LINE_SIZE], const struct map_picture *picture)
{
	const struct figures *f = picture->figures;
	struct filler fillers[FIGURES_CLASSES + 1] = {{0, 0}};
	size_t nfillers = 1, n;

	for (unsigned i = 0; i < f->nclasses; i++)
		if (f->cls[i].large)
			fillers[0].held += f->cls[i].held;
		else
			fillers[nfillers++] =
				(struct filler){f->cls[i].held, f->cls[i].size};
	qsort(fillers, nfillers, sizeof(fillers[0]), compare);
	n = (size_t)snprintf(text, MAP_LINE_SIZE, "Filled by:");
	for (size_t i = 0; i < nfillers && i < MAP_FILLERS; i++) {
		char size[FORMAT_SIZE] = "";
		double part = percent(fillers[i].held, f->size);

		if (fillers[i].held == 0)
			break;
		if (fillers[i].size != 0)
			(void)format_bytes(size, fillers[i].size);
		n += (size_t)snprintf(text + n, MAP_LINE_SIZE - n,
			"%s %s%s %.*f%%", i == 0 ? "" : ",",
			fillers[i].size == 0 ? "large objects" : "slots of ",
			size, part < TEN, part);
	}
	if (fillers[0].held == 0)
		(void)snprintf(text + n, MAP_LINE_SIZE - n, " nothing");
}
