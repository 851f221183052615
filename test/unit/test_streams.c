/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_streams.c -- libc's streams, when a signal handler forks in the middle
 * of what a fork does with them
 *
 * A process runs the functions instruction by instruction, once for each of
 * them, where it gets the signal.
 *
 * ctest: not-asan not-tsan not-valgrind
 */
/* it is not in what unit tests are linked with, and its count is looked at */
/* NOLINTNEXTLINE(bugprone-suspicious-include) */
#include "libvmmalloc/streams.c"

#include <elf.h>
#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/test.h"

#if defined(__x86_64__)
#define PC rip
#else
#define PC pc
#endif

/* the linker's: the test's own instructions are between them */
extern const char __executable_start[], etext[];

enum end { IN_PARENT, IN_CHILD };

static FILE *all; /* streams */

static void
join(pid_t pid)
{
	int status;

	must(pid > 0 && waitpid(pid, &status, 0) == pid && status == 0);
}

static void
fork_here(int sig)
{
	(void)sig;
	streams_hold();
	must(_IO_list_all == NULL);
	pid_t pid = fork();
	if (pid == 0) {
		streams_child();
		must(_IO_list_all == all);
		return;
	}
	streams_parent();
	join(pid);
}

static void *
flush(void *arg)
{
	must(fflush(NULL) == 0);
	return arg;
}

/* hold_and_let -- what a fork does, and whether all is as it was then */
static _Noreturn void
hold_and_let(enum end end)
{
	pthread_t thread;

	streams_hold();
	if (end == IN_CHILD)
		streams_child();
	else
		streams_parent();
	(void)raise(SIGURG); /* nothing, without a tracer */
	must(nheld == 0 && _IO_list_all == all);
	/* the lock is free, for others too */
	(void)alarm(20);
	must(pthread_create(&thread, NULL, flush, NULL) == 0);
	must(pthread_join(thread, NULL) == 0);
	_exit(EXIT_SUCCESS);
}

static pid_t
start(enum end end)
{
	static const struct sigaction forks = {.sa_handler = fork_here};
	pid_t pid = fork();

	if (pid != 0)
		return pid;
	all = _IO_list_all;
	__libc_single_threaded = 0;
	/* the loader finds what they call, which takes long step by step */
	streams_hold();
	streams_child();
	must(sigaction(SIGUSR1, &forks, NULL) == 0);
	if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0)
		_exit(errno);
	(void)raise(SIGSTOP);
	hold_and_let(end);
}

static bool
is_own(pid_t pid)
{
	struct user_regs_struct regs;
	struct iovec iov = {&regs, sizeof(regs)};

	must(ptrace(PTRACE_GETREGSET, pid, (void *)NT_PRSTATUS, &iov) == 0);
	return regs.PC >= (uintptr_t)__executable_start &&
	       regs.PC < (uintptr_t)etext;
}

/* end_traced -- let it go on by itself, with a signal or 0, to a good end */
static void
end_traced(pid_t pid, int sig)
{
	int status;

	must(ptrace(PTRACE_DETACH, pid, NULL, (void *)(uintptr_t)sig) == 0);
	must(waitpid(pid, &status, 0) == pid && status == 0);
}

/* interrupt -- at the test's nth own instruction; false if there are fewer */
static bool
interrupt(enum end end, unsigned n)
{
	pid_t pid = start(end);
	bool is_there = false;
	int status;

	must(pid > 0 && waitpid(pid, &status, 0) == pid);
	/* it stops before, and has a signal after */
	do {
		must(ptrace(PTRACE_SINGLESTEP, pid, NULL, NULL) == 0);
		must(waitpid(pid, &status, 0) == pid && WIFSTOPPED(status));
		is_there = is_own(pid) && n-- == 0;
	} while (!is_there && WSTOPSIG(status) == SIGTRAP);
	end_traced(pid, is_there ? SIGUSR1 : 0);
	return is_there;
}

/* can_trace -- here; not in an emulator, for one */
static bool
can_trace(void)
{
	pid_t pid = start(IN_PARENT);
	int status;

	must(pid > 0 && waitpid(pid, &status, 0) == pid);
	if (!WIFSTOPPED(status)) {
		print_message("ptrace: %s\n", strerror(WEXITSTATUS(status)));
		return false;
	}
	end_traced(pid, 0);
	return true;
}

static void
interrupt_everywhere(enum end end)
{
	unsigned n = 0;

	if (!can_trace())
		skip();
	while (interrupt(end, n))
		n++;
	/* there is nothing to see if that was not the functions */
	assert_true(n > 20);
	print_message("%u instructions\n", n);
}

static void
parent__handler_forks_anywhere__streams_are_whole(void **state)
{
	(void)state;
	interrupt_everywhere(IN_PARENT);
}

static void
child__handler_forks_anywhere__streams_are_whole(void **state)
{
	(void)state;
	interrupt_everywhere(IN_CHILD);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			parent__handler_forks_anywhere__streams_are_whole),
		cmocka_unit_test(
			child__handler_forks_anywhere__streams_are_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
