/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * forked.c -- a program whose system calls fail, see fault/preload.c
 *
 * It allocates before main() and after, has children, and compares all that it
 * holds.  Status 3: a child has ended itself by abort(); 4: descriptors are
 * left; 5: a child could not be made.
 */
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "check.h"

#define NOBJECTS 60u
#define NFORKS   2u
#define TOO_LONG 30u /* seconds; SIGALRM ends a run that hangs */

#define CHILD_ENDED 3
#define LEFT        4
#define NO_CHILD    5

static struct {
	unsigned char *p;
	size_t size;
} objects[NOBJECTS];

static unsigned ended;

/* renew -- an object; memory may be at its end */
static void
renew(unsigned i, size_t size)
{
	for (size_t at = 0; objects[i].p != NULL && at < objects[i].size; at++)
		CHECK(objects[i].p[at] == objects[i].size % 251);
	free(objects[i].p);
	objects[i].size = size;
	objects[i].p = malloc(size);
	if (objects[i].p != NULL)
		memset(objects[i].p, (int)(size % 251), size);
	else
		CHECK(errno == ENOMEM);
}

static void
churn(unsigned step)
{
	for (unsigned i = 0; i < NOBJECTS; i += step)
		renew(i, i % 20 == 19 ? 60000 + i : (size_t)i * 17 % 600 + 1);
}

__attribute__((constructor)) static void
before_main(void)
{
	(void)alarm(TOO_LONG);
	churn(2);
}

static unsigned
ndescriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned n = 0;

	if (dir == NULL)
		return 0; /* no memory */
	while (readdir(dir) != NULL)
		n++;
	(void)closedir(dir);
	return n;
}

int
main(void)
{
	unsigned before, after;
	int status;

	churn(1);
	before = ndescriptors();
	for (unsigned i = 0; i < NFORKS; i++) {
		pid_t pid = fork();

		if (pid == 0) {
			(void)alarm(TOO_LONG);
			churn(1);
			churn(3);
			/* a child of the child, and as libc's own callers do */
			pid = i == 0 ? fork() : _Fork();
			if (pid == 0) {
				churn(2);
				_exit(0);
			}
			churn(2);
			if (pid < 0)
				exit(NO_CHILD);
			CHECK(waitpid(pid, &status, 0) == pid);
			if (WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT)
				exit(CHILD_ENDED);
			CHECK(status == 0);
			exit(0);
		}
		churn(2);
		if (pid < 0)
			return NO_CHILD;
		CHECK(waitpid(pid, &status, 0) == pid);
		if (WIFSIGNALED(status)) {
			CHECK(WTERMSIG(status) == SIGABRT);
			ended++;
		} else if (WEXITSTATUS(status) == CHILD_ENDED) {
			ended++;
		} else {
			CHECK(WEXITSTATUS(status) == 0 ||
				WEXITSTATUS(status) == NO_CHILD);
		}
		churn(3);
	}
	churn(1);
	after = ndescriptors();
	if (before != 0 && after != 0 && before != after)
		return LEFT;
	return ended > 0 ? CHILD_ENDED : 0;
}
