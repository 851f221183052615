/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * source_process.c -- a running process
 *
 * Reads by process_vm_readv(2), which neither stops the process nor leaves a
 * trace in it.  The kernel asks for the same rights as for ptrace(2).
 */
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

#include "base/error.h"
#include "inspect/source.h"

#define PROC_PATH_SIZE 64
#define PERMISSIONS    5  /* "rwxp" and its end */
#define START_FIELD    22 /* of /proc/PID/stat: when the process began */

/* what this kind keeps */
struct process {
	uint64_t started; /* tells a later process of the same pid */
	int tid;          /* of a thread that has the memory */
};

static void
proc_path(char path[PROC_PATH_SIZE], int pid, const char *name)
{
	(void)snprintf(path, PROC_PATH_SIZE, "/proc/%d/%s", pid, name);
}

/* open_proc -- a file of the process, or NULL and *ret_err */
static FILE *
open_proc(int pid, const char *name, int *ret_err)
{
	char path[PROC_PATH_SIZE];
	proc_path(path, pid, name);
	FILE *file = fopen(path, "re");
	*ret_err = 0;
	if (file == NULL)
		*ret_err = errno == ENOENT ? ESRCH : errno;
	return file;
}

/* read_start -- when the process began, in ticks; 0: not known */
static uint64_t
read_start(int pid)
{
	int err;
	FILE *file = open_proc(pid, "stat", &err);
	char *line = NULL;
	size_t room = 0;
	uint64_t start = 0;
	if (file == NULL)
		return 0;
	/* the name may hold anything, also newlines and brackets */
	ssize_t n = getdelim(&line, &room, EOF, file);
	const char *at = n > 0 ? strrchr(line, ')') : NULL;
	for (int field = 2; at != NULL && field < START_FIELD; field++)
		at = strchr(at + 1, ' ');
	if (at != NULL)
		start = strtoull(at, NULL, 10);
	free(line);
	(void)fclose(file);
	return start;
}

static void
read_program(struct source *s)
{
	int err;
	FILE *file = open_proc(s->pid, "comm", &err);
	if (file == NULL)
		return;
	if (fgets(s->program, sizeof(s->program), file) == NULL)
		s->program[0] = '\0';
	s->program[strcspn(s->program, "\n")] = '\0';
	source_clean_text(s->program);
	(void)fclose(file);
}

/*
 * add_line -- one line of /proc/PID/maps:
 * low-high rwxp offset major:minor inode   name
 */
static int
add_line(struct source *s, char *line)
{
	char permissions[PERMISSIONS] = "";
	uint64_t inode;
	int name = 0;
	struct region r = {.name = line};
	line[strcspn(line, "\n")] = '\0';
	/* NOLINTNEXTLINE(cert-err34-c) the kernel writes these numbers */
	if (sscanf(line,
		    "%" SCNx64 "-%" SCNx64 " %4s %*x %*x:%*x %" SCNu64 "%n",
		    &r.low, &r.high, permissions, &inode, &name) < 4 ||
		name == 0)
		return 0;
	r.writable = permissions[1] == 'w';
	r.of_file = inode != 0 && permissions[3] == 'p';
	r.name = line + name + strspn(line + name, " ");
	return source_add_region(s, &r);
}

/*
 * read_maps -- the regions as a thread has them
 * None of one that has ended: of those that are left each tells the same.
 */
static int
read_maps(struct source *s, int tid)
{
	int err, rc = 0;
	char *line = NULL;
	size_t room = 0;
	FILE *file = open_proc(tid, "maps", &err);
	source_clear_regions(s);
	if (file == NULL)
		return -err;
	errno = 0;
	while (rc == 0 && getline(&line, &room, file) > 0)
		rc = add_line(s, line);
	err = ferror(file) ? errno : 0;
	free(line);
	(void)fclose(file);
	return rc != 0 ? rc : -err;
}

/* find_thread -- one that has memory, where the first thread has ended */
static int
find_thread(struct source *s)
{
	char path[PROC_PATH_SIZE];
	const struct dirent *e;
	struct process *p = s->own;
	int rc = 0;
	proc_path(path, s->pid, "task");
	DIR *dir = opendir(path);
	while (dir != NULL && s->nregions == 0 && (e = readdir(dir)) != NULL) {
		int tid = (int)strtol(e->d_name, NULL, 10);
		if (tid <= 0 || tid == s->pid)
			continue;
		p->tid = tid;
		rc = read_maps(s, tid);
	}
	if (dir != NULL)
		(void)closedir(dir);
	return rc == -ESRCH ? 0 : rc;
}

static int
refresh(struct source *s)
{
	struct process *p = s->own;
	int first = read_maps(s, s->pid), rc = first;
	p->tid = s->pid;
	if ((first == 0 || first == -ESRCH) && s->nregions == 0)
		rc = find_thread(s);
	if (rc != 0)
		return source_why(s, rc, "its memory map");
	if (s->nregions == 0 && first == -ESRCH)
		return fail(ESRCH, "no process %d", s->pid);
	if (s->nregions == 0)
		return fail(ESRCH,
			"process %d has no memory: it has ended, or "
			"is part of the kernel",
			s->pid);
	if (p->started != read_start(s->pid))
		return fail(ESRCH, "process %d has ended", s->pid);
	return 0;
}

/*
 * is_served -- by /proc/PID/smaps: in VmFlags, below each mapping's line, "um"
 * and "ui" are a userfaultfd that is asked for pages that are not there
 */
static bool
is_served(struct source *s, uint64_t from, uint64_t size)
{
	const struct process *p = s->own;
	int err;
	char *line = NULL;
	size_t room = 0;
	uint64_t low, high;
	bool inside = false, served = false;
	FILE *file = open_proc(p->tid, "smaps", &err);
	while (file != NULL && !served && getline(&line, &room, file) > 0) {
		/* NOLINTNEXTLINE(cert-err34-c) the kernel writes these */
		if (sscanf(line, "%" SCNx64 "-%" SCNx64, &low, &high) == 2)
			inside = low < from + size && high > from;
		else if (inside &&
			 strncmp(line, "VmFlags:", strlen("VmFlags:")) == 0)
			served = strstr(line, " um") != NULL ||
				 strstr(line, " ui") != NULL;
	}
	free(line);
	if (file != NULL)
		(void)fclose(file);
	return served;
}

static int
read_memory(struct source *s, uint64_t from, void *to, size_t size)
{
	const struct process *p = s->own;
	char *at = to;
	while (size > 0) {
		struct iovec here = {at, size};
		/* an address of the other process: only the kernel follows it
		 */
		struct iovec there = {(void *)(uintptr_t)from, size};
		ssize_t n = process_vm_readv(p->tid, &here, 1, &there, 1, 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return -EFAULT;
		at += n;
		from += (uint64_t)n;
		size -= (size_t)n;
	}
	return 0;
}

static void
close_process(struct source *s)
{
	free(s->own);
}

static const struct source_ops ops = {.read = read_memory,
	.refresh = refresh,
	.is_served = is_served,
	.close = close_process};

int
source_open_process(struct source **ret, int pid)
{
	struct source *s = source_new(&ops);
	if (s == NULL)
		return -ENOMEM;
	struct process *p = malloc(sizeof(*p));
	s->own = p;
	s->pid = pid;
	int rc = -ENOMEM;
	if (p == NULL) {
		(void)fail(ENOMEM, "no memory");
	} else {
		p->started = read_start(pid);
		read_program(s);
		rc = refresh(s);
	}
	if (rc != 0) {
		source_close(s);
		return rc;
	}
	*ret = s;
	return 0;
}
