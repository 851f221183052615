/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * limit.h -- what the kernel lets this process have
 */
#ifndef HARNESS_LIMIT_H
#define HARNESS_LIMIT_H

#include <sys/resource.h>

#include "harness/test.h"

/* limit_to -- from now on; RLIM_INFINITY lifts it, where that is allowed */
static inline void
limit_to(int resource, rlim_t value)
{
	struct rlimit limit;

	must(getrlimit((__rlimit_resource_t)resource, &limit) == 0);
	limit.rlim_cur = value;
	must(setrlimit((__rlimit_resource_t)resource, &limit) == 0);
}

#endif
