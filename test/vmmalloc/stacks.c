/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * stacks.c WHAT -- children of a process whose stacks are heap memory
 *
 * Each of them writes to its stack as its parent does meanwhile, and each must
 * find its own.
 */
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <ucontext.h>

#include "check.h"

#define STACK  ((size_t)1 << 18)
#define NFORKS 5
#define NSUMS  2000
#define DEPTH  20u

static char *shared; /* "parent" */
static sem_t forked; /* the thread forks no more */

/* deep -- writes to the stack, and reads what is there */
static uint64_t
deep(unsigned depth, uint64_t seed)
{
	volatile uint64_t here[16];

	for (unsigned i = 0; i < 16; i++)
		here[i] = seed + i;
	uint64_t below = depth == 0 ? 0 : deep(depth - 1, seed * 3);
	for (unsigned i = 0; i < 16; i++)
		CHECK(here[i] == seed + i);
	return below + here[depth % 16];
}

static void
work(uint64_t seed)
{
	uint64_t sum = deep(DEPTH, seed);

	for (int i = 0; i < NSUMS; i++) {
		char *p = malloc(100);

		CHECK(p != NULL && deep(DEPTH, seed) == sum);
		memset(p, i, 100);
		free(p);
	}
}

/* child -- what no parent may notice */
static int
child(void *arg)
{
	CHECK(strcmp(shared, "parent") == 0);
	work(*(uint64_t *)arg);
	strcpy(shared, "child!");
	free(shared);
	work(7);
	return 0;
}

static void
wait_for(pid_t pid)
{
	CHECK_CHILD(pid);
	CHECK(strcmp(shared, "parent") == 0);
}

static void
fork_some(void)
{
	for (uint64_t i = 0; i < NFORKS; i++) {
		uint64_t seed = 2 * i;
		pid_t pid = fork();

		if (pid == 0)
			_exit(child(&seed));
		work(2 * i + 1);
		wait_for(pid);
	}
}

/* in_coroutine -- a stack of its own, and the thread's storage elsewhere */
static void
in_coroutine(void)
{
	static ucontext_t back, there;
	char *stack = malloc(STACK);

	CHECK(stack != NULL && getcontext(&there) == 0);
	there.uc_stack.ss_sp = stack;
	there.uc_stack.ss_size = STACK;
	there.uc_link = &back;
	makecontext(&there, fork_some, 0);
	CHECK(swapcontext(&back, &there) == 0);
	free(stack);
}

static void *
run_thread(void *arg)
{
	fork_some();
	CHECK(sem_post(&forked) == 0);
	return arg;
}

/*
 * in_thread -- its storage is in the heap too, and so is the word that a join
 * waits for, which must not be moved meanwhile
 */
static void
in_thread(void)
{
	pthread_attr_t attr;
	pthread_t thread;
	char *stack = aligned_alloc(1 << 16, STACK);

	CHECK(stack != NULL && pthread_attr_init(&attr) == 0);
	CHECK(pthread_attr_setstack(&attr, stack, STACK) == 0);
	CHECK(sem_init(&forked, 0, 0) == 0);
	CHECK(pthread_create(&thread, &attr, run_thread, NULL) == 0);
	CHECK(sem_wait(&forked) == 0);
	CHECK(pthread_join(thread, NULL) == 0);
	CHECK(pthread_attr_destroy(&attr) == 0);
	free(stack);
}

/* by_clone -- the children only have their stacks there */
static void
by_clone(void)
{
	char *stack = malloc(STACK);

	CHECK(stack != NULL);
	for (uint64_t i = 0; i < NFORKS; i++) {
		pid_t pid = clone(child, stack + STACK, SIGCHLD, &i);

		memset(stack, 0, STACK);
		work(i + 1);
		wait_for(pid);
	}
	free(stack);
}

int
main(int argc, char *argv[])
{
	const char *what = argc == 2 ? argv[1] : "";

	shared = strdup("parent");
	CHECK(shared != NULL);
	if (strcmp(what, "coroutine") == 0)
		in_coroutine();
	else if (strcmp(what, "thread") == 0)
		in_thread();
	else if (strcmp(what, "clone") == 0)
		by_clone();
	else
		return 2;
	work(3);
	/* as children of any other fork then */
	fork_some();
	return 0;
}
