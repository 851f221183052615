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
#include "cli/paper.h"

#define PAGE_BYTES    UINT64_C(4096)
#define LABEL_WIDTH   8 /* of the offset in front of each row */
#define LEAST_COLUMNS 16
#define SAMPLES       3 /* of a size's colours */
#define TENTHS        10
#define CUBE          5.0 /* steps of a colour among 256 */
#define CUBE_FIRST    16
#define BYTE          255.0
#define BRIGHT        0.5

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

/* print_key -- an entry of the legend: what a kind of pages looks like */
static void
print_key(struct paper *paper, const struct map_picture *picture,
	enum page_kind k)
{
	const char *sample = k == PAGE_SLAB ? "0-9" : (char[]){letters[k], 0};
	char text[MAP_LINE_SIZE];

	(void)snprintf(text, sizeof(text), " %s%s %.1f%%", page_kind_name(k),
		k == PAGE_SLAB ? ", tenths in use" : "", map_share(picture, k));
	paper_piece(paper, strlen(sample) + strlen(text));
	for (; *sample != '\0'; sample++)
		put(paper->out, *sample, kind_colour(k), picture->colour);
	end_colour(paper->out, picture->colour);
	fputs(text, paper->out);
}

/* print_sizes -- the colours of slabs, by the size of their slots */
static void
print_sizes(struct paper *paper)
{
	static const char head[] = "slots of";

	paper_piece(paper, strlen(head));
	fputs(head, paper->out);
	for (unsigned size = 8; size <= 32768; size *= 4) {
		char text[FORMAT_SIZE];

		(void)format_bytes(text, size);
		paper_piece(paper, SAMPLES + 1 + strlen(text));
		for (int i = 0; i < SAMPLES; i++) {
			int tenth = 2 + 3 * i;

			put(paper->out, (char)('0' + tenth),
				slab_colour(size, (tenth + 0.5) / TENTHS),
				true);
		}
		end_colour(paper->out, true);
		fprintf(paper->out, " %s", text);
	}
	paper_end(paper);
}

static void
print_legend(struct paper *paper, const struct map_picture *picture)
{
	for (unsigned kind = 0; kind < PAGE_KINDS; kind++)
		if (picture->map->pages[kind] != 0)
			print_key(paper, picture, (enum page_kind)kind);
	paper_end(paper);
	if (picture->colour && picture->map->pages[PAGE_SLAB] != 0)
		print_sizes(paper);
}

int
map_text(const struct map_picture *picture, FILE *out)
{
	struct map_cells cells;
	struct paper paper = {out, picture->width, 0};
	char line[MAP_LINE_SIZE], head[MAP_TITLE_SIZE + MAP_LINE_SIZE + 2];
	unsigned width = picture->width - LABEL_WIDTH;
	/* a power of two, or one and a half: then the offsets are round */
	unsigned cols = LEAST_COLUMNS;

	while (cols * 2 <= width)
		cols *= 2;
	if (cols + cols / 2 <= width)
		cols += cols / 2;
	if (map_cells_make(&cells, picture->map, picture->shown, cols,
		    picture->height) != 0)
		return refuse(STATUS_UNREADABLE, "no memory for the map");
	map_scale(line, picture, cells.per_cell);
	(void)snprintf(head, sizeof(head), "%s; %s", picture->title, line);
	format_names(head);
	paper_words(&paper, head);
	print_rows(&cells, out, picture->colour);
	map_cells_free(&cells);
	print_legend(&paper, picture);
	map_summary(line, picture);
	paper_words(&paper, line);
	map_fillers(line, picture);
	paper_words(&paper, line);
	return 0;
}
