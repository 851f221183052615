/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * faulty.h -- what the files of the program `faulty` share
 */
#ifndef GUARD_FAULTY_H
#define GUARD_FAULTY_H

#include <libvmem.h>
#include <stddef.h>

#define SIZE    ((size_t)48)
#define LARGE   ((size_t)100000)
#define THREADS 3
#define ROUNDS  200

extern VMEM *pool;
extern void *block;         /* the region that it is in, or NULL */
extern char *volatile kept; /* what the program still knows */

/* put -- write a byte; get -- read one */
void put(char *p);
int get(const char *p);

/* tell -- a jump that depends on a value */
void tell(int value);

/* make -- an object with its bytes set */
char *make(size_t size);

/* no faults: see clean.c */
void clean(void);
void clean_sized(void);
void clean_whole(void);
void clean_full(void);
void clean_gone(void);
void clean_threads(void);
void clean_fork(void);
void clean_fork_share(void);

#endif
