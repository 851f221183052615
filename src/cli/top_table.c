/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * top_table.c -- the lines of `vmem top`
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/format.h"
#include "cli/top.h"

#define HUNDRED     100.0
#define BAR_WIDTH   20
#define ROW_WIDTH   90 /* of a row without its history */
#define SPARK_MOST  60
#define SPARK_LEAST 8
#define CLOCK_SIZE  16

const char *
top_sort_name(enum top_sort sort)
{
	static const char *const names[TOP_SORTS] = {
		[TOP_BY_USED] = "used",
		[TOP_BY_RATE] = "allocations",
		[TOP_BY_LIVE] = "live",
		[TOP_BY_FRAGMENTS] = "fragmentation",
		[TOP_BY_PID] = "pid",
	};

	return names[sort];
}

void
top_head(const struct top *top, char text[TOP_LINE_SIZE])
{
	char clock[CLOCK_SIZE] = "", size[FORMAT_SIZE], used[FORMAT_SIZE];
	char rate[FORMAT_SIZE];
	uint64_t bytes = 0, spare = 0;
	double rates = 0;
	time_t now = time(NULL);
	struct tm local;

	for (size_t i = 0; i < top->npools; i++) {
		const struct top_pool *p = &top->pools[i];

		bytes += p->pool.size;
		spare += p->pool.size - p->pool.used;
		rates += p->rate;
	}
	if (localtime_r(&now, &local) != NULL)
		(void)strftime(clock, sizeof(clock), "%H:%M:%S", &local);
	(void)snprintf(text, TOP_LINE_SIZE,
		"vmem top %s  %zu program%s, %zu pool%s of %s, %s used "
		"(%.0f%%), "
		"%s allocations/s, by %s",
		clock, top->nprograms, plural(top->nprograms), top->npools,
		plural(top->npools), format_bytes(size, bytes),
		format_bytes(used, bytes - spare),
		percent(bytes - spare, bytes), format_count(rate, rates),
		top_sort_name(top->sort));
}

void
top_columns(char text[TOP_LINE_SIZE])
{
	(void)snprintf(text, TOP_LINE_SIZE,
		"%8s %-15s %5s %7s %7s %5s %7s %4s %7s %6s %6s  %s", "PID",
		"PROGRAM", "POOL", "SIZE", "USED", "USE%", "LIVE", "THR",
		"ALLOC/S", "OUTER%", "INNER%", "USED BEFORE");
}

void
top_row(const struct top_pool *p, char text[TOP_LINE_SIZE], size_t width,
	bool wide)
{
	const struct figures *f = &p->figures;
	char size[FORMAT_SIZE], used[FORMAT_SIZE], live[FORMAT_SIZE];
	char rate[FORMAT_SIZE] = "-", threads[FORMAT_SIZE] = "?";
	char spark[TOP_LINE_SIZE / 2] = "";
	size_t room = width > ROW_WIDTH ? width - ROW_WIDTH : 0;

	if (p->pool.threads >= 0)
		(void)snprintf(threads, sizeof(threads), "%d", p->pool.threads);
	if (!p->read) {
		(void)snprintf(text, TOP_LINE_SIZE,
			"%8d %-15s %5s %7s %7s %5s %7s %4s %s", p->pid,
			p->program, p->pool.id,
			format_bytes(size, p->pool.size), "?", "?", "?",
			threads,
			p->pool.why[0] != '\0' ? p->pool.why
					       : "cannot be read now");
		return;
	}
	if (p->read_before)
		(void)format_count(rate, p->rate);
	if (room > SPARK_MOST)
		room = SPARK_MOST;
	if (room >= SPARK_LEAST)
		spark_text(spark, sizeof(spark), &p->used, room, 1, wide);
	(void)snprintf(text, TOP_LINE_SIZE,
		"%8d %-15s %5s %7s %7s %4.0f%% %7s %4s %7s %5.0f%% %5.0f%%  "
		"%s",
		p->pid, p->program, p->pool.id, format_bytes(size, f->size),
		format_bytes(used, f->size - f->free),
		percent(f->size - f->free, f->size),
		format_bytes(live, f->live), threads, rate,
		HUNDRED * figures_outer(f), HUNDRED * figures_inner(f), spark);
}

static int
compare(const void *a, const void *b)
{
	const struct top_class *x = a, *y = b;

	return (x->now->held < y->now->held) - (x->now->held > y->now->held);
}

/* rate_of -- allocations of a class a second, since the figures before */
static double
rate_of(const struct top_pool *p, const struct class_figures *now)
{
	for (unsigned i = 0; p->read_before && i < p->before.nclasses; i++) {
		const struct class_figures *then = &p->before.cls[i];

		if (then->size == now->size && then->large == now->large)
			return p->seconds > 0 && now->nmalloc >= then->nmalloc
				       ? (double)(now->nmalloc -
						  then->nmalloc) /
						 p->seconds
				       : 0;
	}
	return p->read_before && p->seconds > 0
		       ? (double)now->nmalloc / p->seconds
		       : 0;
}

size_t
top_classes(const struct top_pool *p, struct top_class ret[TOP_CLASSES])
{
	struct top_class all[FIGURES_CLASSES] = {{NULL, 0}};
	size_t n = 0;

	for (unsigned i = 0; p->read && i < p->figures.nclasses; i++)
		if (p->figures.cls[i].held > 0) {
			all[n].now = &p->figures.cls[i];
			all[n++].rate = rate_of(p, &p->figures.cls[i]);
		}
	if (n > 0)
		qsort(all, n, sizeof(all[0]), compare);
	if (n > TOP_CLASSES)
		n = TOP_CLASSES;
	memcpy(ret, all, n * sizeof(ret[0]));
	return n;
}

void
top_class_row(const struct top_pool *p, const struct top_class *c,
	char text[TOP_LINE_SIZE], size_t width, bool wide)
{
	char size[FORMAT_SIZE], held[FORMAT_SIZE], live[FORMAT_SIZE];
	char rate[FORMAT_SIZE], bar[BAR_WIDTH * SPARK_BYTES + 1];

	(void)width;
	if (c == NULL) {
		(void)snprintf(text, TOP_LINE_SIZE,
			"%13s %7s %6s %8s %6s %8s  %s", "SIZE", "HOLDS",
			"POOL%", "OBJECTS", "IN USE", "ALLOC/S", "OF ALL");
		return;
	}
	spark_bar(bar, sizeof(bar), BAR_WIDTH,
		percent(c->now->held, p->figures.size - p->figures.free) /
			HUNDRED,
		wide);
	(void)snprintf(text, TOP_LINE_SIZE,
		"%6s%7s %7s %5.1f%% %8s %5.0f%% %8s  %s",
		c->now->large ? "large" : "", format_bytes(size, c->now->size),
		format_bytes(held, c->now->held),
		percent(c->now->held, p->figures.size),
		format_count(live, (double)c->now->nlive),
		percent(c->now->bytes, c->now->held),
		format_count(rate, c->rate), bar);
}
