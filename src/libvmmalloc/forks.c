/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * forks.c -- children that are made without libc's fork handlers
 *
 * _Fork() of libc runs none, nor does clone(); the child would share the heap
 * with its parent.  So both are replaced: what the handlers do is done around
 * them.  In a signal handler that has interrupted malloc nothing is done, as
 * with fork(): the child may only call exec or _exit then.
 *
 * A child that shares the address space (CLONE_VM) has the same heap as ever.
 * What calls the kernel itself, by syscall(), is not seen.
 */
#include "libvmmalloc/forks.h"

#include <dlfcn.h>
#include <errno.h>
#include <sched.h>
#include <stdarg.h>
#include <unistd.h>

#include "base/compiler.h"
#include "base/log.h"
#include "libvmmalloc/boot.h"

typedef pid_t fork_func(void);
typedef int clone_func(int (*)(void *), void *, int, void *, ...);

/* flags of clone() with which there are more arguments */
#define CLONE_WITH_MORE                                                        \
	(CLONE_PARENT_SETTID | CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID |     \
		CLONE_SETTLS | CLONE_PIDFD)

/* libc's own; set once, before main */
static fork_func *real_fork;
static clone_func *real_clone;

/* what the child shall begin with, on the parent's stack, of which it has a
 * copy */
struct start {
	int (*func)(void *);
	void *arg;
};

void
forks_init(void)
{
	/* POSIX's way from an object pointer to a function */
	*(void **)&real_fork = dlsym(RTLD_NEXT, "_Fork");
	*(void **)&real_clone = dlsym(RTLD_NEXT, "clone");
}

EXPORT pid_t
_Fork(void)
{
	LOG(3, "no arguments");
	if (real_fork == NULL) {
		errno = ENOSYS;
		return -1;
	}
	boot_fork_prepare(NULL);
	pid_t pid = real_fork();
	int saved = errno;
	if (pid == 0)
		boot_fork_child();
	else
		boot_fork_parent();
	errno = saved;
	return pid;
}

static int
start_child(void *arg)
{
	struct start start = *(struct start *)arg;
	boot_fork_child();
	return start.func(start.arg);
}

EXPORT int
clone(int (*fn)(void *), void *child_stack, int flags, void *arg, ...)
{
	struct start start = {fn, arg};
	/* a number: there is no format for a function */
	LOG(3, "fn 0x%zx child_stack %p flags 0x%x arg %p", (size_t)fn,
		child_stack, (unsigned)flags, arg);
	void *parent_tid = NULL, *tls = NULL, *child_tid = NULL;
	if ((flags & CLONE_WITH_MORE) != 0) {
		va_list ap;
		va_start(ap, arg);
		parent_tid = va_arg(ap, void *);
		tls = va_arg(ap, void *);
		child_tid = va_arg(ap, void *);
		va_end(ap);
	}
	if (real_clone == NULL) {
		errno = ENOSYS;
		return -1;
	}
	if ((flags & CLONE_VM) != 0 || fn == NULL || child_stack == NULL)
		return real_clone(fn, child_stack, flags, arg, parent_tid, tls,
			child_tid);
	boot_fork_prepare(child_stack);
	int pid = real_clone(start_child, child_stack, flags, &start,
		parent_tid, tls, child_tid);
	int saved = errno;
	boot_fork_parent();
	errno = saved;
	return pid;
}
