/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * report.h -- what the address sanitizer reports, and what is added to it
 *
 * The sanitizer knows nothing of the objects in a pool.  It offers a place for
 * one function that is called at the end of each report, before the process is
 * ended; here it is asked for, and text printed as the sanitizer prints, also
 * into its `log_path`.  Nothing here allocates, or waits for a lock of ours:
 * the program may have been stopped anywhere.
 */
#ifndef BASE_REPORT_H
#define BASE_REPORT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/compiler.h"

/*
 * report_begin -- from now on `describe` is called with the address that a
 * report is about
 * A function that the program sets takes its place, and the other way round.
 * Returns false without the sanitizer.
 */
bool report_begin(void (*describe)(const void *address));

/* report_print -- one line; report_frame -- one of a call stack, 0 innermost */
void report_print(const char *fmt, ...) PRINTF_LIKE(1, 2);
void report_frame(unsigned n, const void *pc);

/*
 * report_wrong -- that address has been freed or resized, and no object begins
 * there: let the sanitizer report it, with the caller's stack
 * Returns only when it has been told to go on after errors.
 */
void report_wrong(const void *p);

/* report_leaks -- let the leak sanitizer, if any, do its work now */
void report_leaks(void);

#endif
