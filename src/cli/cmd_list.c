/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * cmd_list.c -- `vmem list`: the pools of all programs that one may read
 */
#include <argp.h>
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <libvmem.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/format.h"
#include "cli/target.h"
#include "inspect/inspect.h"

#define INDENT 2

struct options {
	const char *core;
	bool json;
	char **pids;
	int npids;
};

/* what has been found so far */
struct found {
	bool json;
	json_t *array;
	size_t npools;
	size_t ndenied; /* processes that one may not read */
};

static const struct argp_option known[] = {
	{"core", 'c', "FILE", 0,
		"Look into a core file instead of running programs", 0},
	{"json", 'j', NULL, 0, "Print a JSON array", 0},
	{0},
};

static error_t
/* NOLINTNEXTLINE(readability-non-const-parameter) argp's type */
parse(int key, char *arg, struct argp_state *state)
{
	struct options *options = state->input;

	switch (key) {
	case 'c':
		options->core = arg;
		break;
	case 'j':
		options->json = true;
		break;
	case ARGP_KEY_ARG:
		options->pids = state->argv + state->next - 1;
		options->npids = state->argc - state->next + 1;
		state->next = state->argc;
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

static const struct argp argp = {.options = known,
	.parser = parse,
	.args_doc = "[PID...]",
	.doc = "List the memory pools of all programs that one may read, or of "
	       "those that are named.\v" INSPECT_STATUS_DOC};

static void
add_json(struct found *found, const struct source *s,
	const struct seen_pool *pool)
{
	json_t *o = json_pack("{si ss ss ss ss ss sI sI si sb sb}", "pid",
		source_pid(s), "program", source_program(s), "pool", pool->id,
		"name", pool->name, "kind", pool->kind, "path", pool->path,
		"size", (json_int_t)pool->size, "used", (json_int_t)pool->used,
		"threads", pool->threads, "shared", pool->foreign, "frozen",
		pool->frozen);

	if (o != NULL && pool->why[0] != '\0')
		(void)json_object_set_new(o, "problem", json_string(pool->why));
	(void)json_array_append_new(found->array, o);
}

static void
print_heading(void)
{
	printf("%8s %-15s %5s %-6s %7s %7s %5s %7s  %s\n", "PID", "PROGRAM",
		"POOL", "KIND", "SIZE", "USED", "USE%", "THREADS", "PATH");
}

static void
print_pool(const struct source *s, const struct seen_pool *pool)
{
	char size[FORMAT_SIZE], used[FORMAT_SIZE], threads[FORMAT_SIZE] = "?";
	char place[POOL_PATH_SIZE + SEEN_NAME_SIZE + sizeof(" \"\"")];

	if (pool->name[0] == '\0')
		(void)snprintf(place, sizeof(place), "%s", pool->path);
	else
		(void)snprintf(place, sizeof(place), "%s \"%s\"", pool->path,
			pool->name);
	format_names(place);
	if (pool->threads >= 0)
		(void)snprintf(threads, sizeof(threads), "%d", pool->threads);
	printf("%8d %-15s %5s %-6s %7s ", source_pid(s), source_program(s),
		pool->id, pool->kind, format_bytes(size, pool->size));
	if (pool->why[0] != '\0')
		printf("%7s %5s %7s  %s (%s)\n", "?", "?", threads, place,
			pool->why);
	else
		printf("%7s %4.0f%% %7s  %s%s\n",
			format_bytes(used, pool->used),
			percent(pool->used, pool->size), threads, place,
			pool->foreign ? " (its parent's)" : "");
}

static void
add_pools(struct found *found, const struct source *s,
	const struct pool_list *list)
{
	for (size_t i = 0; i < list->npools; i++) {
		if (found->json) {
			add_json(found, s, &list->pools[i]);
		} else {
			if (found->npools == 0)
				print_heading();
			print_pool(s, &list->pools[i]);
		}
		found->npools++;
	}
}

/* add_source -- opened with that result; 0 or a negative errno */
static int
add_source(struct found *found, struct source *s, int rc)
{
	struct pool_list list;

	if (rc == 0)
		rc = pool_list_read(&list, s);
	if (rc != 0)
		return rc;
	if (list.other_version)
		warn_user("process %d uses another version of the library",
			source_pid(s));
	add_pools(found, s, &list);
	pool_list_free(&list);
	return 0;
}

static int
add_process(struct found *found, int pid)
{
	struct source *s = NULL;
	int rc = source_open_process(&s, pid);

	rc = add_source(found, s, rc);
	source_close(s);
	return rc;
}

/* list_all -- what cannot be read is left out */
static int
list_all(struct found *found)
{
	const struct dirent *e;
	DIR *dir = opendir("/proc");

	if (dir == NULL)
		return refuse(STATUS_UNREADABLE, "/proc: %s", strerror(errno));
	while ((e = readdir(dir)) != NULL) {
		int pid = (int)strtol(e->d_name, NULL, 10);

		if (pid > 0 && pid != getpid())
			found->ndenied += add_process(found, pid) == -EPERM;
	}
	(void)closedir(dir);
	if (found->npools == 0 && found->ndenied > 0)
		warn_user("no pools found; %zu process%s may not be read",
			found->ndenied, found->ndenied == 1 ? "" : "es");
	return 0;
}

/* list_these -- one by one; the status is that of the first that failed */
static int
list_these(struct found *found, const struct options *options)
{
	int status = 0;

	for (int i = 0; i < options->npids; i++) {
		char *end;
		long pid = strtol(options->pids[i], &end, 10);
		size_t before = found->npools;
		int rc, failed = 0;

		if (end == options->pids[i] || *end != '\0' || pid <= 0 ||
			pid > INT_MAX)
			return refuse(STATUS_USAGE, "'%s' is no process id",
				options->pids[i]);
		rc = add_process(found, (int)pid);
		if (rc != 0)
			failed = refuse(
				inspect_status(rc), "%s", vmem_errormsg());
		else if (found->npools == before)
			failed = refuse(STATUS_NO_POOL,
				"process %ld has no pools", pid);
		if (status == 0)
			status = failed;
	}
	return status;
}

static int
list_core(struct found *found, const char *path)
{
	struct source *s = NULL;
	int rc = source_open_core(&s, path);

	rc = add_source(found, s, rc);
	source_close(s);
	if (rc != 0)
		return refuse(inspect_status(rc), "%s", vmem_errormsg());
	if (found->npools == 0)
		return refuse(STATUS_NO_POOL, "%s has no pools", path);
	return 0;
}

int
cmd_list(int argc, char **argv)
{
	struct options options = {0};
	struct found found = {0};
	int status;

	if (argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, &options) != 0)
		return STATUS_USAGE;
	if (options.core != NULL && options.npids > 0)
		return refuse(STATUS_USAGE,
			"programs and a core file cannot both be listed");
	found.json = options.json;
	found.array = json_array();
	if (options.core != NULL)
		status = list_core(&found, options.core);
	else if (options.npids > 0)
		status = list_these(&found, &options);
	else
		status = list_all(&found);
	if (options.json) {
		(void)json_dumpf(found.array, stdout, JSON_INDENT(INDENT));
		printf("\n");
	}
	json_decref(found.array);
	return status;
}
