/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * top_screen.c -- `vmem top` in the terminal
 */
#include <curses.h>
#include <langinfo.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/command.h"
#include "cli/format.h"
#include "cli/paper.h"
#include "cli/top.h"

#define MS_A_SECOND    1000.0
#define INTERVAL_LEAST 0.1
#define INTERVAL_MOST  60.0
#define DETAIL_LEAST   10 /* lines that the selected pool gets, at least */
#define FULL           0.9
#define FILLING        0.7
#define KEY_ESCAPE     27

enum { PAIR_HEAD = 1, PAIR_GOOD, PAIR_FULL, PAIR_VERY_FULL };

struct screen {
	struct top *top;
	double interval;
	bool wide, paused, help, done;
	size_t selected;
	/* by which the selected pool is found again after an update */
	int pid;
	uint64_t base;
};

static const char *const help[] = {
	"Keys",
	"  up, down, k, j       select a pool; more about it is shown below",
	"  page up, page down   ten pools at once",
	"  home, end            the first, the last",
	"  s                    sort by the next of the keys",
	"  space, p             pause and go on",
	"  +, -                 look more often, less often",
	"  r                    look at once",
	"  h, ?                 this help",
	"  q                    quit",
	"",
	"Columns",
	"  USED         bytes that are not in free pages",
	"  LIVE         bytes of objects",
	"  OUTER%       of the free memory is not in its largest piece",
	"  INNER%       of the slots of slabs are free",
	"  USED BEFORE  the last updates, the newest on the right",
};

static void
set_up(struct screen *s)
{
	s->wide = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
	(void)cbreak();
	(void)noecho();
	(void)keypad(stdscr, TRUE);
	(void)curs_set(0);
	if (!has_colors() || !colours_fit())
		return;
	(void)start_color();
	(void)use_default_colors();
	(void)init_pair(PAIR_HEAD, COLOR_CYAN, -1);
	(void)init_pair(PAIR_GOOD, COLOR_GREEN, -1);
	(void)init_pair(PAIR_FULL, COLOR_YELLOW, -1);
	(void)init_pair(PAIR_VERY_FULL, COLOR_RED, -1);
}

/* fitting -- bytes of a text that fit into a line; UTF-8, a column each */
static int
fitting(const char *text)
{
	int columns = 0;
	size_t i = 0;

	for (; text[i] != '\0'; i++) {
		bool begins = ((unsigned char)text[i] & 0xc0) != 0x80;

		if (begins && columns++ == COLS)
			break;
	}
	return (int)i;
}

static void
put(int y, attr_t look, const char *text)
{
	if (y < 0 || y >= LINES)
		return;
	(void)attr_set(look & ~(attr_t)A_COLOR, (short)PAIR_NUMBER(look), NULL);
	(void)mvaddnstr(y, 0, text, fitting(text));
	(void)clrtoeol();
	(void)attr_set(A_NORMAL, 0, NULL);
}

static attr_t
look_of(const struct top_pool *p)
{
	double used =
		p->figures.size == 0
			? 0
			: 1 - (double)p->figures.free / (double)p->figures.size;

	if (!p->read)
		return A_DIM;
	return (attr_t)COLOR_PAIR(used >= FULL      ? PAIR_VERY_FULL
				  : used >= FILLING ? PAIR_FULL
						    : PAIR_GOOD);
}

/* find_selected -- where the pool that was selected is now */
static void
find_selected(struct screen *s)
{
	const struct top *top = s->top;

	for (size_t i = 0; i < top->npools; i++)
		if (top->pools[i].pid == s->pid &&
			top->pools[i].pool.base == s->base)
			s->selected = i;
	if (s->selected >= top->npools)
		s->selected = top->npools == 0 ? 0 : top->npools - 1;
}

static void
select_pool(struct screen *s, long by)
{
	long last = (long)s->top->npools - 1;
	long to = (long)s->selected + by;

	if (last < 0)
		return;
	s->selected = (size_t)(to < 0 ? 0 : to > last ? last : to);
	s->pid = s->top->pools[s->selected].pid;
	s->base = s->top->pools[s->selected].pool.base;
}

/* draw_history -- two lines of bars: use and allocations */
static int
draw_history(const struct screen *s, const struct top_pool *p, int y)
{
	char text[TOP_LINE_SIZE], spark[TOP_LINE_SIZE / 2];
	size_t width = COLS > 40 ? (size_t)COLS - 20 : 20;

	if (width > HISTORY_LENGTH)
		width = HISTORY_LENGTH;
	spark_text(spark, sizeof(spark), &p->used, width, 1, s->wide);
	(void)snprintf(text, sizeof(text), "%13s  %s", "used", spark);
	put(y++, (attr_t)COLOR_PAIR(PAIR_GOOD), text);
	spark_text(spark, sizeof(spark), &p->rates, width, 0, s->wide);
	(void)snprintf(text, sizeof(text), "%13s  %s", "allocations", spark);
	put(y++, (attr_t)COLOR_PAIR(PAIR_HEAD), text);
	return y;
}

static void
draw_detail(const struct screen *s, int y)
{
	const struct top_pool *p = &s->top->pools[s->selected];
	struct top_class classes[TOP_CLASSES];
	char text[TOP_LINE_SIZE];
	size_t n = top_classes(p, classes);

	(void)snprintf(text, sizeof(text), "Pool %d:%s, %s, %s%s%s", p->pid,
		p->pool.id, p->program, p->pool.kind,
		p->pool.path[0] == '\0' ? "" : " in ", p->pool.path);
	format_names(text);
	put(y++, A_BOLD, text);
	y = draw_history(s, p, y);
	top_class_row(p, NULL, text, (size_t)COLS, s->wide);
	put(y++, A_UNDERLINE, text);
	for (size_t i = 0; i < n && y < LINES - 1; i++) {
		top_class_row(p, &classes[i], text, (size_t)COLS, s->wide);
		put(y++, A_NORMAL, text);
	}
}

static void
draw_help(void)
{
	int y = 1;

	for (size_t i = 0; i < sizeof(help) / sizeof(help[0]); i++)
		put(y++, A_NORMAL, help[i]);
}

static void
draw_pools(const struct screen *s)
{
	const struct top *top = s->top;
	char text[TOP_LINE_SIZE];
	int room = LINES - 3 - DETAIL_LEAST;
	size_t first = 0, y = 2;

	if (room < 1)
		room = LINES > 4 ? LINES - 4 : 1;
	if (s->selected >= (size_t)room)
		first = s->selected - (size_t)room + 1;
	top_columns(text);
	put(1, A_UNDERLINE, text);
	for (size_t i = first; i < top->npools && i < first + (size_t)room;
		i++) {
		top_row(&top->pools[i], text, (size_t)COLS, s->wide);
		put((int)y++,
			i == s->selected ? A_REVERSE : look_of(&top->pools[i]),
			text);
	}
	if (top->npools == 0)
		put(2, A_DIM, "no pools");
	else if ((int)y + 1 < LINES - 1)
		draw_detail(s, (int)y + 1);
}

static void
draw(const struct screen *s)
{
	char text[TOP_LINE_SIZE];

	(void)erase();
	top_head(s->top, text);
	put(0, (attr_t)COLOR_PAIR(PAIR_HEAD) | A_BOLD, text);
	if (s->help)
		draw_help();
	else
		draw_pools(s);
	(void)snprintf(text, sizeof(text),
		"q quit  h help  s sort  up/down select  space %s  +/- every "
		"%.1f s",
		s->paused ? "go on (paused)" : "pause", s->interval);
	put(LINES - 1, A_DIM, text);
	(void)refresh();
}

/* act_view -- keys that change what is shown; false: none of them */
static bool
act_view(struct screen *s, int key)
{
	switch (key) {
	case 'h':
	case '?':
		s->help = !s->help;
		break;
	case KEY_ESCAPE:
		s->help = false;
		break;
	case ' ':
	case 'p':
		s->paused = !s->paused;
		break;
	case '+':
		s->interval /= 2;
		break;
	case '-':
		s->interval *= 2;
		break;
	case 'q':
		s->done = true;
		break;
	default:
		return false;
	}
	if (s->interval < INTERVAL_LEAST)
		s->interval = INTERVAL_LEAST;
	if (s->interval > INTERVAL_MOST)
		s->interval = INTERVAL_MOST;
	return true;
}

/* act -- on a key; true: look at the pools at once */
static bool
act(struct screen *s, int key)
{
	enum { PAGE = 10 };

	if (act_view(s, key))
		return false;
	switch (key) {
	case KEY_UP:
	case 'k':
		select_pool(s, -1);
		break;
	case KEY_DOWN:
	case 'j':
		select_pool(s, 1);
		break;
	case KEY_PPAGE:
		select_pool(s, -PAGE);
		break;
	case KEY_NPAGE:
		select_pool(s, PAGE);
		break;
	case KEY_HOME:
		select_pool(s, -(long)s->top->npools);
		break;
	case KEY_END:
		select_pool(s, (long)s->top->npools);
		break;
	case 's':
		s->top->sort = (s->top->sort + 1) % TOP_SORTS;
		return true;
	case 'r':
		return true;
	default:
		break;
	}
	return false;
}

static double
now(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int
loop(struct screen *s)
{
	double next = now() + s->interval;
	int rc = 0;

	while (!s->done && rc == 0) {
		double left = next - now();
		int key;
		bool at_once = false;

		draw(s);
		timeout(s->paused
				? -1
				: (int)(left > 0 ? left * MS_A_SECOND + 1 : 0));
		key = getch();
		if (key != ERR)
			at_once = act(s, key);
		if (at_once || (!s->paused && now() >= next)) {
			rc = top_update(s->top);
			find_selected(s);
			next = now() + s->interval;
		}
	}
	return rc;
}

int
top_screen(struct top *top, double interval)
{
	struct screen s = {.top = top, .interval = interval};
	SCREEN *terminal;
	int rc;

	(void)setlocale(LC_ALL, "");
	terminal = newterm(NULL, stdout, stdin);
	if (terminal == NULL)
		return refuse(STATUS_USAGE,
			"this terminal cannot be used; try --batch");
	set_up(&s);
	select_pool(&s, 0);
	rc = loop(&s);
	(void)endwin();
	delscreen(terminal);
	return rc == 0 ? 0 : refuse(STATUS_UNREADABLE, "no memory");
}
