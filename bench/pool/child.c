/* SPDX-License-Identifier: BSD-3-Clause */
#include "child.h"

#include "clock.h"
#include "merge.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* a contender that is silent for longer hangs */
enum { PATIENCE_MS = 60000 };

/* arguments of a child */
enum { ARGS_MAX = 16, ARG_BYTES = 256 };

static FILE *to_parent;

/* tell -- a line for each step */
static void
tell(size_t done, size_t all, const char *who)
{
	fprintf(to_parent, "S %zu %zu %s\n", done, all, who);
	(void)fflush(to_parent);
}

void
child_main(int fd, const struct work *work, const struct memory *memory,
	const struct plan *plan)
{
	json_t *result;
	char *text;

	to_parent = fdopen(fd, "w");
	if (to_parent == NULL)
		_exit(1);
	result = measure(work, memory, plan, tell);
	text = json_dumps(result, JSON_COMPACT);
	fprintf(to_parent, "R %s\n", text != NULL ? text : "");
	(void)fflush(to_parent);
	/* without the libraries' ends: some were left in the middle */
	_exit(0);
}

/*
 * become_child -- this program anew, so that everything comes to lie at other
 * addresses: they decide of some works whether they are fast or slow
 */
static void __attribute__((noreturn))
become_child(int fd, const struct work *work, const struct memory *memory,
	const struct plan *plan)
{
	static char room[ARGS_MAX][ARG_BYTES];
	char *argv[ARGS_MAX + 1];
	size_t n = 0, used;

	(void)snprintf(room[n++], ARG_BYTES, "bench-pool");
	(void)snprintf(room[n++], ARG_BYTES, "--part=%d", fd);
	(void)snprintf(room[n++], ARG_BYTES, "--works=%s", work->name);
	(void)snprintf(room[n++], ARG_BYTES, "--memory=%s", memory->name);
	(void)snprintf(room[n++], ARG_BYTES, "--rounds=%zu", plan->nrounds);
	(void)snprintf(room[n++], ARG_BYTES, "--slice=%.0f",
		plan->slice_ns / NS_PER_MS);
	if (plan->first_word)
		(void)snprintf(room[n++], ARG_BYTES, "--first-word");
	if (memory->dir != NULL)
		(void)snprintf(room[n++], ARG_BYTES, "--%s=%s", memory->name,
			memory->dir);
	used = (size_t)snprintf(room[n], ARG_BYTES, "--contenders=");
	for (size_t i = 0; i < plan->ncontenders && used < ARG_BYTES; i++)
		used += (size_t)snprintf(room[n] + used, ARG_BYTES - used,
			"%s%s", i == 0 ? "" : ",", plan->contenders[i]->name);
	n++;
	for (size_t i = 0; i < n; i++)
		argv[i] = room[i];
	argv[n] = NULL;
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	(void)execv("/proc/self/exe", argv);
	_exit(127);
}

/* a child as its parent sees it */
struct child {
	pid_t pid;
	FILE *from;
	char who[32];   /* who worked last; empty: nobody yet */
	json_t *result; /* NULL: not yet */
};

/* listen -- until it has ended, or was silent for too long; -1: that */
static int
listen_to(struct child *child, void (*progress)(double part, const char *who))
{
	char *line = NULL;
	size_t size = 0;
	int silent = 0;

	for (;;) {
		struct pollfd poll_fd = {fileno(child->from), POLLIN, 0};
		size_t done;
		size_t all;

		if (poll(&poll_fd, 1, PATIENCE_MS) == 0) {
			(void)kill(child->pid, SIGKILL);
			silent = -1;
			break;
		}
		if (getline(&line, &size, child->from) < 0)
			break;
		if (line[0] == 'R')
			child->result = json_loads(line + 2, 0, NULL);
		else if (sscanf(line, "S %zu %zu %31s", &done, &all,
				 child->who) == 3)
			progress((double)done / (double)all, child->who);
	}
	free(line);
	return silent;
}

/* run -- one child; why it has no result goes to ret_why */
static json_t *
run(const struct work *work, const struct memory *memory,
	const struct plan *plan, void (*progress)(double part, const char *who),
	char *ret_who, size_t who_size, char *ret_why, size_t why_size)
{
	struct child child = {0};
	int fds[2];
	int status;
	int silent;

	if (pipe(fds) != 0)
		return NULL;
	(void)fflush(stdout);
	child.pid = fork();
	if (child.pid == 0) {
		(void)close(fds[0]);
		become_child(fds[1], work, memory, plan);
	}
	(void)close(fds[1]);
	child.from = fdopen(fds[0], "r");
	if (child.from == NULL || child.pid < 0)
		return NULL;
	/* lines come one by one: none may wait in a buffer behind poll() */
	(void)setvbuf(child.from, NULL, _IONBF, 0);
	silent = listen_to(&child, progress);
	(void)fclose(child.from);
	(void)waitpid(child.pid, &status, 0);
	(void)snprintf(ret_who, who_size, "%s", child.who);
	if (silent != 0)
		(void)snprintf(ret_why, why_size, "silent for %d s",
			PATIENCE_MS / 1000);
	else if (WIFSIGNALED(status))
		(void)snprintf(ret_why, why_size, "died: %s",
			strsignal(WTERMSIG(status)));
	else
		(void)snprintf(ret_why, why_size, "ended with %d",
			WEXITSTATUS(status));
	return child.result;
}

/* without -- take a contender out of a plan; -1: it is not in, or is ours */
static int
without(struct plan *plan, const char *name)
{
	for (size_t i = 1; i < plan->ncontenders; i++) {
		if (strcmp(plan->contenders[i]->name, name) != 0)
			continue;
		plan->ncontenders--;
		for (; i < plan->ncontenders; i++)
			plan->contenders[i] = plan->contenders[i + 1];
		return 0;
	}
	return -1;
}

/* what a work's processes have done */
static struct {
	size_t done, all; /* processes */
	void (*progress)(double part, const char *who);
} course;

static void
part_progress(double part, const char *who)
{
	course.progress(((double)course.done + part) / (double)course.all, who);
}

/*
 * measure_part -- one process, and again without who crashes or hangs, which is
 * taken out of *plan and put into left_out
 */
static json_t *
measure_part(const struct work *work, const struct memory *memory,
	struct plan *plan, json_t *left_out)
{
	json_t *result;
	char who[32];
	char why[64];

	for (;;) {
		result = run(work, memory, plan, part_progress, who,
			sizeof(who), why, sizeof(why));
		if (result != NULL)
			return result;
		fprintf(stderr, "\rbench-pool: %s %s: %s %s\n", work->name,
			memory->name, who, why);
		if (without(plan, who) != 0)
			return NULL;
		(void)json_object_set_new(
			left_out, who, json_pack("{ss}", "left_out", why));
	}
}

json_t *
child_measure(const struct work *work, const struct memory *memory,
	const struct plan *plan, void (*progress)(double part, const char *who))
{
	struct plan rest = *plan;
	size_t nrounds = measure_rounds(work, plan->nrounds);
	size_t most = measure_processes(work, plan->nprocesses);
	size_t n = most < nrounds ? most : nrounds;
	json_t *left_out = json_object();
	json_t *parts = json_array();
	json_t *result;

	rest.nrounds = (nrounds + n - 1) / n;
	course.all = n;
	course.progress = progress;
	for (course.done = 0; course.done < n; course.done++) {
		result = measure_part(work, memory, &rest, left_out);
		if (result == NULL)
			break;
		(void)json_array_append_new(parts, result);
	}
	result = course.done == n ? merge(parts) : NULL;
	if (result != NULL)
		(void)json_object_update(
			json_object_get(result, "contenders"), left_out);
	json_decref(parts);
	json_decref(left_out);
	return result;
}
