/* SPDX-License-Identifier: BSD-3-Clause */
#include "job.h"

#include "clock.h"
#include "crew.h"

#include <stdlib.h>

struct order_to_crew {
	struct job *job;
	job_task *task;
	size_t nops;
};

static void
follow(void *arg, size_t thread)
{
	const struct order_to_crew *order = arg;

	order->task(order->job, thread, order->nops);
}

double
job_run(struct job *job, job_task *task, size_t nops)
{
	struct order_to_crew order = {job, task, nops};
	double start;

	if (job->crew != NULL)
		return crew_run(job->crew, follow, &order);
	start = job_clock(job);
	task(job, 0, nops);
	return job_clock(job) - start;
}

struct heap
job_heap(struct job *job, size_t thread)
{
	if (job->sampling)
		return sampled_heap_wrap(
			&job->sampled[thread], &job->plain[thread]);
	return job->plain[thread];
}

static void
enter(struct job *job, size_t thread, size_t nops)
{
	(void)nops;
	if (job->who->enter(&job->pool, &job->plain[thread]) != 0)
		job_fail(job);
}

static void
leave(struct job *job, size_t thread, size_t nops)
{
	(void)nops;
	job->who->leave(&job->pool, &job->plain[thread]);
}

const char *
job_open_pool(struct job *job, size_t size)
{
	const struct memory *memory = job->pool.memory;
	const char *why;

	job->pool = (struct pool){.who = job->who,
		.memory = memory,
		.size = size,
		.exact = job->work->shape->unit == UNIT_PERCENT};
	why = job->who->create(&job->pool);
	if (why != NULL)
		return why;
	(void)job_run(job, enter, 0);
	return job->failed ? "no heap for a thread" : NULL;
}

void
job_close_pool(struct job *job)
{
	(void)job_run(job, leave, 0);
	job->who->remove(&job->pool);
}

static void
end_crew(struct job *job)
{
	if (job->crew != NULL)
		crew_delete(job->crew);
	for (size_t i = 0; i < work_threads(job->work); i++)
		sampled_heap_fini(&job->sampled[i]);
	job->crew = NULL;
}

const char *
job_begin(struct job *job, const struct work *work, const struct contender *who,
	const struct memory *memory, const uint32_t *sizes)
{
	const char *why = NULL;

	*job = (struct job){.work = work,
		.who = who,
		.nthreads = work->shape->own_threads ? 1 : work_threads(work),
		.sizes = sizes};
	job->pool.memory = memory;
	if (work->shape->own_pools && who->elsewhere)
		return "it has no pools";
	for (size_t i = 0; i < work_threads(work); i++)
		if (sampled_heap_init(&job->sampled[i]) != 0)
			return "no memory";
	if (job->nthreads > 1) {
		job->crew = crew_create(job->nthreads);
		if (job->crew == NULL)
			return "no threads";
	}
	if (!work->shape->own_pools)
		why = job_open_pool(job, work_pool_size(work));
	if (why != NULL) {
		end_crew(job);
		return why;
	}
	why = work->shape->begin(job);
	return why == NULL && job->failed ? "no room" : why;
}

void
job_end(struct job *job)
{
	job->sampling = false;
	job->work->shape->end(job);
}

static void
trim(struct job *job, size_t thread, size_t nops)
{
	(void)nops;
	job->who->trim(&job->pool, &job->plain[thread]);
}

void
job_trim(struct job *job)
{
	/* what one thread gives back another one may have to give on */
	(void)job_run(job, trim, 0);
	(void)job_run(job, trim, 0);
}

void
job_close(struct job *job)
{
	if (!job->work->shape->own_pools)
		job_close_pool(job);
	end_crew(job);
}

void
job_sizes(const struct work *work, uint32_t *ret_sizes)
{
	uint64_t random = NUMBERS_SEED;

	for (size_t i = 0; i < SIZES; i++)
		ret_sizes[i] = (uint32_t)numbers_log_uniform(
			&random, work->size_min, work->size_max);
}
