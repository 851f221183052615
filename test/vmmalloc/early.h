/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * early.h -- what a library may do before main() and around each fork
 *
 * For shared objects that are preloaded with the preload library.  EARLY in
 * the environment is what the constructor does.
 */
#ifndef VMMALLOC_EARLY_H
#define VMMALLOC_EARLY_H

#include <pthread.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "check.h"

/* more than the tables of libc have room for without malloc */
#define NREGISTERED 60u
#define NOBJECTS    20u
#define OBJECT_SIZE ((size_t)1000)

/* the program may put an object here before it forks */
extern void *early_object;
extern int early_nforks;
void *early_object;
int early_nforks;

static char *taken[NOBJECTS];

static void
nothing(void)
{
}

/* take, give -- objects that live during the fork, each a bit larger */
static void
take(void)
{
	for (unsigned i = 0; i < NOBJECTS; i++) {
		taken[i] = i % 2 == 0 ? malloc(OBJECT_SIZE)
				      : calloc(OBJECT_SIZE, 1);
		CHECK(taken[i] != NULL);
		CHECK(i % 2 == 0 || taken[i][OBJECT_SIZE - 1] == 0);
		memset(taken[i], (int)i, OBJECT_SIZE);
	}
	free(early_object);
	early_nforks++;
}

static void
give(void)
{
	for (unsigned i = 0; i < NOBJECTS; i++) {
		taken[i] = realloc(taken[i], 2 * OBJECT_SIZE);
		CHECK(taken[i] != NULL && taken[i][0] == (char)i &&
			taken[i][OBJECT_SIZE - 1] == (char)i);
	}
	for (unsigned i = NOBJECTS; i > 0; i--)
		free(taken[i - 1]);
}

/* fork_inside -- of a fork; the child may end, and nothing else */
static void
fork_inside(void)
{
	static unsigned inner;
	int status;
	pid_t pid;

	if (inner > 0)
		return;
	inner++;
	pid = fork();
	if (pid == 0)
		_exit(0);
	CHECK(pid > 0 && waitpid(pid, &status, 0) == pid && status == 0);
	inner--;
}

/* wanted -- is this what EARLY says?  libc may not know the environment yet */
static int
wanted(char *const *envp, const char *what)
{
	static const char name[] = "EARLY=";

	for (; *envp != NULL; envp++)
		if (strncmp(*envp, name, sizeof(name) - 1) == 0)
			return strcmp(*envp + sizeof(name) - 1, what) == 0;
	return 0;
}

__attribute__((constructor)) static void
early(int argc, char *argv[], char *envp[])
{
	(void)argc;
	(void)argv;
	for (unsigned i = 0; i < NREGISTERED; i++) {
		if (wanted(envp, "atfork"))
			CHECK(pthread_atfork(nothing, nothing, nothing) == 0);
		if (wanted(envp, "atexit"))
			CHECK(atexit(nothing) == 0);
		if (wanted(envp, "at_quick_exit"))
			CHECK(at_quick_exit(nothing) == 0);
	}
	if (wanted(envp, "forks"))
		CHECK(pthread_atfork(take, give, give) == 0);
	if (wanted(envp, "nested"))
		CHECK(pthread_atfork(fork_inside, fork_inside, fork_inside) ==
			0);
	if (wanted(envp, "large"))
		CHECK(malloc((size_t)1 << 20) != NULL);
}

#endif
