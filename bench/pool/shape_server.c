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
struct client {
	struct set set;
	struct job *job;
	size_t number;
	pthread_t thread;
};

static size_t
nclients(const struct job *job)
{
	return work_threads(job->work);
}

static const char *
begin(struct job *job)
{
	size_t size = nclients(job) * sizeof(struct client);
	struct client *clients = aligned_alloc(_Alignof(struct client), size);

	if (clients == NULL)
		return "no memory";
	memset(clients, 0, size);
	job->state = clients;
	for (size_t i = 0; i < nclients(job); i++) {
		struct client *client = &clients[i];
		struct set *set = &client->set;

		client->job = job;
		client->number = i;
		set->random = NUMBERS_SEED + i;
		set->n = work_live(job->work) / nclients(job);
		set->next = i * (SIZES / THREADS_MAX);
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
	struct client *client = arg;
	struct job *job = client->job;
	struct heap plain;
	struct hand hand;

	if (job->who->enter(&job->pool, &plain) != 0) {
		job_fail(job);
		return NULL;
	}
	hand = job_hand_of(job,
		job->sampling ? sampled_heap_wrap(
					&job->sampled[client->number], &plain)
			      : plain);
	hand.heap.loops->replace(&hand, &client->set, job->work->param);
	job->who->leave(&job->pool, &plain);
	return NULL;
}

static double
run(struct job *job, size_t nops)
{
	struct client *clients = job->state;
	size_t life = job->work->param;
	size_t ngenerations = nops / (nclients(job) * life) + 1;
	double start = clock_ns();

	for (size_t i = 0; i < ngenerations; i++) {
		for (size_t j = 0; j < nclients(job); j++)
			if (pthread_create(&clients[j].thread, NULL, serve,
				    &clients[j]) != 0)
				return -1;
		for (size_t j = 0; j < nclients(job); j++)
			(void)pthread_join(clients[j].thread, NULL);
	}
	return job_time(
		job, clock_ns() - start, life * nclients(job) * ngenerations);
}

static void
end(struct job *job)
{
	struct client *clients = job->state;

	for (size_t i = 0; i < nclients(job); i++) {
		struct set *set = &clients[i].set;

		for (size_t j = 0; j < set->n; j++)
			job_give(job, &job->plain[0], set->slots[j]);
		free(set->slots);
	}
	free(clients);
}

const struct shape shape_server = {
	.unit = UNIT_NS,
	.op = "free and malloc, threads' lives included",
	.own_threads = true,
	.begin = begin,
	.run = run,
	.end = end,
};
