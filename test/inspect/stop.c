/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * stop.c -- threads are stopped whatever is interrupted meanwhile, and none of
 * them waits for one that does not stop
 *
 * ctest: not-asan not-tsan not-valgrind
 */
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "inspect/stop.h"

#include "harness/test.h"

#define NTHREADS   60
#define STACK      ((size_t)64 << 10)
#define ROUNDS     40
#define TRIES      4
#define NS_A_MS    UINT64_C(1000000)
#define SOON_NS    (50 * NS_A_MS)
#define STOP_NS    (5000 * NS_A_MS)
#define SHORT_NS   (600 * NS_A_MS)
#define BETWEEN_US 1000
#define ALARM_NS   400000

/* of a thread of a child that runs all the time */
struct beats {
	uint64_t last_ns; /* when it has run; 0: not yet */
	uint64_t gap_ns;  /* the longest time between two beats */
};

static volatile struct beats *beats;

static void *
wait_for_ever(void *arg)
{
	for (;;)
		(void)pause();
	return arg;
}

static void *
beat(void *arg)
{
	for (uint64_t last = stop_now_ns();;) {
		uint64_t now = stop_now_ns();

		if (now - last > beats->gap_ns)
			beats->gap_ns = now - last;
		beats->last_ns = last = now;
		(void)usleep(BETWEEN_US);
	}
	return arg;
}

static void
start(void *(*work)(void *), unsigned n)
{
	pthread_attr_t attr;
	pthread_t thread;

	must(pthread_attr_init(&attr) == 0);
	must(pthread_attr_setstacksize(&attr, STACK) == 0);
	for (unsigned i = 0; i < n; i++)
		must(pthread_create(&thread, &attr, work, NULL) == 0);
}

/* fork_child -- its end is ours */
static pid_t
fork_child(void)
{
	pid_t pid = fork();

	must(pid >= 0);
	if (pid == 0)
		must(prctl(PR_SET_PDEATHSIG, SIGKILL) == 0);
	return pid;
}

static void
end(pid_t pid)
{
	must(kill(pid, SIGKILL) == 0 && waitpid(pid, NULL, 0) == pid);
}

static pid_t
fork_many(int ready)
{
	pid_t pid = fork_child();

	if (pid != 0)
		return pid;
	start(wait_for_ever, NTHREADS);
	must(write(ready, "", 1) == 1);
	(void)wait_for_ever(NULL);
	_exit(1);
}

/* start_alarms -- what the timer sends while a thread cannot be had */
static timer_t
start_alarms(void)
{
	struct sigevent event = {
		.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGALRM};
	struct itimerspec often = {{0, ALARM_NS}, {0, ALARM_NS}};
	timer_t timer;

	must(signal(SIGALRM, SIG_IGN) != SIG_ERR);
	must(timer_create(CLOCK_MONOTONIC, &event, &timer) == 0);
	must(timer_settime(timer, 0, &often, NULL) == 0);
	return timer;
}

/* fork_late -- waits for a child as after vfork(2), so that it does not stop */
static pid_t
fork_late(int ready)
{
	pid_t pid = fork_child();

	if (pid != 0)
		return pid;
	beats->last_ns = beats->gap_ns = 0;
	start(beat, 1);
	while (beats->last_ns == 0)
		(void)usleep(BETWEEN_US);
	pid = vfork(); /* NOLINT: what it does is the point */
	must(pid >= 0);
	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		must(write(ready, "", 1) == 1);
		for (;;)
			(void)pause();
	}
	_exit(1);
}

static void
stop_begin__alarms_come_meanwhile__all_threads_stop(void **state)
{
	int ends[2];
	char byte;
	struct stopped stopped;
	pid_t many;
	timer_t timer;

	(void)state;
	must(pipe(ends) == 0);
	many = fork_many(ends[1]);
	must(read(ends[0], &byte, 1) == 1);
	timer = start_alarms();
	for (unsigned i = 0; i < ROUNDS; i++) {
		int rc = stop_begin(&stopped, many, stop_now_ns() + STOP_NS);

		if (rc != 0)
			print_message("%s\n", vmem_errormsg());
		assert_int_equal(rc, 0);
		assert_int_equal(stopped.n, NTHREADS + 1);
		(void)stop_end(&stopped);
	}
	must(timer_delete(timer) == 0);
	end(many);
	must(close(ends[0]) == 0 && close(ends[1]) == 0);
}

/* longest_gap -- in which a thread does not run since another does not stop */
static uint64_t
longest_gap(void)
{
	int ends[2];
	char byte;
	struct stopped stopped;
	uint64_t after, gap;
	pid_t late;

	must(pipe(ends) == 0);
	late = fork_late(ends[1]);
	must(read(ends[0], &byte, 1) == 1);
	assert_int_equal(
		stop_begin(&stopped, late, stop_now_ns() + SOON_NS), -EAGAIN);
	after = stop_now_ns();
	while (beats->last_ns <= after)
		(void)usleep(BETWEEN_US);
	gap = beats->gap_ns;
	end(late);
	must(close(ends[0]) == 0 && close(ends[1]) == 0);
	return gap;
}

static void
stop_end__a_thread_does_not_stop__others_run_at_once(void **state)
{
	uint64_t gap = UINT64_MAX;

	(void)state;
	/* the machine may have other work as well */
	for (unsigned i = 0; i < TRIES && gap >= SHORT_NS; i++)
		gap = longest_gap();
	assert_in_range(gap, 0, SHORT_NS);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			stop_begin__alarms_come_meanwhile__all_threads_stop),
		cmocka_unit_test(
			stop_end__a_thread_does_not_stop__others_run_at_once),
	};

	beats = mmap(NULL, sizeof(*beats), PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	must(beats != MAP_FAILED);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
