/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * streams.c WHAT -- forks while other threads are in the middle of stdio, which
 * holds locks of its own while it allocates
 *
 * Child and parent use streams of all kinds afterwards, in two threads.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include "check.h"

#define NFORKS  100
#define NFLUSH  20
#define BYTES   ((size_t)100)
#define WAIT_US 500

static FILE *stream;
static atomic_int inside; /* writes that have begun */
static atomic_bool done;

/* slowly -- write to a stream that is nothing, with allocations meanwhile */
static ssize_t
slowly(void *cookie, const char *bytes, size_t n)
{
	(void)cookie;
	(void)atomic_fetch_add(&inside, 1);
	for (size_t i = 0; i < 200; i++) {
		char *p = malloc(n + i * BYTES);

		CHECK(p != NULL);
		memcpy(p, bytes, n);
		free(p);
		if (i % 50 == 0)
			(void)usleep(WAIT_US);
	}
	return (ssize_t)n;
}

static void *
flush_all(void *arg)
{
	while (!atomic_load(&done)) {
		if (arg != NULL)
			CHECK(fprintf(stream, "hello\n") > 0);
		CHECK(fflush(NULL) == 0);
		(void)usleep(WAIT_US);
	}
	return NULL;
}

/* lines -- each read allocates with the stream's lock held */
static void *
lines(void *arg)
{
	(void)arg;
	while (!atomic_load(&done)) {
		char *line = NULL;
		size_t n = 0;

		rewind(stream);
		while (getline(&line, &n, stream) > 0) {
			free(line);
			line = NULL;
			n = 0;
		}
		free(line);
	}
	return NULL;
}

static void *
flush_some(void *arg)
{
	for (int i = 0; i < NFLUSH; i++)
		CHECK(fflush(NULL) == 0);
	return arg;
}

/* use_streams -- the lock of all streams is free, for each thread */
static void
use_streams(void)
{
	pthread_t thread;
	FILE *f = tmpfile();

	CHECK(f != NULL && fprintf(f, "%d\n", 1) > 0);
	CHECK(pthread_create(&thread, NULL, flush_some, NULL) == 0);
	(void)flush_some(NULL);
	CHECK(pthread_join(thread, NULL) == 0);
	CHECK(fclose(f) == 0);
}

static void
fork_often(void)
{
	for (int i = 0; i < NFORKS; i++) {
		pid_t pid = fork();

		CHECK(pid >= 0);
		if (pid == 0) {
			(void)alarm(20);
			/* a stream that is written to slowly takes long */
			stream = NULL;
			use_streams();
			_exit(0);
		}
		CHECK_CHILD(pid);
		(void)usleep(WAIT_US);
	}
}

int
main(int argc, char *argv[])
{
	static const cookie_io_functions_t functions = {.write = slowly};
	pthread_t thread[2];
	size_t n = 0;

	CHECK(argc == 2);
	(void)alarm(60);
	if (strcmp(argv[1], "cookie") == 0) {
		stream = fopencookie(NULL, "w", functions);
		CHECK(stream != NULL);
		CHECK(pthread_create(&thread[n++], NULL, flush_all, stream) ==
			0);
		/* the first fork begins in the middle of a write */
		while (atomic_load(&inside) == 0)
			(void)usleep(10);
	} else {
		CHECK(strcmp(argv[1], "lines") == 0);
		stream = tmpfile();
		CHECK(stream != NULL);
		for (int i = 0; i < 1000; i++)
			CHECK(fprintf(stream, "line %d\n", i) > 0);
		CHECK(pthread_create(&thread[n++], NULL, lines, NULL) == 0);
		CHECK(pthread_create(&thread[n++], NULL, flush_all, NULL) == 0);
	}
	fork_often();
	atomic_store(&done, true);
	while (n > 0)
		CHECK(pthread_join(thread[--n], NULL) == 0);
	use_streams();
	CHECK(fclose(stream) == 0);
	return 0;
}
