/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * process.c -- children, and what a process holds
 */
#include "harness/test.h"

#include "harness/fs.h"
#include "harness/proc.h"

#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define PATH_BYTES 4096

struct child {
	int (*fn)(void *arg);
	void *arg;
	int out_fd; /* what gets the standard streams; or -1 */
};

static int
run_child(void *arg)
{
	const struct child *child = arg;

	for (int signum = 1; signum < SIGRTMIN; signum++)
		(void)signal(signum, SIG_DFL); /* fails for two of them */
	alarm(TEST_CHILD_SECONDS);
	if (child->out_fd >= 0) {
		must(dup2(child->out_fd, STDOUT_FILENO) >= 0);
		must(dup2(child->out_fd, STDERR_FILENO) >= 0);
	}
	return child->fn(child->arg);
}

int
test_child(int (*fn)(void *arg), void *arg)
{
	struct child child = {fn, arg, -1};

	return proc_run_child(run_child, &child);
}

int
test_child_output(int (*fn)(void *arg), void *arg, char *out, size_t size)
{
	FILE *file = tmpfile();
	struct child child = {fn, arg, -1};
	size_t n;
	int code;

	must(file != NULL);
	child.out_fd = fileno(file);
	code = proc_run_child(run_child, &child);
	rewind(file);
	n = fread(out, 1, size - 1, file);
	out[n] = '\0';
	fclose(file);
	return code;
}

static char own_dir[PATH_BYTES];
static pid_t own_dir_pid;

static void
remove_own_dir(void)
{
	if (own_dir_pid == getpid())
		(void)rmdir(own_dir); /* a test has left something: keep it */
}

const char *
test_dir(void)
{
	const char *parent = getenv("TMPDIR");

	if (own_dir_pid == getpid())
		return own_dir;
	snprintf(own_dir, sizeof(own_dir), "%s/vmem-test-XXXXXX",
		parent != NULL ? parent : "/tmp");
	must(mkdtemp(own_dir) != NULL);
	own_dir_pid = getpid();
	must(atexit(remove_own_dir) == 0);
	return own_dir;
}

size_t
test_read_file(const char *path, char *buf, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t n = 0;
	ssize_t r;

	must(fd >= 0);
	while (n < size - 1 && (r = read(fd, buf + n, size - 1 - n)) > 0)
		n += (size_t)r;
	buf[n] = '\0';
	close(fd);
	return n;
}

size_t
test_nthreads(void)
{
	return fs_nfiles("/proc/self/task");
}

size_t
test_vm_size(void)
{
	char text[4096];
	const char *line;

	/* statm has pages, under an emulator not of the size it tells us */
	test_read_file("/proc/self/status", text, sizeof(text));
	line = strstr(text, "VmSize:");
	must(line != NULL);
	return strtoull(line + strlen("VmSize:"), NULL, 10) * KIB;
}

size_t
test_resident(const void *addr, size_t size)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	uintptr_t start = (uintptr_t)addr & ~(page - 1);
	size_t npages = ((uintptr_t)addr + size - start + page - 1) / page;
	unsigned char *vec = malloc(npages);
	size_t n = 0;

	must(vec != NULL);
	must(mincore((void *)start, npages * page, vec) == 0);
	for (size_t i = 0; i < npages; i++)
		n += vec[i] & 1;
	free(vec);
	return n * page;
}

bool
test_mapping(const void *addr, uintptr_t *ret_start, uintptr_t *ret_end,
	char *line, size_t size)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	bool found = false;

	must(maps != NULL);
	while (!found && fgets(line, (int)size, maps) != NULL) {
		uintptr_t start, end;

		if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR, &start, &end) != 2)
			continue;
		if ((uintptr_t)addr < start || (uintptr_t)addr >= end)
			continue;
		*ret_start = start;
		*ret_end = end;
		found = true;
	}
	fclose(maps);
	return found;
}
