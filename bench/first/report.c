/* SPDX-License-Identifier: BSD-3-Clause */
#include "report.h"

#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

static int
by_value(const void *a, const void *b)
{
	double x = *(const double *)a;
	double y = *(const double *)b;

	return (x > y) - (x < y);
}

static double
median(double *values, size_t n)
{
	qsort(values, n, sizeof(*values), by_value);
	return n % 2 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

struct summary
report_summary(const struct result *result, size_t who)
{
	double values[ROUNDS_MAX];
	size_t n = result->nrounds;
	struct summary summary;

	for (size_t i = 0; i < n; i++)
		values[i] = result->ns[who][i] / result->ns[0][i];
	summary.ratio = median(values, n);
	memcpy(values, result->ns[who], n * sizeof(*values));
	summary.median = median(values, n);
	summary.min = values[0];
	summary.max = values[n - 1];
	return summary;
}

void
report_table_head(const struct contender *contenders, size_t n)
{
	printf("nanoseconds for one malloc and one free, median of the "
	       "rounds;\n"
	       "xN: that contender's time divided by vmem's, so above x1 vmem "
	       "is the faster one\n\n%-18s",
		"");
	for (size_t i = 0; i < n; i++)
		printf("%*s", i == 0 ? 9 : 16, contenders[i].name);
	printf("\n%-18s", "");
	for (size_t i = 0; i < n; i++)
		printf("%*s", i == 0 ? 9 : 16, contenders[i].version);
	printf("\n");
}

void
report_table_row(const struct result *result, size_t n)
{
	printf("%-18s", result->work->name);
	for (size_t i = 0; i < n; i++) {
		struct summary summary = report_summary(result, i);

		if (result->failed[i])
			printf("%*s", i == 0 ? 9 : 16, "no room");
		else if (i == 0 || result->failed[0])
			printf("%*.1f", i == 0 ? 9 : 16, summary.median);
		else
			printf("%10.1f x%-4.2f", summary.median, summary.ratio);
	}
	printf("\n");
	(void)fflush(stdout);
}

/* machine -- the processor's name, as the kernel has it */
static void
machine(char *ret_name, size_t size)
{
	char line[256];
	FILE *cpuinfo = fopen("/proc/cpuinfo", "r");

	(void)snprintf(ret_name, size, "unknown");
	if (cpuinfo == NULL)
		return;
	while (fgets(line, sizeof(line), cpuinfo) != NULL) {
		char *value = strchr(line, ':');

		if (strncmp(line, "model name", 10) != 0 || value == NULL)
			continue;
		value[strcspn(value, "\"\\\n")] = '\0';
		(void)snprintf(ret_name, size, "%s", value + 2);
		break;
	}
	(void)fclose(cpuinfo);
}

void
report_json_head(
	FILE *out, const struct contender *contenders, size_t n, size_t nrounds)
{
	struct utsname system = {0};
	char processor[128];

	(void)uname(&system);
	machine(processor, sizeof(processor));
	fprintf(out,
		"{\n  \"processor\": \"%s\",\n  \"cpus\": %ld,\n"
		"  \"kernel\": \"%s\",\n  \"unit\": \"ns per malloc and free\","
		"\n  \"rounds\": %zu,\n  \"contenders\": {",
		processor, sysconf(_SC_NPROCESSORS_ONLN), system.release,
		nrounds);
	for (size_t i = 0; i < n; i++)
		fprintf(out, "%s\"%s\": \"%s\"", i ? ", " : "",
			contenders[i].name, contenders[i].version);
	fprintf(out, "},\n  \"works\": [\n");
}

void
report_json_row(FILE *out, const struct result *result,
	const struct contender *contenders, size_t n, bool last)
{
	fprintf(out, "    {\"name\": \"%s\", \"what\": \"%s\"",
		result->work->name, result->work->what);
	for (size_t i = 0; i < n; i++) {
		struct summary summary = report_summary(result, i);

		fprintf(out, ",\n     \"%s\": ", contenders[i].name);
		if (result->failed[i]) {
			fprintf(out, "null");
			continue;
		}
		fprintf(out, "{\"min\": %.2f, \"median\": %.2f, \"max\": %.2f",
			summary.min, summary.median, summary.max);
		if (!result->failed[0])
			fprintf(out, ", \"by_ours\": %.3f", summary.ratio);
		fprintf(out, "}");
	}
	fprintf(out, "}%s\n", last ? "" : ",");
}

void
report_json_tail(FILE *out)
{
	fprintf(out, "  ]\n}\n");
}
