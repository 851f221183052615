/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * cmd_profile.c -- `vmem profile`: who allocated what lives in another program
 */
#include <argp.h>
#include <errno.h>
#include <fcntl.h>
#include <libvmem.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
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

/* copy -- all of a file; 0 or a negative errno */
static int
copy(int from, int to)
{
	char buffer[BUFSIZ];
	ssize_t n;

	for (off_t at = 0; (n = pread(from, buffer, sizeof(buffer), at)) > 0;) {
		n = write(to, buffer, (size_t)n);
		if (n < 0 && errno != EINTR)
			return -errno;
		at += n > 0 ? n : 0;
	}
	return n < 0 ? -errno : 0;
}

/* write_out -- what is made already */
static int
write_out(int made, const char *path)
{
	int to = STDOUT_FILENO, rc;

	if (path != NULL)
		to = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (to < 0)
		return refuse(STATUS_FAILED, "%s: %s", path, strerror(errno));
	rc = copy(made, to);
	if (path != NULL && close(to) != 0 && rc == 0)
		rc = -errno;
	if (rc == 0)
		return 0;
	return refuse(STATUS_FAILED, "%s: %s",
		path == NULL ? "the output cannot be written" : path,
		strerror(-rc));
}

/*
 * write_profile -- made in memory first: then a program that cannot be read
 * and a file that cannot be written are not taken for each other, and no file
 * is emptied for nothing
 */
static int
write_profile(const struct options *options)
{
	const struct target *target = &options->target;
	const char *path = options->output;
	int made = memfd_create("profile", MFD_CLOEXEC), rc, status;

	if (made < 0)
		return refuse(STATUS_UNREADABLE, "no memory for the profile");
	rc = inspect_profile(target->source, target->pool,
		path == NULL ? "standard output.txt" : path, made);
	if (rc == 0)
		status = write_out(made, path);
	else
		status = refuse(inspect_status(rc), "%s: %s",
			target_name(target, target->pool), vmem_errormsg());
	(void)close(made);
	return status;
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
