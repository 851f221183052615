/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * crew.h -- threads that do something at once, again and again, each on a
 * processor of its own as long as there are any
 */
#ifndef BENCH_CREW_H
#define BENCH_CREW_H

#include <stddef.h>

struct crew;

/* crew_create -- NULL: no memory or no threads */
struct crew *crew_create(size_t nthreads);
void crew_delete(struct crew *crew);

/*
 * crew_run -- each thread calls task(arg, its number)
 *
 * Returns nanoseconds from the first one's start to the last one's end.
 */
double crew_run(
	struct crew *crew, void (*task)(void *arg, size_t thread), void *arg);

#endif
