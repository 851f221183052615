/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * heap.h -- what a thread allocates from: a contender's pool as a work sees it
 *
 * The loops that are timed call the contender directly, see loops.h; where a
 * call more does not matter, these pointers do.
 */
#ifndef BENCH_HEAP_H
#define BENCH_HEAP_H

#include <stddef.h>

struct loops;

struct heap {
	void *ctx; /* the first argument of all */
	void *(*alloc)(void *ctx, size_t size);
	void (*free)(void *ctx, void *ptr);
	void *(*calloc)(void *ctx, size_t size);
	void *(*realloc)(void *ctx, void *ptr, size_t size);
	void *(*aligned)(void *ctx, size_t align, size_t size);
	const struct loops *loops;
};

#endif
