/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * target.c -- what a command looks into: PID, PID:N, or a core file and N
 */
#include "cli/target.h"

#include <errno.h>
#include <libvmem.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <unistd.h>

#include "cli/command.h"

#define TRIES_VARIABLE "VMEM_TRIES"
#define TRIES_MOST     8
#define NAME_BYTES     64
#define IDS_SIZE       200
#define PERSONALITY_IS 0xffffffffUL /* asks only */

static const struct argp_option known[] = {
	{"core", 'c', "FILE", 0, "Look into a core file, not a running program",
		0},
	{0},
};

static error_t
/* NOLINTNEXTLINE(readability-non-const-parameter) argp's type */
parse(int key, char *arg, struct argp_state *state)
{
	struct target *target = state->input;

	switch (key) {
	case 'c':
		target->core = arg;
		break;
	case ARGP_KEY_ARG:
		if (target->what != NULL)
			argp_error(state, "one program or pool at a time");
		target->what = arg;
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

static const struct argp argp = {.options = known, .parser = parse};
const struct argp_child target_children[] = {{.argp = &argp}, {0}};

int
inspect_status(int rc)
{
	switch (-rc) {
	case 0:
		return STATUS_FINE;
	case ESRCH:
	case ENOENT:
		return STATUS_NO_POOL;
	case EPERM:
	case EACCES:
		return STATUS_DENIED;
	default:
		return STATUS_UNREADABLE;
	}
}

/* open_process -- "PID" or "PID:N"; *ret_id is what follows the colon */
static int
open_process(struct target *target, const char **ret_id)
{
	char *end;
	long pid;
	int rc;

	errno = 0;
	pid = strtol(target->what, &end, 10);
	if (errno != 0 || end == target->what || pid <= 0 || pid > INT_MAX ||
		(*end != '\0' && *end != ':') || strcmp(end, ":") == 0)
		return refuse(STATUS_USAGE, "'%s' is neither PID nor PID:N",
			target->what);
	if (*end == ':')
		*ret_id = end + 1;
	rc = source_open_process(&target->source, (int)pid);
	return rc == 0 ? 0 : refuse(inspect_status(rc), "%s", vmem_errormsg());
}

/* name -- of the process or the core file */
static const char *
name(const struct target *target)
{
	static char text[NAME_BYTES];

	if (target->core != NULL)
		return target->core;
	(void)snprintf(text, sizeof(text), "process %d (%s)",
		source_pid(target->source), source_program(target->source));
	return text;
}

const char *
target_name(const struct target *target, const struct seen_pool *pool)
{
	static char text[NAME_BYTES];

	if (target->core != NULL)
		(void)snprintf(text, sizeof(text), "pool %s", pool->id);
	else
		(void)snprintf(text, sizeof(text), "pool %d:%s",
			source_pid(target->source), pool->id);
	return text;
}

/* refuse_several -- which of them? */
static int
refuse_several(const struct target *target)
{
	char ids[IDS_SIZE] = "";
	size_t n = 0;

	for (size_t i = 0; i < target->list.npools; i++) {
		const char *id = target->list.pools[i].id;

		if (n + strlen(id) + sizeof(", ...") >= sizeof(ids)) {
			(void)snprintf(ids + n, sizeof(ids) - n, ", ...");
			break;
		}
		n += (size_t)snprintf(ids + n, sizeof(ids) - n, "%s%s",
			i == 0 ? "" : ", ", id);
	}
	return refuse(STATUS_USAGE, "%s has %zu pools; say which: %s",
		name(target), target->list.npools, ids);
}

/* choose -- the pool that is named, or the only one */
static int
choose(struct target *target, const char *id, bool one)
{
	if (target->list.npools == 0 && target->list.other_version)
		return refuse(STATUS_UNREADABLE,
			"%s uses another version of the library", name(target));
	if (target->list.npools == 0)
		return refuse(STATUS_NO_POOL, "%s has no pools", name(target));
	if (id != NULL) {
		target->pool = pool_list_find(&target->list, id);
		if (target->pool == NULL)
			return refuse(STATUS_NO_POOL, "%s has no pool %s",
				name(target), id);
	} else if (target->list.npools == 1) {
		target->pool = &target->list.pools[0];
	} else if (one) {
		return refuse_several(target);
	}
	return 0;
}

int
target_open(struct target *target, bool one)
{
	const char *id = NULL;
	int rc, status = 0;

	if (target->core != NULL) {
		id = target->what;
		rc = source_open_core(&target->source, target->core);
		if (rc != 0)
			status = refuse(
				inspect_status(rc), "%s", vmem_errormsg());
	} else if (target->what == NULL) {
		status = refuse(STATUS_USAGE,
			"which program? say PID, PID:N or --core FILE");
	} else {
		status = open_process(target, &id);
	}
	if (status != 0)
		return status;
	rc = pool_list_read(&target->list, target->source);
	if (rc != 0)
		return refuse(inspect_status(rc), "%s", vmem_errormsg());
	return choose(target, id, one);
}

void
target_close(struct target *target)
{
	pool_list_free(&target->list);
	source_close(target->source);
	target->source = NULL;
}

void
run_again(char **argv)
{
	const char *said = getenv(TRIES_VARIABLE);
	int tries = said == NULL ? 0 : (int)strtol(said, NULL, 10);
	char number[NAME_BYTES];
	size_t n = 0;
	char **args;
	static char self[] = "vmem";

	if (tries < 0 || tries >= TRIES_MOST)
		return;
	while (argv[n] != NULL)
		n++;
	args = calloc(n + 2, sizeof(*args));
	if (args == NULL)
		return;
	/* argv[0] is "vmem COMMAND" */
	args[0] = self;
	args[1] = argv[0] + sizeof("vmem ") - 1;
	memcpy(args + 2, argv + 1, (n - 1) * sizeof(*args));
	(void)snprintf(number, sizeof(number), "%d", tries + 1);
	(void)setenv(TRIES_VARIABLE, number, 1);
	/*
	 * First the old layout of the address space, far from where programs
	 * have their memory; where that is not allowed, or the program has it
	 * as well, the kernel places us at random each time.
	 */
	unsigned long mode = (unsigned long)personality(PERSONALITY_IS);
	mode = tries % 2 == 0 ? mode | ADDR_COMPAT_LAYOUT
			      : mode & ~(unsigned long)ADDR_COMPAT_LAYOUT;
	(void)personality(mode);
	(void)execv("/proc/self/exe", args);
	free(args);
}

int
target_snapshot(const struct target *target, char **argv,
	enum snapshot_effort effort, struct snapshot **ret)
{
	size_t torn;
	int rc = snapshot_take(ret, target->source, target->pool, effort);

	if (rc == -EEXIST)
		run_again(argv);
	if (rc != 0)
		return refuse(inspect_status(rc), "%s: %s",
			target_name(target, target->pool), vmem_errormsg());
	if (effort == SNAPSHOT_ONCE || snapshot_is_exact(*ret, &torn))
		return 0;
	if (snapshot_is_damaged(*ret))
		warn_user("%s looks damaged: nothing changes it, and it does "
			  "not hold; %zu runs of pages are left out, and `vmem "
			  "check` says more",
			target_name(target, target->pool), torn);
	else
		warn_user("%s changed while it was read: the figures are of "
			  "several moments, and %zu runs of pages are left "
			  "out",
			target_name(target, target->pool), torn);
	return 0;
}
