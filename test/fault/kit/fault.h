/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * fault.h -- system calls that fail when a test wants it
 *
 * The linker puts the functions of wrap.c in the place of libc's (--wrap), for
 * all that is linked statically.  Calls are numbered while a plan is on; those
 * made while it is off, as by a test itself, are neither counted nor fail.
 * Not thread-safe: one thread at a time makes calls.
 */
#ifndef FAULT_FAULT_H
#define FAULT_FAULT_H

#include <stdbool.h>
#include <stddef.h>

/* whose calls a plan is for: who makes it, or the processes that it forks, each
 * of which begins to count anew */
enum fault_side { FAULT_HERE, FAULT_CHILDREN, FAULT_EVERYWHERE };

/* fault_none -- let all calls be made, and count them */
void fault_none(void);

/*
 * fault_at -- let call number `at` fail, with errno number `which` of those
 * that are plausible for it
 */
void fault_at(unsigned at, unsigned which);

/* fault_side -- whose calls; after a plan was made, which is for FAULT_HERE */
void fault_side(enum fault_side side);

/* fault_own -- the plan is as if this process had made it */
void fault_own(void);

/* fault_random -- let one call of `mean` fail, by a row of random numbers */
void fault_random(unsigned mean, unsigned seed);

/*
 * fault_share -- what comes of plans is from now on kept where forked processes
 * keep it too
 */
void fault_share(void);

/*
 * The variable FAULT_PLAN makes the plan of a program before it has begun, as
 * "SIDE AT WHICH", or "SIDE 0 0 MEAN SEED" for random ones.  What comes of it
 * is left in the file FAULT_REPORT; fault_make_report() makes it beforehand,
 * and fault_read_report() reads it: then it is what came of this program's
 * plan.
 */
#define FAULT_PLAN   "FAULT_PLAN"
#define FAULT_REPORT "FAULT_REPORT"
bool fault_make_report(const char *path);
bool fault_read_report(const char *path);

/*
 * fault_old_system -- from now on no file system knows O_TMPFILE or
 * fallocate(2); these failures are not counted
 */
void fault_old_system(bool old);

/*
 * fault_device -- from now on the file is a device DAX, of which the folder is
 * what sysfs says; NULL: it is a file again
 */
#define FAULT_DEVICE_MAJOR 250u
#define FAULT_DEVICE_MINOR 7u
void fault_device(const char *file, const char *sysfs);

/*
 * The environment variable FAULT_ALWAYS names a call of which every one fails,
 * from the program's start on, whatever the plan is.
 */
#define FAULT_ALWAYS "FAULT_ALWAYS"

/*
 * FAULT_RECORD names a file that gets the name of each call that has failed,
 * and "name argument" of those that do many things by an argument.
 */
#define FAULT_RECORD "FAULT_RECORD"

/* fault_call -- the name of one of the calls; NULL: there are fewer */
const char *fault_call(unsigned i);

/* fault_pause, fault_resume -- between them no call is counted or fails */
void fault_pause(void);
void fault_resume(void);

/* what came of the plan; valid until the next one */
unsigned fault_count(void);       /* calls; of one process */
unsigned fault_hits(void);        /* that failed */
const char *fault_name(void);     /* of the last that failed; or "" */
int fault_errno(void);            /* that it failed with; or 0 */
unsigned fault_nerrnos(void);     /* plausible for it */
bool fault_was(const char *name); /* has one of this name failed? */
/* is the last that failed one of these?  Spaces part them; NULL: none */
bool fault_is_of(const char *names);

#endif
