/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * full.c -- a program whose pool is full: each call says so, and it lives
 */
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>

#include "check.h"

#define NTHREADS 8

/* what is taken, linked; and so much of it */
struct taken {
	void **list;
	size_t bytes;
};

/* take_all -- until there is not even room for the smallest object */
static void
take_all(struct taken *t)
{
	static const size_t sizes[] = {100000, 5000, 300, 16, 8};

	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		void **p;

		while (errno = 0, (p = malloc(sizes[i])) != NULL) {
			*p = t->list;
			t->list = p;
			t->bytes += malloc_usable_size(p);
		}
		CHECK(errno == ENOMEM);
	}
}

static void
give_back(struct taken *t, size_t keep)
{
	while (t->list != NULL && t->bytes > keep) {
		void **p = t->list;

		t->bytes -= malloc_usable_size(p);
		t->list = *p;
		free(p);
	}
}

static void *
nothing(void *arg)
{
	return arg;
}

/* refused -- by everything that takes memory */
static void
refused(char *kept)
{
	char *text = NULL;
	void *p = &p;
	size_t size = 0;
	pthread_t thread;

	CHECK(malloc(1) == NULL && errno == ENOMEM);
	errno = 0;
	CHECK(calloc(1, 1) == NULL && errno == ENOMEM);
	CHECK(realloc(NULL, 5) == NULL && memalign(64, 1) == NULL);
	CHECK(posix_memalign(&p, 64, 64) == ENOMEM && p == &p);
	CHECK(valloc(1) == NULL && pvalloc(1) == NULL);
	errno = 0;
	CHECK(realloc(kept, 100000) == NULL && errno == ENOMEM);
	CHECK(reallocarray(kept, 1000, 1000) == NULL);
	CHECK(strcmp(kept, "kept") == 0);
	/* smaller is always possible */
	CHECK(realloc(kept, 50) == kept);
	CHECK(strdup("text") == NULL && asprintf(&text, "%d", 1) == -1);
	CHECK(fopen("/dev/null", "r") == NULL && opendir("/") == NULL);
	CHECK(open_memstream(&text, &size) == NULL);
	CHECK(setenv("NEW_NAME", "value", 1) == -1);
	CHECK(dlopen("/no/such.so", RTLD_NOW) == NULL);
	CHECK(dlerror() != NULL);
	/* what comes of it is libc's affair */
	if (pthread_create(&thread, NULL, nothing, NULL) == 0)
		CHECK(pthread_join(thread, NULL) == 0);
}

static void
refused_in_child(char *kept)
{
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0) {
		refused(kept);
		exit(0);
	}
	CHECK_CHILD(pid);
}

static pthread_barrier_t all_there;

static void *
take_and_give(void *arg)
{
	/* creating a thread takes memory, too */
	(void)pthread_barrier_wait(&all_there);
	for (int i = 0; i < 3; i++) {
		struct taken mine = {NULL, 0};

		take_all(&mine);
		give_back(&mine, 0);
	}
	return arg;
}

int
main(void)
{
	struct taken all = {NULL, 0};
	pthread_t thread[NTHREADS];
	char *kept = malloc(1000);
	size_t first;

	CHECK(kept != NULL);
	strcpy(kept, "kept");
	take_all(&all);
	first = all.bytes;
	/* of 14 MiB */
	CHECK(first > (size_t)12 << 20);
	refused(kept);
	refused_in_child(kept);
	refused(kept);
	give_back(&all, first / 2);
	take_all(&all);
	CHECK(all.bytes > first / 10 * 9);
	refused(kept);
	give_back(&all, 0);
	/* as before, whichever thread had what */
	CHECK(pthread_barrier_init(&all_there, NULL, NTHREADS) == 0);
	for (int i = 0; i < NTHREADS; i++)
		CHECK(pthread_create(&thread[i], NULL, take_and_give, NULL) ==
			0);
	for (int i = 0; i < NTHREADS; i++)
		CHECK(pthread_join(thread[i], NULL) == 0);
	take_all(&all);
	CHECK(all.bytes > first / 10 * 9);
	refused_in_child(kept);
	/* and it ends with a full heap */
	return 0;
}
