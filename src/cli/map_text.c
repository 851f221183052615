/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * map_text.c -- a heap map in the terminal
 */
#include <stdlib.h>
#include <string.h>

#include "cli/command.h"
#include "cli/format.h"
#include "cli/map.h"
#include "cli/map_cells.h"

#define PAGE_BYTES  UINT64_C(4096)
#define LABEL_WIDTH 8 /* of the offset in front of each row */
#define LEAST_WIDTH 16
#define TENTHS      10
#define CUBE        5.0 /* steps of a colour among 256 */
#define CUBE_FIRST  16
#define BYTE        255.0
#define BRIGHT      0.5

static const char letters[PAGE_KINDS] = {
	[PAGE_META] = 'm',
	[PAGE_SLAB] = '0',
	[PAGE_LARGE] = 'L',
	[PAGE_CACHED] = 'k',
	[PAGE_DIRTY] = ':',
	[PAGE_CLEAN] = '.',
	[PAGE_TORN] = '?',
};

static bool
has_true_colour(void)
{
	const char *said = getenv("COLORTERM");

	return said != NULL &&
	       (strcmp(said, "truecolor") == 0 || strcmp(said, "24bit") == 0);
}

/* put -- a character on a background, dark on light or light on dark */
static void
put(FILE *out, char c, struct colour on, bool colour)
{
	double light = 0.3 * on.red + 0.59 * on.green + 0.11 * on.blue;
	int text = light > BRIGHT ? 30 : 97; /* black, white */

	if (!colour)
		fputc(c, out);
	else if (has_true_colour())
		fprintf(out, "\033[%d;48;2;%d;%d;%dm%c", text,
			(int)(on.red * BYTE), (int)(on.green * BYTE),
			(int)(on.blue * BYTE), c);
	else
		fprintf(out, "\033[%d;48;5;%dm%c", text,
			CUBE_FIRST + 36 * (int)(on.red * CUBE + 0.5) +
				6 * (int)(on.green * CUBE + 0.5) +
				(int)(on.blue * CUBE + 0.5),
			c);
}

static void
end_colour(FILE *out, bool colour)
{
	if (colour)
		fputs("\033[0m", out);
}

static char
letter(const struct cell *cell)
{
	enum page_kind kind = cell_kind(cell);
	int tenth;

	if (kind == PAGE_KINDS)
		return ' ';
	if (kind != PAGE_SLAB)
		return letters[kind];
	tenth = (int)(cell_fill(cell) * TENTHS);
	return (char)('0' + (tenth < TENTHS ? tenth : TENTHS - 1));
}

static void
print_rows(const struct map_cells *cells, FILE *out, bool colour)
{
	for (unsigned row = 0; row < cells->rows; row++) {
		const struct cell *from =
			&cells->cells[(size_t)row * cells->cols];
		char offset[FORMAT_SIZE];

		fprintf(out, "%*s ", LABEL_WIDTH - 1,
			format_bytes(offset, (uint64_t)row * cells->cols *
						     cells->per_cell *
						     PAGE_BYTES));
		for (unsigned col = 0; col < cells->cols; col++) {
			if (cell_kind(&from[col]) == PAGE_KINDS)
				break;
			put(out, letter(&from[col]), cell_colour(&from[col]),
				colour);
		}
		end_colour(out, colour);
		fputc('\n', out);
	}
}

static void
print_legend(const struct map_picture *picture, FILE *out)
{
	bool colour = picture->colour;

	for (unsigned kind = 0; kind < PAGE_KINDS; kind++) {
		enum page_kind k = (enum page_kind)kind;

		if (picture->map->pages[kind] == 0)
			continue;
		put(out, letters[kind], kind_colour(k), colour);
		if (k == PAGE_SLAB)
			put(out, '-', kind_colour(k), colour);
		if (k == PAGE_SLAB)
			put(out, '9', kind_colour(k), colour);
		end_colour(out, colour);
		fprintf(out, " %s%s %.1f%%  ", page_kind_name(k),
			k == PAGE_SLAB ? ", tenths in use" : "",
			map_share(picture, k));
	}
	fputc('\n', out);
	if (!colour || picture->map->pages[PAGE_SLAB] == 0)
		return;
	fputs("slots of ", out);
	for (unsigned size = 8; size <= 32768; size *= 4) {
		char text[FORMAT_SIZE];

		for (int tenth = 2; tenth < TENTHS; tenth += 3)
			put(out, (char)('0' + tenth),
				slab_colour(size, (tenth + 0.5) / TENTHS),
				colour);
		end_colour(out, colour);
		fprintf(out, " %s  ", format_bytes(text, size));
	}
	fputc('\n', out);
}

int
map_text(const struct map_picture *picture, FILE *out)
{
	struct map_cells cells;
	char line[MAP_LINE_SIZE];
	unsigned width = picture->width > LABEL_WIDTH + LEAST_WIDTH
				 ? picture->width - LABEL_WIDTH
				 : LEAST_WIDTH;
	/* a power of two, or one and a half: then the offsets are round */
	unsigned cols = LEAST_WIDTH;

	while (cols * 2 <= width)
		cols *= 2;
	if (cols + cols / 2 <= width)
		cols += cols / 2;
	if (map_cells_make(&cells, picture->map, picture->shown, cols,
		    picture->height) != 0)
		return refuse(STATUS_UNREADABLE, "no memory for the map");
	map_scale(line, picture, cells.per_cell);
	fprintf(out, "%s; %s\n", picture->title, line);
	print_rows(&cells, out, picture->colour);
	map_cells_free(&cells);
	print_legend(picture, out);
	map_summary(line, picture);
	fprintf(out, "%s\n", line);
	map_fillers(line, picture);
	fprintf(out, "%s\n", line);
	return 0;
}
