/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * cmd_top.c -- `vmem top`: pools as they live
 */
#include <argp.h>
#include <errno.h>
#include <libvmem.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/target.h"
#include "cli/top.h"

#define INTERVAL       1.0
#define INTERVAL_LEAST 0.05
#define INTERVAL_MOST  3600.0
#define NS_A_SECOND    1e9
#define PIDS_MOST      1024
#define ROW_WIDTH      120

struct options {
	int pids[PIDS_MOST];
	size_t npids;
	double interval;
	unsigned long batch; /* updates to print; 0: in the terminal */
	enum top_sort sort;
};

static const struct argp_option known[] = {
	{"batch", 'b', "N", 0,
		"Print N updates as text, and end; nothing is asked of the "
		"terminal",
		0},
	{"delay", 'd', "SECONDS", 0, "Time between updates (default: 1)", 0},
	{"sort", 's', "KEY", 0,
		"used (default), allocations, live, fragmentation or pid", 0},
	{0},
};

static void
read_batch(struct options *options, const char *text,
	const struct argp_state *state)
{
	char *end;

	errno = 0;
	options->batch = strtoul(text, &end, 10);
	if (errno != 0 || end == text || *end != '\0' || options->batch == 0 ||
		*text == '-')
		argp_error(
			state, "--batch: '%s' is no number of updates", text);
}

static void
read_delay(struct options *options, const char *text,
	const struct argp_state *state)
{
	char *end;

	options->interval = strtod(text, &end);
	if (end == text || *end != '\0' ||
		!(options->interval >= INTERVAL_LEAST) ||
		options->interval > INTERVAL_MOST)
		argp_error(state, "--delay: '%s' is not from %g to %g seconds",
			text, INTERVAL_LEAST, INTERVAL_MOST);
}

static void
read_sort(struct options *options, const char *text,
	const struct argp_state *state)
{
	for (unsigned i = 0; i < TOP_SORTS; i++)
		if (strcmp(text, top_sort_name((enum top_sort)i)) == 0) {
			options->sort = (enum top_sort)i;
			return;
		}
	argp_error(state,
		"--sort: '%s' is none of used, allocations, live, "
		"fragmentation, pid",
		text);
}

static void
read_pid(struct options *options, const char *text,
	const struct argp_state *state)
{
	char *end;
	long pid = strtol(text, &end, 10);

	if (end == text || *end != '\0' || pid <= 0 || pid > INT_MAX)
		argp_error(state, "'%s' is no process id", text);
	if (options->npids == PIDS_MOST)
		argp_error(state, "more than %d programs", PIDS_MOST);
	else
		options->pids[options->npids++] = (int)pid;
}

static error_t
/* NOLINTNEXTLINE(readability-non-const-parameter) argp's type */
parse(int key, char *arg, struct argp_state *state)
{
	struct options *options = state->input;

	switch (key) {
	case 'b':
		read_batch(options, arg, state);
		break;
	case 'd':
		read_delay(options, arg, state);
		break;
	case 's':
		read_sort(options, arg, state);
		break;
	case ARGP_KEY_ARG:
		read_pid(options, arg, state);
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

static const struct argp argp = {.options = known,
	.parser = parse,
	.args_doc = "[PID...]",
	.doc = "Watch the memory pools of all programs that one may read, or "
	       "of those that are named.\v"
	       "The programs are not stopped. Press h for the "
	       "keys.\n\n" INSPECT_STATUS_DOC};

static void
print(const struct top *top)
{
	char text[TOP_LINE_SIZE];

	top_head(top, text);
	printf("%s\n", text);
	top_columns(text);
	printf("%s\n", text);
	for (size_t i = 0; i < top->npools; i++) {
		top_row(&top->pools[i], text, ROW_WIDTH, false);
		printf("%.*s\n", ROW_WIDTH, text);
	}
	printf("\n");
	(void)fflush(stdout);
}

/*
 * note_end -- says once that one of the programs that were named has ended;
 * returns the status to end with, 0 for none
 * One that merely changed too fast may be read the next time.
 */
static int
note_end(const struct top *top, int status)
{
	int now = inspect_status(top->rc);

	if (status != 0 || now == 0 || now == STATUS_UNREADABLE)
		return status;
	return refuse(now, "%s", vmem_errormsg());
}

/*
 * batch -- what has been looked at once is printed, then looked at again, as
 * long as there is something of what was named
 */
static int
batch(struct top *top, const struct options *options)
{
	double whole = (double)(time_t)options->interval;
	struct timespec pause = {.tv_sec = (time_t)whole,
		.tv_nsec = (long)((options->interval - whole) * NS_A_SECOND)};
	int rc = 0, status = 0;

	for (unsigned long i = 0; i < options->batch && rc == 0; i++) {
		if (i > 0) {
			(void)nanosleep(&pause, NULL);
			rc = top_update(top);
			status = note_end(top, status);
		}
		if (status != 0 && top->npools == 0)
			break;
		print(top);
		if (ferror(stdout))
			return 0; /* no more of them; main.c says why */
	}
	return rc == 0 ? status : refuse(STATUS_UNREADABLE, "no memory");
}

int
cmd_top(int argc, char **argv)
{
	static struct options options;
	struct top top = {0};
	int status;

	options.interval = INTERVAL;
	if (argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, &options) != 0)
		return STATUS_USAGE;
	if (options.batch == 0 &&
		(isatty(STDOUT_FILENO) == 0 || isatty(STDIN_FILENO) == 0))
		return refuse(
			STATUS_USAGE, "this is no terminal; say --batch N");
	top.pids = options.pids;
	top.npids = options.npids;
	top.sort = options.sort;
	if (top_update(&top) != 0) {
		status = refuse(STATUS_UNREADABLE, "no memory");
	} else if (top.npids > 0 && top.rc != 0) {
		status = refuse(inspect_status(top.rc), "%s", vmem_errormsg());
	} else if (top.npids > 0 && top.npools == 0) {
		status = refuse(STATUS_NO_POOL, "there are no pools");
	} else {
		/* elsewhere, while nothing has been shown */
		if (top.conflict)
			run_again(argv);
		status = options.batch != 0
				 ? batch(&top, &options)
				 : top_screen(&top, options.interval);
	}
	top_free(&top);
	return status;
}
