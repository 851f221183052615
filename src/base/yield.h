/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * yield.h -- where another thread may get in, in builds that look for races
 *
 * With VMEM_YIELD each atomic operation and each lock is such a place: at
 * random the thread yields its processor or sleeps for a moment there, so that
 * orders come about which else are one in a million.  The seed is printed, and
 * taken from the environment variable VMEM_YIELD_SEED.  In every other build
 * there is nothing of it.
 */
#ifndef BASE_YIELD_H
#define BASE_YIELD_H

#if defined(VMEM_YIELD)
/* yield_point -- keeps errno; safe anywhere, in signal handlers too */
void yield_point(void);
#else
#define yield_point() ((void)0)
#endif

#endif
