/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * shape_fill.c -- a new pool, filled for the first time with param bytes
 *
 * The objects are written whole, so each page is touched: page faults are most
 * of the time.  Making the pool counts, for it may have touched the pages.
 */
#include "clock.h"
#include "job.h"

#include <stdlib.h>

struct state {
	void **objects;
	size_t n;
	bool is_open;
};

static const char *
begin(struct job *job)
{
	struct state *state = calloc(1, sizeof(*state));

	if (state == NULL)
		return "no memory";
	job->state = state;
	state->objects =
		calloc(job->work->param / job->work->size_min, sizeof(void *));
	return state->objects == NULL ? "no memory" : NULL;
}

static void
give_all(struct job *job)
{
	struct state *state = job->state;

	for (size_t i = 0; i < state->n; i++)
		job_give(job, &job->plain[0], state->objects[i]);
	state->n = 0;
}

static double
run(struct job *job, size_t nops)
{
	struct state *state = job->state;
	struct heap heap;
	size_t payload = 0;
	double start;

	(void)nops;
	if (state->is_open)
		job_close_pool(job);
	state->is_open = false;
	state->n = 0;
	start = clock_cpu_ns();
	if (job_open_pool(job, work_pool_size(job->work)) != NULL)
		return -1;
	state->is_open = true;
	heap = job_heap(job, 0);
	while (payload < job->work->param) {
		size_t size = job->sizes[state->n % SIZES];
		void *object = job_take(job, &heap, size);

		if (object == NULL)
			return -1;
		state->objects[state->n++] = object;
		payload += size;
	}
	return job_time(job, clock_cpu_ns() - start, state->n);
}

static void
end(struct job *job)
{
	struct state *state = job->state;

	/* the pool stays, for what it holds is looked at; not its heap */
	if (state->is_open)
		give_all(job);
	free(state->objects);
	free(state);
}

const struct shape shape_fill = {
	.unit = UNIT_NS,
	.op = "malloc and write, making the pool included",
	.whole = true,
	.own_pools = true,
	.begin = begin,
	.run = run,
	.end = end,
};
