/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * threads.c -- see threads.h
 */
#include "harness/threads.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

struct runner {
	pthread_t thread;
	pthread_barrier_t *start;
	void (*fn)(size_t idx, struct rng *rng, void *arg);
	size_t idx;
	struct rng rng;
	void *arg;
};

static void *
run(void *arg)
{
	struct runner *runner = arg;

	pthread_barrier_wait(runner->start);
	runner->fn(runner->idx, &runner->rng, runner->arg);
	return NULL;
}

void
threads_run(size_t n, void (*fn)(size_t idx, struct rng *rng, void *arg),
	void *arg, const char *name)
{
	struct runner runners[THREADS_MAX];
	pthread_barrier_t start;
	struct rng rng;

	must(n <= THREADS_MAX);
	/* the jump that cmocka does on these is not for other threads */
	(void)signal(SIGSEGV, SIG_DFL);
	(void)signal(SIGBUS, SIG_DFL);
	rng_init(&rng, name);
	must(pthread_barrier_init(&start, NULL, (unsigned)n) == 0);
	for (size_t i = 0; i < n; i++) {
		struct runner *runner = &runners[i];

		runner->start = &start;
		runner->fn = fn;
		runner->idx = i;
		rng_init_from(&runner->rng, rng_next(&rng));
		runner->arg = arg;
		must(pthread_create(&runner->thread, NULL, run, runner) == 0);
	}
	for (size_t i = 0; i < n; i++)
		must(pthread_join(runners[i].thread, NULL) == 0);
	pthread_barrier_destroy(&start);
}

uint64_t
stress_ms(void)
{
	const char *soak = getenv("VMEM_SOAK_SECONDS");

	/* a program has several of them */
	if (soak != NULL)
		return strtoull(soak, NULL, 10) * 1000 / 4;
	if (TEST_YIELD)
		return 1500;
	return TEST_SANITIZED ? 3000 : 5000;
}

uint64_t
stress_phase_ms(size_t nphases)
{
	const char *soak = getenv("VMEM_SOAK_SECONDS");

	return soak != NULL ? strtoull(soak, NULL, 10) * 1000 / nphases : 250;
}

void
in_thread(void *(*fn)(void *), void *arg)
{
	pthread_t thread;

	must(pthread_create(&thread, NULL, fn, arg) == 0);
	must(pthread_join(thread, NULL) == 0);
}

struct deadline
deadline_in(uint64_t ms)
{
	return (struct deadline){test_ms() + ms};
}

bool
deadline_is_over(struct deadline deadline)
{
	return test_ms() >= deadline.ms;
}
