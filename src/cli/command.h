/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * command.h -- what the commands of `vmem` have in common
 *
 * A command has a file, as cmd_run.c, with a function of the file's name and a
 * line in the table of main.c.  It gets its own arguments, "vmem run" before
 * them, and returns the exit status.  A function that can fail says why where
 * it finds out, by refuse(), and returns the exit status to end with.  Whether
 * standard output could be written is looked at in main.c, when all has ended.
 * Threads: there is one.
 */
#ifndef CLI_COMMAND_H
#define CLI_COMMAND_H

/* exit statuses; the last three are those of env(1) and timeout(1) */
enum status {
	STATUS_FINE = 0,
	STATUS_DAMAGED = 1,    /* what was looked into is damaged */
	STATUS_USAGE = 2,      /* the command line, or a variable, is wrong */
	STATUS_NO_POOL = 3,    /* no such process or pool, or it has ended */
	STATUS_DENIED = 4,     /* one may not read or stop the process */
	STATUS_UNREADABLE = 5, /* it is there and could not be looked into */
	STATUS_FAILED = 125,   /* it cannot be had, or not be written */
	STATUS_NO_EXEC = 126,  /* the program is there and cannot be run */
	STATUS_NO_PROGRAM = 127,
};

struct command {
	const char *name;
	const char *summary; /* what `vmem --help` says of it */
	int (*main)(int argc, char **argv);
};

/* cmd_devices -- list what could hold a pool */
int cmd_devices(int argc, char **argv);

/* cmd_run -- run a program with its heap in a pool */
int cmd_run(int argc, char **argv);

/* what looks into other programs; these say in their help what they end with */
int cmd_check(int argc, char **argv);
int cmd_list(int argc, char **argv);
int cmd_map(int argc, char **argv);
int cmd_profile(int argc, char **argv);
int cmd_stats(int argc, char **argv);
int cmd_top(int argc, char **argv);

#define STATUS_DOC_BEGIN "Exit status: 0 fine; "
#define STATUS_DOC_REST                                                        \
	"2 the command line is wrong; 3 there is no such program or pool; 4 "  \
	"it may not be read; 5 it cannot be read; 125 the output cannot be "   \
	"written."
#define INSPECT_STATUS_DOC STATUS_DOC_BEGIN STATUS_DOC_REST
#define STATUS_DAMAGED_DOC                                                     \
	STATUS_DOC_BEGIN "1 the pool looks damaged; " STATUS_DOC_REST

/* refuse -- say in one line why not; returns the status */
int refuse(int status, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* warn_user -- say something in one line, and go on */
void warn_user(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
