/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * stop.c -- hold all threads of a process still, and let them run on
 */
#include "inspect/stop.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>

#include "base/error.h"
#include "inspect/thread_pointer.h"

#define TASK_PATH_SIZE 64
#define FIRST_THREADS  ((size_t)64)
#define NS_A_SECOND    UINT64_C(1000000000)
#define POLL_FIRST_NS  20000L /* between two looks whether it has stopped... */
#define POLL_LAST_NS   2000000L /* ...which grows to this */
#define EVENT_SHIFT    16
#define REAP_EACH_US   5000 /* while a thread cannot be had */

uint64_t
stop_now_ns(void)
{
	struct timespec t;
	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * NS_A_SECOND + (uint64_t)t.tv_nsec;
}

void
stop_sleep_ns(long ns)
{
	struct timespec t = {.tv_nsec = ns};
	(void)nanosleep(&t, NULL);
}

/* note -- what a wait status says of a thread that was running */
static void
note(struct tracee *t, int status)
{
	int signal = WSTOPSIG(status);
	t->running = false;
	if (!WIFSTOPPED(status)) {
		t->gone = true;
		return;
	}
	if (status >> EVENT_SHIFT == PTRACE_EVENT_STOP)
		t->halted = signal != SIGTRAP; /* stopped by job control */
	else
		t->signal = signal;
}

/* poll_one -- has a thread stopped or ended meanwhile? */
static void
poll_one(struct tracee *t)
{
	int status = 0;
	pid_t got = waitpid(t->tid, &status, __WALL | WNOHANG);
	if (got == t->tid) {
		note(t, status);
	} else if (got < 0 && errno != EINTR) {
		t->gone = true;
		t->running = false;
	}
}

static long
next_pause(long pause)
{
	return pause * 2 < POLL_LAST_NS ? pause * 2 : POLL_LAST_NS;
}

/*
 * wait_all -- until no thread runs; NULL, or one that does at the deadline
 * All in turn, and stopped ones, too, which a kill may have ended: the end of
 * the first thread is told after that of all others.
 */
static const struct tracee *
wait_all(struct stopped *s, uint64_t deadline_ns)
{
	for (long pause = POLL_FIRST_NS;; pause = next_pause(pause)) {
		const struct tracee *running = NULL;
		for (size_t i = 0; i < s->n; i++) {
			struct tracee *t = &s->threads[i];
			if (!t->gone)
				poll_one(t);
			if (t->running)
				running = t;
		}
		if (running == NULL || stop_now_ns() > deadline_ns)
			return running;
		stop_sleep_ns(pause);
	}
}

static struct tracee *
find(struct stopped *s, int tid)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->threads[i].tid == tid && !s->threads[i].gone)
			return &s->threads[i];
	return NULL;
}

static int
add(struct stopped *s, int tid)
{
	if (s->n == s->room) {
		size_t room = s->room == 0 ? FIRST_THREADS : s->room * 2;
		struct tracee *more = realloc(s->threads, room * sizeof(*more));
		if (more == NULL)
			return fail(ENOMEM, "no memory for the threads");
		s->threads = more;
		s->room = room;
	}
	s->threads[s->n++] = (struct tracee){.tid = tid, .running = true};
	return 0;
}

/* what /proc says of a thread */
struct standing {
	int tracer; /* the process that traces it already, or 0 */
	bool dead;
};

static struct standing
standing_of(int pid, int tid)
{
	char path[TASK_PATH_SIZE];
	char line[TASK_PATH_SIZE * 2];
	struct standing found = {0, true};
	(void)snprintf(path, sizeof(path), "/proc/%d/task/%d/status", pid, tid);
	FILE *file = fopen(path, "re");
	while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
		char state;
		/* NOLINTBEGIN(cert-err34-c) the kernel writes this */
		if (sscanf(line, "State: %c", &state) == 1)
			found.dead = state == 'Z' || state == 'X';
		(void)sscanf(line, "TracerPid: %d", &found.tracer);
		/* NOLINTEND(cert-err34-c) */
	}
	if (file != NULL)
		(void)fclose(file);
	return found;
}

/* why_not -- the thread could not be had; 0 when it is none any more */
static int
why_not(int pid, int tid, int err)
{
	struct standing standing = standing_of(pid, tid);
	if (err == ESRCH || standing.dead)
		return 0;
	if (err == EPERM && standing.tracer != 0)
		return fail(EPERM, "process %d is traced by process %d", pid,
			standing.tracer);
	if (err == EPERM || err == EACCES)
		return fail(EPERM, "process %d may not be stopped", pid);
	return fail_sys(err, "stopping process %d", pid);
}

/* what the handler looks at; set while a thread is being seized */
static const struct stopped *seizing;

/*
 * has_ended -- without taking note of it
 * Of a traced thread a stop is reported, too, even where only ends are asked
 * for, and one that is reported without WNOWAIT is not reported again.
 */
static bool
has_ended(int tid)
{
	siginfo_t end = {0};
	return waitid(P_PID, (id_t)tid, &end,
		       WEXITED | WNOHANG | WNOWAIT | __WALL) == 0 &&
	       (end.si_code == CLD_EXITED || end.si_code == CLD_KILLED ||
		       end.si_code == CLD_DUMPED);
}

/* reap -- take note of the threads that have ended; poll_one() sees it */
static void
reap(int signal)
{
	int saved = errno;
	siginfo_t end;
	(void)signal;
	for (size_t i = 0; i < seizing->n; i++) {
		const struct tracee *t = &seizing->threads[i];
		if (!t->gone && has_ended(t->tid))
			(void)waitid(P_PID, (id_t)t->tid, &end,
				WEXITED | WNOHANG | __WALL);
	}
	errno = saved;
}

/*
 * seize_thread -- 0 or errno
 *
 * A thread that executes a program waits until the ends of all others have been
 * taken note of, by us where we have them, and holds a lock that PTRACE_SEIZE
 * waits for: without what a timer does meanwhile both would wait for ever.
 */
static int
seize_thread(const struct stopped *s, int tid)
{
	const struct itimerval often = {{0, REAP_EACH_US}, {0, REAP_EACH_US}};
	const struct itimerval never = {{0, 0}, {0, 0}};
	struct sigaction act = {.sa_flags = SA_RESTART}, old;
	sigset_t mask, before;
	act.sa_handler = reap;
	(void)sigemptyset(&mask);
	(void)sigaddset(&mask, SIGALRM);
	seizing = s;
	(void)sigaction(SIGALRM, &act, &old);
	(void)sigprocmask(SIG_UNBLOCK, &mask, &before);
	(void)setitimer(ITIMER_REAL, &often, NULL);
	int err = ptrace(PTRACE_SEIZE, tid, NULL, NULL) == 0 ? 0 : errno;
	(void)setitimer(ITIMER_REAL, &never, NULL);
	(void)sigprocmask(SIG_SETMASK, &before, NULL);
	(void)sigaction(SIGALRM, &old, NULL);
	return err;
}

/* seize -- a thread that we do not have; *ret_new when it was one */
static int
seize(struct stopped *s, int tid, bool *ret_new)
{
	if (find(s, tid) != NULL)
		return 0;
	int err = seize_thread(s, tid);
	if (err != 0)
		return why_not(s->pid, tid, err);
	*ret_new = true;
	int rc = add(s, tid);
	if (rc == 0)
		(void)ptrace(PTRACE_INTERRUPT, tid, NULL, NULL);
	return rc;
}

/* seize_all -- once over the list of threads */
static int
seize_all(struct stopped *s, bool *ret_new)
{
	char path[TASK_PATH_SIZE];
	const struct dirent *e;
	int rc = 0;
	(void)snprintf(path, sizeof(path), "/proc/%d/task", s->pid);
	DIR *dir = opendir(path);
	*ret_new = false;
	if (dir == NULL)
		return fail(ESRCH, "process %d has ended", s->pid);
	while (rc == 0 && (e = readdir(dir)) != NULL) {
		int tid = (int)strtol(e->d_name, NULL, 10);
		if (tid > 0)
			rc = seize(s, tid, ret_new);
	}
	(void)closedir(dir);
	return rc;
}

/* settle -- all are stopped, and no others have come */
static int
settle(struct stopped *s, uint64_t deadline_ns)
{
	bool more = true;
	while (more) {
		int rc = seize_all(s, &more);
		if (rc != 0)
			return rc;
		const struct tracee *late = wait_all(s, deadline_ns);
		if (late != NULL)
			return fail(EAGAIN,
				"thread %d did not stop: it waits for the "
				"kernel",
				late->tid);
		if (more && stop_now_ns() > deadline_ns)
			return fail(EAGAIN, "threads come faster than they "
					    "can be stopped");
	}
	bool any = false;
	for (size_t i = 0; i < s->n; i++) {
		struct tracee *t = &s->threads[i];
		if (!t->gone && t->thread_pointer == 0)
			t->thread_pointer = thread_pointer_of(t->tid);
		any |= !t->gone;
	}
	return any ? 0 : fail(ESRCH, "process %d has ended", s->pid);
}

int
stop_begin(struct stopped *ret, int pid, uint64_t deadline_ns)
{
	*ret = (struct stopped){.pid = pid, .since_ns = stop_now_ns()};
	int rc = settle(ret, deadline_ns);
	if (rc != 0)
		(void)stop_end(ret);
	return rc;
}

/* let_go -- a thread that is stopped; it is none of ours any more then */
static void
let_go(struct tracee *t)
{
	if (t->gone || t->running)
		return;
	if (ptrace(PTRACE_DETACH, t->tid, NULL, (void *)(intptr_t)t->signal) ==
		0)
		t->gone = true;
	else /* killed meanwhile: what waits for its end waits for us */
		t->running = errno == ESRCH;
}

/* let_all_go -- each as soon as it is stopped, whoever may be late */
static void
let_all_go(struct stopped *s, uint64_t deadline_ns)
{
	for (long pause = POLL_FIRST_NS;; pause = next_pause(pause)) {
		bool late = false;
		for (size_t i = 0; i < s->n; i++) {
			struct tracee *t = &s->threads[i];
			if (!t->gone)
				poll_one(t);
			let_go(t);
			late |= t->running;
		}
		if (!late || stop_now_ns() > deadline_ns)
			return;
		stop_sleep_ns(pause);
	}
}

uint64_t
stop_end(struct stopped *s)
{
	/* only a stopped thread can be let go; who does not stop in time is let
	 * go by our own end */
	for (size_t i = 0; i < s->n; i++)
		if (s->threads[i].running)
			(void)ptrace(PTRACE_INTERRUPT, s->threads[i].tid, NULL,
				NULL);
	let_all_go(s, stop_now_ns() + NS_A_SECOND);
	free(s->threads);
	s->threads = NULL;
	s->n = s->room = 0;
	return stop_now_ns() - s->since_ns;
}

void
stop_run(struct stopped *s, size_t i)
{
	struct tracee *t = &s->threads[i];
	if (t->gone || t->running || t->halted)
		return;
	if (ptrace(PTRACE_CONT, t->tid, NULL, (void *)(intptr_t)t->signal) !=
		0) {
		/* killed meanwhile: what waits for its end waits for us */
		t->running = errno == ESRCH;
		return;
	}
	t->signal = 0;
	t->running = true;
}

int
stop_again(struct stopped *s, uint64_t deadline_ns)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->threads[i].running)
			(void)ptrace(PTRACE_INTERRUPT, s->threads[i].tid, NULL,
				NULL);
	return settle(s, deadline_ns);
}

int
stop_breathe(struct stopped *stopped, long ns, uint64_t most_ns)
{
	for (size_t i = 0; i < stopped->n; i++)
		stop_run(stopped, i);
	stop_sleep_ns(ns);
	return stop_again(stopped, stop_now_ns() + most_ns);
}
