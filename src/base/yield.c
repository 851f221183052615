/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * yield.c -- where another thread may get in; only in a build with VMEM_YIELD
 */
#include "base/yield.h"

#include <errno.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/compiler.h"
#include "base/os.h"

#define YIELD_EACH  64u    /* about one in so many places yields... */
#define SLEEP_EACH  8192u  /* ...and one in so many sleeps, for... */
#define SLEEP_NS    20000u /* ...as many nanoseconds, and the timer's slack */
#define DECIMAL     10
#define FACTOR      UINT64_C(0x9e3779b97f4a7c15) /* of the golden ratio */
#define SHIFT_FIRST 12
#define SHIFT_THEN  25
#define SHIFT_LAST  27

static uint64_t seed;                   /* set once */
static uint64_t nthreads;               /* atomic: those that have begun */
static TLS_INITIAL_EXEC uint64_t state; /* owner; 0: it has not begun */

/* the operations here are bare: those of base/atomic.h would come back */

__attribute__((constructor)) static void
init(void)
{
	const char *text = os_getenv("VMEM_YIELD_SEED");
	struct timespec now;
	char line[64];
	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	seed = (uint64_t)now.tv_nsec * FACTOR ^ (uint64_t)getpid();
	if (text != NULL)
		seed = strtoull(text, NULL, DECIMAL);
	int n = snprintf(line, sizeof(line), "VMEM_YIELD_SEED=%llu\n",
		(unsigned long long)seed);
	if (n > 0)
		(void)!write(STDERR_FILENO, line, (size_t)n);
}

/* next -- xorshift64 */
static uint64_t
next(void)
{
	uint64_t x = state;
	if (x == 0)
		x = (seed + __atomic_add_fetch(
				    &nthreads, 1, __ATOMIC_RELAXED)) *
			    FACTOR |
		    1;
	x ^= x >> SHIFT_FIRST;
	x ^= x << SHIFT_THEN;
	x ^= x >> SHIFT_LAST;
	state = x;
	return x * FACTOR >> 32;
}

void
yield_point(void)
{
	uint64_t r = next();
	int saved = errno;
	if (r % SLEEP_EACH == 0) {
		/* not nanosleep(3), where a cancelled thread would end */
		struct timespec ts = {0, SLEEP_NS};
		(void)syscall(SYS_nanosleep, &ts, NULL);
	} else if (r % YIELD_EACH == 0) {
		(void)sched_yield();
	}
	errno = saved;
}
