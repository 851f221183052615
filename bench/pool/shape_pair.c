/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * shape_pair.c -- malloc and free at once, the last object first
 *
 * Other objects stay meanwhile, so that an allocator that gives a page back
 * when its last object goes is not measured at doing that.  When objects are
 * touched they are a stack that grows to the whole of nlive and shrinks again:
 * more than the caches hold.
 */
#include "job.h"

#include <stdlib.h>

enum { STAY = 100 };

struct state {
	void *stay[STAY];
	void **stack; /* nlive */
};

static const char *
begin(struct job *job)
{
	const struct heap *heap = &job->plain[0];
	struct state *state = calloc(1, sizeof(*state));

	if (state == NULL)
		return "no memory";
	job->state = state;
	state->stack = calloc(work_live(job->work) + 1, sizeof(void *));
	for (size_t i = 0; i < STAY; i++)
		state->stay[i] = job_take(job, heap, job->sizes[i]);
	return state->stack == NULL ? "no memory" : NULL;
}

/* stack -- whole stacks, at least one */
static size_t
stack(struct job *job, const struct hand *hand, size_t nops)
{
	struct state *state = job->state;
	size_t n = work_live(job->work);
	size_t done = 0;

	do {
		hand->heap.loops->take(hand, state->stack, n, 0);
		hand->heap.loops->give_back(hand, state->stack, n);
		done += n;
	} while (done < nops);
	return done;
}

static double
run(struct job *job, size_t nops)
{
	struct hand hand = job_hand(job, 0);
	double start = job_clock(job);

	if (job->work->use == USE_ALL)
		nops = stack(job, &hand, nops);
	else
		hand.heap.loops->pairs(&hand, nops);
	return job_time(job, job_clock(job) - start, nops);
}

static void
end(struct job *job)
{
	struct state *state = job->state;

	for (size_t i = 0; i < STAY; i++)
		job_give(job, &job->plain[0], state->stay[i]);
	free(state->stack);
	free(state);
}

const struct shape shape_pair = {
	.unit = UNIT_NS,
	.op = "malloc and free",
	.begin = begin,
	.run = run,
	.end = end,
};
