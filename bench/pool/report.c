/* SPDX-License-Identifier: BSD-3-Clause */
#include "report.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MIB (1024.0 * 1024.0)

/* ours is behind when another one's time is below this part of ours */
#define BEHIND 0.97

enum { NAME_WIDTH = 27, FIRST_WIDTH = 9, WIDTH = 16 };

static const char *
text(const json_t *object, const char *name)
{
	const char *value = json_string_value(json_object_get(object, name));

	return value != NULL ? value : "";
}

static const json_t *
contender_of(const json_t *result, const char *name)
{
	return json_object_get(json_object_get(result, "contenders"), name);
}

double
report_figure(const json_t *result, const char *contender, const char *name)
{
	const json_t *value =
		json_object_get(contender_of(result, contender), name);

	return json_is_number(value) ? json_number_value(value) : (double)NAN;
}

double
report_percentile(const json_t *result, const char *contender, const char *call,
	const char *percent)
{
	const json_t *value = json_object_get(
		json_object_get(contender_of(result, contender), call),
		percent);

	return json_is_number(value) ? json_number_value(value) : (double)NAN;
}

const json_t *
report_find(const json_t *root, const char *work, const char *memory)
{
	const json_t *result;
	size_t i;

	json_array_foreach(json_object_get(root, "results"), i,
		result) if (strcmp(text(result, "work"), work) == 0 &&
			    (memory == NULL ||
				    strcmp(text(result, "memory"), memory) ==
					    0)) return result;
	return NULL;
}

static void
print_name(const json_t *result)
{
	char name[64];

	(void)snprintf(name, sizeof(name), "%s %s", text(result, "work"),
		text(result, "memory"));
	printf("%-*s", NAME_WIDTH, name);
}

/* print_heads -- the contenders' names over their columns */
static void
print_heads(const json_t *root, int first_width, int width)
{
	const json_t *name;
	size_t i;

	printf("%-*s", NAME_WIDTH, "");
	json_array_foreach(json_object_get(root, "contenders"), i, name) printf(
		"%*s", i == 0 ? first_width : width, json_string_value(name));
	printf("\n");
}

void
report_head(const json_t *root)
{
	printf("Nanoseconds an operation, or payload in %% of the pool where a "
	       "%% stands; medians.\nxN: that contender's figure divided by "
	       "ours in the same round, so with times\nabove x1 ours is the "
	       "faster one.  -: left out.\n\n");
	print_heads(root, FIRST_WIDTH, WIDTH);
}

/* print_number -- with as many places as it is worth */
static void
print_number(double value, int width)
{
	if (value >= 1e6)
		printf("%*.2fM", width - 1, value / 1e6);
	else
		printf("%*.*f", width, value < 100 ? 1 : 0, value);
}

void
report_row(const json_t *root, const json_t *result)
{
	bool is_percent = strcmp(text(result, "unit"), "percent") == 0;
	const json_t *name;
	size_t i;

	print_name(result);
	json_array_foreach(json_object_get(root, "contenders"), i, name)
	{
		const char *who = json_string_value(name);
		double median = report_figure(result, who, "median");
		double ratio = report_figure(result, who, "by_ours");

		if (isnan(median)) {
			printf("%*s", i == 0 ? FIRST_WIDTH : WIDTH, "-");
			continue;
		}
		print_number(median, FIRST_WIDTH - is_percent);
		if (is_percent)
			printf("%%");
		if (i > 0 && isnan(ratio))
			printf("%*s", WIDTH - FIRST_WIDTH, "");
		else if (i > 0)
			printf(" x%-*.2f", WIDTH - FIRST_WIDTH - 2, ratio);
	}
	printf("\n");
	(void)fflush(stdout);
}

static void
report_latencies(const json_t *root)
{
	static const char *const percents[] = {"50", "99", "99.9"};
	const json_t *result;
	const json_t *name;
	size_t i;
	size_t j;

	printf("A single malloc: the 50th, 99th and 99.9th percentile, "
	       "nanoseconds; a measured\nnothing (%.0f) is in it\n\n",
		json_number_value(json_object_get(
			json_array_get(json_object_get(root, "results"), 0),
			"clock_ns")));
	print_heads(root, 19, 19);
	json_array_foreach(json_object_get(root, "results"), i, result)
	{
		if (strcmp(text(result, "unit"), "ns") != 0)
			continue;
		print_name(result);
		json_array_foreach(json_object_get(root, "contenders"), j, name)
		{
			printf(" ");
			for (size_t k = 0; k < 3; k++) {
				double ns = report_percentile(result,
					json_string_value(name), "malloc_ns",
					percents[k]);

				if (isnan(ns))
					printf("%6s", "-");
				else if (ns >= 100000)
					printf("%5.0fk", ns / 1000);
				else
					printf("%6.0f", ns);
			}
		}
		printf("\n");
	}
}

static void
report_memory(const json_t *root)
{
	static const char *const names[] = {
		"peak_bytes", "held_bytes", "trimmed_bytes"};
	const json_t *result;
	const json_t *name;
	size_t i;
	size_t j;

	printf("Memory, MiB: held while it works / when all is freed / after "
	       "a trim where there\nis one.  A file of ours is reserved when "
	       "it is made; glibc: what the process grew by.\n\n");
	print_heads(root, 19, 19);
	json_array_foreach(json_object_get(root, "results"), i, result)
	{
		if (strcmp(text(result, "unit"), "ns") != 0)
			continue;
		print_name(result);
		json_array_foreach(json_object_get(root, "contenders"), j, name)
		{
			printf(" ");
			for (size_t k = 0; k < 3; k++) {
				double bytes = report_figure(result,
					json_string_value(name), names[k]);

				if (isnan(bytes))
					printf("%6s", "-");
				else
					printf("%6.1f",
						bytes > 0 ? bytes / MIB : 0);
			}
		}
		printf("\n");
	}
}

static void
report_faults(const json_t *root)
{
	const json_t *result;
	const json_t *name;
	size_t i;
	size_t j;

	printf("Page faults a thousand operations (with those that read from "
	       "a disk), where there\nare any\n\n");
	print_heads(root, 19, 19);
	json_array_foreach(json_object_get(root, "results"), i, result)
	{
		double most = 0;

		json_array_foreach(
			json_object_get(root, "contenders"), j, name) most =
			fmax(most, report_figure(result,
					   json_string_value(name), "faults"));
		if (most < 1)
			continue;
		print_name(result);
		json_array_foreach(json_object_get(root, "contenders"), j, name)
		{
			double faults = report_figure(
				result, json_string_value(name), "faults");
			double major = report_figure(result,
				json_string_value(name), "major_faults");

			if (isnan(faults))
				printf("%19s", "-");
			else if (major > 0)
				printf("%10.1f (%6.1f)", faults, major);
			else
				printf("%10.1f         ", faults);
		}
		printf("\n");
	}
}

/* one row where another one is better */
struct behind {
	const json_t *result;
	const char *who;
	double ratio; /* ours by theirs, above 1 */
};

static int
compare_behind(const void *a, const void *b)
{
	double x = ((const struct behind *)a)->ratio;
	double y = ((const struct behind *)b)->ratio;

	return (x < y) - (x > y);
}

/* report_behind -- most behind first; glibc is no peer: it has no pools */
static void
report_behind(const json_t *root)
{
	struct behind rows[512];
	size_t n = 0;
	const json_t *result;
	const json_t *name;
	size_t i;
	size_t j;

	json_array_foreach(json_object_get(root, "results"), i, result)
		json_array_foreach(json_object_get(root, "contenders"), j, name)
	{
		const char *who = json_string_value(name);
		double ratio = report_figure(result, who, "by_ours");

		if (strcmp(text(result, "unit"), "percent") == 0)
			ratio = 1 / ratio;
		if (json_is_true(json_object_get(
			    contender_of(result, who), "peer")) &&
			ratio < BEHIND && n < sizeof(rows) / sizeof(rows[0]))
			rows[n++] = (struct behind){result, who, 1 / ratio};
	}
	qsort(rows, n, sizeof(rows[0]), compare_behind);
	printf("Where ours is behind by more than 3 %%, most first (glibc "
	       "has "
	       "no pools)\n\n");
	for (i = 0; i < n; i++) {
		print_name(rows[i].result);
		printf("%9.2f times as long as %-10s %s\n", rows[i].ratio,
			rows[i].who, text(rows[i].result, "what"));
	}
	if (n == 0)
		printf("nowhere\n");
}

/* report_left_out -- who was not measured, and why, each reason once */
static void
report_left_out(const json_t *root)
{
	json_t *seen = json_object();
	const json_t *result;
	const json_t *name;
	const char *key;
	json_t *what;
	size_t i;
	size_t j;

	json_array_foreach(json_object_get(root, "results"), i, result)
		json_array_foreach(json_object_get(root, "contenders"), j, name)
	{
		const char *who = json_string_value(name);
		const char *why = text(contender_of(result, who), "left_out");
		char line[256];
		char row[64];

		if (*why == '\0')
			continue;
		(void)snprintf(line, sizeof(line), "%s: %s", who, why);
		(void)snprintf(row, sizeof(row), "%s %s", text(result, "work"),
			text(result, "memory"));
		if (json_object_get(seen, line) == NULL)
			(void)json_object_set_new(seen, line, json_string(row));
	}
	if (json_object_size(seen) > 0)
		printf("Left out, and where first\n\n");
	json_object_foreach(seen, key, what)
		printf("%s (%s)\n", key, json_string_value(what));
	json_decref(seen);
}

static void
report_times(const json_t *root)
{
	const json_t *result;
	size_t i;

	report_head(root);
	json_array_foreach(json_object_get(root, "results"), i, result)
		report_row(root, result);
}

/* works that are done by one thread and by more of them */
static const struct {
	const char *one;
	const char *more[3];
} families[] = {
	{"set-1k", {"set-1k-2t", "set-1k-4t", "set-1k-8t"}},
	{"set-10k", {"set-10k-2t", "set-10k-4t", "set-10k-8t"}},
	{"server-1", {"server-2", "server-8", NULL}},
	{"pipe-mix", {"pipe-mix-8t", NULL, NULL}},
	{"ring-2t", {"ring-4t", "ring-8t", NULL}},
};

/* report_more -- one work by more threads, as often as the first one is done */
static void
report_more(const json_t *root, const json_t *one, const char *work)
{
	const json_t *more = report_find(root, work, text(one, "memory"));
	const json_t *name;
	size_t i;

	if (more == NULL)
		return;
	print_name(more);
	json_array_foreach(json_object_get(root, "contenders"), i, name)
	{
		const char *who = json_string_value(name);
		double times = report_figure(one, who, "median") /
			       report_figure(more, who, "median");

		if (isnan(times))
			printf("%*s", WIDTH, "-");
		else
			printf("%*.2f", WIDTH, times);
	}
	printf("\n");
}

static void
report_threads(const json_t *root)
{
	const json_t *result;
	size_t nrows = 0;
	size_t i;

	printf("Operations in the same time by more threads, divided by those "
	       "of the work above them\n\n");
	print_heads(root, WIDTH, WIDTH);
	json_array_foreach(json_object_get(root, "results"), i,
		result) for (size_t j = 0;
			     j < sizeof(families) / sizeof(families[0]); j++)
	{
		if (strcmp(text(result, "work"), families[j].one) != 0)
			continue;
		print_name(result);
		printf("\n");
		for (size_t k = 0; k < 3; k++)
			if (families[j].more[k] != NULL)
				report_more(root, result, families[j].more[k]);
		nrows++;
	}
	if (nrows == 0)
		printf("nowhere\n");
}

static void
report_machine(const json_t *root)
{
	const json_t *machine = json_object_get(root, "machine");

	printf("%s, %d processors, %.0f MiB last-level cache\n"
	       "Linux %s, %s UTC; at most %d rounds of %.0f ms each\n"
	       "in %d processes\n",
		text(machine, "processor"),
		(int)json_integer_value(json_object_get(machine, "cpus")),
		json_number_value(json_object_get(machine, "cache_bytes")) /
			MIB,
		text(machine, "kernel"), text(machine, "time"),
		(int)json_integer_value(json_object_get(root, "rounds")),
		json_number_value(json_object_get(root, "slice_ns")) / 1e6,
		(int)json_integer_value(json_object_get(root, "processes")));
}

static const struct {
	const char *name;
	void (*print)(const json_t *root);
} tables[] = {
	{"times", report_times},
	{"latencies", report_latencies},
	{"memory", report_memory},
	{"faults", report_faults},
	{"left-out", report_left_out},
	{"threads", report_threads},
	{"behind", report_behind},
	{"machine", report_machine},
};

int
report_table(const json_t *root, const char *name)
{
	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
		if (strcmp(tables[i].name, name) == 0) {
			tables[i].print(root);
			return 0;
		}
	return -1;
}

void
report_rest(const json_t *root)
{
	for (size_t i = 1; i < sizeof(tables) / sizeof(tables[0]); i++) {
		printf("\n");
		tables[i].print(root);
	}
}
