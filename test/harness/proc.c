/* SPDX-License-Identifier: BSD-3-Clause */
#include "harness/proc.h"

#include <dirent.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* the sanitizers keep changing reservations of their own */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define COUNT_NONE false
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) ||     \
	__has_feature(memory_sanitizer)
#define COUNT_NONE false
#endif
#endif
#ifndef COUNT_NONE
#define COUNT_NONE true
#endif

size_t
proc_peak_memory(void)
{
	struct rusage usage;

	if (getrusage(RUSAGE_SELF, &usage) != 0)
		abort();
	return (size_t)usage.ru_maxrss * 1024;
}

static size_t
count_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	size_t n = 0;

	if (dir == NULL)
		return 0;
	while (readdir(dir) != NULL)
		n++;
	closedir(dir);
	return n - 3; /* ".", ".." and the directory's own */
}

/* count_map -- add the mapping of one line of /proc/self/maps */
static void
count_map(struct proc_count *count, const char *line)
{
	unsigned long long from, to;
	char perms[5];

	if (sscanf(line, "%llx-%llx %4s", &from, &to, perms) != 3)
		return;
	if (perms[3] == 's')
		count->shared_bytes += (size_t)(to - from);
	if (COUNT_NONE && strncmp(perms, "---", 3) == 0)
		count->none_bytes += (size_t)(to - from);
}

struct proc_count
proc_count(void)
{
	struct proc_count ret = {.nfds = count_fds()};
	FILE *maps = fopen("/proc/self/maps", "re");
	char line[4352]; /* a path and what is before it */

	if (maps == NULL)
		return ret;
	while (fgets(line, sizeof(line), maps) != NULL)
		count_map(&ret, line);
	fclose(maps);
	return ret;
}

bool
proc_is_unchanged(struct proc_count before)
{
	struct proc_count now = proc_count();
	bool same = now.nfds == before.nfds &&
		    now.shared_bytes == before.shared_bytes &&
		    now.none_bytes == before.none_bytes;

	if (!same)
		fprintf(stderr,
			"descriptors %zu, were %zu; shared bytes %zu, were "
			"%zu; reserved bytes %zu, were %zu\n",
			now.nfds, before.nfds, now.shared_bytes,
			before.shared_bytes, now.none_bytes, before.none_bytes);
	return same;
}

bool
proc_is_emulated(void)
{
	const char *variant = getenv("VMEM_TEST_VARIANT");

	return variant != NULL && strcmp(variant, "aarch64") == 0;
}

bool
proc_can_read(const void *addr)
{
	int fds[2], saved = errno;
	bool ok;

	/* the kernel reads for us, and says EFAULT */
	if (pipe(fds) != 0)
		abort();
	ok = write(fds[1], addr, 1) == 1;
	close(fds[0]);
	close(fds[1]);
	errno = saved;
	return ok;
}

int
proc_run_child(int (*run)(void *arg), void *arg)
{
	int status;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (pid == 0)
		_exit(run(arg));
	if (pid < 0)
		abort();
	while (waitpid(pid, &status, 0) != pid)
		if (errno != EINTR)
			abort();
	if (WIFSIGNALED(status))
		return 128 + WTERMSIG(status);
	return WEXITSTATUS(status);
}

bool
proc_deny_syscall(long nr, unsigned arg, unsigned mask, int err)
{
	const size_t arg_off = offsetof(struct seccomp_data, args) +
			       sizeof(uint64_t) * arg +
			       (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? 4 : 0);
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			(uint32_t)offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)nr, 0, 4),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)arg_off),
		BPF_STMT(BPF_ALU | BPF_AND | BPF_K, mask),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, mask, 0, 1),
		BPF_STMT(BPF_RET | BPF_K,
			SECCOMP_RET_ERRNO | (uint32_t)(err & 0xffff)),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = {
		.len = sizeof(code) / sizeof(code[0]),
		.filter = code,
	};

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
	       prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog) == 0;
}
