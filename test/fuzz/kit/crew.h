/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * crew.h -- a few threads of which one works at a time
 *
 * The caller hands a call over and waits until it is done, so a program of
 * calls by several threads runs the same way each time.  Member 0 is the caller
 * itself; the others begin with their first call.
 */
#ifndef FUZZ_CREW_H
#define FUZZ_CREW_H

#define CREW_SIZE 4u

/* crew_call -- have a member call fn(arg) */
void crew_call(unsigned member, void (*fn)(void *arg), void *arg);

/* crew_end -- end a member's thread; its next call begins another one */
void crew_end(unsigned member);

#endif
