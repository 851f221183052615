/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * watch.c -- watch LOG COMMAND...: tell of every crash below a command
 *
 * Traces COMMAND and all its descendants, and writes a line to LOG for each
 * signal of a crash that one of them gets, handled or not, and whatever its
 * parent makes of it:
 *
 *   SIGNAL PROGRAM: MODULE!FUNCTION < MODULE!FUNCTION < ...
 *
 * with the innermost function first.  A signal of a crash is one that the
 * kernel raises for what a thread does, or that a process sends itself, as
 * abort() does.  Ends as COMMAND does, when all others have ended too, or two
 * seconds after it.  These go on then.
 */
#define _GNU_SOURCE
#include <elfutils/libdwfl.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#define NFRAMES_MAX 40
#define WAIT_LAST_S 2
#define NAME_SIZE   64

/* how a shell tells that a command cannot be started, or dies of a signal */
#define EXIT_NOT_STARTED 127
#define EXIT_SIGNAL      128

static FILE *out;

static _Noreturn void
die(const char *what)
{
	(void)fprintf(stderr, "watch: %s: %s\n", what, strerror(errno));
	exit(EXIT_NOT_STARTED);
}

/* read_status -- a line of /proc/TID/status, without its name */
static void
read_status(pid_t tid, const char *name, char ret_text[NAME_SIZE])
{
	char path[NAME_SIZE], line[NAME_SIZE];
	FILE *file;

	(void)snprintf(path, sizeof(path), "/proc/%d/status", tid);
	(void)strcpy(ret_text, "?");
	file = fopen(path, "r");
	while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
		if (strncmp(line, name, strlen(name)) != 0)
			continue;
		(void)sscanf(line, "%*s %63s", ret_text);
		break;
	}
	if (file != NULL)
		(void)fclose(file);
}

static int
write_frame(Dwfl_Frame *frame, void *arg)
{
	unsigned *n = arg;
	Dwarf_Addr pc;
	bool calls;
	Dwfl_Module *module;
	const char *path, *function, *slash;

	if (!dwfl_frame_pc(frame, &pc, &calls))
		return DWARF_CB_ABORT;
	/* a call that does not return may be the last of its function */
	pc -= calls;
	module =
		dwfl_addrmodule(dwfl_thread_dwfl(dwfl_frame_thread(frame)), pc);
	path = dwfl_module_info(
		module, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
	function = dwfl_module_addrname(module, pc);
	slash = path == NULL ? NULL : strrchr(path, '/');
	(void)fprintf(out, "%s%s!%s", *n == 0 ? " " : " < ",
		path == NULL    ? "?"
		: slash == NULL ? path
				: slash + 1,
		function == NULL ? "?" : function);
	return ++*n < NFRAMES_MAX ? DWARF_CB_OK : DWARF_CB_ABORT;
}

/* write_frames -- of a thread that is stopped; as many as can be found */
static void
write_frames(pid_t tid)
{
	static const Dwfl_Callbacks callbacks = {
		.find_elf = dwfl_linux_proc_find_elf,
		.find_debuginfo = dwfl_standard_find_debuginfo,
	};
	Dwfl *dwfl = dwfl_begin(&callbacks);
	unsigned n = 0;

	if (dwfl == NULL)
		return;
	if (dwfl_linux_proc_report(dwfl, tid) == 0 &&
		dwfl_report_end(dwfl, NULL, NULL) == 0 &&
		dwfl_linux_proc_attach(dwfl, tid, true) == 0)
		(void)dwfl_getthread_frames(dwfl, tid, write_frame, &n);
	dwfl_end(dwfl);
}

static bool
is_crash(pid_t tid, int sig)
{
	siginfo_t info;
	char tgid[NAME_SIZE];

	switch (sig) {
	case SIGABRT:
	case SIGBUS:
	case SIGFPE:
	case SIGILL:
	case SIGSEGV:
	case SIGSYS:
	case SIGTRAP:
		break;
	default:
		return false;
	}
	if (ptrace(PTRACE_GETSIGINFO, tid, NULL, &info) != 0)
		return false;
	read_status(tid, "Tgid:", tgid);
	return info.si_code > 0 || info.si_pid == atoi(tgid);
}

/* go_on -- after a stop of whatever kind */
static void
go_on(pid_t tid, int status)
{
	int sig = WSTOPSIG(status), event = status >> 16;
	char name[NAME_SIZE];

	if (event == PTRACE_EVENT_STOP && sig != SIGTRAP) {
		/* stopped as by job control: only a SIGCONT ends that */
		(void)ptrace(PTRACE_LISTEN, tid, NULL, NULL);
		return;
	}
	if (event != 0)
		sig = 0;
	if (is_crash(tid, sig)) {
		read_status(tid, "Name:", name);
		(void)fprintf(out, "SIG%s %s:", sigabbrev_np(sig), name);
		write_frames(tid);
		(void)fprintf(out, "\n");
		(void)fflush(out);
	}
	/* it may have been killed meanwhile */
	(void)ptrace(PTRACE_CONT, tid, NULL, (void *)(long)sig);
}

/* start -- the command, traced from before it is executed */
static pid_t
start(char **command)
{
	const long options = PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC |
			     PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK;
	int ready[2];
	char byte;
	pid_t pid;

	if (pipe(ready) != 0)
		die("pipe");
	pid = fork();
	if (pid < 0)
		die("fork");
	if (pid == 0) {
		(void)close(ready[1]);
		(void)!read(ready[0], &byte, 1);
		(void)close(ready[0]);
		(void)execvp(command[0], command);
		die(command[0]);
	}
	(void)close(ready[0]);
	if (ptrace(PTRACE_SEIZE, pid, NULL, (void *)options) != 0)
		die("ptrace");
	(void)close(ready[1]);
	return pid;
}

static void
on_alarm(int sig)
{
	(void)sig; /* waitpid() is interrupted */
}

int
main(int argc, char **argv)
{
	struct sigaction action = {.sa_handler = on_alarm};
	int status, result = EXIT_NOT_STARTED;
	pid_t first, tid;

	if (argc < 3)
		return 2;
	out = fopen(argv[1], "we");
	if (out == NULL)
		die(argv[1]);
	(void)sigaction(SIGALRM, &action, NULL);
	first = start(argv + 2);
	while ((tid = waitpid(-1, &status, __WALL)) > 0) {
		if (WIFSTOPPED(status)) {
			go_on(tid, status);
		} else if (tid == first) {
			result = WIFEXITED(status)
					 ? WEXITSTATUS(status)
					 : EXIT_SIGNAL + WTERMSIG(status);
			(void)alarm(WAIT_LAST_S);
		}
	}
	return result;
}
