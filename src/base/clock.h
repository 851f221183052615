/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * clock.h -- a clock that is cheap and coarse
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

/*
 * clock_ms -- milliseconds since some time in the past, never 0; steps of a few
 * milliseconds.  No system call where the kernel shares its clock.
 */
uint64_t clock_ms(void);

#endif
