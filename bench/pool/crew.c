/* SPDX-License-Identifier: BSD-3-Clause */
#include "crew.h"

#include "clock.h"

#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdlib.h>

struct member {
	pthread_t thread;
	struct crew *crew;
	size_t number;
	double start;
	double end;
};

struct crew {
	pthread_barrier_t begin; /* between these all but the driver work */
	pthread_barrier_t done;
	void (*task)(void *arg, size_t thread); /* NULL: go home */
	void *arg;
	size_t n;
	struct member members[];
};

/*
 * stay -- on one processor, the number-th of those that the process may use
 *
 * Else the kernel leaves threads that wait for each other all the time on the
 * same one, in some processes and not in others, and what two processors do at
 * once, which is asked for, is not measured.
 */
static void
stay(size_t number)
{
	cpu_set_t all;
	cpu_set_t one;

	if (sched_getaffinity(0, sizeof(all), &all) != 0)
		return;
	number %= (size_t)CPU_COUNT(&all);
	for (size_t cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (!CPU_ISSET(cpu, &all) || number-- > 0)
			continue;
		CPU_ZERO(&one);
		CPU_SET(cpu, &one);
		(void)sched_setaffinity(0, sizeof(one), &one);
		return;
	}
}

static void *
member_main(void *arg)
{
	struct member *member = arg;
	struct crew *crew = member->crew;

	stay(member->number);
	for (;;) {
		(void)pthread_barrier_wait(&crew->begin);
		if (crew->task == NULL)
			return NULL;
		member->start = clock_ns();
		crew->task(crew->arg, member->number);
		member->end = clock_ns();
		(void)pthread_barrier_wait(&crew->done);
	}
}

struct crew *
crew_create(size_t nthreads)
{
	struct crew *crew =
		calloc(1, sizeof(*crew) + nthreads * sizeof(crew->members[0]));

	if (crew == NULL)
		return NULL;
	(void)pthread_barrier_init(&crew->begin, NULL, (unsigned)nthreads + 1);
	(void)pthread_barrier_init(&crew->done, NULL, (unsigned)nthreads + 1);
	for (crew->n = 0; crew->n < nthreads; crew->n++) {
		struct member *member = &crew->members[crew->n];

		member->crew = crew;
		member->number = crew->n;
		/* those that were made wait for good: the process ends soon */
		if (pthread_create(
			    &member->thread, NULL, member_main, member) != 0)
			return NULL;
	}
	return crew;
}

void
crew_delete(struct crew *crew)
{
	crew->task = NULL;
	(void)pthread_barrier_wait(&crew->begin);
	for (size_t i = 0; i < crew->n; i++)
		(void)pthread_join(crew->members[i].thread, NULL);
	(void)pthread_barrier_destroy(&crew->begin);
	(void)pthread_barrier_destroy(&crew->done);
	free(crew);
}

double
crew_run(struct crew *crew, void (*task)(void *arg, size_t thread), void *arg)
{
	double start;
	double end;

	crew->task = task;
	crew->arg = arg;
	(void)pthread_barrier_wait(&crew->begin);
	(void)pthread_barrier_wait(&crew->done);
	start = crew->members[0].start;
	end = crew->members[0].end;
	for (size_t i = 1; i < crew->n; i++) {
		const struct member *member = &crew->members[i];

		start = member->start < start ? member->start : start;
		end = member->end > end ? member->end : end;
	}
	return end - start;
}
