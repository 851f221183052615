/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * targets.c -- the aims as they were set when the engine was designed
 */
#include "targets.h"

#include "report.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { WHO = 3 };

static const char *const peers[WHO] = {"original", "memkind", "mimalloc"};
static const char *const memories[] = {"tmpfs", "region"};
enum { NMEMORIES = sizeof(memories) / sizeof(memories[0]) };

/* our time divided by theirs, at most; 0: no aim */
struct aim {
	const char *what;
	const char *work;
	double most[WHO];
};

static const struct aim aims[] = {
	{"pair of 64 bytes", "pair-64", {0.28, 0.04, 1.0}},
	{"pair of 16-1024 bytes", "pair-mix", {0.5, 0.05, 1.05}},
	{"500 live objects", "set-500", {0.45, 0.17, 1.10}},
	{"20,000 live objects", "set-20k", {0.55, 0.2, 0.8}},
	{"400,000 live objects", "set-400k", {0.6, 0.25, 0.35}},
	{"1,000 of 64 bytes in bulk", "burst-order", {0.05, 0.18, 1.3}},
	{"server, 2 threads", "server-2", {0.45, 0.2, 0.8}},
	{"one thread to another", "pipe-mix", {0.3, 0.2, 0.5}},
	{"first fill of 256 MiB", "fill", {0.4, 0, 0.4}},
	{"a pool made and deleted", "pool", {0.15, 0, 0.4}},
	{"large, 64 KiB-16 MiB", "large", {0.2, 0, 1.0}},
	{"realloc, growth", "grow", {0.05, 0, 0}},
};
enum { NAIMS = sizeof(aims) / sizeof(aims[0]) };

static void
print_aim(const json_t *root, const struct aim *aim, const char *memory)
{
	const json_t *result = report_find(root, aim->work, memory);

	if (result == NULL)
		return;
	printf("%-27s%-12s%-8s", aim->what, aim->work, memory);
	for (size_t i = 0; i < WHO; i++) {
		double ours = 1 / report_figure(result, peers[i], "by_ours");

		if (isnan(ours))
			printf("%8s", "-");
		else
			printf("%8.*f", ours < 0.1 ? 3 : 2, ours);
		if (aim->most[i] <= 0)
			printf("%16s", "no aim     ");
		else
			printf(" <= %-4g %-7s", aim->most[i],
				isnan(ours)            ? ""
				: ours <= aim->most[i] ? "reached"
						       : "SHORT");
	}
	printf("\n");
}

/* print_capacity -- points of payload more than another one's pool */
static void
print_capacity(const json_t *root)
{
	static const double least[WHO] = {6, 0, 4};
	const json_t *result = report_find(root, "hold-256m-churn", "region");

	if (result == NULL)
		return;
	printf("\n%-27s%-20s%6.1f %%", "payload, 256 MiB, churned",
		"hold-256m-churn", report_figure(result, "vmem", "median"));
	for (size_t i = 0; i < WHO; i++) {
		double more = report_figure(result, "vmem", "median") -
			      report_figure(result, peers[i], "median");

		printf("   %s %+.1f", peers[i], more);
		if (least[i] > 0)
			printf(", aim +%g: %s", least[i],
				more >= least[i] ? "reached" : "SHORT");
	}
	printf("\n");
}

/* print_trim -- what is still held when all is freed and trimmed */
static void
print_trim(const json_t *root)
{
	for (size_t i = 0; i < NMEMORIES; i++) {
		const json_t *result = report_find(root, "fill", memories[i]);
		double pool = json_number_value(
			json_object_get(result, "pool_bytes"));
		double held = report_figure(result, "vmem", "trimmed_bytes");

		if (result == NULL || isnan(held))
			continue;
		printf("%-27s%-12s%-8s%7.2f %% of the pool, aim 1 %%: %s\n",
			"held after a trim", "fill", memories[i],
			100 * held / pool,
			held <= 0.01 * pool ? "reached" : "SHORT");
	}
}

/* print_behind -- the aim is: no row behind any peer */
static void
print_behind(const json_t *root)
{
	const json_t *result;
	const json_t *figures;
	const char *name;
	size_t rows = 0;
	size_t behind = 0;
	size_t i;

	json_array_foreach(json_object_get(root, "results"), i, result)
	{
		bool is_percent = strcmp(json_string_value(json_object_get(
						 result, "unit")),
					  "percent") == 0;

		json_object_foreach(
			json_object_get(result, "contenders"), name, figures)
		{
			double ratio = report_figure(result, name, "by_ours");

			if (!json_is_true(json_object_get(figures, "peer")) ||
				isnan(ratio))
				continue;
			rows++;
			behind += is_percent ? ratio > 1 : ratio < 1;
		}
	}
	printf("%-27s%zu of %zu comparisons, aim 0: %s\n",
		"behind a peer at all", behind, rows,
		behind == 0 ? "reached" : "SHORT");
}

/* by_fastest -- a mean divided by the least of three; NAN: not known */
static double
by_fastest(const json_t *means, const char *name)
{
	static const char *const fastest[] = {
		"jemalloc", "mimalloc", "tcmalloc"};
	const json_t *ours = json_object_get(means, name);
	double least = INFINITY;

	for (size_t i = 0; i < sizeof(fastest) / sizeof(fastest[0]); i++) {
		const json_t *mean = json_object_get(means, fastest[i]);

		if (json_is_number(mean))
			least = fmin(least, json_number_value(mean));
	}
	return json_is_number(ours) && isfinite(least)
		       ? json_number_value(ours) / least
		       : (double)NAN;
}

/* print_programs -- whole programs, our time divided by that of others */
static void
print_programs(
	const char *memory, double ratio, const char *others, double most)
{
	printf("%-27s%-12s%-8s", "whole programs", "programs", memory);
	if (isnan(ratio))
		printf("not measured: make bench-programs\n");
	else
		printf("%.3f of %s, aim %.3g: %s\n", ratio, others, most,
			ratio <= most ? "reached" : "SHORT");
}

void
targets_print(const json_t *root, const json_t *programs)
{
	static const char fastest[] =
		"the fastest of jemalloc, mimalloc, tcmalloc";
	const json_t *means = json_object_get(programs, "geometric_means");
	const json_t *original = json_object_get(
		json_object_get(programs, "ours_by"), "original");

	printf("The targets: our time divided by theirs, so less is better.  "
	       "Those against UMF\ncannot be judged here: no package has it."
	       "\n\n%-47s",
		"");
	for (size_t i = 0; i < WHO; i++)
		printf("%8s%16s", peers[i], "");
	printf("\n");
	for (size_t i = 0; i < NAIMS; i++)
		for (size_t j = 0; j < NMEMORIES; j++)
			print_aim(root, &aims[i], memories[j]);
	print_capacity(root);
	print_trim(root);
	print_behind(root);
	print_programs("tmpfs", by_fastest(means, "vmmalloc"), fastest, 1);
	print_programs(
		"private", by_fastest(means, "vmmalloc/anon"), fastest, 1);
	/* in the same pools */
	print_programs("tmpfs",
		json_is_number(original) ? json_number_value(original)
					 : (double)NAN,
		"the original", 1 / 1.15);
}
