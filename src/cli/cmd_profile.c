/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * cmd_profile.c -- `vmem profile`: who allocated what lives in another program
 */
#include <argp.h>
#include <errno.h>
#include <fcntl.h>
#include <libvmem.h>
#include <string.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/target.h"
#include "inspect/inspect.h"

struct options {
	struct target target;
	const char *output; /* NULL: standard output, as text */
};

static const struct argp_option known[] = {
	{"output", 'o', "FILE", 0,
		"Write to FILE: a name in .folded gets a line a call stack, "
		"for flame graphs; in .txt the live objects by call stack; any "
		"other pprof's format.  Without it the text is printed",
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
	case 'o':
		options->output = arg;
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
	.doc = "Write who allocated the objects that live in a pool of a "
	       "running program, as vmem_profile_dump(3) does in the program "
	       "itself.\v"
	       "The program has begun a profile by vmem_profile_start(3), or "
	       "was run with VMEM_PROFILE.  It is stopped for the moment of "
	       "reading only when its profile changes without a "
	       "pause.\n\n" INSPECT_STATUS_DOC};

static int
write_profile(const struct options *options)
{
	const struct target *target = &options->target;
	const char *path = options->output;
	int fd = STDOUT_FILENO, rc;

	if (path != NULL)
		fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (fd < 0)
		return refuse(STATUS_FAILED, "%s: %s", path, strerror(errno));
	rc = inspect_profile(target->source, target->pool,
		path == NULL ? "standard output.txt" : path, fd);
	if (path != NULL && close(fd) != 0 && rc == 0)
		return refuse(STATUS_FAILED, "%s: %s", path, strerror(errno));
	if (rc == 0)
		return 0;
	return refuse(inspect_status(rc), "%s: %s",
		target_name(target, target->pool), vmem_errormsg());
}

int
cmd_profile(int argc, char **argv)
{
	struct options options = {.output = NULL};
	int status;

	if (argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, &options) != 0)
		return STATUS_USAGE;
	status = target_open(&options.target, true);
	if (status == 0)
		status = write_profile(&options);
	target_close(&options.target);
	return status;
}
