/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * exits.c HOW -- end in one of the ways that there are, with status 3
 */
#include <fcntl.h>
#include <pthread.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "check.h"

static const char *how;

static int
is(const char *name)
{
	return strcmp(how, name) == 0;
}

static void *
end_here(void *arg)
{
	(void)arg;
	free(malloc(100));
	if (is("_exit-in-thread"))
		_exit(3);
	if (is("_Exit-in-thread"))
		_Exit(3);
	if (is("quick_exit-in-thread"))
		quick_exit(3);
	exit(3);
}

/* allocate -- as long as the process lives */
static void *
allocate(void *arg)
{
	for (;;)
		free(malloc(200));
	return arg;
}

static void
fork_and_end(void)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		free(malloc(100));
		_exit(is("fork") ? 0 : 4);
	}
	CHECK(waitpid(pid, &status, 0) == pid && WIFEXITED(status));
}

/* a child of vfork ends with our memory under it, and is not us */
static void
vfork_and_end(void)
{
	pid_t pid = vfork(); /* NOLINT: what it does is the point */

	if (pid == 0)
		_exit(0);
	CHECK_CHILD(pid);
}

/* become_daemon -- what it had open is closed, and its own file has the
 * numbers; nothing else is written into that */
static void
become_daemon(void)
{
	FILE *own;

	for (int fd = 3; fd < 1024; fd++)
		(void)close(fd);
	own = tmpfile();
	CHECK(own != NULL);
	for (int fd = fileno(own); fd < 600;) {
		fd = dup(fd);
		CHECK(fd >= 0);
	}
	free(malloc(100));
	CHECK(fseek(own, 0, SEEK_END) == 0 && ftell(own) == 0);
}

int
main(int argc, char *argv[])
{
	pthread_t thread;

	CHECK(argc == 2);
	how = argv[1];
	free(malloc(1000));
	if (is("closed"))
		CHECK(close(2) == 0);
	if (is("full")) {
		int fd = open("/dev/full", O_WRONLY);

		CHECK(dup2(fd, 2) == 2 && close(fd) == 0);
	}
	if (is("daemon"))
		become_daemon();
	if (is("fork"))
		fork_and_end();
	if (is("vfork"))
		vfork_and_end();
	if (is("busy"))
		for (int i = 0; i < 4; i++)
			CHECK(pthread_create(&thread, NULL, allocate, NULL) ==
				0);
	if (strstr(how, "in-thread") != NULL || is("exit-of-thread")) {
		CHECK(pthread_create(&thread, NULL, end_here, NULL) == 0);
		CHECK(pthread_join(thread, NULL) == 0);
	}
	if (is("_exit"))
		_exit(3);
	if (is("_Exit"))
		_Exit(3);
	if (is("quick_exit"))
		quick_exit(3);
	return 3;
}
