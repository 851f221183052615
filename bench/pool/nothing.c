/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * nothing.c -- no allocator: every object is at the same place
 *
 * What is left is what the benchmark takes itself, which is in everybody's
 * time.
 */
#include <stdio.h>

#include "memory.h"

static void *
nothing_malloc(void *pool, size_t size)
{
	(void)size;
	return pool;
}

static void
nothing_free(void *pool, void *ptr)
{
	(void)pool;
	(void)ptr;
}

static void *
nothing_calloc(void *pool, size_t n, size_t size)
{
	(void)n;
	(void)size;
	return pool;
}

static void *
nothing_realloc(void *pool, void *ptr, size_t size)
{
	(void)ptr;
	(void)size;
	return pool;
}

static void *
nothing_aligned_alloc(void *pool, size_t align, size_t size)
{
	(void)align;
	(void)size;
	return pool;
}

/* called as those of libraries are: by pointers that the compiler cannot know
 */
static struct {
	void *(*malloc)(void *pool, size_t size);
	void (*free)(void *pool, void *ptr);
	void *(*calloc)(void *pool, size_t n, size_t size);
	void *(*realloc)(void *pool, void *ptr, size_t size);
	void *(*aligned_alloc)(void *pool, size_t align, size_t size);
} volatile calls = {nothing_malloc, nothing_free, nothing_calloc,
	nothing_realloc, nothing_aligned_alloc};

#define CALL(name) calls.name
#include "family.h"

static const char *
load(char *ret_version, size_t size)
{
	(void)snprintf(ret_version, size, "-");
	return NULL;
}

static const char *
create(struct pool *pool)
{
	if (memory_map(pool->memory, pool->size, (size_t)1 << 21,
		    &pool->extent) != 0)
		return "no memory";
	pool->handle = pool->extent.base;
	return NULL;
}

static void
remove_pool(struct pool *pool)
{
	memory_unmap(pool->extent);
}

const struct contender contender_nothing = {
	.name = "nothing",
	.what = "no allocator: what the benchmark takes itself",
	.optional = true,
	.load = load,
	.create = create,
	.remove = remove_pool,
	.enter = enter,
	.leave = leave,
};
