/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * stop.h -- hold all threads of a process still, and let them run on
 *
 * By ptrace(2): PTRACE_SEIZE and PTRACE_INTERRUPT, which the process and its
 * parent do not notice.  When this process ends, however it ends, the kernel
 * lets the other one go on.  A process that job control has stopped stays
 * stopped, and signals that come meanwhile are delivered when it goes on.
 *
 * No call waits longer than until the deadline that it is given.
 */
#ifndef INSPECT_STOP_H
#define INSPECT_STOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* one thread */
struct tracee {
	int tid;
	int signal;   /* to deliver when it goes on; 0: none */
	bool running; /* we have let it */
	bool halted;  /* job control has stopped it: it must not run */
	bool gone;    /* it has ended */
	bool chosen;  /* the caller's */
	uint64_t thread_pointer;
};

struct stopped {
	int pid;
	struct tracee *threads;
	size_t n, room;
	uint64_t since_ns; /* when the first thread was stopped */
};

/* stop_now_ns -- the clock that deadlines are of */
uint64_t stop_now_ns(void);

/*
 * stop_begin -- stop all threads, those that come meanwhile too
 * Returns 0, -ESRCH, -EPERM, or -EAGAIN when a thread did not stop until the
 * deadline; everything goes on then.  Else end it with stop_end().
 */
int stop_begin(struct stopped *ret, int pid, uint64_t deadline_ns);

/* stop_end -- let everything go; returns how long it was stopped */
uint64_t stop_end(struct stopped *stopped);

/* stop_sleep_ns -- less than a second */
void stop_sleep_ns(long ns);

/*
 * stop_run -- let a stopped thread run on.  stop_again() stops all that run,
 * and those that they have made, as stop_begin() does.
 */
void stop_run(struct stopped *stopped, size_t i);
int stop_again(struct stopped *stopped, uint64_t deadline_ns);

/* stop_breathe -- let all threads run for a while, and stop them again */
int stop_breathe(struct stopped *stopped, long ns, uint64_t most_ns);

#endif
