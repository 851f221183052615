/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * own_fork.c -- a program with a malloc of its own forks while another of its
 * threads is the first to call the library, which makes the pools then
 */
#include <dlfcn.h>
#include <pthread.h>
#include <stdlib.h>

#include "check.h"

static char heap[1 << 20];
static size_t used;
static int inside; /* atomic: the pools are being made */

void *
malloc(size_t size)
{
	size_t room = (size + 15) / 16 * 16;
	size_t at = __atomic_fetch_add(&used, room, __ATOMIC_RELAXED);

	return at + room > sizeof(heap) ? NULL : heap + at;
}

void
free(void *ptr)
{
	(void)ptr;
}

void *
calloc(size_t nmemb, size_t size)
{
	return malloc(nmemb * size);
}

/* the library's call of it takes its time */
int
ftruncate(int fd, off_t length)
{
	int (*real)(int fd, off_t length);

	*(void **)&real = dlsym(RTLD_NEXT, "ftruncate");
	__atomic_store_n(&inside, 1, __ATOMIC_RELEASE);
	usleep(200000);
	return real(fd, length);
}

static void *
first(void *arg)
{
	CHECK(posix_memalign(arg, 64, 100) == 0);
	return NULL;
}

int
main(void)
{
	pthread_t thread;
	void *ptr;
	pid_t pid;

	CHECK(pthread_create(&thread, NULL, first, &ptr) == 0);
	while (__atomic_load_n(&inside, __ATOMIC_ACQUIRE) == 0)
		usleep(1000);
	pid = fork();
	if (pid == 0) {
		/* it waited for the thread, which it does not have */
		alarm(10);
		_exit(posix_memalign(&ptr, 64, 100));
	}
	CHECK_CHILD(pid);
	CHECK(pthread_join(thread, NULL) == 0);
	return 0;
}
