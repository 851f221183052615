/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * shape_cold.c -- free objects whose memory is not at hand
 *
 * Before each run all pages of the pool are written out to the disk; metadata
 * too where it is in the pool.  Objects are freed in random order.  The first
 * tenth is not measured: it brings in what is used all the time.  After that, a
 * free that touches the object reads its page in.
 */
#include "clock.h"
#include "job.h"

#include <stdlib.h>

enum { WARM_PART = 10 };

struct state {
	void **slots;
	uint32_t *places;
	size_t n;
};

static void
fill(struct job *job)
{
	struct state *state = job->state;

	for (size_t i = 0; i < state->n; i++)
		if (state->slots[i] == NULL)
			state->slots[i] = job_take(
				job, &job->plain[0], job->sizes[i % SIZES]);
}

static const char *
begin(struct job *job)
{
	struct state *state = calloc(1, sizeof(*state));
	uint64_t random = NUMBERS_SEED;

	if (state == NULL)
		return "no memory";
	job->state = state;
	state->n = work_live(job->work);
	state->slots = calloc(state->n, sizeof(void *));
	state->places = calloc(state->n, sizeof(uint32_t));
	if (state->slots == NULL || state->places == NULL)
		return "no memory";
	for (size_t i = 0; i < state->n; i++)
		state->places[i] = (uint32_t)i;
	numbers_shuffle(state->places, state->n, &random);
	fill(job);
	return NULL;
}

/* give_some -- free objects, in the shuffled order */
static void
give_some(struct job *job, size_t from, size_t to)
{
	struct state *state = job->state;
	struct heap heap = job_heap(job, 0);

	for (size_t i = from; i < to; i++) {
		void **slot = &state->slots[state->places[i]];

		job_give(job, &heap, *slot);
		*slot = NULL;
	}
}

static double
run(struct job *job, size_t nops)
{
	struct state *state = job->state;
	size_t warm;
	double start;

	fill(job);
	if (nops > state->n)
		nops = state->n;
	memory_page_out(job->pool.memory);
	warm = nops / WARM_PART;
	give_some(job, 0, warm);
	job_mark(job);
	start = clock_ns();
	give_some(job, warm, nops);
	return job_time(job, clock_ns() - start, nops - warm);
}

static void
end(struct job *job)
{
	struct state *state = job->state;

	for (size_t i = 0; i < state->n; i++)
		job_give(job, &job->plain[0], state->slots[i]);
	free(state->slots);
	free(state->places);
	free(state);
}

const struct shape shape_cold = {
	.unit = UNIT_NS,
	.op = "free of an object whose page was written out",
	.whole = true,
	.begin = begin,
	.run = run,
	.end = end,
};
