/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * thread_thaw.c -- sleep until some pool is no longer frozen
 */
#include "tcache/thread.h"

static uint32_t thaws; /* atomic futex word: thaws so far */

void
thread_thaw(void)
{
	/* release: who sees the new count finds the marks gone */
	(void)__atomic_fetch_add(&thaws, 1, __ATOMIC_RELEASE);
	os_futex_wake(&thaws, INT32_MAX);
}

uint32_t
thread_thaw_ticket(void)
{
	return load_acquire(&thaws);
}

void
thread_wait_thaw(uint32_t ticket)
{
	while (load_acquire(&thaws) == ticket)
		os_futex_wait(&thaws, ticket);
}
