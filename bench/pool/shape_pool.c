/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * shape_pool.c -- pools that are made, used a little and deleted
 */
#include "clock.h"
#include "job.h"

enum { OBJECTS = 100 };

static const char *
begin(struct job *job)
{
	(void)job;
	return NULL;
}

static double
run(struct job *job, size_t nops)
{
	double start = clock_cpu_ns();

	for (size_t i = 0; i < nops; i++) {
		void *objects[OBJECTS];
		struct heap heap;

		if (job_open_pool(job, work_pool_size(job->work)) != NULL)
			return -1;
		heap = job_heap(job, 0);
		for (size_t j = 0; j < OBJECTS; j++)
			objects[j] = job_take(job, &heap, job->sizes[j]);
		for (size_t j = 0; j < OBJECTS; j++)
			job_give(job, &heap, objects[j]);
		job_close_pool(job);
	}
	return job_time(job, clock_cpu_ns() - start, nops);
}

static void
end(struct job *job)
{
	job->pool = (struct pool){0}; /* the last one is gone */
}

const struct shape shape_pool = {
	.unit = UNIT_NS,
	.op = "pool made, 100 objects, pool deleted",
	.own_pools = true,
	.begin = begin,
	.run = run,
	.end = end,
};
