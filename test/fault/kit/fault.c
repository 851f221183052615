/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * fault.c -- which system calls fail, and what came of it
 *
 * It runs inside of malloc too, and so takes no memory.
 */
#include "fault/kit/fault.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/membarrier.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fault/kit/call.h"

#define DECIMAL    10
#define NWISHES    18u
#define LINE_MOST  80
#define REPORT_MOD 0600

/* by their numbers: older headers do not have them */
#define POPULATE_READ  22
#define POPULATE_WRITE 23
#define SET_VMA        0x53564d41

#define CALL_ROW(name, ...) {#name, {__VA_ARGS__, 0}},

static const struct {
	const char *name;
	int errnos[ERRNOS_MOST];
} calls[] = {CALLS(CALL_ROW)};

#define WISH(call, name)                                                       \
	{                                                                      \
		CALL_##call, (unsigned long)(name), #name                      \
	}

/* what is asked of the calls that do many things; by the names that the sources
 * of the libraries have for it */
static const struct {
	enum call call;
	unsigned long number;
	const char *name;
} wishes[NWISHES] = {
	WISH(madvise, MADV_DONTNEED),
	WISH(madvise, MADV_REMOVE),
	WISH(madvise, MADV_RANDOM),
	WISH(madvise, MADV_HUGEPAGE),
	WISH(madvise, MADV_NOHUGEPAGE),
	WISH(madvise, POPULATE_WRITE),
	WISH(madvise, POPULATE_READ),
	WISH(ioctl, FICLONE),
	WISH(ioctl, FS_IOC_GETFLAGS),
	WISH(ioctl, FS_IOC_SETFLAGS),
	WISH(fcntl, F_GETFL),
	WISH(fcntl, F_DUPFD_CLOEXEC),
	WISH(prctl, SET_VMA),
	WISH(syscall, SYS_membarrier),
	WISH(syscall, SYS_mbind),
	WISH(syscall, SYS_getcwd),
	WISH(syscall, SYS_futex),
	WISH(syscall, SYS_nanosleep),
};

static struct {
	bool on;
	enum fault_side side;
	unsigned at, which; /* 0: none */
	unsigned mean;      /* 0: none at random */
	uint32_t row;       /* of random numbers */
	pid_t maker, pid;   /* who made it; whose calls are counted */
	unsigned count;
	bool started; /* the environment has been looked at */
} plan;

static struct report {
	unsigned count, hits;
	int err;
	enum call last;
	unsigned char failed[NCALLS];
} own_report, *report = &own_report;

static bool recorded[NCALLS], recorded_wish[NWISHES];
static bool old_system;

/* the functions that wrap.c stands before */
/* NOLINTBEGIN(bugprone-reserved-identifier): the linker's names */
int __real_open(const char *path, int flags, ...);
int __real_close(int fd);
ssize_t __real_write(int fd, const void *from, size_t n);
int __real_ftruncate(int fd, off_t size);
void *__real_mmap(
	void *addr, size_t size, int prot, int flags, int fd, off_t off);
int __real_munmap(void *addr, size_t size);
/* NOLINTEND(bugprone-reserved-identifier) */

static unsigned
nerrnos(enum call c)
{
	unsigned n = 1; /* none has none */
	while (calls[c].errnos[n] != 0)
		n++;
	return n;
}

static uint32_t
next_random(void)
{
	plan.row = plan.row * 1664525u + 1013904223u;
	return plan.row >> 8;
}

/* record -- one line; nothing may come of it when there is no such file */
static void
record(const char *name, const char *wish)
{
	char line[LINE_MOST];
	const char *path = getenv(FAULT_RECORD);
	if (path == NULL)
		return;
	int n = snprintf(line, sizeof(line), "%s%s%s\n", name,
		wish[0] != '\0' ? " " : "", wish);
	int fd = __real_open(
		path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, REPORT_MOD);
	if (fd < 0)
		return;
	(void)!__real_write(fd, line, (size_t)n);
	(void)__real_close(fd);
}

/* start -- the plan and the place of the report that the environment has */
static void
start(void)
{
	const char *text = getenv(FAULT_PLAN), *path = getenv(FAULT_REPORT);
	char *end;
	plan.started = true;
	if (text == NULL)
		return;
	enum fault_side side = (enum fault_side)strtoul(text, &end, DECIMAL);
	unsigned at = (unsigned)strtoul(end, &end, DECIMAL);
	unsigned which = (unsigned)strtoul(end, &end, DECIMAL);
	unsigned mean = (unsigned)strtoul(end, &end, DECIMAL);
	unsigned seed = (unsigned)strtoul(end, &end, DECIMAL);
	int fd = path == NULL ? -1 : __real_open(path, O_RDWR | O_CLOEXEC);
	if (fd >= 0) {
		void *p = __real_mmap(NULL, sizeof(*report),
			PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		if (p != MAP_FAILED)
			report = p;
		(void)__real_close(fd);
	}
	if (mean != 0)
		fault_random(mean, seed);
	else
		fault_at(at, which);
	fault_side(side);
}

/* is_counted -- is this process one of those whose calls the plan is for? */
static bool
is_counted(void)
{
	if (!plan.started)
		start();
	if (!plan.on)
		return false;
	pid_t pid = getpid();
	if (pid != plan.pid) {
		plan.pid = pid;
		plan.count = 0;
		plan.row += (uint32_t)pid;
	}
	return plan.side == FAULT_EVERYWHERE ||
	       (plan.side == FAULT_HERE) == (pid == plan.maker);
}

/* is_due -- is it the turn of this call, and with which errno? */
static bool
is_due(unsigned *ret_which)
{
	plan.count++;
	if (plan.count > report->count)
		report->count = plan.count;
	*ret_which = plan.which;
	if (plan.mean == 0)
		return plan.count == plan.at;
	if (next_random() % plan.mean != 0)
		return false;
	*ret_which = next_random();
	return true;
}

bool
fault_hit(enum call c)
{
	int saved = errno;
	unsigned which = 0;
	const char *always = getenv(FAULT_ALWAYS);
	bool is_always = always != NULL && strcmp(always, calls[c].name) == 0;
	bool due = is_always || (is_counted() && is_due(&which));
	if (due && !recorded[c]) {
		recorded[c] = true;
		record(calls[c].name, "");
	}
	errno = saved;
	if (!due)
		return false;
	int err = calls[c].errnos[which % nerrnos(c)];
	if (!is_always) {
		report->hits++;
		report->last = c;
		report->failed[c] = 1;
		report->err = err;
	}
	errno = err;
	return true;
}

bool
fault_wish(enum call c, unsigned long wish)
{
	if (!fault_hit(c))
		return false;
	int err = errno;
	for (unsigned i = 0; i < NWISHES; i++) {
		if (wishes[i].call != c || wishes[i].number != wish ||
			wishes[i].name == NULL || recorded_wish[i])
			continue;
		recorded_wish[i] = true;
		record(calls[c].name, wishes[i].name);
	}
	errno = err;
	return true;
}

void
fault_none(void)
{
	fault_at(0, 0);
}

void
fault_at(unsigned at, unsigned which)
{
	memset(&plan, 0, sizeof(plan));
	memset(report, 0, sizeof(*report));
	plan.at = at;
	plan.which = which;
	plan.maker = plan.pid = getpid();
	plan.started = true;
	plan.on = true;
}

void
fault_side(enum fault_side side)
{
	plan.side = side;
}

void
fault_own(void)
{
	plan.maker = plan.pid = getpid();
}

void
fault_random(unsigned mean, unsigned seed)
{
	fault_at(0, 0);
	plan.mean = mean;
	plan.row = seed;
}

void
fault_share(void)
{
	void *p = __real_mmap(NULL, sizeof(*report), PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED)
		abort();
	report = p;
}

bool
fault_read_report(const char *path)
{
	int fd = __real_open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	bool ok = pread(fd, report, sizeof(*report), 0) ==
		  (ssize_t)sizeof(*report);
	(void)__real_close(fd);
	return ok;
}

bool
fault_make_report(const char *path)
{
	int fd = __real_open(
		path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, REPORT_MOD);
	if (fd < 0)
		return false;
	bool ok = __real_ftruncate(fd, sizeof(*report)) == 0;
	(void)__real_close(fd);
	return ok;
}

void
fault_old_system(bool old)
{
	old_system = old;
}

bool
fault_is_too_new(bool is)
{
	if (old_system && is)
		errno = EOPNOTSUPP;
	return old_system && is;
}

const char *
fault_call(unsigned i)
{
	return i < NCALLS ? calls[i].name : NULL;
}

void
fault_pause(void)
{
	plan.on = false;
}

void
fault_resume(void)
{
	plan.on = true;
}

unsigned
fault_count(void)
{
	return report->count;
}

unsigned
fault_hits(void)
{
	return report->hits;
}

const char *
fault_name(void)
{
	return report->hits == 0 ? "" : calls[report->last].name;
}

int
fault_errno(void)
{
	return report->err;
}

unsigned
fault_nerrnos(void)
{
	return report->hits == 0 ? 0 : nerrnos(report->last);
}

bool
fault_was(const char *name)
{
	for (unsigned c = 0; c < NCALLS; c++)
		if (strcmp(calls[c].name, name) == 0)
			return report->failed[c] != 0;
	return false;
}

bool
fault_is_of(const char *names)
{
	const char *word = fault_name(), *at = names;
	size_t n = strlen(word);
	while (n > 0 && at != NULL && (at = strstr(at, word)) != NULL) {
		if ((at == names || at[-1] == ' ') &&
			(at[n] == ' ' || at[n] == '\0'))
			return true;
		at += n;
	}
	return false;
}
