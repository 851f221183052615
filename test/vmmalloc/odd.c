/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * odd.c WHAT -- programs that do with processes and descriptors what few do
 *
 * Each goes on with its heap afterwards, which must be its own and whole.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>

#include "check.h"

#define STACK   ((size_t)1 << 18)
#define NSLOTS  64u
#define NFORKS  5
#define NALARMS 40

static char *shared; /* "parent" */
static sigjmp_buf jump;
static volatile sig_atomic_t nalarms;
static int use_fork;

static void
churn(unsigned n)
{
	static __thread unsigned char *mine[NSLOTS];
	static __thread unsigned state = 1;

	while (n-- > 0) {
		unsigned i;
		size_t size;

		state = state * 1103515245u + 12345u;
		i = state >> 16 & (NSLOTS - 1);
		size = (state >> 8) % (state >> 30 != 0 ? 3000 : 100000) + 1;
		CHECK(mine[i] == NULL || mine[i][0] == i);
		free(mine[i]);
		mine[i] = malloc(size);
		CHECK(mine[i] != NULL);
		memset(mine[i], (int)i, size);
	}
}

/* child -- what no parent may notice */
static int
child(void *arg)
{
	CHECK(strcmp(shared, "parent") == 0);
	churn(1000);
	strcpy(shared, "child!");
	free(shared);
	churn(1000);
	return arg != NULL;
}

/* fork_by -- children that are made by that */
static void
fork_by(pid_t (*how)(void))
{
	for (int i = 0; i < NFORKS; i++) {
		pid_t pid = how();

		if (pid == 0)
			_exit(child(NULL));
		churn(1000);
		CHECK_CHILD(pid);
		CHECK(strcmp(shared, "parent") == 0);
	}
}

static void
fork_by_clone(void)
{
	char *stack = mmap(NULL, STACK, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	pid_t tid = 0, pid;

	CHECK(stack != MAP_FAILED);
	for (int i = 0; i < NFORKS; i++) {
		if (i % 2 == 0)
			pid = clone(child, stack + STACK, SIGCHLD, NULL);
		else
			pid = clone(child, stack + STACK,
				SIGCHLD | CLONE_PARENT_SETTID, NULL, &tid);
		CHECK(i % 2 == 0 || tid == pid);
		churn(1000);
		CHECK_CHILD(pid);
		CHECK(strcmp(shared, "parent") == 0);
	}
	CHECK(clone(NULL, NULL, SIGCHLD, NULL) == -1 && errno == EINVAL);
	/* with our memory, on a stack from the heap */
	CHECK(munmap(stack, STACK) == 0);
	stack = malloc(STACK);
	CHECK(stack != NULL);
	pid = clone((int (*)(void *))(uintptr_t)getuid, stack + STACK,
		CLONE_VM | CLONE_VFORK | SIGCHLD, NULL);
	CHECK(pid > 0 && waitpid(pid, NULL, 0) == pid);
	free(stack);
}

/* vfork_true -- a child that tries twice, which takes memory of ours */
static pid_t
vfork_true(char *const *argv)
{
	pid_t pid = vfork(); /* NOLINT: what it does is the point */

	if (pid == 0) {
		(void)execv("/no/such", argv);
		(void)execvp("true", argv);
		_exit(1);
	}
	return pid;
}

static void
fork_by_vfork(void)
{
	char *const argv[] = {(char *)(uintptr_t) "true", NULL};
	posix_spawn_file_actions_t actions;
	pid_t pid;

	for (int i = 0; i < NFORKS; i++) {
		CHECK_CHILD(vfork_true(argv));
		churn(100);
		CHECK(posix_spawn_file_actions_init(&actions) == 0);
		CHECK(posix_spawn_file_actions_addclose(&actions, 0) == 0);
		CHECK(posix_spawnp(&pid, "true", &actions, NULL, argv,
			      environ) == 0);
		CHECK(posix_spawn_file_actions_destroy(&actions) == 0);
		CHECK_CHILD(pid);
	}
	CHECK(system("exit 0") == 0);
}

static void
on_alarm(int number)
{
	pid_t pid = use_fork ? fork() : _Fork(); /* NOLINT: it is safe */

	(void)number;
	if (pid == 0)
		_exit(0);
	nalarms++;
}

/* fork_in_handler -- in the middle of whatever it interrupts */
static void
fork_in_handler(void)
{
	struct itimerval ms = {{0, 5000}, {0, 5000}};

	for (use_fork = 0; use_fork < 2; use_fork++) {
		nalarms = 0;
		CHECK(signal(SIGCHLD, SIG_IGN) != SIG_ERR);
		CHECK(signal(SIGALRM, on_alarm) != SIG_ERR);
		CHECK(setitimer(ITIMER_REAL, &ms, NULL) == 0);
		while (nalarms < NALARMS)
			churn(10);
		CHECK(signal(SIGALRM, SIG_IGN) != SIG_ERR);
	}
	CHECK(signal(SIGCHLD, SIG_DFL) != SIG_ERR);
}

/* cancelled -- with that pending, fork is none of the places where it acts */
static void *
cancelled(void *arg)
{
	int old;

	CHECK(pthread_cancel(pthread_self()) == 0);
	pid_t pid = fork();
	if (pid == 0)
		_exit(child(NULL));
	CHECK(pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &old) == 0);
	CHECK(old == PTHREAD_CANCEL_ENABLE);
	CHECK_CHILD(pid);
	return arg;
}

static void *
churn_on(void *arg)
{
	for (;;)
		churn(100);
	return arg;
}

static void *
exec_true(void *arg)
{
	char *const argv[] = {(char *)(uintptr_t) "true", NULL};

	churn(1000);
	(void)execvp("true", argv);
	return arg;
}

/* exec_in_thread -- does not return */
static void
exec_in_thread(void)
{
	pthread_t thread;

	for (int i = 0; i < 8; i++)
		CHECK(pthread_create(&thread, NULL, churn_on, NULL) == 0);
	CHECK(pthread_create(&thread, NULL, exec_true, NULL) == 0);
	(void)churn_on(NULL);
}

/* take_descriptors -- all numbers but the first are a file of the program */
static void
take_descriptors(void)
{
	char byte;
	int fd = memfd_create("victim", 0);

	CHECK(fd >= 0);
	for (int i = 3; i < 1000; i++)
		CHECK(i == fd || dup2(fd, i) == i);
	fork_by(fork);
	CHECK(read(fd, &byte, 1) == 0);
}

static void
jump_from_signals(void)
{
	for (int i = 0; i < 1000; i++) {
		if (sigsetjmp(jump, 1) == 0)
			CHECK(raise(SIGUSR1) == 0);
		churn(10);
	}
}

static void
on_usr1(int number)
{
	siglongjmp(jump, number);
}

/* be_daemon -- in a child, whose grandchild reports; returns in the parent */
static void
be_daemon(void)
{
	int fd[2];
	char byte = 0;
	pid_t pid;

	CHECK(pipe(fd) == 0);
	pid = fork();
	if (pid == 0) {
		CHECK(daemon(0, 1) == 0);
		fork_by(fork);
		churn(1000);
		CHECK(write(fd[1], "x", 1) == 1);
		exit(0);
	}
	CHECK(close(fd[1]) == 0);
	CHECK_CHILD(pid);
	CHECK(read(fd[0], &byte, 1) == 1 && byte == 'x');
	CHECK(close(fd[0]) == 0);
}

static void
change(const char *what)
{
	struct rlimit none = {3, 3};
	void *end = &end;
	pthread_t thread;

	if (strcmp(what, "closed") == 0)
		CHECK(syscall(SYS_close_range, 3u, ~0u, 0u) == 0);
	else if (strcmp(what, "all-closed") == 0)
		CHECK(syscall(SYS_close_range, 0u, ~0u, 0u) == 0);
	else if (strcmp(what, "limited") == 0)
		CHECK(setrlimit(RLIMIT_NOFILE, &none) == 0);
	else if (strcmp(what, "chroot") == 0)
		CHECK(chroot("/proc") == 0 && chdir("/") == 0);
	else if (strcmp(what, "nobody") == 0)
		CHECK(setgid(65534) == 0 && setuid(65534) == 0);
	else if (strcmp(what, "daemon") == 0)
		be_daemon();
	else if (strcmp(what, "cancel") == 0)
		CHECK(pthread_create(&thread, NULL, cancelled, NULL) == 0 &&
			pthread_join(thread, &end) == 0 && end == NULL);
	else
		CHECK(strcmp(what, "fork") == 0);
	fork_by(fork);
}

int
main(int argc, char *argv[])
{
	const char *what = argc == 2 ? argv[1] : "";

	churn(1000);
	shared = strdup("parent");
	CHECK(signal(SIGUSR1, on_usr1) != SIG_ERR);
	if (strcmp(what, "_Fork") == 0)
		fork_by(_Fork);
	else if (strcmp(what, "clone") == 0)
		fork_by_clone();
	else if (strcmp(what, "vfork") == 0)
		fork_by_vfork();
	else if (strcmp(what, "handler") == 0)
		fork_in_handler();
	else if (strcmp(what, "exec") == 0)
		exec_in_thread();
	else if (strcmp(what, "taken") == 0)
		take_descriptors();
	else if (strcmp(what, "jump") == 0)
		jump_from_signals();
	else
		change(what);
	churn(10000);
	return 0;
}
