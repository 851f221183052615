/* SPDX-License-Identifier: BSD-3-Clause */
#include "answer.h"
#include "corpus.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LINE_SIZE 512

struct answer {
	const char *query;
	struct hits hits;
	double seconds;
	bool no_room;
};

/* queries shared by the threads that answer them */
struct batch {
	const struct index *index;
	VMEM *pool;
	struct answer *answers;
	size_t nanswers;
	atomic_size_t next;   /* the first answer that no thread has taken */
	pthread_mutex_t lock; /* protects mem */
	struct mem mem;
};

static void
answer(const struct index *ix, struct mem *mem, const char *query,
	struct answer *ret_answer)
{
	double start = seconds_now();

	ret_answer->query = query;
	ret_answer->no_room =
		index_query(ix, mem, query, &ret_answer->hits) != 0;
	ret_answer->seconds = seconds_now() - start;
}

/* print -- show an answer; -1 when there was no room for it */
static int
print(const struct index *ix, const struct answer *answer,
	const struct options *options)
{
	const struct hits *hits = &answer->hits;
	size_t nshown = hits->nhits;

	if (answer->no_room) {
		fprintf(stderr, "vmem-index: no room for the answer to '%s'\n",
			answer->query);
		return -1;
	}
	if (!options->list) {
		printf("\nquery '%s': %zu documents, %.3f ms\n", answer->query,
			hits->nhits, answer->seconds * 1e3);
		if (nshown > options->ntop)
			nshown = options->ntop;
	}
	for (size_t i = 0; i < nshown; i++) {
		const struct hit *hit = &hits->hits[i];

		if (options->list)
			printf("%s\n", ix->docs[hit->doc]);
		else
			printf("%8u  %s:%u\n", hit->score, ix->docs[hit->doc],
				hit->line);
	}
	(void)fflush(stdout);
	return 0;
}

static void *
worker(void *arg)
{
	struct batch *batch = arg;
	struct mem mem = {.pool = batch->pool};
	size_t i;

	while ((i = atomic_fetch_add(&batch->next, 1)) < batch->nanswers)
		answer(batch->index, &mem, batch->answers[i].query,
			&batch->answers[i]);
	pthread_mutex_lock(&batch->lock);
	mem_fold(&batch->mem, &mem);
	pthread_mutex_unlock(&batch->lock);
	return NULL;
}

/* run -- have all answers of a batch made; this thread helps */
static void
run(struct batch *batch, size_t nthreads)
{
	pthread_t threads[THREADS_MAX];
	size_t nstarted = 0;

	while (nstarted + 1 < nthreads && nstarted < THREADS_MAX &&
		pthread_create(&threads[nstarted], NULL, worker, batch) == 0)
		nstarted++;
	(void)worker(batch);
	for (size_t i = 0; i < nstarted; i++)
		(void)pthread_join(threads[i], NULL);
}

int
answer_queries(
	const struct index *ix, struct mem *mem, const struct options *options)
{
	struct batch batch = {
		.index = ix, .pool = mem->pool, .nanswers = options->nqueries};
	int result = 0;

	if (options->nqueries == 0)
		return 0;
	batch.answers = mem_zalloc(mem, batch.nanswers, sizeof(*batch.answers));
	if (batch.answers == NULL) {
		fprintf(stderr, "vmem-index: no room for the answers: %s\n",
			vmem_errormsg());
		return -1;
	}
	for (size_t i = 0; i < batch.nanswers; i++)
		batch.answers[i].query = options->queries[i];
	(void)pthread_mutex_init(&batch.lock, NULL);
	run(&batch, options->nthreads);
	(void)pthread_mutex_destroy(&batch.lock);
	mem_fold(mem, &batch.mem);
	for (size_t i = 0; i < batch.nanswers; i++) {
		if (print(ix, &batch.answers[i], options) != 0)
			result = -1;
		hits_release(&batch.answers[i].hits, mem);
	}
	mem_release(
		mem, batch.answers, batch.nanswers * sizeof(*batch.answers));
	return result;
}

int
answer_input(
	const struct index *ix, struct mem *mem, const struct options *options)
{
	bool tty = isatty(STDIN_FILENO) != 0;
	char line[LINE_SIZE];
	int result = 0;

	for (;;) {
		if (tty)
			fputs("words? ", stderr);
		if (fgets(line, sizeof(line), stdin) == NULL)
			break;
		line[strcspn(line, "\n")] = '\0';
		if (line[0] == '\0')
			continue;
		struct answer one = {0};

		answer(ix, mem, line, &one);
		if (print(ix, &one, options) != 0)
			result = -1;
		hits_release(&one.hits, mem);
	}
	return result;
}
