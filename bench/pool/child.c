/* SPDX-License-Identifier: BSD-3-Clause */
#include "child.h"

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

static FILE *to_parent;

/* tell -- a line for each step */
static void
tell(size_t done, size_t all, const char *who)
{
	fprintf(to_parent, "S %zu %zu %s\n", done, all, who);
	(void)fflush(to_parent);
}

static void __attribute__((noreturn))
child_main(int fd, const struct work *work, const struct memory *memory,
	const struct plan *plan)
{
	json_t *result;
	char *text;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	to_parent = fdopen(fd, "w");
	result = measure(work, memory, plan, tell);
	text = json_dumps(result, JSON_COMPACT);
	fprintf(to_parent, "R %s\n", text != NULL ? text : "");
	(void)fflush(to_parent);
	/* without the libraries' ends: some were left in the middle */
	_exit(0);
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
		child_main(fds[1], work, memory, plan);
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

json_t *
child_measure(const struct work *work, const struct memory *memory,
	const struct plan *plan, void (*progress)(double part, const char *who))
{
	struct plan rest = *plan;
	json_t *left_out = json_object();
	json_t *result;
	char who[32];
	char why[64];

	for (;;) {
		result = run(work, memory, &rest, progress, who, sizeof(who),
			why, sizeof(why));
		if (result != NULL)
			break;
		fprintf(stderr, "\rbench-pool: %s %s: %s %s\n", work->name,
			memory->name, who, why);
		if (without(&rest, who) != 0)
			break;
		(void)json_object_set_new(
			left_out, who, json_pack("{ss}", "left_out", why));
	}
	if (result != NULL)
		(void)json_object_update(
			json_object_get(result, "contenders"), left_out);
	json_decref(left_out);
	return result;
}
