/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * work.h -- what the contenders are made to do
 *
 * A work has a shape, which is code, and the numbers that it is done with.
 */
#ifndef BENCH_WORK_H
#define BENCH_WORK_H

#include "memory.h"

#include <stdbool.h>
#include <stddef.h>

enum { THREADS_MAX = 8 };

struct job;

/* what a work gives */
enum unit {
	UNIT_NS,      /* nanoseconds an operation: less is better */
	UNIT_PERCENT, /* payload of the pool's size: more is better */
};

struct shape {
	enum unit unit;
	const char *op; /* what an operation is */

	/* the whole work each time: the number of operations is not fitted to
	 * the time there is */
	bool whole;

	/* makes and deletes its pools itself; not for who has none */
	bool own_pools;

	/* starts its threads itself */
	bool own_threads;

	/* begin -- after the pool is made and each thread has a heap; NULL, or
	 * why it cannot be */
	const char *(*begin)(struct job *job);

	/* run -- do about `nops` operations; gives the figure in the unit, or
	 * below 0: an allocation failed */
	double (*run)(struct job *job, size_t nops);

	/* end -- free everything */
	void (*end)(struct job *job);
};

extern const struct shape shape_pair;
extern const struct shape shape_replace;
extern const struct shape shape_burst;
extern const struct shape shape_queue;
extern const struct shape shape_server;
extern const struct shape shape_grow;
extern const struct shape shape_pool;
extern const struct shape shape_turn;
extern const struct shape shape_fill;
extern const struct shape shape_capacity;
extern const struct shape shape_cold;

enum order { IN_ORDER, REVERSED, SHUFFLED };
enum call { CALL_MALLOC, CALL_CALLOC, CALL_ALIGNED };

/* what the work itself does with an object, beside the allocator */
enum use {
	USE_NOT,  /* nothing: the time is the allocator's */
	USE_WORD, /* write the first word after malloc */
	USE_ALL,  /* write all of it, and read it before free; nlive is set so
		   * that all together are twice the last-level cache */
};

struct work {
	const char *name;
	const char *what; /* for people */
	const struct shape *shape;
	size_t size_min; /* sizes are log-uniform between these */
	size_t size_max;
	size_t nlive;    /* objects that live at once, of all threads */
	size_t nthreads; /* 0: one */
	size_t pool_size;
	size_t param;     /* the shape's */
	enum order order; /* of frees */
	enum call call;   /* how objects are allocated */
	enum use use;
	unsigned on;   /* bits of memory kinds that it is done on by default;
			* none of them: only when asked for */
	unsigned only; /* bits of those it makes sense on; 0: all */
	bool quick;    /* part of a quick run */
};

extern const struct work works[];
extern const size_t nworks;

/* work_threads -- how many */
size_t work_threads(const struct work *work);

/* work_live -- objects that live at once */
size_t work_live(const struct work *work);

/* work_pool_size -- bytes: room for all objects, and as much again */
size_t work_pool_size(const struct work *work);

#endif
