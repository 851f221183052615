/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * shape_queue.c -- objects that one thread allocates and another one frees
 *
 * Threads are in pairs, the first of which allocates (param 0), or in a ring in
 * which each allocates for the next one (param 1).  At most 1,024 objects are
 * on their way between two threads.
 */
#include "job.h"

#include <sched.h>
#include <stdlib.h>

enum { PIPE = 0, RING = 1 };
enum { MOST = LINK_ROOM / 4 }; /* pushed at once */

static const char *
begin(struct job *job)
{
	size_t size = THREADS_MAX * sizeof(struct link);

	job->state = aligned_alloc(128, size);
	if (job->state == NULL)
		return "no memory";
	memset(job->state, 0, size);
	return NULL;
}

static void
pass(struct job *job, size_t thread, size_t nops)
{
	struct link *links = job->state;
	struct hand hand = job_hand(job, thread);
	const struct loops *loops = hand.heap.loops;
	size_t before = (thread + job->nthreads - 1) % job->nthreads;
	bool is_ring = job->work->param == RING;
	size_t to_push = is_ring || thread % 2 == 0 ? nops : 0;
	size_t to_pop = is_ring || thread % 2 == 1 ? nops : 0;

	while (to_push + to_pop > 0) {
		size_t npushed = loops->push(
			&hand, &links[thread], to_push < MOST ? to_push : MOST);
		size_t npopped =
			to_pop > 0 ? loops->pop(&hand, &links[before]) : 0;

		to_push -= npushed;
		to_pop -= npopped;
		if (npushed + npopped == 0)
			(void)sched_yield();
	}
}

static double
run(struct job *job, size_t nops)
{
	bool is_ring = job->work->param == RING;
	size_t ngivers = is_ring ? job->nthreads : job->nthreads / 2;
	size_t each = nops / ngivers + 1;

	return job_time(job, job_run(job, pass, each), each * ngivers);
}

static void
end(struct job *job)
{
	free(job->state);
}

const struct shape shape_queue = {
	.unit = UNIT_NS,
	.op = "malloc, hand over and free",
	.begin = begin,
	.run = run,
	.end = end,
};
