/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * shape_turn.c -- threads that go from pool to pool
 *
 * There are param pools.  In each one every thread has an object; it goes round
 * and replaces one in each pool.
 */
#include "job.h"

#include <stdlib.h>

struct place {
	struct heap heap;
	void *object;
};

struct state {
	struct pool *pools;                /* param of them */
	struct place *places[THREADS_MAX]; /* of each thread, in each pool */
	size_t nopen;
	size_t next[THREADS_MAX];
};

static void
enter_all(struct job *job, size_t thread, size_t nops)
{
	struct state *state = job->state;

	(void)nops;
	for (size_t i = 0; i < job->work->param; i++) {
		struct place *place = &state->places[thread][i];

		if (job->who->enter(&state->pools[i], &place->heap) != 0) {
			job_fail(job);
			return;
		}
		place->object = job_take(job, &place->heap, job->sizes[i]);
	}
}

static const char *
begin(struct job *job)
{
	struct state *state = calloc(1, sizeof(*state));
	size_t n = job->work->param;
	const char *why;

	if (state == NULL)
		return "no memory";
	job->state = state;
	state->pools = calloc(n, sizeof(*state->pools));
	for (size_t i = 0; i < job->nthreads; i++)
		state->places[i] = calloc(n, sizeof(struct place));
	for (; state->nopen < n; state->nopen++) {
		struct pool *pool = &state->pools[state->nopen];

		*pool = (struct pool){.who = job->who,
			.memory = job->pool.memory,
			.size = work_pool_size(job->work)};
		why = job->who->create(pool);
		if (why != NULL)
			return why;
	}
	(void)job_run(job, enter_all, 0);
	return NULL;
}

static void
go_round(struct job *job, size_t thread, size_t nops)
{
	struct state *state = job->state;
	size_t n = job->work->param;
	size_t next = state->next[thread];
	size_t pool = next % n;

	for (size_t i = 0; i < nops; i++) {
		struct place *place = &state->places[thread][pool];
		struct heap heap = place->heap;

		if (job->sampling)
			heap = sampled_heap_wrap(
				&job->sampled[thread], &place->heap);
		job_give(job, &heap, place->object);
		place->object =
			job_take(job, &heap, job->sizes[next++ % SIZES]);
		if (++pool == n)
			pool = 0;
	}
	state->next[thread] = next;
}

static double
run(struct job *job, size_t nops)
{
	size_t each = nops / job->nthreads + 1;

	return job_time(
		job, job_run(job, go_round, each), each * job->nthreads);
}

static void
leave_all(struct job *job, size_t thread, size_t nops)
{
	struct state *state = job->state;

	(void)nops;
	for (size_t i = 0; i < job->work->param; i++) {
		struct place *place = &state->places[thread][i];

		job_give(job, &place->heap, place->object);
		job->who->leave(&state->pools[i], &place->heap);
	}
	free(state->places[thread]);
}

static void
end(struct job *job)
{
	struct state *state = job->state;

	(void)job_run(job, leave_all, 0);
	for (size_t i = 0; i < state->nopen; i++)
		job->who->remove(&state->pools[i]);
	free(state->pools);
	free(state);
}

const struct shape shape_turn = {
	.unit = UNIT_NS,
	.op = "free and malloc, the next pool each time",
	.own_pools = true,
	.begin = begin,
	.run = run,
	.end = end,
};
