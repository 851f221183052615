/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * main.c -- the command `vmem`: finds the command that is asked for
 */
#include <argp.h>
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/command.h"

#define NAME_SIZE 32

/* one word of the command line and what stands behind it */
struct request {
	int argc;
	char **argv; /* NULL: nothing was asked for */
};

static int cmd_help(int argc, char **argv);

static const struct command commands[] = {
#ifdef VMEM_INSPECT
	{"check", "verify the pools of a running program", cmd_check},
#endif
	{"devices", "list what could hold a pool", cmd_devices},
	{"help", "explain a command", cmd_help},
#ifdef VMEM_INSPECT
	{"list", "list the pools of all running programs", cmd_list},
	{"map", "draw what every page of a pool is", cmd_map},
	{"profile", "write who allocated what lives in a pool", cmd_profile},
#endif
	{"run", "run a program with its heap in a memory pool", cmd_run},
#ifdef VMEM_INSPECT
	{"stats", "print the statistics of a pool", cmd_stats},
	{"top", "watch the pools of all running programs", cmd_top},
#endif
};

#define NCOMMANDS (sizeof(commands) / sizeof(commands[0]))

static const struct command *
command_lookup(const char *name)
{
	for (size_t i = 0; i < NCOMMANDS; i++)
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	return NULL;
}

/* describe -- what argp prints in `vmem --help`; the commands at its end */
static char *
describe(int key, const char *text, void *input)
{
	char *list = NULL;
	size_t size;
	FILE *stream;

	(void)input;
	if (key != ARGP_KEY_HELP_EXTRA)
		return (char *)(uintptr_t)text;
	stream = open_memstream(&list, &size);
	if (stream == NULL)
		return NULL;
	fprintf(stream, "Commands:\n");
	for (size_t i = 0; i < NCOMMANDS; i++)
		fprintf(stream, "  %-10s %s\n", commands[i].name,
			commands[i].summary);
	fprintf(stream, "\n'vmem help COMMAND' tells more about one.");
	(void)fclose(stream);
	return list;
}

/* parse -- up to the first word that is no option; the rest is the command's */
static error_t
/* NOLINTNEXTLINE(readability-non-const-parameter) argp's type */
parse(int key, char *arg, struct argp_state *state)
{
	struct request *request = state->input;

	(void)arg;
	if (key != ARGP_KEY_ARG)
		return ARGP_ERR_UNKNOWN;
	request->argv = state->argv + state->next - 1;
	request->argc = state->argc - state->next + 1;
	state->next = state->argc;
	return 0;
}

static const struct argp argp = {.parser = parse,
	.args_doc = "COMMAND [ARG...]",
	.doc = "Memory pools from the command line.",
	.help_filter = describe};

/* run -- hand over to a command, under the name "vmem COMMAND" */
static int
run(int argc, char **argv)
{
	static char name[NAME_SIZE];
	const struct command *command = command_lookup(argv[0]);

	if (command == NULL)
		return refuse(STATUS_USAGE,
			"no command '%s'; 'vmem --help' lists them", argv[0]);
	(void)snprintf(name, sizeof(name), "vmem %s", command->name);
	program_invocation_short_name = name;
	argv[0] = name;
	return command->main(argc, argv);
}

/* cmd_help -- its options are those of `vmem` itself */
static int
cmd_help(int argc, char **argv)
{
	static char self[] = "vmem", option[] = "--help";
	char *words[] = {self, option, NULL};
	struct request request = {0, NULL};

	argv[0] = self;
	program_invocation_short_name = self;
	if (argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, &request) != 0)
		return STATUS_USAGE;
	if (request.argc > 1)
		return refuse(STATUS_USAGE, "help explains one command");
	if (request.argc == 1 && strcmp(request.argv[0], "help") != 0) {
		words[0] = request.argv[0];
		return run(2, words);
	}
	return (int)argp_parse(&argp, 2, words, ARGP_IN_ORDER, NULL, NULL);
}

/*
 * end_output -- what could not be written is no success
 * At the exit, as argp ends the program by itself after --help and --version.
 */
static void
end_output(int status, void *arg)
{
	(void)arg;
	errno = 0;
	if (fflush(stdout) == 0 && ferror(stdout) == 0)
		return;
	/* of an earlier failure the reason is not known any more */
	(void)refuse(STATUS_FAILED, "the output cannot be written%s%s",
		errno == 0 ? "" : ": ", errno == 0 ? "" : strerror(errno));
	if (status == STATUS_FINE)
		_exit(STATUS_FAILED);
}

/*
 * hold_streams -- a standard stream that is closed stays of no use: no file of
 * a command's own takes its place, and the program of `vmem run` has it closed
 */
static void
hold_streams(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0)
			(void)open("/dev/null",
				(fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) |
					O_CLOEXEC);
}

int
main(int argc, char **argv)
{
	static char self[] = "vmem";
	struct request request = {0, NULL};

	if (argc < 1)
		return STATUS_USAGE;
	hold_streams();
	/* whether names can be shown as they are; the rest is in English */
	(void)setlocale(LC_CTYPE, "");
	argv[0] = self;
	program_invocation_short_name = self;
	argp_program_version = "vmem " VMEM_VERSION;
	argp_err_exit_status = STATUS_USAGE;
	if (on_exit(end_output, NULL) != 0)
		return refuse(STATUS_FAILED, "no memory");
	if (argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, &request) != 0)
		return STATUS_USAGE;
	if (request.argv == NULL)
		return refuse(STATUS_USAGE,
			"a command is missing; 'vmem --help' lists them");
	return run(request.argc, request.argv);
}
