/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * jemalloc.c -- jemalloc: an arena with extent hooks over our memory, and for
 * each thread a cache of its own
 *
 * The hooks give memory from the bottom up and take none back: jemalloc keeps
 * what it frees and uses it again.  Purging is done with the call that fits
 * the memory.
 */
#include "contender.h"
#include "library.h"

#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* from jemalloc(3): extent_hooks_t, and the flags of mallocx */
struct hooks {
	void *(*alloc)(struct hooks *hooks, void *addr, size_t size,
		size_t align, bool *zero, bool *commit, unsigned arena);
	bool (*dalloc)(struct hooks *hooks, void *addr, size_t size,
		bool committed, unsigned arena);
	void (*destroy)(struct hooks *hooks, void *addr, size_t size,
		bool committed, unsigned arena);
	void *commit;
	void *decommit;
	void *purge_lazy;
	bool (*purge_forced)(struct hooks *hooks, void *addr, size_t size,
		size_t offset, size_t length, unsigned arena);
	bool (*split)(struct hooks *hooks, void *addr, size_t size,
		size_t size_a, size_t size_b, bool committed, unsigned arena);
	bool (*merge)(struct hooks *hooks, void *addr_a, size_t size_a,
		void *addr_b, size_t size_b, bool committed, unsigned arena);
};
#define FLAG_ARENA(a)  ((int)((a) + 1) << 20)
#define FLAG_TCACHE(t) ((int)((t) + 2) << 8)
#define FLAG_ZERO      0x40
#define FLAG_ALIGN(a)  __builtin_ctzl(a)

/* what a pool is; the hooks are first, for they lead to the rest */
struct source {
	struct hooks hooks;
	const struct memory *memory;
	struct extent extent;
	pthread_mutex_t lock; /* of used */
	size_t used;          /* bytes given away */
	unsigned arena;
};

/* a thread in a pool */
struct view {
	int alloc_flags;
	int free_flags;
	unsigned tcache;
};

static int (*mallctl_func)(const char *name, void *old, size_t *old_size,
	void *new, size_t new_size);
static void *(*mallocx_func)(size_t size, int flags);
static void *(*rallocx_func)(void *ptr, size_t size, int flags);
static void (*dallocx_func)(void *ptr, int flags);

static const struct library_function functions[] = {
	{"mallctl", &mallctl_func},
	{"mallocx", &mallocx_func},
	{"rallocx", &rallocx_func},
	{"dallocx", &dallocx_func},
	{NULL, NULL},
};

static const char *
load(char *ret_version, size_t size)
{
	const char *why = library_load("libjemalloc.so.2", functions);
	const char *text = "unknown";
	size_t text_size = sizeof(text);

	if (why != NULL)
		return why;
	(void)mallctl_func("version", &text, &text_size, NULL, 0);
	(void)snprintf(
		ret_version, size, "%.*s", (int)strcspn(text, "-"), text);
	return NULL;
}

static void *
hook_alloc(struct hooks *hooks, void *addr, size_t size, size_t align,
	bool *zero, bool *commit, unsigned arena)
{
	struct source *source = (struct source *)(void *)hooks;
	char *base = source->extent.base;
	void *found = NULL;
	size_t start;

	(void)arena;
	(void)pthread_mutex_lock(&source->lock);
	start = source->used + (uintptr_t)base;
	start = (start + align - 1) / align * align - (uintptr_t)base;
	if (start <= source->extent.size &&
		size <= source->extent.size - start &&
		(addr == NULL || addr == base + start)) {
		found = base + start;
		source->used = start + size;
		*zero = true;
		*commit = true;
	}
	(void)pthread_mutex_unlock(&source->lock);
	return found;
}

static bool
hook_dalloc(struct hooks *hooks, void *addr, size_t size, bool committed,
	unsigned arena)
{
	(void)hooks;
	(void)addr;
	(void)size;
	(void)committed;
	(void)arena;
	return true; /* keep it */
}

static void
hook_destroy(struct hooks *hooks, void *addr, size_t size, bool committed,
	unsigned arena)
{
	(void)hooks;
	(void)addr;
	(void)size;
	(void)committed;
	(void)arena;
}

static bool
hook_purge(struct hooks *hooks, void *addr, size_t size, size_t offset,
	size_t length, unsigned arena)
{
	struct source *source = (struct source *)(void *)hooks;

	(void)size;
	(void)arena;
	return memory_give_back(
		       source->memory, (char *)addr + offset, length) != 0;
}

static bool
hook_split(struct hooks *hooks, void *addr, size_t size, size_t size_a,
	size_t size_b, bool committed, unsigned arena)
{
	(void)hooks;
	(void)addr;
	(void)size;
	(void)size_a;
	(void)size_b;
	(void)committed;
	(void)arena;
	return false; /* it may */
}

static bool
hook_merge(struct hooks *hooks, void *addr_a, size_t size_a, void *addr_b,
	size_t size_b, bool committed, unsigned arena)
{
	(void)hooks;
	(void)addr_a;
	(void)size_a;
	(void)addr_b;
	(void)size_b;
	(void)committed;
	(void)arena;
	return false; /* it may */
}

static const char *
create(struct pool *pool)
{
	struct source *source = calloc(1, sizeof(*source));
	struct hooks *hooks = &source->hooks;
	size_t size = sizeof(source->arena);

	if (source == NULL)
		return "no memory";
	source->hooks = (struct hooks){.alloc = hook_alloc,
		.dalloc = hook_dalloc,
		.destroy = hook_destroy,
		.purge_forced = hook_purge,
		.split = hook_split,
		.merge = hook_merge};
	source->memory = pool->memory;
	(void)pthread_mutex_init(&source->lock, NULL);
	if (memory_map(pool->memory, pool->size, (size_t)1 << 21,
		    &source->extent) != 0) {
		free(source);
		return "no memory for the hooks";
	}
	if (mallctl_func("arenas.create", &source->arena, &size, &hooks,
		    sizeof(hooks)) != 0) {
		memory_unmap(source->extent);
		free(source);
		return "no arena: there are too many, or no room";
	}
	pool->handle = source;
	pool->extent = source->extent;
	pool->bounded = true;
	return NULL;
}

static void
remove_pool(struct pool *pool)
{
	struct source *source = pool->handle;
	char name[64];

	(void)snprintf(name, sizeof(name), "arena.%u.destroy", source->arena);
	(void)mallctl_func(name, NULL, NULL, NULL, 0);
	memory_unmap(source->extent);
	(void)pthread_mutex_destroy(&source->lock);
	/* the hooks of a destroyed arena may still be looked at: they stay */
}

static void *
call_alloc(void *ctx, size_t size)
{
	return mallocx_func(size, ((struct view *)ctx)->alloc_flags);
}

static void
call_free(void *ctx, void *ptr)
{
	if (ptr != NULL)
		dallocx_func(ptr, ((struct view *)ctx)->free_flags);
}

static void *
call_calloc(void *ctx, size_t size)
{
	return mallocx_func(
		size, ((struct view *)ctx)->alloc_flags | FLAG_ZERO);
}

static void *
call_realloc(void *ctx, void *ptr, size_t size)
{
	return rallocx_func(ptr, size, ((struct view *)ctx)->alloc_flags);
}

static void *
call_aligned(void *ctx, size_t align, size_t size)
{
	return mallocx_func(
		size, ((struct view *)ctx)->alloc_flags | FLAG_ALIGN(align));
}

#include "contender_loops.h"

static int
enter(struct pool *pool, struct heap *ret_heap)
{
	const struct source *source = pool->handle;
	struct view *view = malloc(sizeof(*view));
	size_t size = sizeof(view->tcache);

	if (view == NULL ||
		mallctl_func("tcache.create", &view->tcache, &size, NULL, 0)) {
		free(view);
		return -1;
	}
	view->free_flags = FLAG_TCACHE(view->tcache);
	view->alloc_flags = view->free_flags | FLAG_ARENA(source->arena);
	*ret_heap = heap_of(view);
	return 0;
}

static void
leave(struct pool *pool, struct heap *heap)
{
	struct view *view = heap->ctx;

	(void)pool;
	(void)mallctl_func("tcache.destroy", NULL, NULL, &view->tcache,
		sizeof(view->tcache));
	free(view);
}

static void
trim(struct pool *pool, struct heap *heap)
{
	const struct source *source = pool->handle;
	struct view *view = heap->ctx;
	char name[64];

	(void)mallctl_func("tcache.flush", NULL, NULL, &view->tcache,
		sizeof(view->tcache));
	(void)snprintf(name, sizeof(name), "arena.%u.purge", source->arena);
	(void)mallctl_func(name, NULL, NULL, NULL, 0);
}

const struct contender contender_jemalloc = {
	.name = "jemalloc",
	.what = "an arena with extent hooks, a cache for each thread",
	.load = load,
	.create = create,
	.remove = remove_pool,
	.enter = enter,
	.leave = leave,
	.trim = trim,
};
