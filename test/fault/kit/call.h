/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * call.h -- the calls that can be made to fail, and what each may say
 *
 * cmake/tests.cmake reads the names, one line each, for the linker's --wrap;
 * test/fault/covered.sh reads them to know which there are.  What goes through
 * syscall(2) has a name for each number, and what does many things by an
 * argument is recorded with the argument's name (fault_wish).
 */
#ifndef FAULT_CALL_H
#define FAULT_CALL_H

#include <stdbool.h>

#define ERRNOS_MOST 6u

/* a 0 ends the list of each; none at all: it has no errno */
#define CALLS(CALL)                                                            \
	CALL(open, EACCES, EMFILE, ENOSPC, EOPNOTSUPP, EROFS)                  \
	CALL(openat, EACCES, EEXIST, EMFILE)                                   \
	CALL(close, EIO, EINTR)                                                \
	CALL(ftruncate, EFBIG, EINTR, EPERM)                                   \
	CALL(fallocate, ENOSPC, EINTR, EOPNOTSUPP, ENOMEM, EIO)                \
	CALL(mmap, ENOMEM, EAGAIN, EACCES, ENODEV)                             \
	CALL(munmap, ENOMEM)                                                   \
	CALL(mprotect, ENOMEM, EACCES)                                         \
	CALL(mremap, ENOMEM, EFAULT)                                           \
	CALL(madvise, ENOMEM, EFAULT, EINVAL, EIO, EINTR)                      \
	CALL(syscall, EPERM, ENOSYS, EINVAL)                                   \
	CALL(write, ENOSPC, EIO, EINTR)                                        \
	CALL(pwrite, ENOSPC, EIO, EINTR)                                       \
	CALL(read, EIO, EINTR)                                                 \
	CALL(ioctl, ENOTTY, EOPNOTSUPP, ENOSPC)                                \
	CALL(fcntl, EMFILE)                                                    \
	CALL(flock, EWOULDBLOCK, ENOLCK)                                       \
	CALL(stat, EACCES, ENOENT)                                             \
	CALL(fstat, ENOMEM)                                                    \
	CALL(fstatfs, ENOSYS)                                                  \
	CALL(fstatvfs, EIO)                                                    \
	CALL(readlinkat, EACCES)                                               \
	CALL(getcwd, ENOENT, EACCES)                                           \
	CALL(getrandom, EAGAIN, ENOSYS)                                        \
	CALL(getrlimit, EPERM)                                                 \
	CALL(sysinfo, EPERM)                                                   \
	CALL(prctl, EINVAL, EPERM)                                             \
	CALL(sched_getaffinity, EINVAL, EPERM)                                 \
	CALL(memfd_create, EMFILE, ENOMEM)                                     \
	CALL(mincore, EAGAIN)                                                  \
	CALL(msync, EIO)                                                       \
	CALL(munlock, ENOMEM)                                                  \
	CALL(unlinkat, EACCES)                                                 \
	CALL(pthread_atfork, ENOMEM)                                           \
	CALL(at_quick_exit, ENOMEM)                                            \
	CALL(pthread_key_create, EAGAIN)                                       \
	CALL(pthread_setspecific, ENOMEM)

#define CALL_NAME(name, ...) CALL_##name,

enum call { CALLS(CALL_NAME) NCALLS };

/* fault_hit -- fails this call, now?  Sets errno when it does. */
bool fault_hit(enum call c);

/* fault_wish -- the same, of a call that does what its argument says */
bool fault_wish(enum call c, unsigned long wish);

/* fault_is_too_new -- would an old file system not know it? */
bool fault_is_too_new(bool is);

#endif
