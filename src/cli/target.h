/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * target.h -- what a command looks into: PID, PID:N, or a core file and N
 *
 * A command has target_children in its own argp, and at ARGP_KEY_INIT its
 * struct target as the first child's input, then calls target_open().
 */
#ifndef CLI_TARGET_H
#define CLI_TARGET_H

#include <argp.h>
#include <stdbool.h>

#include "inspect/inspect.h"

struct target {
	/* what the command line says; NULL where it says nothing */
	const char *what;
	const char *core;
	/* what that is */
	struct source *source;
	struct pool_list list;
	const struct seen_pool *pool; /* NULL: all pools are meant */
};

/* target_children -- options and argument; the input is a struct target */
extern const struct argp_child target_children[];
#define TARGET_ARGS_DOC "PID[:N]\n--core FILE [N]"

/*
 * target_open -- open it, find its pools, and the one that is named
 * one  exactly one pool is wanted
 * Returns 0, or says why not and returns the exit status.  End it with
 * target_close() in any case.
 */
int target_open(struct target *target, bool one);
void target_close(struct target *target);

/* target_name -- of a pool, as a user would say it; static */
const char *target_name(
	const struct target *target, const struct seen_pool *pool);

/* inspect_status -- the exit status for what a function of inspect.h returns */
int inspect_status(int rc);

/*
 * target_snapshot -- of the target's pool, and said when it is of several
 * moments
 * The command is run again, from its beginning, in another part of the address
 * space when the pool's addresses are not free here: print nothing before.
 */
int target_snapshot(const struct target *target, char **argv,
	enum snapshot_effort effort, struct snapshot **ret);

/*
 * run_again -- this command from its beginning, at other addresses; returns
 * when that has been tried often enough
 */
void run_again(char **argv);

#endif
