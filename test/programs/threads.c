/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * threads.c -- threads NTHREADS NOPS: malloc and free in many threads
 *
 * All threads together do NOPS of each, so that with more of them the work is
 * the same, and what is more is the price of their number.  Each has a set of
 * live objects, of which a random one is replaced; every 16th new object is
 * exchanged for one that another thread made.  At the end, while all the
 * threads still live, a child is forked; it inherits their heaps, but not the
 * threads, frees all their objects, and does a part of the work again.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define NTHREADS_MAX  1000
#define NLIVE         200
#define NEXCHANGED    256
#define SIZE_MIN      16
#define SIZE_SPAN     1024
#define EXCHANGE_EACH 16
#define CHILD_PART    10 /* of the operations of one thread */

struct thread {
	pthread_t id;
	uint64_t random;
	size_t nops;
	size_t *live[NLIVE];
};

static struct thread threads[NTHREADS_MAX];
static size_t *_Atomic exchanged[NEXCHANGED];
static pthread_barrier_t barrier;

static void
die(const char *what)
{
	perror(what);
	exit(1);
}

static size_t
draw(struct thread *thread, size_t n)
{
	/* xorshift64*: Vigna, "An experimental exploration of Marsaglia's
	 * xorshift generators, scrambled" */
	thread->random ^= thread->random >> 12;
	thread->random ^= thread->random << 25;
	thread->random ^= thread->random >> 27;
	return (size_t)((thread->random * UINT64_C(0x2545f4914f6cdd1d)) >> 32) %
	       n;
}

/* take -- an object that has its size at both ends */
static size_t *
take(struct thread *thread)
{
	size_t nwords = (SIZE_MIN + draw(thread, SIZE_SPAN)) / sizeof(size_t);
	size_t *object = malloc(nwords * sizeof(size_t));

	if (object == NULL)
		die("malloc");
	object[0] = nwords;
	object[nwords - 1] = nwords;
	return object;
}

static void
give(size_t *object)
{
	if (object == NULL)
		return;
	if (object[object[0] - 1] != object[0]) {
		(void)fprintf(stderr, "threads: an object has changed\n");
		abort();
	}
	free(object);
}

static void
work(struct thread *thread, size_t nops)
{
	for (size_t i = 0; i < nops; i++) {
		size_t **place = &thread->live[draw(thread, NLIVE)];

		give(*place);
		*place = take(thread);
		if (i % EXCHANGE_EACH == 0)
			*place = atomic_exchange(
				&exchanged[draw(thread, NEXCHANGED)], *place);
	}
}

static void
give_all(struct thread *thread)
{
	for (size_t i = 0; i < NLIVE; i++) {
		give(thread->live[i]);
		thread->live[i] = NULL;
	}
}

static void *
run(void *arg)
{
	struct thread *thread = arg;

	work(thread, thread->nops);
	(void)pthread_barrier_wait(&barrier);
	/* here the child is forked */
	(void)pthread_barrier_wait(&barrier);
	give_all(thread);
	return NULL;
}

static void
run_child(size_t nthreads)
{
	struct thread own = {.random = 1};

	for (size_t i = 0; i < nthreads; i++)
		give_all(&threads[i]);
	work(&own, threads[0].nops / CHILD_PART);
	give_all(&own);
	_exit(0);
}

int
main(int argc, char **argv)
{
	size_t nthreads = argc > 2 ? strtoul(argv[1], NULL, 10) : 0;
	size_t nops = argc > 2 ? strtoul(argv[2], NULL, 10) : 0;
	pid_t child;
	int status;

	if (nthreads < 1 || nthreads > NTHREADS_MAX)
		return 2;
	if (pthread_barrier_init(&barrier, NULL, (unsigned)nthreads + 1) != 0)
		die("pthread_barrier_init");
	for (size_t i = 0; i < nthreads; i++) {
		threads[i].random = i + 1;
		threads[i].nops = nops / nthreads;
		if (pthread_create(&threads[i].id, NULL, run, &threads[i]) != 0)
			die("pthread_create");
	}
	(void)pthread_barrier_wait(&barrier);
	child = fork();
	if (child == 0)
		run_child(nthreads);
	if (child < 0 || waitpid(child, &status, 0) != child || status != 0)
		die("the child");
	(void)pthread_barrier_wait(&barrier);
	for (size_t i = 0; i < nthreads; i++)
		(void)pthread_join(threads[i].id, NULL);
	for (size_t i = 0; i < NEXCHANGED; i++)
		give(exchanged[i]);
	(void)puts("threads: every object was as it should be");
	return 0;
}
