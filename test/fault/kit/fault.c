/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * fault.c -- system calls that fail when a test wants it
 *
 * close(2) does its work all the same: the descriptor is gone whatever it says.
 */
#include "fault/kit/fault.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#define ERRNOS_MOST 6u

/* the calls, and what each may say; a 0 ends the list */
#define CALLS(CALL)                                                            \
	CALL(open, EACCES, EMFILE, ENOSPC, EOPNOTSUPP, EROFS)                  \
	CALL(openat, EACCES, EEXIST, EMFILE)                                   \
	CALL(close, EIO, EINTR)                                                \
	CALL(ftruncate, EFBIG, EINTR, EPERM)                                   \
	CALL(fallocate, ENOSPC, EINTR, EOPNOTSUPP, ENOMEM, EIO)                \
	CALL(mmap, ENOMEM, EAGAIN, EACCES, ENODEV)                             \
	CALL(munmap, ENOMEM)                                                   \
	CALL(mprotect, ENOMEM, EACCES)                                         \
	CALL(mremap, ENOMEM)                                                   \
	CALL(madvise, ENOMEM, EFAULT, EINVAL, EIO, EINTR)                      \
	CALL(syscall, EPERM, ENOSYS, EINVAL)                                   \
	CALL(write, ENOSPC, EIO, EINTR)                                        \
	CALL(pwrite, ENOSPC, EIO, EINTR)                                       \
	CALL(read, EIO, EINTR)                                                 \
	CALL(ioctl, ENOTTY)                                                    \
	CALL(fcntl, EMFILE)                                                    \
	CALL(fstat, ENOMEM)                                                    \
	CALL(fstatfs, ENOSYS)                                                  \
	CALL(getrandom, EAGAIN, ENOSYS)                                        \
	CALL(getrlimit, EPERM)                                                 \
	CALL(memfd_create, EMFILE, ENOMEM)                                     \
	CALL(mincore, ENOMEM)                                                  \
	CALL(unlinkat, EACCES)                                                 \
	CALL(pthread_key_create, EAGAIN)                                       \
	CALL(pthread_setspecific, ENOMEM)

#define CALL_NAME(name, ...) CALL_##name,
#define CALL_ROW(name, ...)  {#name, {__VA_ARGS__, 0}},

enum call { CALLS(CALL_NAME) NCALLS };

static const struct {
	const char *name;
	int errnos[ERRNOS_MOST];
} calls[] = {CALLS(CALL_ROW)};

static struct {
	bool on;
	unsigned at, which; /* 0: none */
	unsigned mean;      /* 0: none at random */
	uint32_t row;       /* of random numbers */
	unsigned count, hits;
	int err;
	enum call last;
	bool failed[NCALLS];
} plan;

static bool old_system;

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

/* fails -- this call, now?  Sets errno when it does. */
static bool
fails(enum call c)
{
	unsigned which = plan.which;
	const char *always = getenv(FAULT_ALWAYS);
	if (always != NULL && strcmp(always, calls[c].name) == 0) {
		errno = calls[c].errnos[0];
		return true;
	}
	if (!plan.on)
		return false;
	plan.count++;
	if (plan.mean != 0) {
		if (next_random() % plan.mean != 0)
			return false;
		which = next_random();
	} else if (plan.count != plan.at) {
		return false;
	}
	plan.hits++;
	plan.last = c;
	plan.failed[c] = true;
	plan.err = calls[c].errnos[which % nerrnos(c)];
	errno = plan.err;
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
	plan.at = at;
	plan.which = which;
	plan.on = true;
}

void
fault_random(unsigned mean, unsigned seed)
{
	fault_at(0, 0);
	plan.mean = mean;
	plan.row = seed;
}

void
fault_old_system(bool old)
{
	old_system = old;
}

/* is_too_new -- would an old file system not know it? */
static bool
is_too_new(bool is)
{
	if (old_system && is)
		errno = EOPNOTSUPP;
	return old_system && is;
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
	return plan.count;
}

unsigned
fault_hits(void)
{
	return plan.hits;
}

const char *
fault_name(void)
{
	return plan.hits == 0 ? "" : calls[plan.last].name;
}

int
fault_errno(void)
{
	return plan.err;
}

unsigned
fault_nerrnos(void)
{
	return plan.hits == 0 ? 0 : nerrnos(plan.last);
}

bool
fault_was(const char *name)
{
	for (unsigned c = 0; c < NCALLS; c++)
		if (strcmp(calls[c].name, name) == 0)
			return plan.failed[c];
	return false;
}

/* NOLINTBEGIN(bugprone-reserved-identifier,bugprone-macro-parentheses): the
 * linker's names; types and lists of parameters */

/* WRAP -- the function that is called instead of libc's `name` */
#define WRAP(type, bad, name, params, args)                                    \
	type __real_##name params;                                             \
	type __wrap_##name params;                                             \
	type __wrap_##name params                                              \
	{                                                                      \
		return fails(CALL_##name) ? (bad) : __real_##name args;        \
	}

WRAP(int, -1, ftruncate, (int fd, off_t size), (fd, size))
WRAP(void *, MAP_FAILED, mmap,
	(void *addr, size_t size, int prot, int flags, int fd, off_t off),
	(addr, size, prot, flags, fd, off))
WRAP(int, -1, munmap, (void *addr, size_t size), (addr, size))
WRAP(int, -1, mprotect, (void *addr, size_t size, int prot), (addr, size, prot))
WRAP(void *, MAP_FAILED, mremap,
	(void *addr, size_t old, size_t size, int flags, void *to),
	(addr, old, size, flags, to))
WRAP(int, -1, madvise, (void *addr, size_t size, int advice),
	(addr, size, advice))
WRAP(long, -1, syscall,
	(long nr, long a, long b, long c, long d, long e, long f),
	(nr, a, b, c, d, e, f))
WRAP(ssize_t, -1, write, (int fd, const void *from, size_t n), (fd, from, n))
WRAP(ssize_t, -1, pwrite, (int fd, const void *from, size_t n, off_t off),
	(fd, from, n, off))
WRAP(ssize_t, -1, read, (int fd, void *to, size_t n), (fd, to, n))
WRAP(int, -1, ioctl, (int fd, unsigned long what, void *arg), (fd, what, arg))
WRAP(int, -1, fcntl, (int fd, int what, void *arg), (fd, what, arg))
WRAP(int, -1, fstat, (int fd, struct stat *st), (fd, st))
WRAP(int, -1, fstatfs, (int fd, struct statfs *st), (fd, st))
WRAP(ssize_t, -1, getrandom, (void *to, size_t n, unsigned flags),
	(to, n, flags))
WRAP(int, -1, getrlimit, (int what, struct rlimit *limit), (what, limit))
WRAP(int, -1, memfd_create, (const char *name, unsigned flags), (name, flags))
WRAP(int, -1, mincore, (void *addr, size_t size, unsigned char *in),
	(addr, size, in))
WRAP(int, -1, unlinkat, (int fd, const char *name, int flags),
	(fd, name, flags))
WRAP(int, EAGAIN, pthread_key_create,
	(pthread_key_t * key, void (*end)(void *)), (key, end))
WRAP(int, ENOMEM, pthread_setspecific, (pthread_key_t key, const void *value),
	(key, value))

int __real_fallocate(int fd, int mode, off_t off, off_t size);
int __wrap_fallocate(int fd, int mode, off_t off, off_t size);

int
__wrap_fallocate(int fd, int mode, off_t off, off_t size)
{
	if (is_too_new(true) || fails(CALL_fallocate))
		return -1;
	return __real_fallocate(fd, mode, off, size);
}

int __real_close(int fd);
int __wrap_close(int fd);

int
__wrap_close(int fd)
{
	int rc = __real_close(fd);
	return fails(CALL_close) ? -1 : rc;
}

/* mode_of -- the argument that is there when a file may be made */
#define mode_of(flags, ret)                                                    \
	do {                                                                   \
		va_list ap;                                                    \
		va_start(ap, flags);                                           \
		if (((flags) & (O_CREAT | O_TMPFILE)) != 0)                    \
			*(ret) = va_arg(ap, mode_t);                           \
		va_end(ap);                                                    \
	} while (0)

int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);

int
__wrap_open(const char *path, int flags, ...)
{
	mode_t mode = 0;
	mode_of(flags, &mode);
	if (is_too_new((flags & O_TMPFILE) == O_TMPFILE))
		return -1;
	return fails(CALL_open) ? -1 : __real_open(path, flags, mode);
}

int __real_openat(int dir, const char *path, int flags, ...);
int __wrap_openat(int dir, const char *path, int flags, ...);

int
__wrap_openat(int dir, const char *path, int flags, ...)
{
	mode_t mode = 0;
	mode_of(flags, &mode);
	return fails(CALL_openat) ? -1 : __real_openat(dir, path, flags, mode);
}

/* NOLINTEND(bugprone-reserved-identifier,bugprone-macro-parentheses) */
