/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * map_cairo.c -- a heap map as a picture: SVG and PNG, by the same drawing
 */
#include <cairo-svg.h>
#include <cairo.h>

#include "cli/command.h"
#include "cli/format.h"
#include "cli/map.h"
#include "cli/map_cells.h"

#define PAGE_BYTES  UINT64_C(4096)
#define MARGIN      24.0
#define LABELS      64.0 /* left of the map: offsets */
#define MAP_WIDTH   1024.0
#define MAP_HEIGHT  768.0 /* at most */
#define CELL_MOST   16u
#define CELL_LEAST  2u
#define TITLE_SIZE  15.0
#define TEXT_SIZE   12.0
#define LINE_HEIGHT 20.0
#define SWATCH      12.0
#define LABEL_EVERY 48.0 /* pixels between two offsets */
#define LEGEND_STEP 180.0
#define SIZES_STEP  92.0
#define HEAD        (2 * LINE_HEIGHT)
#define FOOT        (4.5 * LINE_HEIGHT)
#define GAP         14.0

struct drawing {
	const struct map_picture *picture;
	struct map_cells cells;
	double cell; /* pixels */
	double width, height;
};

static void
set_colour(cairo_t *cr, struct colour c)
{
	cairo_set_source_rgb(cr, c.red, c.green, c.blue);
}

static void
text(cairo_t *cr, double x, double y, double size, const char *what)
{
	cairo_set_source_rgb(cr, 0.13, 0.13, 0.13);
	cairo_set_font_size(cr, size);
	cairo_move_to(cr, x, y);
	cairo_show_text(cr, what);
}

static void
box(cairo_t *cr, double x, double y, double w, double h, struct colour c)
{
	set_colour(cr, c);
	cairo_rectangle(cr, x, y, w, h);
	cairo_fill(cr);
}

static bool
same(struct colour a, struct colour b)
{
	/* of equal cells they are equal to the last bit */
	return !(a.red < b.red || a.red > b.red || a.green < b.green ||
		 a.green > b.green || a.blue < b.blue || a.blue > b.blue);
}

/* draw_row -- equal cells together, so that a picture in vectors stays small */
static void
draw_row(cairo_t *cr, const struct drawing *d, unsigned row, double y)
{
	const struct cell *cells = &d->cells.cells[(size_t)row * d->cells.cols];
	unsigned n = d->cells.cols;

	while (n > 0 && cell_kind(&cells[n - 1]) == PAGE_KINDS)
		n--;
	for (unsigned col = 0, end; col < n; col = end) {
		struct colour c = cell_colour(&cells[col]);

		end = col + 1;
		while (end < n && same(c, cell_colour(&cells[end])))
			end++;
		box(cr, LABELS + MARGIN + col * d->cell, y,
			(end - col) * d->cell, d->cell, c);
	}
}

static void
draw_map(cairo_t *cr, const struct drawing *d)
{
	double next_label = 0;

	cairo_set_antialias(cr, CAIRO_ANTIALIAS_NONE);
	for (unsigned row = 0; row < d->cells.rows; row++)
		draw_row(cr, d, row, MARGIN + HEAD + row * d->cell);
	cairo_set_antialias(cr, CAIRO_ANTIALIAS_DEFAULT);
	for (unsigned row = 0; row < d->cells.rows; row++) {
		char offset[FORMAT_SIZE];

		if (row * d->cell < next_label)
			continue;
		next_label = row * d->cell + LABEL_EVERY;
		text(cr, MARGIN, MARGIN + HEAD + row * d->cell + TEXT_SIZE,
			TEXT_SIZE,
			format_bytes(offset, (uint64_t)row * d->cells.cols *
						     d->cells.per_cell *
						     PAGE_BYTES));
	}
}

/* draw_sizes -- the colours of slabs: by size, and by how full they are */
static void
draw_sizes(cairo_t *cr, double y)
{
	double x = MARGIN + LABELS;

	text(cr, MARGIN, y, TEXT_SIZE, "slots of");
	for (unsigned size = 8; size <= 32768; size *= 4, x += SIZES_STEP) {
		char label[FORMAT_SIZE];

		for (unsigned i = 0; i < 4; i++)
			box(cr, x + i * SWATCH, y - SWATCH + 2, SWATCH, SWATCH,
				slab_colour(size, (i + 0.5) / 4));
		text(cr, x + 4 * SWATCH + 4, y, TEXT_SIZE,
			format_bytes(label, size));
	}
	text(cr, x, y, TEXT_SIZE, "pale: few of the slots are in use");
}

static void
draw_legend(cairo_t *cr, const struct drawing *d, double y)
{
	double x = MARGIN;

	for (unsigned kind = 0; kind < PAGE_KINDS; kind++) {
		enum page_kind k = (enum page_kind)kind;
		char label[MAP_LINE_SIZE];

		if (d->picture->map->pages[kind] == 0)
			continue;
		(void)snprintf(label, sizeof(label), "%s %.1f%%",
			page_kind_name(k), map_share(d->picture, k));
		box(cr, x, y - SWATCH + 2, SWATCH, SWATCH, kind_colour(k));
		text(cr, x + SWATCH + 4, y, TEXT_SIZE, label);
		x += LEGEND_STEP;
	}
}

static void
draw(cairo_t *cr, const struct drawing *d)
{
	static const struct colour white = {1, 1, 1};
	double y = MARGIN + HEAD + d->cells.rows * d->cell + GAP;
	char line[MAP_TITLE_SIZE + MAP_LINE_SIZE + 2], scale[MAP_LINE_SIZE];

	cairo_select_font_face(cr, "sans-serif", CAIRO_FONT_SLANT_NORMAL,
		CAIRO_FONT_WEIGHT_NORMAL);
	box(cr, 0, 0, d->width, d->height, white);
	map_scale(scale, d->picture, d->cells.per_cell);
	(void)snprintf(line, sizeof(line), "%s; %s", d->picture->title, scale);
	text(cr, MARGIN, MARGIN + TITLE_SIZE, TITLE_SIZE, line);
	draw_map(cr, d);
	draw_legend(cr, d, y += LINE_HEIGHT);
	draw_sizes(cr, y += LINE_HEIGHT);
	map_summary(line, d->picture);
	text(cr, MARGIN, y += LINE_HEIGHT * 1.5, TEXT_SIZE, line);
	map_fillers(line, d->picture);
	text(cr, MARGIN, y + LINE_HEIGHT, TEXT_SIZE, line);
}

/* lay_out -- the largest cells that all pages have room with */
static int
lay_out(struct drawing *d, const struct map_picture *picture)
{
	unsigned cell = CELL_MOST;

	while (cell > CELL_LEAST && (MAP_WIDTH / cell) * (MAP_HEIGHT / cell) <
					    (double)picture->shown)
		cell /= 2;
	d->picture = picture;
	d->cell = cell;
	if (map_cells_make(&d->cells, picture->map, picture->shown,
		    (unsigned)(MAP_WIDTH / cell),
		    (unsigned)(MAP_HEIGHT / cell)) != 0)
		return refuse(STATUS_UNREADABLE, "no memory for the map");
	d->width = MARGIN + LABELS + MAP_WIDTH + MARGIN;
	d->height =
		MARGIN + HEAD + d->cells.rows * d->cell + GAP + FOOT + MARGIN;
	return 0;
}

static cairo_status_t
put(void *out, const unsigned char *data, unsigned size)
{
	return fwrite(data, 1, size, out) == size ? CAIRO_STATUS_SUCCESS
						  : CAIRO_STATUS_WRITE_ERROR;
}

/* finish -- the surface is drawn and written; 0 or an exit status */
static int
finish(cairo_surface_t *surface, struct drawing *d, cairo_status_t status)
{
	if (status == CAIRO_STATUS_SUCCESS)
		status = cairo_surface_status(surface);
	cairo_surface_destroy(surface);
	map_cells_free(&d->cells);
	/* what could not be written is told of the file */
	if (status == CAIRO_STATUS_WRITE_ERROR)
		return 0;
	if (status != CAIRO_STATUS_SUCCESS)
		return refuse(STATUS_UNREADABLE, "the picture: %s",
			cairo_status_to_string(status));
	return 0;
}

int
map_svg(const struct map_picture *picture, FILE *out)
{
	struct drawing d;
	int status = lay_out(&d, picture);

	if (status != 0)
		return status;
	cairo_surface_t *surface = cairo_svg_surface_create_for_stream(
		put, out, d.width, d.height);
	cairo_t *cr = cairo_create(surface);
	draw(cr, &d);
	cairo_destroy(cr);
	cairo_surface_finish(surface);
	return finish(surface, &d, CAIRO_STATUS_SUCCESS);
}

int
map_png(const struct map_picture *picture, FILE *out)
{
	struct drawing d;
	int status = lay_out(&d, picture);

	if (status != 0)
		return status;
	cairo_surface_t *surface = cairo_image_surface_create(
		CAIRO_FORMAT_RGB24, (int)d.width, (int)d.height);
	cairo_t *cr = cairo_create(surface);
	draw(cr, &d);
	cairo_destroy(cr);
	return finish(surface, &d,
		cairo_surface_write_to_png_stream(surface, put, out));
}
