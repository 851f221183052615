/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * contender.h -- the allocators that are compared, behind one table
 *
 * Those of others are loaded with dlopen(3), privately, in the process that
 * measures: malloc of the process stays the C library's.  A contender that is
 * not on this machine is left out, and says why.
 */
#ifndef BENCH_CONTENDER_H
#define BENCH_CONTENDER_H

#include "heap.h"
#include "memory.h"

enum { CONTENDERS_MAX = 10 };

/* a pool of one contender */
struct pool {
	const struct contender *who;
	const struct memory *memory;
	size_t size;
	bool exact;           /* no more room than size */
	bool bounded;         /* it can be full */
	struct extent extent; /* its memory; base NULL: not known */
	void *handle;         /* the contender's own */
	void *more;           /* the same */
};

struct contender {
	const char *name;
	const char *what;
	bool optional;  /* only when it is asked for by name */
	bool elsewhere; /* takes memory where it wants */

	/* load -- once in a process; NULL, or why it is not here */
	const char *(*load)(char *ret_version, size_t size);

	/* create -- who, memory, size and exact of the pool are set; NULL, or
	 * why it cannot be */
	const char *(*create)(struct pool *pool);
	void (*remove)(struct pool *pool);

	/* enter -- the calling thread's heap in a pool; -1: none */
	int (*enter)(struct pool *pool, struct heap *ret_heap);
	void (*leave)(struct pool *pool, struct heap *heap);

	/* trim -- give back all that the calling thread can, whose heap it is;
	 * NULL: there is no such call */
	void (*trim)(struct pool *pool, struct heap *heap);
};

extern const struct contender contender_vmem;
extern const struct contender contender_vmem_h0;
extern const struct contender contender_vmem_h2;
extern const struct contender contender_vmem_ahead;
extern const struct contender contender_nothing;
extern const struct contender contender_original;
extern const struct contender contender_memkind;
extern const struct contender contender_mimalloc;
extern const struct contender contender_jemalloc;
extern const struct contender contender_glibc;

/* all of them; ours is the first */
extern const struct contender *const contenders[];
extern const size_t ncontenders;

/* contender_find -- by name; NULL: none */
const struct contender *contender_find(const char *name, size_t length);

#endif
