/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * mimalloc.c -- mimalloc: a heap for each thread, in an arena over our memory
 *
 * Each thread takes 32 MiB of addresses at least, which its end may leave to
 * nobody: where its size is not what matters, an arena has 1 GiB.
 *
 * An arena has 32 MiB at least, there can be some dozens of them, and none can
 * be handed back.  So smaller pools are heaps of one arena that they share:
 * what they can hold is not bounded.  A library without arenas gives plain
 * heaps.
 */
#include "contender.h"
#include "library.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

static void *(*heap_new)(void);
static void *(*heap_new_in_arena)(int arena);
static void (*heap_delete)(void *heap);
static void *(*heap_malloc)(void *heap, size_t size);
static void *(*heap_zalloc)(void *heap, size_t size);
static void *(*heap_realloc)(void *heap, void *ptr, size_t size);
static void *(*heap_malloc_aligned)(void *heap, size_t size, size_t align);
static void (*heap_collect)(void *heap, bool force);
static void (*collect)(bool force);
static void (*mi_free_func)(void *ptr);
static int (*version)(void);
static bool (*manage_os_memory_ex)(void *start, size_t size, bool is_committed,
	bool is_large, bool is_zero, int numa_node, bool exclusive,
	int *ret_arena);

static const struct library_function functions[] = {
	{"mi_heap_new", &heap_new},
	{"mi_heap_delete", &heap_delete},
	{"mi_heap_malloc", &heap_malloc},
	{"mi_heap_zalloc", &heap_zalloc},
	{"mi_heap_realloc", &heap_realloc},
	{"mi_heap_malloc_aligned", &heap_malloc_aligned},
	{"mi_heap_collect", &heap_collect},
	{"mi_collect", &collect},
	{"mi_free", &mi_free_func},
	{"mi_version", &version},
	{NULL, NULL},
};

static const struct library_function arena_functions[] = {
	{"mi_heap_new_in_arena", &heap_new_in_arena},
	{"mi_manage_os_memory_ex", &manage_os_memory_ex},
	{NULL, NULL},
};

#define FILE_NAME   "libmimalloc.so.2.0"
#define ARENA_MIN   ((size_t)32 << 20)
#define ARENA_ALIGN ((size_t)64 << 20)
#define SHARED_SIZE ((size_t)4 << 30)
#define ROOMY       ((size_t)1 << 30)

static bool has_arenas;
static bool shared_is_made; /* the arena of all small pools */
static int shared_arena;

static const char *
load(char *ret_version, size_t size)
{
	const char *why = library_load(FILE_NAME, functions);

	if (why != NULL)
		return why;
	has_arenas = library_load(FILE_NAME, arena_functions) == NULL;
	(void)snprintf(ret_version, size, "%d.%d.%d", version() / 100,
		version() / 10 % 10, version() % 10);
	return NULL;
}

static const char *
make_arena(const struct memory *memory, size_t size, int *ret_arena,
	struct extent *ret_extent)
{
	size = (size + ARENA_MIN - 1) / ARENA_MIN * ARENA_MIN;
	if (memory_map(memory, size, ARENA_ALIGN, ret_extent) != 0)
		return "no memory to manage";
	if (manage_os_memory_ex(ret_extent->base, size, true,
		    memory->kind == MEMORY_HUGE, true, -1, true, ret_arena))
		return NULL;
	memory_unmap(*ret_extent);
	return "no arena: there are too many";
}

static const char *
create(struct pool *pool)
{
	const char *why = NULL;
	struct extent extent;
	size_t size = pool->size;
	int arena = 0;

	if (!has_arenas)
		return NULL;
	if (pool->size >= ARENA_MIN) {
		if (!pool->exact && size < ROOMY)
			size = ROOMY;
		why = make_arena(pool->memory, size, &arena, &pool->extent);
	} else {
		if (!shared_is_made)
			why = make_arena(pool->memory, SHARED_SIZE,
				&shared_arena, &extent);
		shared_is_made |= why == NULL;
		arena = shared_arena;
	}
	pool->bounded = pool->exact && size >= ARENA_MIN;
	pool->handle = (void *)(intptr_t)arena;
	return why;
}

/* remove_pool -- the arena stays, with its memory: mimalloc may use it again */
static void
remove_pool(struct pool *pool)
{
	(void)pool;
	collect(true);
}

static void *
call_alloc(void *ctx, size_t size)
{
	return heap_malloc(ctx, size);
}

static void
call_free(void *ctx, void *ptr)
{
	(void)ctx;
	mi_free_func(ptr);
}

static void *
call_calloc(void *ctx, size_t size)
{
	return heap_zalloc(ctx, size);
}

static void *
call_realloc(void *ctx, void *ptr, size_t size)
{
	return heap_realloc(ctx, ptr, size);
}

static void *
call_aligned(void *ctx, size_t align, size_t size)
{
	return heap_malloc_aligned(ctx, size, align);
}

#include "contender_loops.h"

static int
enter(struct pool *pool, struct heap *ret_heap)
{
	void *heap = has_arenas ? heap_new_in_arena((int)(intptr_t)pool->handle)
				: heap_new();

	*ret_heap = heap_of(heap);
	return heap == NULL ? -1 : 0;
}

static void
leave(struct pool *pool, struct heap *heap)
{
	(void)pool;
	heap_collect(heap->ctx, true);
	heap_delete(heap->ctx);
}

static void
trim(struct pool *pool, struct heap *heap)
{
	(void)pool;
	heap_collect(heap->ctx, true);
}

const struct contender contender_mimalloc = {
	.name = "mimalloc",
	.what = "a heap for each thread in an arena",
	.load = load,
	.create = create,
	.remove = remove_pool,
	.enter = enter,
	.leave = leave,
	.trim = trim,
};
