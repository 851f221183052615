/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * shape_replace.c -- a working set: a random object is freed, and a new one
 * takes its place
 *
 * Each thread has an equal part of the objects.
 */
#include "job.h"

#include <stdlib.h>

struct part {
	_Alignas(128) void **slots;
	size_t n;
	uint64_t random;
	size_t next; /* size to use */
};

static void
fill(struct job *job, size_t thread, size_t nops)
{
	struct part *part = (struct part *)job->state + thread;
	const struct heap *heap = &job->plain[thread];

	(void)nops;
	part->next = thread * (SIZES / THREADS_MAX);
	part->random = NUMBERS_SEED + thread;
	for (size_t i = 0; i < part->n; i++)
		part->slots[i] =
			job_take(job, heap, job->sizes[part->next++ % SIZES]);
}

static const char *
begin(struct job *job)
{
	struct part *parts =
		aligned_alloc(128, THREADS_MAX * sizeof(struct part));

	if (parts == NULL)
		return "no memory";
	memset(parts, 0, THREADS_MAX * sizeof(struct part));
	job->state = parts;
	for (size_t i = 0; i < job->nthreads; i++) {
		parts[i].n = work_live(job->work) / job->nthreads;
		parts[i].slots = calloc(parts[i].n, sizeof(void *));
		if (parts[i].slots == NULL)
			return "no memory";
	}
	(void)job_run(job, fill, 0);
	return NULL;
}

static void
replace(struct job *job, size_t thread, size_t nops)
{
	struct part *part = (struct part *)job->state + thread;
	struct hand hand = job_hand(job, thread);
	void **slots = part->slots;
	uint64_t random = part->random;
	size_t next = part->next, n = part->n;

	for (size_t i = 0; i < nops; i++) {
		void **slot = &slots[numbers_below(&random, n)];

		hand_give(&hand, *slot);
		*slot = hand_take_next(&hand, next++);
	}
	part->random = random;
	part->next = next;
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
	struct part *part = (struct part *)job->state + thread;

	(void)nops;
	for (size_t i = 0; i < part->n; i++)
		job_give(job, &job->plain[thread], part->slots[i]);
	free(part->slots);
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
