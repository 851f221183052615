/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * shape_replace.c -- a working set: a random object is freed, and a new one
 * takes its place
 *
 * Each thread has an equal part of the objects.
 */
#include "job.h"

#include <stdlib.h>

static void
fill(struct job *job, size_t thread, size_t nops)
{
	struct set *set = (struct set *)job->state + thread;
	const struct heap *heap = &job->plain[thread];

	(void)nops;
	set->next = thread * (SIZES / THREADS_MAX);
	set->random = NUMBERS_SEED + thread;
	for (size_t i = 0; i < set->n; i++)
		set->slots[i] =
			job_take(job, heap, job->sizes[set->next++ % SIZES]);
}

static const char *
begin(struct job *job)
{
	struct set *sets = aligned_alloc(128, THREADS_MAX * sizeof(struct set));

	if (sets == NULL)
		return "no memory";
	memset(sets, 0, THREADS_MAX * sizeof(struct set));
	job->state = sets;
	for (size_t i = 0; i < job->nthreads; i++) {
		sets[i].n = work_live(job->work) / job->nthreads;
		sets[i].slots = calloc(sets[i].n, sizeof(void *));
		if (sets[i].slots == NULL)
			return "no memory";
	}
	(void)job_run(job, fill, 0);
	return NULL;
}

static void
replace(struct job *job, size_t thread, size_t nops)
{
	struct set *set = (struct set *)job->state + thread;
	struct hand hand = job_hand(job, thread);

	hand.heap.loops->replace(&hand, set, nops);
}

static double
run(struct job *job, size_t nops)
{
	size_t each = nops / job->nthreads + 1;

	return job_time(job, job_run(job, replace, each), each * job->nthreads);
}

static void
empty(struct job *job, size_t thread, size_t nops)
{
	struct set *set = (struct set *)job->state + thread;

	(void)nops;
	for (size_t i = 0; i < set->n; i++)
		job_give(job, &job->plain[thread], set->slots[i]);
	free(set->slots);
}

static void
end(struct job *job)
{
	(void)job_run(job, empty, 0);
	free(job->state);
}

const struct shape shape_replace = {
	.unit = UNIT_NS,
	.op = "free and malloc",
	.begin = begin,
	.run = run,
	.end = end,
};
