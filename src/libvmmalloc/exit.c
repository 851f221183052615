/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * exit.c -- statistics and profiles when the program ends
 *
 * A program ends by exit(), which runs our destructor, by quick_exit(), which
 * runs what boot.c has registered, or by _exit() and _Exit(), which are
 * replaced here.  Allocation goes on working after the destructor.
 */
#include "libvmmalloc/exit.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/atomic.h"
#include "base/compiler.h"
#include "base/lock.h"
#include "base/log.h"
#include "libvmmalloc/boot.h"
#include "libvmmalloc/tiers.h"
#include "tcache/tcache.h"

void
exit_print_stats(void)
{
	/* relaxed: the thread's own word */
	bool inside = load_relaxed(&thread_hot.busy) != NULL ||
		      thread_hot.freezes > 0 || lock_depth() > 0 ||
		      boot_is_held();
	if (tier_first == NULL || inside)
		return;
	int saved = errno, cancel;
	/* the thread that ends the program must not end itself on the way */
	(void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
	if (boot_prints_stats())
		tiers_stats_print();
	auto_profile_exit();
	(void)pthread_setcancelstate(cancel, NULL);
	errno = saved;
}

__attribute__((destructor)) static void
end(void)
{
	exit_print_stats();
}

static _Noreturn void
end_process(int status)
{
	exit_print_stats();
	for (;;)
		(void)syscall(SYS_exit_group, status);
}

EXPORT _Noreturn void
_exit(int status)
{
	LOG(3, "status %d", status);
	end_process(status);
}

EXPORT _Noreturn void
_Exit(int status)
{
	LOG(3, "status %d", status);
	end_process(status);
}
