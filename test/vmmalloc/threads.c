/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * threads.c many|keys|stack|cancel|exit -- what threads do with the heap
 *
 * many    200 at once, forked meanwhile, and 200 more in the child
 * keys    destructors of thread-local keys that allocate, round after round
 * stack   the smallest stack that there is
 * cancel  threads that end in or beside malloc
 * exit    the program ends while they allocate
 */
#include <limits.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#include "check.h"

#define NTHREADS 200u
#define NOBJECTS 50u

static pthread_barrier_t all_there;
static pthread_key_t keys[40];
static void *passed[NTHREADS][NOBJECTS];

static void *
fill(void *arg)
{
	void **mine = arg;

	for (unsigned i = 0; i < NOBJECTS; i++) {
		mine[i] = malloc(i * 20 + 1);
		CHECK(mine[i] != NULL);
		memset(mine[i], (int)i, i * 20 + 1);
	}
	(void)pthread_barrier_wait(&all_there);
	/* in their turn when everyone has been freed by the main thread */
	(void)pthread_barrier_wait(&all_there);
	free(malloc(100));
	return NULL;
}

static void
run_many(int depth)
{
	static pthread_t thread[NTHREADS];
	pthread_attr_t attr;
	pid_t pid;

	CHECK(pthread_attr_init(&attr) == 0);
	CHECK(pthread_attr_setstacksize(&attr, 65536) == 0);
	CHECK(pthread_barrier_init(&all_there, NULL, NTHREADS + 1) == 0);
	for (unsigned i = 0; i < NTHREADS; i++)
		CHECK(pthread_create(&thread[i], &attr, fill, passed[i]) == 0);
	(void)pthread_barrier_wait(&all_there);
	pid = depth == 0 ? -1 : fork();
	for (unsigned i = 0; i < NTHREADS; i++)
		for (unsigned j = 0; j < NOBJECTS; j++) {
			CHECK(*(unsigned char *)passed[i][j] == j);
			free(passed[i][j]);
		}
	if (pid == 0) {
		run_many(depth - 1);
		_exit(0);
	}
	(void)pthread_barrier_wait(&all_there);
	for (unsigned i = 0; i < NTHREADS; i++)
		CHECK(pthread_join(thread[i], NULL) == 0);
	CHECK(pthread_barrier_destroy(&all_there) == 0);
	CHECK(pthread_attr_destroy(&attr) == 0);
	if (pid > 0)
		CHECK_CHILD(pid);
}

/* again -- a destructor that allocates, and comes again as often as it may */
static void
again(void *p)
{
	unsigned *n = p, left = *n;

	free(n);
	n = malloc(sizeof(*n) + left * 100);
	CHECK(n != NULL);
	*n = left - 1;
	if (left > 0)
		CHECK(pthread_setspecific(keys[left % 40], n) == 0);
	else
		free(n);
}

static void *
use_keys(void *arg)
{
	for (unsigned i = 0; i < 40; i++) {
		unsigned *n = malloc(sizeof(*n));

		CHECK(n != NULL);
		*n = 3;
		CHECK(pthread_setspecific(keys[i], n) == 0);
	}
	return arg;
}

static void
run_keys(void)
{
	pthread_t thread;

	for (unsigned i = 0; i < 40; i++)
		CHECK(pthread_key_create(&keys[i], again) == 0);
	for (unsigned i = 0; i < 100; i++) {
		CHECK(pthread_create(&thread, NULL, use_keys, NULL) == 0);
		CHECK(pthread_join(thread, NULL) == 0);
	}
}

/* on_little -- every path, also that of a full pool */
static void *
on_little(void *arg)
{
	void *list = NULL, **p;

	for (size_t size = 1; size < 3000000; size *= 3)
		free(realloc(malloc(size), 2 * size));
	for (size_t size = 100000; size >= 100; size /= 10)
		while ((p = malloc(size)) != NULL) {
			*p = list;
			list = p;
		}
	while ((p = list) != NULL) {
		list = *p;
		free(p);
	}
	return arg;
}

static void
run_stack(void)
{
	pthread_attr_t attr;
	pthread_t thread;

	CHECK(pthread_attr_init(&attr) == 0);
	CHECK(pthread_attr_setstacksize(
		      &attr, (size_t)sysconf(_SC_THREAD_STACK_MIN)) == 0);
	for (int i = 0; i < 2; i++) {
		CHECK(pthread_create(&thread, &attr, on_little, NULL) == 0);
		CHECK(pthread_join(thread, NULL) == 0);
	}
	CHECK(pthread_attr_destroy(&attr) == 0);
}

static void *
forever(void *arg)
{
	int old;

	if (arg != NULL)
		CHECK(pthread_setcanceltype(PTHREAD_CANCEL_DEFERRED, &old) ==
			0);
	for (unsigned i = 0;; i++) {
		free(malloc(i % 3000 + 1));
		/* some large, so that all slow paths are gone through */
		if (i % 1000 == 0)
			free(calloc(1, 5000000));
		if (i % 100 == 0)
			pthread_testcancel();
	}
	return NULL;
}

static void
run_cancel(void)
{
	static pthread_t thread[20];
	struct timespec ms = {0, 2000000};
	void *end;

	for (unsigned round = 0; round < 5; round++) {
		for (unsigned i = 0; i < 20; i++)
			CHECK(pthread_create(&thread[i], NULL, forever, &ms) ==
				0);
		CHECK(nanosleep(&ms, NULL) == 0);
		for (unsigned i = 0; i < 20; i++)
			CHECK(pthread_cancel(thread[i]) == 0);
		for (unsigned i = 0; i < 20; i++)
			CHECK(pthread_join(thread[i], &end) == 0 &&
				end == PTHREAD_CANCELED);
	}
	(void)on_little(NULL);
}

int
main(int argc, char *argv[])
{
	const char *what = argc == 2 ? argv[1] : "";
	pthread_t thread;

	if (strcmp(what, "many") == 0)
		run_many(2);
	else if (strcmp(what, "keys") == 0)
		run_keys();
	else if (strcmp(what, "stack") == 0)
		run_stack();
	else if (strcmp(what, "cancel") == 0)
		run_cancel();
	else if (strcmp(what, "exit") != 0)
		return 2;
	for (unsigned i = 0; strcmp(what, "exit") == 0 && i < 20; i++)
		CHECK(pthread_create(&thread, NULL, forever, NULL) == 0);
	return 0;
}
