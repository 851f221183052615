/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * cmd_stats.c -- `vmem stats`: the statistics of a pool of another program
 */
#include <argp.h>
#include <libvmem.h>
#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "cli/target.h"
#include "inspect/inspect.h"

#define OPTS_SIZE 32

struct options {
	struct target target;
	const char *omit;
	bool json;
};

static const struct argp_option known[] = {
	{"json", 'j', NULL, 0, "Print one JSON object", 0},
	{"omit", 'o', "LETTERS", 0,
		"Leave out parts, by the letters of vmem_stats_print(3): g, m, "
		"a, b, l",
		0},
	{0},
};

static error_t
/* NOLINTNEXTLINE(readability-non-const-parameter) argp's type */
parse(int key, char *arg, struct argp_state *state)
{
	struct options *options = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &options->target;
		break;
	case 'j':
		options->json = true;
		break;
	case 'o':
		options->omit = arg;
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
	.doc = "Print the statistics of a memory pool of a running program, as "
	       "vmem_stats_print(3) does in the program itself.\v"
	       "The program is not stopped.\n\n" STATUS_DAMAGED_DOC};

static void
print(const char *text)
{
	(void)fputs(text, stdout);
}

int
cmd_stats(int argc, char **argv)
{
	struct options options = {.omit = ""};
	struct snapshot *snap = NULL;
	char opts[OPTS_SIZE];
	int status;

	if (argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, &options) != 0)
		return STATUS_USAGE;
	if (options.omit[strspn(options.omit, "gmabl")] != '\0' ||
		strlen(options.omit) > OPTS_SIZE - 2)
		return refuse(STATUS_USAGE,
			"--omit: '%s' is not of g, m, a, "
			"b, l",
			options.omit);
	(void)snprintf(opts, sizeof(opts), "%s%s", options.omit,
		options.json ? "J" : "");
	vmem_set_funcs(NULL, NULL, NULL, NULL, print);
	status = target_open(&options.target, true);
	if (status == 0)
		status = target_snapshot(
			&options.target, argv, SNAPSHOT_EXACT, &snap);
	if (status == 0 && snapshot_print(snap, opts) != 0)
		status = refuse(STATUS_UNREADABLE, "%s", vmem_errormsg());
	if (status == 0 && snapshot_is_damaged(snap))
		status = STATUS_DAMAGED;
	snapshot_drop(snap);
	target_close(&options.target);
	return status;
}
