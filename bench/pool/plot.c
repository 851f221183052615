/* SPDX-License-Identifier: BSD-3-Clause */
#include "plot.h"

#include "report.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static const char *const memories[] = {"tmpfs", "region", "huge", "slow"};
enum { NMEMORIES = sizeof(memories) / sizeof(memories[0]) };

/* works whose latencies are drawn, on a grid of two by three */
static const char *const curves[] = {
	"pair-64", "set-10k", "set-1k-2t", "pipe-mix", "server-2", "large"};
enum { NCURVES = sizeof(curves) / sizeof(curves[0]) };

/* one colour a contender, in the order of the figures */
static const char *const colours[] = {"#000000", "#386cb0", "#d95f02",
	"#1b9e77", "#7570b3", "#a0a0a0", "#e7298a", "#66a61e", "#e6ab02"};
enum { NCOLOURS = sizeof(colours) / sizeof(colours[0]) };

/* bars are cut at this: ratios of a thousand hide the others */
#define RATIO_MOST 64.0

static const char *
text(const json_t *object, const char *name)
{
	const char *value = json_string_value(json_object_get(object, name));

	return value != NULL ? value : "";
}

/* is_drawn -- is this result one of the bars? */
static bool
is_drawn(const json_t *result, const char *memory)
{
	return strcmp(text(result, "memory"), memory) == 0 &&
	       strcmp(text(result, "unit"), "ns") == 0;
}

static size_t
count(const json_t *root, const char *memory)
{
	const json_t *result;
	size_t n = 0;
	size_t i;

	json_array_foreach(json_object_get(root, "results"), i, result) n +=
		is_drawn(result, memory);
	return n;
}

/* ratio_data -- a line a work: its name and a logarithm for each peer */
static void
ratio_data(FILE *out, const json_t *root, const char *memory)
{
	const json_t *names = json_object_get(root, "contenders");
	const json_t *result;
	const json_t *name;
	size_t i;
	size_t j;

	fprintf(out, "$ratios << EOD\n");
	json_array_foreach(json_object_get(root, "results"), i, result)
	{
		if (!is_drawn(result, memory))
			continue;
		fprintf(out, "\"%s\"", text(result, "work"));
		json_array_foreach(names, j, name)
		{
			double ratio = report_figure(
				result, json_string_value(name), "by_ours");

			if (j == 0)
				continue;
			if (isnan(ratio) || ratio <= 0) {
				fprintf(out, " NaN");
				continue;
			}
			ratio = fmin(fmax(ratio, 1 / RATIO_MOST), RATIO_MOST);
			fprintf(out, " %.4f", log2(ratio));
		}
		fprintf(out, "\n");
	}
	fprintf(out, "EOD\n");
}

static void
plot_ratios(FILE *out, const json_t *root, const char *memory)
{
	const json_t *names = json_object_get(root, "contenders");
	size_t n = json_array_size(names);

	ratio_data(out, root, memory);
	fprintf(out,
		"set title 'Time of others divided by ours (%s): above 1 ours "
		"is the faster one'\n"
		"set style data histograms\n"
		"set style histogram clustered gap 1\n"
		"set style fill solid noborder\n"
		"set xtics rotate by -60 scale 0 font ',9'\n"
		"set ytics ('1/64' -6, '1/16' -4, '1/4' -2, '1/2' -1, '1' 0, "
		"'2' 1, '4' 2, '8' 3, '16' 4, '32' 5, '64 and more' 6)\n"
		"set yrange [-6.2:6.2]\n"
		"set grid ytics lc rgb '#d0d0d0'\n"
		"set xzeroaxis lt 1 lw 2 lc rgb 'black'\n"
		"set key outside top right\n"
		"plot",
		memory);
	for (size_t i = 1; i < n; i++)
		fprintf(out, "%s $ratios using %zu%s title '%s' lc rgb '%s'",
			i > 1 ? "," : "", i + 1, i == 1 ? ":xtic(1)" : "",
			json_string_value(json_array_get(names, i)),
			colours[i % NCOLOURS]);
	fprintf(out, "\n");
}

/* curve_data -- percentiles of malloc of all: 1/(1-p), and ns of each */
static void
curve_data(FILE *out, const json_t *root, const json_t *result, size_t number)
{
	static const char *const percents[] = {
		"50", "75", "90", "95", "99", "99.5", "99.9", "99.99"};
	static const double parts[] = {2, 4, 10, 20, 100, 200, 1000, 10000};
	const json_t *name;
	size_t i;

	fprintf(out, "$curves%zu << EOD\n", number);
	for (size_t k = 0; k < sizeof(parts) / sizeof(parts[0]); k++) {
		fprintf(out, "%g", parts[k]);
		json_array_foreach(json_object_get(root, "contenders"), i, name)
		{
			double ns = report_percentile(result,
				json_string_value(name), "malloc_ns",
				percents[k]);

			if (isnan(ns))
				fprintf(out, " NaN");
			else
				fprintf(out, " %g", ns);
		}
		fprintf(out, "\n");
	}
	fprintf(out, "EOD\n");
}

static void
plot_curve(FILE *out, const json_t *root, const json_t *result, size_t number)
{
	const json_t *name;
	size_t i;

	fprintf(out, "set title '%s: %s'\nplot", text(result, "work"),
		text(result, "what"));
	json_array_foreach(json_object_get(root, "contenders"), i, name)
	{
		const char *who = json_string_value(name);

		if (isnan(report_percentile(result, who, "malloc_ns", "50")))
			continue;
		fprintf(out,
			"%s $curves%zu using 1:%zu with linespoints pt 7 ps "
			"0.4 lw %d lc rgb '%s' title '%s'",
			i == 0 ? "" : ",", number, i + 2, i == 0 ? 3 : 2,
			colours[i % NCOLOURS], who);
	}
	fprintf(out, "\n");
}

static void
plot_latency(FILE *out, const json_t *root, const char *memory)
{
	const json_t *results[NCURVES];

	/* data cannot come inside of a multiplot */
	for (size_t i = 0; i < NCURVES; i++) {
		results[i] = report_find(root, curves[i], memory);
		if (results[i] != NULL)
			curve_data(out, root, results[i], i);
	}
	fprintf(out,
		"set multiplot layout 2,3 title 'A single malloc (%s): "
		"nanoseconds by percentile'\n"
		"set logscale xy\n"
		"set xtics ('50' 2, '90' 10, '99' 100, '99.9' 1000, '99.99' "
		"10000) font ',9'\n"
		"set grid\n"
		"set key top left font ',9'\n",
		memory);
	for (size_t i = 0; i < NCURVES; i++)
		if (results[i] != NULL)
			plot_curve(out, root, results[i], i);
	fprintf(out, "unset multiplot\n");
}

static bool
has_curves(const json_t *root, const char *memory)
{
	for (size_t i = 0; i < NCURVES; i++)
		if (report_find(root, curves[i], memory) != NULL)
			return true;
	return false;
}

/* draw -- one picture, in both formats */
static int
draw(const json_t *root, const char *dir, const char *name, const char *memory,
	int width, int height,
	void (*script)(FILE *out, const json_t *root, const char *memory))
{
	static const char *const formats[] = {"svg", "png"};
	static const char *const terminals[] = {
		"svg background rgb 'white'", "pngcairo"};
	int failed = 0;

	for (size_t i = 0; i < 2; i++) {
		FILE *out = popen("gnuplot", "w");

		if (out == NULL)
			return -1;
		fprintf(out,
			"set terminal %s size %d,%d font 'Sans,11' noenhanced\n"
			"set output '%s/%s-%s.%s'\n",
			terminals[i], width, height, dir, name, memory,
			formats[i]);
		script(out, root, memory);
		failed |= pclose(out);
	}
	return failed == 0 ? 0 : -1;
}

int
plot(const json_t *root, const char *dir)
{
	enum {
		BASE = 400,
		A_WORK = 26,
		LEAST = 800,
		HEIGHT = 640,
		WIDE = 1300
	};
	int failed = 0;

	for (size_t i = 0; i < NMEMORIES; i++) {
		int n = (int)count(root, memories[i]);
		int width = BASE + A_WORK * n;

		if (n == 0)
			continue;
		failed |= draw(root, dir, "ratios", memories[i],
			width > LEAST ? width : LEAST, HEIGHT, plot_ratios);
		if (has_curves(root, memories[i]))
			failed |= draw(root, dir, "latency", memories[i], WIDE,
				HEIGHT + HEIGHT / 4, plot_latency);
	}
	return failed;
}
