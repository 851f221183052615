/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * forks.c tree|many|threads|orphan|closed|full|time -- forks without exec
 *
 * Parent and child change what they have inherited and allocate more; each must
 * find its own at the end.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>

#include "check.h"

#define NOBJECTS 2000u
#define DEPTH    3u
#define FAN_OUT  3u
#define NTHREADS 2u
#define NFORKS   10u
#define NMANY    60u

#define FULL_BYTES ((size_t)30 << 20)

static struct object {
	unsigned char *p;
	size_t size;
	unsigned char byte;
} objects[NOBJECTS];

static unsigned seed = 12345;

static unsigned
random_below(unsigned n)
{
	seed = seed * 1103515245u + 12345u;
	return (seed >> 16) % n;
}

static void
verify(const struct object *o)
{
	for (size_t i = 0; i < o->size; i++)
		CHECK(o->p[i] == o->byte);
}

/* renew -- another object in the place of the old one */
static void
renew(struct object *o)
{
	verify(o);
	if (random_below(2) == 0 && o->p != NULL) {
		o->size = random_below(20) == 0 ? 50000 : random_below(600) + 1;
		o->p = realloc(o->p, o->size);
	} else {
		free(o->p);
		o->size = random_below(20) == 0 ? 70000 : random_below(600) + 1;
		o->p = malloc(o->size);
	}
	CHECK(o->p != NULL);
	o->byte = (unsigned char)random_below(256);
	memset(o->p, o->byte, o->size);
}

static void
churn(unsigned n)
{
	while (n-- > 0)
		renew(&objects[random_below(NOBJECTS)]);
	for (unsigned i = 0; i < NOBJECTS; i++)
		verify(&objects[i]);
}

/* tree -- children go on while the parent does, and have children */
static void
tree(unsigned depth)
{
	pid_t pids[FAN_OUT];

	churn(NOBJECTS);
	if (depth == 0)
		return;
	for (unsigned i = 0; i < FAN_OUT; i++) {
		pids[i] = fork();
		if (pids[i] == 0) {
			seed += i + 1;
			tree(depth - 1);
			exit(0);
		}
		churn(NOBJECTS / 4);
	}
	churn(NOBJECTS);
	for (unsigned i = 0; i < FAN_OUT; i++)
		CHECK_CHILD(pids[i]);
	churn(NOBJECTS);
}

static void
many(void)
{
	for (unsigned i = 0; i < NMANY; i++) {
		pid_t pid = fork();

		if (pid == 0) {
			churn(20);
			_exit(0);
		}
		churn(20);
		CHECK_CHILD(pid);
	}
}

static int stop; /* atomic */

/* work -- allocate all the time, with contents of one's own */
static void *
work(void *arg)
{
	unsigned char *mine[64] = {NULL};
	unsigned char byte = (unsigned char)(uintptr_t)arg;
	unsigned i = 0, state = byte;

	while (!__atomic_load_n(&stop, __ATOMIC_ACQUIRE)) {
		size_t size;

		state = state * 1103515245u + 12345u;
		i = state >> 8 & 63;
		if (mine[i] != NULL)
			CHECK(mine[i][0] == byte);
		free(mine[i]);
		size = (state >> 16 & 2047) + 1;
		mine[i] = malloc(size);
		CHECK(mine[i] != NULL);
		memset(mine[i], byte, size);
	}
	for (i = 0; i < 64; i++)
		free(mine[i]);
	return NULL;
}

static void *
fork_some(void *arg)
{
	for (unsigned i = 0; i < NFORKS; i++) {
		pid_t pid = fork();

		if (pid == 0) {
			churn(500);
			_exit(0);
		}
		churn(100);
		CHECK_CHILD(pid);
	}
	return arg;
}

/* start_workers, stop_workers -- threads that allocate; a fork has none */
static void
start_workers(pthread_t worker[NTHREADS])
{
	stop = 0;
	for (unsigned i = 0; i < NTHREADS; i++)
		CHECK(pthread_create(&worker[i], NULL, work,
			      (void *)(uintptr_t)(i + 1)) == 0);
}

static void
stop_workers(pthread_t worker[NTHREADS])
{
	__atomic_store_n(&stop, 1, __ATOMIC_RELEASE);
	for (unsigned i = 0; i < NTHREADS; i++)
		CHECK(pthread_join(worker[i], NULL) == 0);
}

/* threads -- others allocate meanwhile, and the main thread does not fork */
static void
threads(void)
{
	pthread_t worker[NTHREADS], forker;

	start_workers(worker);
	CHECK(pthread_create(&forker, NULL, fork_some, NULL) == 0);
	CHECK(pthread_join(forker, NULL) == 0);
	(void)fork_some(NULL);
	stop_workers(worker);
}

/* busy -- a tree in which every process has threads that allocate meanwhile */
static void
busy(unsigned depth)
{
	pthread_t worker[NTHREADS];
	pid_t pids[FAN_OUT];

	start_workers(worker);
	churn(NOBJECTS);
	for (unsigned i = 0; depth > 0 && i < FAN_OUT; i++) {
		pids[i] = fork();
		if (pids[i] == 0) {
			seed += i + 1;
			busy(depth - 1);
			exit(0);
		}
		churn(NOBJECTS / 4);
	}
	for (unsigned i = 0; depth > 0 && i < FAN_OUT; i++)
		CHECK_CHILD(pids[i]);
	churn(NOBJECTS);
	stop_workers(worker);
}

/* start_others -- the children only start the program anew, as with mode 0 */
static void
start_others(char *argv[], unsigned depth)
{
	pthread_t worker[NTHREADS];
	char number[16];
	char *const args[] = {argv[0], argv[1], number, NULL};
	pid_t pids[FAN_OUT];

	(void)snprintf(number, sizeof(number), "%u", depth - 1);
	start_workers(worker);
	for (unsigned i = 0; depth > 0 && i < FAN_OUT; i++) {
		pids[i] = fork();
		if (pids[i] == 0) {
			(void)execv(argv[0], args);
			_exit(1);
		}
		churn(NOBJECTS / 4);
	}
	for (unsigned i = 0; depth > 0 && i < FAN_OUT; i++)
		CHECK_CHILD(pids[i]);
	stop_workers(worker);
	churn(NOBJECTS);
}

/* orphan -- the child lives on when the parent is gone, and reports */
static void
orphan(void)
{
	int fd[2];
	char byte = 0;
	pid_t pid;

	CHECK(pipe(fd) == 0);
	pid = fork();
	if (pid == 0) {
		pid_t parent = getpid();

		if (fork() != 0)
			_exit(0);
		while (getppid() == parent)
			churn(10);
		churn(5000);
		tree(1);
		CHECK(write(fd[1], "x", 1) == 1);
		_exit(0);
	}
	CHECK(close(fd[1]) == 0);
	CHECK_CHILD(pid);
	churn(5000);
	CHECK(read(fd[0], &byte, 1) == 1 && byte == 'x');
}

/* took -- milliseconds of a fork, of a process with 50 MiB in use */
static void
took(void)
{
	struct timespec from, to;
	size_t size = (size_t)50 << 20;
	char *p = malloc(size);
	pid_t pid;

	CHECK(p != NULL);
	memset(p, 1, size);
	clock_gettime(CLOCK_MONOTONIC, &from);
	pid = fork();
	if (pid == 0)
		_exit(p[size - 1] == 1 && p[0] == 1 ? 0 : 1);
	clock_gettime(CLOCK_MONOTONIC, &to);
	CHECK_CHILD(pid);
	printf("%ld ms\n", (to.tv_sec - from.tv_sec) * 1000 +
				   (to.tv_nsec - from.tv_nsec) / 1000000);
	free(p);
}

/*
 * full -- after a fork, when others have taken all of the file system, what
 * was never reserved there can be used
 */
static void
full(void)
{
	const char *dir = getenv("VMMALLOC_POOL_DIR");
	static char block[1 << 16];
	char path[4096], *p;
	pid_t child = fork();
	int fd;

	CHECK(child >= 0);
	if (child == 0)
		_exit(0);
	CHECK_CHILD(child);
	(void)snprintf(path, sizeof(path), "%s/others", dir);
	fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	CHECK(fd >= 0 && unlink(path) == 0);
	while (write(fd, block, sizeof(block)) > 0)
		;
	p = malloc(FULL_BYTES);
	CHECK(p != NULL);
	memset(p, 'x', FULL_BYTES);
	churn(NOBJECTS);
	free(p);
	(void)close(fd);
}

int
main(int argc, char *argv[])
{
	const char *what = argc > 1 ? argv[1] : "";

	churn(3 * NOBJECTS);
	if (strcmp(what, "closed") == 0)
		/* as daemons do; glibc has no name for it everywhere */
		CHECK(syscall(SYS_close_range, 3u, ~0u, 0u) == 0);
	if (strcmp(what, "tree") == 0)
		tree(DEPTH);
	else if (strcmp(what, "closed") == 0)
		tree(DEPTH - 1);
	else if (strcmp(what, "busy") == 0)
		busy(DEPTH - 1);
	else if (strcmp(what, "exec") == 0 && argc == 3)
		start_others(argv, (unsigned)atoi(argv[2]));
	else if (strcmp(what, "many") == 0)
		many();
	else if (strcmp(what, "threads") == 0)
		threads();
	else if (strcmp(what, "orphan") == 0)
		orphan();
	else if (strcmp(what, "full") == 0)
		full();
	else if (strcmp(what, "time") == 0)
		took();
	else
		return 2;
	return 0;
}
