/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * bench-first -- libvmem beside other allocators, in one process
 *
 * In each round every contender does the work once, and another one begins in
 * each round: what the machine does meanwhile hits all of them.  A round that
 * is not counted goes before.
 */
#include "contender.h"
#include "report.h"
#include "work.h"

#include <argp.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_ROUNDS 9
#define QUICK_ROUNDS   3
#define QUICK_PART     20 /* of the operations */
#define POOL_SIZE      ((size_t)512 * 1024 * 1024)

struct options {
	const char *dir;
	const char *json;
	const char *work; /* a part of the name; NULL: all */
	size_t nrounds;
	bool quick;
};

static const struct argp_option known[] = {
	{"dir", 'd', "DIR", 0, "Folder of the file pool (default: /dev/shm)",
		0},
	{"json", 'j', "FILE", 0, "Write the figures there as well", 0},
	{"rounds", 'r', "N", 0, "Rounds (default: 9)", 0},
	{"work", 'w', "TEXT", 0, "Works with TEXT in their name only", 0},
	{"quick", 'q', NULL, 0, "A few operations, to see that it runs", 0},
	{0},
};

static error_t
parse(int key, char *arg, struct argp_state *state)
{
	struct options *options = state->input;

	switch (key) {
	case 'd':
		options->dir = arg;
		break;
	case 'j':
		options->json = arg;
		break;
	case 'r':
		options->nrounds = (size_t)strtoul(arg, NULL, 10);
		if (options->nrounds < 1 || options->nrounds > ROUNDS_MAX)
			argp_error(state, "rounds are 1 to %d", ROUNDS_MAX);
		break;
	case 'w':
		options->work = arg;
		break;
	case 'q':
		options->quick = true;
		options->nrounds = QUICK_ROUNDS;
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

/* measure -- all rounds of one work */
static int
measure(const struct work *work, const struct contender *contenders, size_t n,
	struct result *ret_result)
{
	size_t nrounds = ret_result->nrounds;

	ret_result->work = work;
	if (work_prepare(work) != 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		ret_result->failed[i] = work_run(work, &contenders[i]) < 0;
	for (size_t round = 0; round < nrounds; round++)
		for (size_t i = 0; i < n; i++) {
			size_t who = (i + round) % n;
			double *ns = &ret_result->ns[who][round];

			*ns = work_run(work, &contenders[who]);
			ret_result->failed[who] |= *ns < 0;
		}
	work_fini();
	return 0;
}

static bool
is_wanted(const struct options *options, size_t i)
{
	return options->work == NULL ||
	       strstr(works[i].name, options->work) != NULL;
}

static int
measure_all(const struct options *options, const struct contender *contenders,
	size_t n, FILE *json)
{
	struct result result = {.nrounds = options->nrounds};
	size_t last = nworks;

	while (last > 0 && !is_wanted(options, last - 1))
		last--;
	report_table_head(contenders, n);
	if (json != NULL)
		report_json_head(json, contenders, n, options->nrounds);
	for (size_t i = 0; i < last; i++) {
		struct work work = works[i];

		if (!is_wanted(options, i))
			continue;
		if (options->quick)
			work.nops /= QUICK_PART;
		if (measure(&work, contenders, n, &result) != 0) {
			fprintf(stderr, "bench-first: no memory\n");
			return -1;
		}
		report_table_row(&result, n);
		if (json != NULL)
			report_json_row(
				json, &result, contenders, n, i + 1 == last);
	}
	if (json != NULL)
		report_json_tail(json);
	return 0;
}

int
main(int argc, char **argv)
{
	static const struct argp argp = {.options = known,
		.parser = parse,
		.doc = "Compare libvmem with other allocators."};
	struct options options = {.dir = "/dev/shm", .nrounds = DEFAULT_ROUNDS};
	struct contender contenders[CONTENDERS_MAX];
	FILE *json = NULL;
	size_t n;
	int result;

	(void)argp_parse(&argp, argc, argv, 0, NULL, &options);
	n = contenders_init(contenders, options.dir, POOL_SIZE, argv);
	if (n == 0)
		return 1;
	if (options.json != NULL && (json = fopen(options.json, "w")) == NULL) {
		fprintf(stderr, "bench-first: %s: %s\n", options.json,
			strerror(errno));
		return 1;
	}
	result = measure_all(&options, contenders, n, json);
	if (json != NULL && fclose(json) != 0) {
		fprintf(stderr, "bench-first: %s: %s\n", options.json,
			strerror(errno));
		result = -1;
	}
	contenders_fini(contenders, n);
	return result == 0 ? 0 : 1;
}
