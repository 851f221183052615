/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * map.h -- the forms of `vmem map`
 */
#ifndef CLI_MAP_H
#define CLI_MAP_H

#include <stdbool.h>
#include <stdio.h>

#include "inspect/inspect.h"

#define MAP_TITLE_SIZE 512
#define MAP_LINE_SIZE  256
#define MAP_LEAST_WIDTH                                                        \
	32            /* columns: what the legend's longest entry needs        \
		       */
#define MAP_FILLERS 6 /* that the line on what fills the pool has */

/* what is drawn */
struct map_picture {
	char title[MAP_TITLE_SIZE];
	const struct heap_map *map;
	const struct figures *figures;
	uint64_t shown; /* pages; the rest is free */
	bool torn;      /* of several moments */
	bool colour;
	unsigned width, height; /* of the terminal's map, in characters */
};

/*
 * map_used_pages -- the pages up to the last one in use, in steps of 2 MiB; all
 * when less than half of the pool lies behind it
 */
uint64_t map_used_pages(const struct heap_map *map);

/* map_scale -- behind the title: what a cell is, and what is left out */
void map_scale(char text[MAP_LINE_SIZE], const struct map_picture *picture,
	uint64_t per_cell);

/* map_summary -- in one line: what is free, in how many pieces */
void map_summary(char text[MAP_LINE_SIZE], const struct map_picture *picture);

/* map_fillers -- in one line: what fills the pool, the largest first */
void map_fillers(char text[MAP_LINE_SIZE], const struct map_picture *picture);

/* map_share -- percent of the pool that a kind of pages has */
double map_share(const struct map_picture *picture, enum page_kind kind);

/* the forms; 0 or an exit status, said why */
int map_text(const struct map_picture *picture, FILE *out);
int map_json(const struct map_picture *picture, FILE *out);
int map_html(const struct map_picture *picture, FILE *out);
int map_svg(const struct map_picture *picture, FILE *out);
int map_png(const struct map_picture *picture, FILE *out);

#endif
