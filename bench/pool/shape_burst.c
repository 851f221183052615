/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * shape_burst.c -- many allocations, then as many frees, in some order
 */
#include "job.h"

#include <stdlib.h>

struct state {
	void **objects;
	uint32_t *places; /* the order of the frees */
	void *stays;
};

static const char *
begin(struct job *job)
{
	struct state *state = calloc(1, sizeof(*state));
	size_t n = work_live(job->work);
	uint64_t random = NUMBERS_SEED;

	if (state == NULL)
		return "no memory";
	job->state = state;
	state->objects = calloc(n, sizeof(void *));
	state->places = calloc(n, sizeof(uint32_t));
	if (state->objects == NULL || state->places == NULL)
		return "no memory";
	for (size_t i = 0; i < n; i++)
		state->places[i] =
			(uint32_t)(job->work->order == REVERSED ? n - 1 - i
								: i);
	if (job->work->order == SHUFFLED)
		numbers_shuffle(state->places, n, &random);
	state->stays = job_take(job, &job->plain[0], job->sizes[0]);
	return NULL;
}

static double
run(struct job *job, size_t nops)
{
	struct state *state = job->state;
	struct hand hand = job_hand(job, 0);
	void **objects = state->objects;
	const uint32_t *places = state->places;
	size_t n = work_live(job->work);
	size_t done = 0;
	double start = job_clock(job);

	do {
		hand.heap.loops->take(&hand, objects, n, done);
		hand.heap.loops->give(&hand, objects, places, n);
		done += n;
	} while (done < nops);
	return job_time(job, job_clock(job) - start, done);
}

static void
end(struct job *job)
{
	struct state *state = job->state;

	job_give(job, &job->plain[0], state->stays);
	free(state->objects);
	free(state->places);
	free(state);
}

const struct shape shape_burst = {
	.unit = UNIT_NS,
	.op = "malloc and free",
	.begin = begin,
	.run = run,
	.end = end,
};
