/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * shape_grow.c -- an object that realloc makes larger, up to size_max
 *
 * By a quarter each time (param 0), or by param bytes.  The last word of each
 * size is written.
 */
#include "job.h"

static const char *
begin(struct job *job)
{
	(void)job;
	return NULL;
}

static size_t
larger(const struct work *work, size_t size)
{
	return (size + (work->param > 0 ? work->param : size / 4) + 15) &
	       ~(size_t)15;
}

/* grow -- one object, from the least size to the most; how many steps */
static size_t
grow(struct job *job, const struct heap *heap)
{
	const struct work *work = job->work;
	size_t had = work->size_min;
	size_t *object = job_take(job, heap, had);
	size_t nsteps = 0;

	for (size_t size = larger(work, had);
		object != NULL && size <= work->size_max;
		size = larger(work, size)) {
		size_t *moved = heap->realloc(heap->ctx, object, size);

		if (moved == NULL) {
			job_fail(job);
			break;
		}
		object = moved;
		object[size / sizeof(*object) - 1] = size;
		if (work->use == USE_ALL)
			hand_touch((char *)object + had, size - had);
		had = size;
		nsteps++;
	}
	if (work->use == USE_ALL && object != NULL)
		hand_read(object, had);
	heap->free(heap->ctx, object);
	return nsteps;
}

static double
run(struct job *job, size_t nops)
{
	struct heap heap = job_heap(job, 0);
	size_t done = 0;
	double start = job_clock(job);

	do
		done += grow(job, &heap);
	while (done < nops && !job->failed);
	return job_time(job, job_clock(job) - start, done);
}

static void
end(struct job *job)
{
	(void)job;
}

const struct shape shape_grow = {
	.unit = UNIT_NS,
	.op = "realloc",
	.begin = begin,
	.run = run,
	.end = end,
};
