/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * cmd_map.c -- `vmem map`: every page of a pool by what it is
 */
#include <argp.h>
#include <errno.h>
#include <libvmem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/format.h"
#include "cli/map.h"
#include "cli/paper.h"
#include "cli/target.h"
#include "inspect/inspect.h"

#define DEFAULT_WIDTH  80
#define DEFAULT_HEIGHT 24
#define TEXTS          5   /* title, legends, summary, what fills it */
#define TEXT_LENGTH    120 /* of each, about, before it is broken */
#define LEAST_HEIGHT   8
#define MOST           10000

/* a form that a map can have */
struct form {
	const char *name; /* also the end of a file's name */
	int (*print)(const struct map_picture *picture, FILE *out);
};

static const struct form forms[] = {
	{"text", map_text},
	{"json", map_json},
	{"html", map_html},
	{"svg", map_svg},
	{"png", map_png},
};

#define NFORMS (sizeof(forms) / sizeof(forms[0]))

struct options {
	struct target target;
	const struct form *form;
	const char *output;
	const char *colour;
	bool all;
	unsigned width, height; /* 0: as the terminal has */
};

enum { KEY_COLOUR = 256, KEY_WIDTH, KEY_HEIGHT };

static const struct argp_option known[] = {
	{"format", 'f', "FORM", 0,
		"text, json, html, svg or png (default: by the file's name, or "
		"text)",
		0},
	{"output", 'o', "FILE", 0, "Write to FILE", 0},
	{"all", 'a', NULL, 0,
		"Draw also what is free at the end, when that is the larger "
		"part",
		0},
	{"color", KEY_COLOUR, "WHEN", 0, "always, never or auto (default)", 0},
	{"width", KEY_WIDTH, "COLUMNS", 0,
		"Of the text (default: as the terminal)", 0},
	{"height", KEY_HEIGHT, "ROWS", 0,
		"Rows of the map in the text, at most (default: as the "
		"terminal)",
		0},
	{0},
};

static const struct form *
form_lookup(const char *name)
{
	for (size_t i = 0; i < NFORMS; i++)
		if (strcmp(forms[i].name, name) == 0)
			return &forms[i];
	return NULL;
}

static unsigned
read_number(struct argp_state *state, const char *what, const char *text)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	if (end == text || *end != '\0' || n == 0 || n > MOST)
		argp_error(state, "--%s: '%s' is not from 1 to %d", what, text,
			MOST);
	return (unsigned)n;
}

static error_t
parse(int key, char *arg, struct argp_state *state)
{
	struct options *options = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &options->target;
		break;
	case 'f':
		options->form = form_lookup(arg);
		if (options->form == NULL)
			argp_error(state,
				"--format: '%s' is none of text, "
				"json, html, svg, png",
				arg);
		break;
	case 'o':
		options->output = arg;
		break;
	case 'a':
		options->all = true;
		break;
	case KEY_COLOUR:
		options->colour = arg;
		if (strcmp(arg, "always") != 0 && strcmp(arg, "never") != 0 &&
			strcmp(arg, "auto") != 0)
			argp_error(state,
				"--color: '%s' is none of always, "
				"never, auto",
				arg);
		break;
	case KEY_WIDTH:
		options->width = read_number(state, "width", arg);
		break;
	case KEY_HEIGHT:
		options->height = read_number(state, "height", arg);
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

static const struct argp argp = {.options = known,
	.parser = parse,
	.children = target_children,
	.args_doc = TARGET_ARGS_DOC,
	.doc = "Draw a memory pool of a running program: every page by what it "
	       "is.\v"
	       "The program is not stopped.\n\n" STATUS_DAMAGED_DOC};

/* choose_form -- by option, by the file's name, or text */
static void
choose_form(struct options *options)
{
	const char *dot =
		options->output == NULL ? NULL : strrchr(options->output, '.');

	if (options->form == NULL && dot != NULL)
		options->form = form_lookup(dot + 1);
	if (options->form == NULL)
		options->form = &forms[0];
}

static bool
is_coloured(const struct options *options)
{
	if (options->colour != NULL && strcmp(options->colour, "auto") != 0)
		return strcmp(options->colour, "always") == 0;
	return options->output == NULL && isatty(STDOUT_FILENO) != 0 &&
	       colours_fit();
}

static void
find_size(const struct options *options, struct map_picture *picture)
{
	struct winsize size = {0};
	unsigned others;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) {
		size.ws_col = DEFAULT_WIDTH;
		size.ws_row = DEFAULT_HEIGHT;
	}
	picture->width = options->width != 0 ? options->width : size.ws_col;
	if (picture->width < MAP_LEAST_WIDTH)
		picture->width = MAP_LEAST_WIDTH;
	/* the texts around it, and the prompt */
	others = TEXTS * (1 + (TEXT_LENGTH - 1) / picture->width) + 1;
	picture->height = size.ws_row > LEAST_HEIGHT + others
				  ? size.ws_row - others
				  : LEAST_HEIGHT;
	if (options->height != 0)
		picture->height = options->height;
}

static void
set_title(const struct target *target, struct map_picture *picture)
{
	const struct seen_pool *pool = target->pool;
	char size[FORMAT_SIZE];

	(void)snprintf(picture->title, sizeof(picture->title),
		"Pool %s of %s (%d), %s%s%s, %s", pool->id,
		source_program(target->source), source_pid(target->source),
		pool->kind, pool->path[0] == '\0' ? "" : " in ", pool->path,
		format_bytes(size, pool->size));
}

static int
print(const struct options *options, const struct map_picture *picture)
{
	FILE *out = stdout;
	int status;

	if (options->output != NULL)
		out = fopen(options->output, "we");
	if (out == NULL)
		return refuse(STATUS_FAILED, "%s: %s", options->output,
			strerror(errno));
	status = options->form->print(picture, out);
	if (out == stdout)
		return status;
	errno = 0;
	bool bad = fflush(out) != 0 || ferror(out) != 0;
	bad = fclose(out) != 0 || bad;
	if (bad && status == 0)
		status = refuse(STATUS_FAILED, "%s: %s", options->output,
			errno == 0 ? "it cannot be written" : strerror(errno));
	return status;
}

int
cmd_map(int argc, char **argv)
{
	struct options options = {0};
	struct map_picture picture = {0};
	struct snapshot *snap = NULL;
	static struct figures figures;
	struct heap_map map = {0};
	size_t torn;
	int status;

	if (argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, &options) != 0)
		return STATUS_USAGE;
	choose_form(&options);
	status = target_open(&options.target, true);
	if (status == 0)
		status = target_snapshot(
			&options.target, argv, SNAPSHOT_EXACT, &snap);
	if (status == 0 && (figures_read(&figures, snap) != 0 ||
				   heap_map_make(&map, snap) != 0))
		status = refuse(STATUS_UNREADABLE, "%s", vmem_errormsg());
	if (status == 0) {
		picture.map = &map;
		picture.figures = &figures;
		picture.shown = options.all ? map.npages : map_used_pages(&map);
		picture.torn = !snapshot_is_exact(snap, &torn);
		picture.colour = is_coloured(&options);
		find_size(&options, &picture);
		set_title(&options.target, &picture);
		status = print(&options, &picture);
	}
	if (status == 0 && snapshot_is_damaged(snap))
		status = STATUS_DAMAGED;
	heap_map_free(&map);
	snapshot_drop(snap);
	target_close(&options.target);
	return status;
}
