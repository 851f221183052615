/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * wrap.c -- the functions that are called in the place of libc's
 *
 * close(2) does its work all the same: the descriptor is gone whatever it says.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "fault/kit/call.h"
#include "fault/kit/fault.h"

#define SYSFS_MOST 64

static struct {
	const char *file, *sysfs; /* NULL: none */
	struct stat st;
	char link[SYSFS_MOST]; /* the folder's name as it would be */
} device;

/* NOLINTBEGIN(bugprone-reserved-identifier,bugprone-macro-parentheses): the
 * linker's names; types and lists of parameters */

/* WRAP -- the function that is called instead of libc's `name` */
#define WRAP(type, bad, name, params, args)                                    \
	type __real_##name params;                                             \
	type __wrap_##name params;                                             \
	type __wrap_##name params                                              \
	{                                                                      \
		return fault_hit(CALL_##name) ? (bad) : __real_##name args;    \
	}

/* WRAP_WISH -- the same, of a function that does what an argument says */
#define WRAP_WISH(type, bad, name, wish, params, args)                         \
	type __real_##name params;                                             \
	type __wrap_##name params;                                             \
	type __wrap_##name params                                              \
	{                                                                      \
		if (fault_wish(CALL_##name, (unsigned long)(wish)))            \
			return (bad);                                          \
		return __real_##name args;                                     \
	}

WRAP(int, -1, ftruncate, (int fd, off_t size), (fd, size))
WRAP(void *, MAP_FAILED, mmap,
	(void *addr, size_t size, int prot, int flags, int fd, off_t off),
	(addr, size, prot, flags, fd, off))
WRAP(int, -1, mprotect, (void *addr, size_t size, int prot), (addr, size, prot))
WRAP(void *, MAP_FAILED, mremap,
	(void *addr, size_t old, size_t size, int flags, void *to),
	(addr, old, size, flags, to))
WRAP_WISH(int, -1, madvise, advice, (void *addr, size_t size, int advice),
	(addr, size, advice))
WRAP(ssize_t, -1, write, (int fd, const void *from, size_t n), (fd, from, n))
WRAP(ssize_t, -1, pwrite, (int fd, const void *from, size_t n, off_t off),
	(fd, from, n, off))
WRAP(ssize_t, -1, read, (int fd, void *to, size_t n), (fd, to, n))
WRAP_WISH(int, -1, ioctl, what, (int fd, unsigned long what, void *arg),
	(fd, what, arg))
WRAP_WISH(int, -1, fcntl, what, (int fd, int what, void *arg), (fd, what, arg))
WRAP(int, -1, flock, (int fd, int what), (fd, what))
WRAP(int, -1, fstatfs, (int fd, struct statfs *st), (fd, st))
WRAP(int, -1, fstatvfs, (int fd, struct statvfs *st), (fd, st))
WRAP(ssize_t, -1, readlinkat, (int fd, const char *path, char *to, size_t size),
	(fd, path, to, size))
WRAP(char *, NULL, getcwd, (char *to, size_t size), (to, size))
WRAP(ssize_t, -1, getrandom, (void *to, size_t n, unsigned flags),
	(to, n, flags))
WRAP(int, -1, getrlimit, (int what, struct rlimit *limit), (what, limit))
WRAP(int, -1, sysinfo, (struct sysinfo * info), (info))
WRAP_WISH(int, -1, prctl, what,
	(int what, unsigned long a, unsigned long b, unsigned long c,
		unsigned long d),
	(what, a, b, c, d))
WRAP(int, -1, sched_getaffinity, (pid_t pid, size_t size, cpu_set_t *set),
	(pid, size, set))
WRAP(int, -1, memfd_create, (const char *name, unsigned flags), (name, flags))
WRAP(int, -1, mincore, (void *addr, size_t size, unsigned char *in),
	(addr, size, in))
WRAP(int, -1, msync, (void *addr, size_t size, int flags), (addr, size, flags))
WRAP(int, -1, munlock, (const void *addr, size_t size), (addr, size))
WRAP(int, -1, unlinkat, (int fd, const char *name, int flags),
	(fd, name, flags))
WRAP(int, ENOMEM, pthread_atfork,
	(void (*prepare)(void), void (*parent)(void), void (*child)(void)),
	(prepare, parent, child))
WRAP(int, -1, at_quick_exit, (void (*func)(void)), (func))
WRAP(int, EAGAIN, pthread_key_create,
	(pthread_key_t * key, void (*end)(void *)), (key, end))
WRAP(int, ENOMEM, pthread_setspecific, (pthread_key_t key, const void *value),
	(key, value))

long __real_syscall(long nr, long a, long b, long c, long d, long e, long f);
long __wrap_syscall(long nr, long a, long b, long c, long d, long e, long f);

long
__wrap_syscall(long nr, long a, long b, long c, long d, long e, long f)
{
	/* the end of the process is no call that could be refused */
	if (nr != SYS_exit_group && fault_wish(CALL_syscall, (unsigned long)nr))
		return -1;
	return __real_syscall(nr, a, b, c, d, e, f);
}

int __real_fallocate(int fd, int mode, off_t off, off_t size);
int __wrap_fallocate(int fd, int mode, off_t off, off_t size);

int
__wrap_fallocate(int fd, int mode, off_t off, off_t size)
{
	if (fault_is_too_new(true) || fault_hit(CALL_fallocate))
		return -1;
	return __real_fallocate(fd, mode, off, size);
}

int __real_close(int fd);
int __wrap_close(int fd);

int
__wrap_close(int fd)
{
	int rc = __real_close(fd);
	return fault_hit(CALL_close) ? -1 : rc;
}

int __real_munmap(void *addr, size_t size);
int __wrap_munmap(void *addr, size_t size);

int
__wrap_munmap(void *addr, size_t size)
{
	bool fails = fault_hit(CALL_munmap);
	int err = errno;
	/* else the mapping would hold the device's lock for good */
	int rc = !fails || device.file != NULL ? __real_munmap(addr, size) : -1;
	if (!fails)
		return rc;
	errno = err;
	return -1;
}

/* pretend -- if it is the file that is to be a device, so it is */
static void
pretend(struct stat *st)
{
	if (device.file == NULL || st->st_ino != device.st.st_ino ||
		st->st_dev != device.st.st_dev)
		return;
	st->st_mode = S_IFCHR | (st->st_mode & ~(mode_t)S_IFMT);
	st->st_rdev = makedev(FAULT_DEVICE_MAJOR, FAULT_DEVICE_MINOR);
}

int __real_stat(const char *path, struct stat *st);
int __wrap_stat(const char *path, struct stat *st);

int
__wrap_stat(const char *path, struct stat *st)
{
	if (fault_hit(CALL_stat))
		return -1;
	int rc = __real_stat(path, st);
	if (rc == 0)
		pretend(st);
	return rc;
}

int __real_fstat(int fd, struct stat *st);
int __wrap_fstat(int fd, struct stat *st);

int
__wrap_fstat(int fd, struct stat *st)
{
	if (fault_hit(CALL_fstat))
		return -1;
	int rc = __real_fstat(fd, st);
	if (rc == 0)
		pretend(st);
	return rc;
}

void
fault_device(const char *file, const char *sysfs)
{
	device.file = file;
	device.sysfs = sysfs;
	if (file != NULL && __real_stat(file, &device.st) != 0)
		abort();
	(void)snprintf(device.link, sizeof(device.link), "/sys/dev/char/%u:%u",
		FAULT_DEVICE_MAJOR, FAULT_DEVICE_MINOR);
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
	if (fault_is_too_new((flags & O_TMPFILE) == O_TMPFILE))
		return -1;
	if (device.file != NULL && strcmp(path, device.link) == 0)
		path = device.sysfs;
	return fault_hit(CALL_open) ? -1 : __real_open(path, flags, mode);
}

int __real_openat(int dir, const char *path, int flags, ...);
int __wrap_openat(int dir, const char *path, int flags, ...);

int
__wrap_openat(int dir, const char *path, int flags, ...)
{
	mode_t mode = 0;
	mode_of(flags, &mode);
	if (fault_hit(CALL_openat))
		return -1;
	return __real_openat(dir, path, flags, mode);
}

/* NOLINTEND(bugprone-reserved-identifier,bugprone-macro-parentheses) */
