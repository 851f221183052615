/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * cmd_check.c -- `vmem check`: verify the pools of another program
 */
#include <argp.h>
#include <errno.h>
#include <libvmem.h>
#include <stdio.h>

#include "cli/command.h"
#include "cli/target.h"
#include "inspect/inspect.h"

#define NS_A_MS 1e6

struct options {
	struct target target;
	bool quiet;
};

static const struct argp_option known[] = {
	{"quiet", 'q', NULL, 0, "Print nothing; the exit status tells", 0},
	{0},
};

static error_t
/* NOLINTNEXTLINE(readability-non-const-parameter) argp's type */
parse(int key, char *arg, struct argp_state *state)
{
	struct options *options = state->input;

	(void)arg;
	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &options->target;
		break;
	case 'q':
		options->quiet = true;
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
	.doc = "Verify everything inside the memory pools of a running "
	       "program, or of one of them.\v"
	       "The program is stopped for the moment in which the pool is "
	       "read.\n\n" STATUS_DOC_BEGIN
	       "1 a pool is damaged; " STATUS_DOC_REST};

struct report {
	const struct target *target;
	const struct seen_pool *pool;
	bool quiet;
};

static void
tell(void *arg, const char *text)
{
	const struct report *report = arg;

	if (!report->quiet)
		printf("%s: %s\n", target_name(report->target, report->pool),
			text);
}

/* find_places -- elsewhere, while nothing has been printed */
static void
find_places(const struct target *target, char **argv)
{
	for (size_t i = 0; i < target->list.npools; i++) {
		const struct seen_pool *pool = &target->list.pools[i];

		if ((target->pool == NULL || target->pool == pool) &&
			pool->why[0] == '\0' && !snapshot_has_place(pool)) {
			run_again(argv);
			return;
		}
	}
}

/* check -- one of them; argv as long as nothing has been printed, or NULL */
static int
check(struct options *options, const struct seen_pool *pool, char **argv)
{
	struct target *target = &options->target;
	struct report report = {target, pool, options->quiet};
	struct check_result result;
	int rc = inspect_check(&result, target->source, pool, tell, &report);

	if (rc == -EEXIST && argv != NULL)
		run_again(argv);
	if (rc != 0)
		return refuse(inspect_status(rc), "%s: %s",
			target_name(target, pool), vmem_errormsg());
	if (result.fine && !options->quiet) {
		printf("%s: consistent", target_name(target, pool));
		if (target->core == NULL)
			printf("; stopped for %.1f ms",
				(double)result.stopped_ns / NS_A_MS);
		printf("\n");
	}
	return result.fine ? STATUS_FINE : STATUS_DAMAGED;
}

/* worse -- what could not be checked weighs more than what is damaged */
static int
worse(int a, int b)
{
	return a > b ? a : b;
}

int
cmd_check(int argc, char **argv)
{
	struct options options = {0};
	struct target *target = &options.target;
	int status;

	if (argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, &options) != 0)
		return STATUS_USAGE;
	status = target_open(target, false);
	if (status == 0)
		find_places(target, argv);
	if (status == 0 && target->pool != NULL)
		status = check(&options, target->pool, argv);
	else if (status == 0)
		for (size_t i = 0; i < target->list.npools; i++)
			status = worse(
				status, check(&options, &target->list.pools[i],
						i == 0 ? argv : NULL));
	target_close(target);
	return status;
}
