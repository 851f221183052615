/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * bench-pool -- libvmem beside other allocators
 *
 * Each work is measured in processes of its own, in which all contenders take
 * turns (measure.h).
 */
#include "child.h"
#include "clock.h"
#include "library.h"
#include "options.h"
#include "plot.h"
#include "report.h"
#include "targets.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_S 1e9

enum { BAR_WIDTH = 30 };

/* what the progress bar shows */
static struct {
	size_t done; /* works */
	size_t all;
	const char *work;
	double start;
	bool shown; /* on a terminal */
} bar;

static void
bar_clear(void)
{
	if (bar.shown)
		fprintf(stderr, "\r\033[K");
}

static void
bar_draw(double part, const char *who)
{
	double done = ((double)bar.done + part) / (double)bar.all;
	double passed = (clock_ns() - bar.start) / NS_PER_S;
	char line[BAR_WIDTH + 1];

	if (!bar.shown)
		return;
	for (int i = 0; i < BAR_WIDTH; i++)
		line[i] = i < (int)(done * BAR_WIDTH) ? '#' : '.';
	line[BAR_WIDTH] = '\0';
	fprintf(stderr, "\r\033[K[%s] %3.0f %%  %.0f s, about %.0f more  %s %s",
		line, 100 * done, passed, done > 0 ? passed / done - passed : 0,
		bar.work, who);
}

/* machine -- what the figures are of */
static json_t *
machine(void)
{
	char line[256];
	char processor[128] = "unknown";
	char when[32];
	struct utsname system = {0};
	time_t now = time(NULL);
	FILE *cpuinfo = fopen("/proc/cpuinfo", "r");

	(void)uname(&system);
	(void)strftime(when, sizeof(when), "%Y-%m-%d %H:%M", gmtime(&now));
	while (cpuinfo != NULL && fgets(line, sizeof(line), cpuinfo) != NULL)
		if (sscanf(line, "model name : %127[^\n]", processor) == 1)
			break;
	if (cpuinfo != NULL)
		(void)fclose(cpuinfo);
	return json_pack("{ss, si, ss, ss, sI, ss}", "processor", processor,
		"cpus", (int)sysconf(_SC_NPROCESSORS_ONLN), "kernel",
		system.release, "architecture", system.machine, "cache_bytes",
		(json_int_t)memory_cache_size(), "time", when);
}

/* root_new -- or what the file holds already, to go on with it */
static json_t *
root_new(const struct options *options)
{
	json_t *names = json_array();
	json_t *root = NULL;

	if (options->resume && options->json != NULL)
		root = json_load_file(options->json, 0, NULL);
	for (size_t i = 0; i < options->plan.ncontenders; i++)
		(void)json_array_append_new(
			names, json_string(options->plan.contenders[i]->name));
	if (root == NULL)
		root = json_pack("{so, si, si, sf, sb, so, s[]}", "machine",
			machine(), "rounds", (int)options->plan.nrounds,
			"processes", (int)options->plan.nprocesses, "slice_ns",
			options->plan.slice_ns, "first_word",
			options->plan.first_word, "contenders", names,
			"results");
	else
		(void)json_object_set_new(root, "contenders", names);
	return root;
}

/* save -- the file is whole at any time */
static int
save(const struct options *options, const json_t *root)
{
	char name[4096];

	if (options->json == NULL)
		return 0;
	(void)snprintf(name, sizeof(name), "%s.new", options->json);
	if (json_dump_file(
		    root, name, JSON_INDENT(1) | JSON_REAL_PRECISION(6)) != 0 ||
		rename(name, options->json) != 0) {
		bar_clear();
		fprintf(stderr, "bench-pool: cannot write %s\n", options->json);
		return -1;
	}
	return 0;
}

static int
measure_one(const struct options *options, json_t *root,
	const struct work *work, const struct memory *memory)
{
	json_t *result;

	if (options->resume &&
		report_find(root, work->name, memory->name) != NULL)
		return 0;
	bar.work = work->name;
	bar_draw(0, "");
	result = child_measure(work, memory, &options->plan, bar_draw);
	bar_clear();
	if (result == NULL) {
		fprintf(stderr, "bench-pool: %s: no result\n", work->name);
		return -1;
	}
	report_row(root, result);
	(void)json_array_append_new(json_object_get(root, "results"), result);
	return save(options, root);
}

static int
measure_all(const struct options *options, json_t *root)
{
	int failed = 0;

	bar.start = clock_ns();
	bar.shown = isatty(STDERR_FILENO);
	for (size_t i = 0; i < MEMORY_KINDS; i++)
		for (size_t j = 0; j < nworks; j++)
			bar.all += options_selects(
				options, &works[j], &options->memories[i]);
	report_head(root);
	for (size_t i = 0; i < MEMORY_KINDS; i++)
		for (size_t j = 0; j < nworks; j++) {
			const struct memory *memory = &options->memories[i];

			if (!options_selects(options, &works[j], memory))
				continue;
			failed |= measure_one(options, root, &works[j], memory);
			bar.done++;
		}
	return failed;
}

/* be_part -- the process that measures the one work that is selected */
static int
be_part(const struct options *options)
{
	for (size_t i = 0; i < MEMORY_KINDS; i++)
		for (size_t j = 0; j < nworks; j++)
			if (options_selects(
				    options, &works[j], &options->memories[i]))
				child_main(options->part, &works[j],
					&options->memories[i], &options->plan);
	return 1;
}

static void
list(const struct options *options)
{
	printf("contenders\n");
	for (size_t i = 0; i < ncontenders; i++)
		printf("  %-20s %s%s\n", contenders[i]->name,
			contenders[i]->what,
			contenders[i]->optional ? "; when asked for" : "");
	printf("memory\n");
	for (size_t i = 0; i < MEMORY_KINDS; i++)
		printf("  %s\n", options->memories[i].name);
	printf("works, and the memory they are done on by default\n");
	for (size_t i = 0; i < nworks; i++) {
		printf("  %-20s %s:", works[i].name, works[i].what);
		for (size_t j = 0; j < MEMORY_KINDS; j++)
			if (works[i].on & 1u << j)
				printf(" %s", options->memories[j].name);
		printf("%s\n", works[i].quick ? "; quick" : "");
	}
}

static json_t *
load_programs(const struct options *options)
{
	return options->programs != NULL
		       ? json_load_file(options->programs, 0, NULL)
		       : NULL;
}

/* conclude -- what needs all figures */
static int
conclude(const struct options *options, const json_t *root)
{
	json_t *programs = load_programs(options);

	report_rest(root);
	printf("\n");
	targets_print(root, programs);
	json_decref(programs);
	if (options->plots == NULL || plot(root, options->plots) == 0)
		return 0;
	fprintf(stderr, "bench-pool: no plots: gnuplot failed\n");
	return -1;
}

/* report_all -- tables of what was measured before */
static int
report_all(const struct options *options)
{
	json_t *root = json_load_file(options->report, 0, NULL);
	json_t *programs = load_programs(options);
	int failed = 0;

	if (root == NULL) {
		fprintf(stderr, "bench-pool: no figures in %s\n",
			options->report);
		return -1;
	}
	if (options->table == NULL) {
		(void)report_table(root, "times");
		failed = conclude(options, root);
	} else if (strcmp(options->table, "targets") == 0) {
		targets_print(root, programs);
	} else if (report_table(root, options->table) != 0) {
		fprintf(stderr, "bench-pool: no table %s\n", options->table);
		failed = -1;
	}
	json_decref(programs);
	json_decref(root);
	return failed;
}

int
main(int argc, char **argv)
{
	struct options options;
	json_t *root;
	int failed;

	library_make_room(argv);
	options_parse(&options, argc, argv);
	if (options.list) {
		list(&options);
		return 0;
	}
	if (options.part > 0)
		return be_part(&options);
	if (options.report != NULL)
		return report_all(&options) == 0 ? 0 : 1;
	root = root_new(&options);
	failed = measure_all(&options, root);
	failed |= conclude(&options, root);
	json_decref(root);
	return failed == 0 ? 0 : 1;
}
