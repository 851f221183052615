/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * clock.c -- a clock that is cheap and coarse; alone, so that tests can stop it
 */
#include "base/clock.h"

#include <time.h>

#define MS_A_SECOND UINT64_C(1000)
#define NS_A_MS     UINT64_C(1000000)

uint64_t
clock_ms(void)
{
	struct timespec now;

	/* cannot fail for a clock that Linux has had since 2.6.32 */
	(void)clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	return (uint64_t)now.tv_sec * MS_A_SECOND +
	       (uint64_t)now.tv_nsec / NS_A_MS + 1;
}
