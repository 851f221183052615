/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * clock.h -- time: a clock for runs, and a processor's counter for single calls
 */
#ifndef BENCH_CLOCK_H
#define BENCH_CLOCK_H

#include <stdint.h>
#include <time.h>

#define NS_PER_MS 1e6

/* clock_ns -- nanoseconds since some moment */
static inline double
clock_ns(void)
{
	struct timespec time;

	(void)clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

/*
 * clock_cpu_ns -- nanoseconds that the calling thread has been running
 *
 * Works of one thread are timed with it: what others run on the machine's
 * processors meanwhile does not count, page faults do.
 */
static inline double
clock_cpu_ns(void)
{
	struct timespec time;

	(void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
	return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

/*
 * clock_ticks -- a counter that is cheap to read and grows steadily
 *
 * Not ordered with what is around it: single calls are measured from many
 * samples, and what hides in the processor's queue is hidden from a program
 * as well.
 */
static inline uint64_t
clock_ticks(void)
{
#if defined(__x86_64__)
	return __builtin_ia32_rdtsc();
#elif defined(__aarch64__)
	uint64_t ticks;

	__asm__ volatile("mrs %0, cntvct_el0" : "=r"(ticks));
	return ticks;
#else
	return (uint64_t)clock_ns();
#endif
}

/* clock_tick_ns -- nanoseconds of a tick; measured at the first call */
double clock_tick_ns(void);

/* clock_empty_ns -- what a measured nothing takes: the median of many */
double clock_empty_ns(void);

#endif
