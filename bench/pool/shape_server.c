/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * shape_server.c -- a server whose objects outlive the thread that made them
 *
 * After Larson and Krishnan, "Memory allocation for long-running server
 * applications": each thread replaces param random objects of its set,
 * then leaves the set to a new thread and ends.
 */
#include "clock.h"
#include "job.h"

#include <pthread.h>
#include <stdlib.h>

/* a set, and the thread that has it now */
struct set {
	pthread_t thread;
	struct job *job;
	size_t number;
	size_t nops;
	uint64_t random;
	size_t n;
	void **slots;
};

static size_t
nsets(const struct job *job)
{
	return work_threads(job->work);
}

static const char *
begin(struct job *job)
{
	struct set *sets = calloc(nsets(job), sizeof(*sets));

	if (sets == NULL)
		return "no memory";
	job->state = sets;
	for (size_t i = 0; i < nsets(job); i++) {
		struct set *set = &sets[i];

		set->job = job;
		set->number = i;
		set->random = NUMBERS_SEED + i;
		set->n = work_live(job->work) / nsets(job);
		set->slots = calloc(set->n, sizeof(void *));
		if (set->slots == NULL)
			return "no memory";
		for (size_t j = 0; j < set->n; j++)
			set->slots[j] = job_take(
				job, &job->plain[0], job->sizes[j % SIZES]);
	}
	return NULL;
}

static void *
serve(void *arg)
{
	struct set *set = arg;
	struct job *job = set->job;
	struct heap plain;
	struct hand hand;
	uint64_t random = set->random;
	void **slots = set->slots;
	size_t n = set->n, nops = set->nops;

	if (job->who->enter(&job->pool, &plain) != 0) {
		job_fail(job);
		return NULL;
	}
	hand = job_hand_of(job,
		job->sampling
			? sampled_heap_wrap(&job->sampled[set->number], &plain)
			: plain);
	for (size_t i = 0; i < nops; i++) {
		void **slot = &slots[numbers_below(&random, n)];

		hand_give(&hand, *slot);
		*slot = hand_take_next(&hand, numbers_below(&random, SIZES));
	}
	set->random = random;
	job->who->leave(&job->pool, &plain);
	return NULL;
}

static double
run(struct job *job, size_t nops)
{
	struct set *sets = job->state;
	size_t life = job->work->param;
	size_t ngenerations = nops / (nsets(job) * life) + 1;
	double start = clock_ns();

	for (size_t i = 0; i < ngenerations; i++) {
		for (size_t j = 0; j < nsets(job); j++) {
			sets[j].nops = life;
			if (pthread_create(&sets[j].thread, NULL, serve,
				    &sets[j]) != 0)
				return -1;
		}
		for (size_t j = 0; j < nsets(job); j++)
			(void)pthread_join(sets[j].thread, NULL);
	}
	return job_time(
		job, clock_ns() - start, life * nsets(job) * ngenerations);
}

static void
end(struct job *job)
{
	struct set *sets = job->state;

	for (size_t i = 0; i < nsets(job); i++) {
		for (size_t j = 0; j < sets[i].n; j++)
			job_give(job, &job->plain[0], sets[i].slots[j]);
		free(sets[i].slots);
	}
	free(sets);
}

const struct shape shape_server = {
	.unit = UNIT_NS,
	.op = "free and malloc, threads' lives included",
	.own_threads = true,
	.begin = begin,
	.run = run,
	.end = end,
};
