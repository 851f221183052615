/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * map_cells.c -- a heap map on a raster, and its colours
 */
#include "cli/map_cells.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* slabs: from blue, the smallest, by green and yellow to red, the largest */
#define HUE_SMALLEST 215.0
#define HUE_LARGEST  5.0
#define LG_SMALLEST  3.0  /* 8 bytes */
#define LG_LARGEST   15.0 /* 32 KiB */
#define MIDDLE_SIZE  512.0
#define SEXTANT      60.0

#define RGB(r, g, b)                                                           \
	{                                                                      \
		(r) / 255.0, (g) / 255.0, (b) / 255.0                          \
	}

static const struct colour colours[PAGE_KINDS] = {
	[PAGE_META] = RGB(0x37, 0x47, 0x4f),
	[PAGE_LARGE] = RGB(0x8e, 0x44, 0xad),
	[PAGE_CACHED] = RGB(0xf4, 0x8f, 0xb1),
	[PAGE_DIRTY] = RGB(0xb8, 0xbd, 0xc1),
	[PAGE_CLEAN] = RGB(0xee, 0xf0, 0xf1),
	[PAGE_TORN] = RGB(0x00, 0x00, 0x00),
};

/* from_hsv -- hue in degrees */
static struct colour
from_hsv(double hue, double saturation, double value)
{
	double chroma = value * saturation, least = value - chroma;
	double sextant = hue / SEXTANT;
	double other = chroma * (1 - fabs(fmod(sextant, 2) - 1));
	struct colour c = {least, least, least};

	switch ((int)sextant) {
	case 0:
		c.red += chroma;
		c.green += other;
		break;
	case 1:
		c.red += other;
		c.green += chroma;
		break;
	case 2:
		c.green += chroma;
		c.blue += other;
		break;
	default: /* no hue is beyond blue here */
		c.green += other;
		c.blue += chroma;
		break;
	}
	return c;
}

static struct colour
slab_colour_lg(double lg_size, double fill)
{
	double part = (lg_size - LG_SMALLEST) / (LG_LARGEST - LG_SMALLEST);

	part = fmin(fmax(part, 0), 1);
	return from_hsv(HUE_SMALLEST + part * (HUE_LARGEST - HUE_SMALLEST),
		0.16 + 0.74 * fill, 0.98 - 0.22 * fill);
}

struct colour
slab_colour(double size, double fill)
{
	return slab_colour_lg(log2(size), fill);
}

struct colour
kind_colour(enum page_kind kind)
{
	if (kind == PAGE_SLAB)
		return slab_colour(MIDDLE_SIZE, 1);
	return colours[kind];
}

/* add -- pages of an extent to the cell that they lie in */
static void
add(struct cell *cell, const struct extent *e, uint64_t npages)
{
	float n = (float)npages;

	cell->pages[e->kind] += n;
	if (e->kind != PAGE_SLAB || e->npages == 0 || e->nslots == 0)
		return;
	float part = n / (float)e->npages;
	cell->live += part * (float)e->nlive * (float)e->size;
	cell->slots += part * (float)e->nslots * (float)e->size;
	cell->lg_size += n * log2f((float)e->size);
}

int
map_cells_make(struct map_cells *ret, const struct heap_map *map,
	uint64_t npages, unsigned cols, unsigned most_rows)
{
	uint64_t room = (uint64_t)cols * most_rows, per_cell = 1;

	memset(ret, 0, sizeof(*ret));
	while (room * per_cell < npages)
		per_cell *= 2;
	ret->per_cell = per_cell;
	ret->cols = cols;
	ret->ncells = (size_t)((npages + per_cell - 1) / per_cell);
	ret->rows = (unsigned)((ret->ncells + cols - 1) / cols);
	ret->cells = calloc((size_t)ret->rows * cols, sizeof(*ret->cells));
	if (ret->cells == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < map->nextents; i++) {
		const struct extent *e = &map->extents[i];

		for (uint64_t n, done = 0; done < e->npages; done += n) {
			uint64_t page = e->page + done;

			if (page >= npages)
				return 0;

			n = per_cell - page % per_cell;
			if (n > e->npages - done)
				n = e->npages - done;
			add(&ret->cells[page / per_cell], e, n);
		}
	}
	return 0;
}

void
map_cells_free(struct map_cells *cells)
{
	free(cells->cells);
	cells->cells = NULL;
}

enum page_kind
cell_kind(const struct cell *cell)
{
	enum page_kind most = PAGE_KINDS;
	float pages = 0;

	for (unsigned kind = 0; kind < PAGE_KINDS; kind++)
		if (cell->pages[kind] > pages) {
			pages = cell->pages[kind];
			most = (enum page_kind)kind;
		}
	return most;
}

double
cell_fill(const struct cell *cell)
{
	return cell->slots > 0 ? (double)(cell->live / cell->slots) : 0;
}

struct colour
cell_colour(const struct cell *cell)
{
	struct colour sum = {0, 0, 0};
	double pages = 0;

	for (unsigned kind = 0; kind < PAGE_KINDS; kind++) {
		double n = (double)cell->pages[kind];
		struct colour c;

		if (n <= 0)
			continue;
		c = kind == PAGE_SLAB
			    ? slab_colour_lg((double)cell->lg_size / n,
				      cell_fill(cell))
			    : colours[kind];
		sum.red += n * c.red;
		sum.green += n * c.green;
		sum.blue += n * c.blue;
		pages += n;
	}
	if (pages <= 0)
		return (struct colour){1, 1, 1};
	return (struct colour){
		sum.red / pages, sum.green / pages, sum.blue / pages};
}
