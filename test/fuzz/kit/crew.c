/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * crew.c -- a few threads of which one works at a time
 */
#include "fuzz/kit/crew.h"

#include <pthread.h>
#include <semaphore.h>

#include "fuzz/kit/fuzz.h"

/* written by the caller, before `go` and after `done`, but for the thread */
static struct member {
	pthread_t thread;
	sem_t go, done;
	void (*fn)(void *arg); /* NULL: end */
	void *arg;
	bool lives;
} members[CREW_SIZE];

static void
wait_for(sem_t *s)
{
	while (sem_wait(s) != 0)
		continue; /* a signal */
}

static void *
work(void *arg)
{
	struct member *m = arg;
	for (;;) {
		wait_for(&m->go);
		if (m->fn == NULL)
			return NULL;
		m->fn(m->arg);
		must(sem_post(&m->done) == 0);
	}
}

static void
begin(struct member *m)
{
	must(sem_init(&m->go, 0, 0) == 0 && sem_init(&m->done, 0, 0) == 0);
	must(pthread_create(&m->thread, NULL, work, m) == 0);
	m->lives = true;
}

void
crew_call(unsigned member, void (*fn)(void *arg), void *arg)
{
	struct member *m = &members[member];
	if (member == 0) {
		fn(arg);
		return;
	}
	if (!m->lives)
		begin(m);
	m->fn = fn;
	m->arg = arg;
	must(sem_post(&m->go) == 0);
	wait_for(&m->done);
}

void
crew_end(unsigned member)
{
	struct member *m = &members[member];
	if (!m->lives)
		return;
	m->fn = NULL;
	must(sem_post(&m->go) == 0);
	must(pthread_join(m->thread, NULL) == 0);
	must(sem_destroy(&m->go) == 0 && sem_destroy(&m->done) == 0);
	m->lives = false;
}
