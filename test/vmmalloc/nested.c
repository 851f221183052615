/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * nested.c tree|handlers|signals -- forks in processes that fork
 *
 * tree      four deep, and in each process threads allocate meanwhile
 * handlers  of pthread_atfork() fork too, at each of the three places
 * signals   interrupt a process that allocates and forks, and the handler
 *           forks; the child starts a program, or ends
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/time.h>
#include <sys/wait.h>

#include "check.h"

#define NOBJECTS 300u
#define DEPTH    4u
#define FAN_OUT  2u
#define NTHREADS 2u
#define NFORKS   40u
#define PAUSE_US 1500 /* to a signal, at most */
#define NSIGNALS 3    /* while one child is made and waited for */

static struct {
	unsigned char *p;
	size_t size;
} objects[NOBJECTS];

static unsigned row = 1; /* of random numbers */
static int stop;         /* atomic */

static unsigned
random_below(unsigned n)
{
	row = row * 1103515245u + 12345u;
	return (row >> 16) % n;
}

static void
verify(unsigned i)
{
	for (size_t at = 0; at < objects[i].size; at++)
		CHECK(objects[i].p[at] == objects[i].size % 251);
}

/* churn -- exchange so many objects, and see that all are as they were left */
static void
churn(unsigned n)
{
	while (n-- > 0) {
		unsigned i = random_below(NOBJECTS);
		size_t size =
			random_below(30) == 0 ? 40000 : random_below(900) + 1;

		verify(i);
		free(objects[i].p);
		objects[i].p = malloc(size);
		CHECK(objects[i].p != NULL);
		objects[i].size = size;
		memset(objects[i].p, (int)(size % 251), size);
	}
	for (unsigned i = 0; i < NOBJECTS; i++)
		verify(i);
}

static void
wait_for(pid_t pid)
{
	int status;

	CHECK(pid > 0);
	while (waitpid(pid, &status, 0) != pid)
		CHECK(errno == EINTR);
	CHECK(status == 0);
}

static void *
work(void *arg)
{
	unsigned char byte = (unsigned char)(uintptr_t)arg;
	unsigned char *mine[32] = {NULL};
	unsigned state = byte;

	while (!__atomic_load_n(&stop, __ATOMIC_ACQUIRE)) {
		unsigned i;
		size_t size;

		state = state * 1103515245u + 12345u;
		i = state >> 8 & 31;
		size = (state >> 16 & 4095) + 1;
		CHECK(mine[i] == NULL || mine[i][0] == byte);
		free(mine[i]);
		mine[i] = malloc(size);
		CHECK(mine[i] != NULL);
		memset(mine[i], byte, size);
	}
	for (unsigned i = 0; i < 32; i++)
		free(mine[i]);
	return NULL;
}

static void
tree(unsigned depth)
{
	pthread_t worker[NTHREADS];
	pid_t pids[FAN_OUT];

	stop = 0; /* the threads of the parent are not here */
	for (unsigned i = 0; i < NTHREADS; i++)
		CHECK(pthread_create(&worker[i], NULL, work,
			      (void *)(uintptr_t)(i + 1)) == 0);
	churn(NOBJECTS);
	for (unsigned i = 0; depth > 0 && i < FAN_OUT; i++) {
		pids[i] = fork();
		if (pids[i] == 0) {
			row += i + 1;
			tree(depth - 1);
			exit(0);
		}
		churn(NOBJECTS / 4);
	}
	for (unsigned i = 0; depth > 0 && i < FAN_OUT; i++)
		wait_for(pids[i]);
	churn(NOBJECTS);
	__atomic_store_n(&stop, 1, __ATOMIC_RELEASE);
	for (unsigned i = 0; i < NTHREADS; i++)
		CHECK(pthread_join(worker[i], NULL) == 0);
}

static unsigned inner; /* handlers' forks under way */

/* fork_inside -- in the middle of a fork; what is inside of that does not */
static void
fork_inside(void)
{
	pid_t pid;

	if (inner > 0)
		return;
	inner++;
	churn(5);
	pid = fork();
	if (pid == 0) {
		churn(50);
		_exit(0);
	}
	churn(5);
	wait_for(pid);
	inner--;
}

static void
handlers(void)
{
	CHECK(pthread_atfork(fork_inside, fork_inside, fork_inside) == 0);
	for (unsigned i = 0; i < NFORKS; i++) {
		pid_t pid = fork();

		if (pid == 0) {
			churn(50);
			/* and once more, with all the handlers */
			if (i % 8 == 0) {
				pid = fork();
				churn(50);
				if (pid != 0)
					wait_for(pid);
			}
			_exit(0);
		}
		churn(50);
		wait_for(pid);
	}
}

static int signals_left;
static unsigned nsignals;

/*
 * next_signal -- if there is to be one: not by a timer that goes on by itself,
 * as where a fork takes longer than its pause no fork would ever end
 */
static void
next_signal(void)
{
	struct itimerval once = {{0, 0}, {0, 1 + nsignals * 211 % PAUSE_US}};

	if (signals_left-- > 0)
		CHECK(setitimer(ITIMER_REAL, &once, NULL) == 0);
}

/* only what a handler may do that has interrupted anything */
static void
fork_now(int signum)
{
	static char name[] = "true";
	char *const args[] = {name, NULL};
	int saved = errno;
	pid_t pid = fork();

	(void)signum;
	if (pid == 0) {
		if (nsignals % 4 == 0)
			(void)execv("/bin/true", args);
		_exit(nsignals % 4 == 0 ? 1 : 0);
	}
	if (pid > 0)
		wait_for(pid);
	nsignals++;
	next_signal();
	errno = saved;
}

static void
signals(void)
{
	struct itimerval none = {{0, 0}, {0, 0}};
	struct sigaction act = {.sa_handler = fork_now, .sa_flags = SA_RESTART};

	CHECK(sigaction(SIGALRM, &act, NULL) == 0);
	for (unsigned i = 0; i < NFORKS; i++) {
		pid_t pid;

		signals_left = NSIGNALS;
		next_signal();
		/* a child has no timer */
		pid = fork();

		if (pid == 0) {
			churn(200);
			_exit(0);
		}
		churn(200);
		wait_for(pid);
	}
	signals_left = 0;
	CHECK(setitimer(ITIMER_REAL, &none, NULL) == 0);
	CHECK(nsignals >= NFORKS);
	churn(NOBJECTS);
}

int
main(int argc, char *argv[])
{
	const char *what = argc == 2 ? argv[1] : "";

	churn(3 * NOBJECTS);
	if (strcmp(what, "tree") == 0)
		tree(DEPTH);
	else if (strcmp(what, "handlers") == 0)
		handlers();
	else if (strcmp(what, "signals") == 0)
		signals();
	else
		return 2;
	return 0;
}
