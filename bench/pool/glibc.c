/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * glibc.c -- the C library's malloc: the reference; it has no pools, and takes
 * its memory where it wants
 */
#include "contender.h"

#include <gnu/libc-version.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>

static const char *
load(char *ret_version, size_t size)
{
	(void)snprintf(ret_version, size, "%s", gnu_get_libc_version());
	return NULL;
}

static const char *
create(struct pool *pool)
{
	(void)pool;
	return NULL;
}

static void
remove_pool(struct pool *pool)
{
	(void)pool;
}

static void *
call_alloc(void *ctx, size_t size)
{
	(void)ctx;
	return malloc(size);
}

static void
call_free(void *ctx, void *ptr)
{
	(void)ctx;
	free(ptr);
}

static void *
call_calloc(void *ctx, size_t size)
{
	(void)ctx;
	return calloc(1, size);
}

static void *
call_realloc(void *ctx, void *ptr, size_t size)
{
	(void)ctx;
	return realloc(ptr, size);
}

static void *
call_aligned(void *ctx, size_t align, size_t size)
{
	(void)ctx;
	return memalign(align, size);
}

#include "contender_loops.h"

static int
enter(struct pool *pool, struct heap *ret_heap)
{
	(void)pool;
	*ret_heap = heap_of(NULL);
	return 0;
}

static void
leave(struct pool *pool, struct heap *heap)
{
	(void)pool;
	(void)heap;
}

static void
trim(struct pool *pool, struct heap *heap)
{
	(void)pool;
	(void)heap;
	(void)malloc_trim(0);
}

const struct contender contender_glibc = {
	.name = "glibc",
	.elsewhere = true,
	.what = "malloc of the C library, in memory of its own",
	.load = load,
	.create = create,
	.remove = remove_pool,
	.enter = enter,
	.leave = leave,
	.trim = trim,
};
