/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * streams.c -- libc's streams, and fork
 *
 * Source  glibc has these names, for the C++ library of long ago, since 2.2.5,
 * and a stream's lock, a word with a count and an owner, has been all zero when
 * it is open since then.  Where a name is missing nothing is done.
 */
#include "libvmmalloc/streams.h"

#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/compiler.h"

/* libc's names, which no header has any more */
/* NOLINTBEGIN(*-reserved-identifier,*-identifier-naming) */
extern void _IO_list_lock(void) __attribute__((weak));
extern void _IO_list_unlock(void) __attribute__((weak));
extern void _IO_list_resetlock(void) __attribute__((weak));
extern FILE *_IO_list_all __attribute__((weak));
/* since 2.32; not zero while the process has one thread */
extern char __libc_single_threaded __attribute__((weak));
/* NOLINTEND(*-reserved-identifier,*-identifier-naming) */

#define OWN_LOCK 0x8000 /* a flag: __fsetlocking(FSETLOCKING_BYCALLER) */

struct stream_lock {
	int word, count;
	void *owner;
};

/* the fork that holds the lock; by a handler's handler there can be a second */
static TLS_INITIAL_EXEC unsigned nheld;
static FILE *list; /* of all streams, while it is held */

/*
 * is_alone -- a process of one thread: nobody waits for anything.  libc does
 * nothing then either, and a child that was forked in the middle of
 * fflush(NULL) goes on there, with the lock.
 */
static bool
is_alone(void)
{
	return &__libc_single_threaded != NULL && __libc_single_threaded != 0;
}

/*
 * block, unblock -- around what changes the list and its count
 *
 * A signal handler may fork in the middle of a fork, and its child finds here
 * what it has interrupted.  No order of the steps is right for it at each of
 * them: it gives the list back, and what goes on behind it takes the list away.
 */
static void
block(sigset_t *ret_old)
{
	sigset_t all;
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, ret_old);
}

static void
unblock(const sigset_t *old)
{
	(void)pthread_sigmask(SIG_SETMASK, old, NULL);
}

void
streams_hold(void)
{
	sigset_t old;
	if (_IO_list_lock == NULL || _IO_list_unlock == NULL ||
		_IO_list_resetlock == NULL || &_IO_list_all == NULL ||
		is_alone())
		return;
	/*
	 * Not while signals are blocked: who has it may wait for a handler.
	 * The child of a handler's fork after it has it open, and no other
	 * thread.
	 */
	_IO_list_lock();
	block(&old);
	if (nheld++ == 0) {
		list = _IO_list_all;
		_IO_list_all = NULL;
	}
	unblock(&old);
}

void
streams_parent(void)
{
	sigset_t old;
	block(&old);
	if (nheld > 0) {
		if (--nheld == 0)
			_IO_list_all = list;
		_IO_list_unlock();
	}
	unblock(&old);
}

/* open_all -- what glibc has not done in the child */
static void
open_all(void)
{
	_IO_list_all = list;
	for (FILE *f = list; f != NULL; f = f->_chain)
		if ((f->_flags & OWN_LOCK) == 0)
			memset(f->_lock, 0, sizeof(struct stream_lock));
	_IO_list_resetlock();
}

void
streams_child(void)
{
	sigset_t old;
	block(&old);
	if (nheld > 0) {
		nheld = 0;
		open_all();
	}
	unblock(&old);
}
