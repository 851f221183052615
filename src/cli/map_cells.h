/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * map_cells.h -- a heap map on a raster, and its colours
 *
 * A cell stands for one page, or for 2, 4, 8... where the pool has more pages
 * than there is room for; then it is what most of them are, and its colour is
 * the mean of theirs.
 */
#ifndef CLI_MAP_CELLS_H
#define CLI_MAP_CELLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "inspect/inspect.h"

struct cell {
	float pages[PAGE_KINDS]; /* of each kind */
	float live, slots;       /* in slabs, in bytes: how full they are */
	float lg_size; /* sum over pages of slabs: log2 of the slots */
};

struct map_cells {
	struct cell *cells; /* rows of cols */
	size_t ncells;
	unsigned cols, rows;
	uint64_t per_cell; /* pages; a power of two */
};

struct colour {
	double red, green, blue; /* 0..1 */
};

/*
 * map_cells_make -- for so many pages, as many cells as fit; 0, or -ENOMEM
 * without a message Free them with map_cells_free().
 */
int map_cells_make(struct map_cells *ret, const struct heap_map *map,
	uint64_t npages, unsigned cols, unsigned most_rows);
void map_cells_free(struct map_cells *cells);

/* cell_kind -- what most of it is; PAGE_KINDS when it is behind the end */
enum page_kind cell_kind(const struct cell *cell);

/* cell_fill -- how much of its slabs is in use, 0..1 */
double cell_fill(const struct cell *cell);

struct colour cell_colour(const struct cell *cell);

/* kind_colour -- of PAGE_SLAB it is slab_colour() for some middle size */
struct colour kind_colour(enum page_kind kind);

/* slab_colour -- by the size of the slots, paler the emptier it is */
struct colour slab_colour(double size, double fill);

#endif
