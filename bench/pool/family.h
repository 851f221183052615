/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * family.h -- the calls of a library whose functions are like those of libvmem:
 * the pool first, then what malloc and so on take
 *
 * Included once by each contender's file, which says what CALL(malloc) and so
 * on are.  A pool has nothing of a thread's own.
 */
#ifndef BENCH_FAMILY_H
#define BENCH_FAMILY_H

#include "contender.h"

static void *
call_alloc(void *ctx, size_t size)
{
	return CALL(malloc)(ctx, size);
}

static void
call_free(void *ctx, void *ptr)
{
	CALL(free)(ctx, ptr);
}

static void *
call_calloc(void *ctx, size_t size)
{
	return CALL(calloc)(ctx, 1, size);
}

static void *
call_realloc(void *ctx, void *ptr, size_t size)
{
	return CALL(realloc)(ctx, ptr, size);
}

static void *
call_aligned(void *ctx, size_t align, size_t size)
{
	return CALL(aligned_alloc)(ctx, align, size);
}

#include "contender_loops.h"

static int
enter(struct pool *pool, struct heap *ret_heap)
{
	*ret_heap = heap_of(pool->handle);
	return 0;
}

static void
leave(struct pool *pool, struct heap *heap)
{
	(void)pool;
	(void)heap;
}

#endif
