/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * fault.h -- system calls that fail when a test wants it
 *
 * The linker puts the functions of fault.c in the place of libc's (--wrap), for
 * all that is linked statically.  Calls are numbered while a plan is on; those
 * made while it is off, as by a test itself, are neither counted nor fail.
 * Not thread-safe: one thread at a time makes calls.
 */
#ifndef FAULT_FAULT_H
#define FAULT_FAULT_H

#include <stdbool.h>
#include <stddef.h>

/* fault_none -- let all calls be made, and count them */
void fault_none(void);

/*
 * fault_at -- let call number `at` fail, with errno number `which` of those
 * that are plausible for it
 */
void fault_at(unsigned at, unsigned which);

/* fault_random -- let one call of `mean` fail, by a row of random numbers */
void fault_random(unsigned mean, unsigned seed);

/*
 * fault_old_system -- from now on no file system knows O_TMPFILE or
 * fallocate(2); these failures are not counted
 */
void fault_old_system(bool old);

/*
 * The environment variable FAULT_ALWAYS names a call of which every one fails,
 * from the program's start on, whatever the plan is.
 */
#define FAULT_ALWAYS "FAULT_ALWAYS"

/* fault_pause, fault_resume -- between them no call is counted or fails */
void fault_pause(void);
void fault_resume(void);

/* what came of the plan; valid until the next one */
unsigned fault_count(void);       /* calls */
unsigned fault_hits(void);        /* that failed */
const char *fault_name(void);     /* of the last that failed; or "" */
int fault_errno(void);            /* that it failed with; or 0 */
unsigned fault_nerrnos(void);     /* plausible for it */
bool fault_was(const char *name); /* has one of this name failed? */

#endif
