/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * memkind.c -- memkind: PMEM kinds in files, fixed kinds in regions
 */
#include "library.h"

#include <stdio.h>

static int (*create_pmem)(const char *dir, size_t size, void **ret_kind);
static int (*create_fixed)(void *addr, size_t size, void **ret_kind);
static int (*destroy_kind)(void *kind);
static void *(*kind_malloc)(void *kind, size_t size);
static void (*kind_free)(void *kind, void *ptr);
static void *(*kind_calloc)(void *kind, size_t n, size_t size);
static void *(*kind_realloc)(void *kind, void *ptr, size_t size);
static int (*kind_memalign)(
	void *kind, void **ret_ptr, size_t align, size_t size);
static int (*get_version)(void);

static void *
kind_aligned_alloc(void *kind, size_t align, size_t size)
{
	void *ptr;

	return kind_memalign(kind, &ptr, align, size) == 0 ? ptr : NULL;
}

#define CALL(name) kind_##name
#include "family.h"

static const struct library_function functions[] = {
	{"memkind_create_pmem", &create_pmem},
	{"memkind_create_fixed", &create_fixed},
	{"memkind_destroy_kind", &destroy_kind},
	{"memkind_malloc", &kind_malloc},
	{"memkind_free", &kind_free},
	{"memkind_calloc", &kind_calloc},
	{"memkind_realloc", &kind_realloc},
	{"memkind_posix_memalign", &kind_memalign},
	{"memkind_get_version", &get_version},
	{NULL, NULL},
};

enum { MAJOR = 1000000, MINOR = 1000 };

static const char *
load(char *ret_version, size_t size)
{
	const char *why = library_load("libmemkind.so.0", functions);

	if (why != NULL)
		return why;
	(void)snprintf(ret_version, size, "%d.%d.%d", get_version() / MAJOR,
		get_version() % MAJOR / MINOR, get_version() % MINOR);
	return NULL;
}

static const char *
create(struct pool *pool)
{
	static char why[64];
	int error;

	if (memory_is_file(pool->memory)) {
		error = create_pmem(
			pool->memory->dir, pool->size, &pool->handle);
	} else {
		if (memory_map(pool->memory, pool->size, (size_t)1 << 21,
			    &pool->extent) != 0)
			return "no region";
		error = create_fixed(
			pool->extent.base, pool->extent.size, &pool->handle);
	}
	if (error != 0) {
		memory_unmap(pool->extent);
		(void)snprintf(
			why, sizeof(why), "no kind: memkind's error %d", error);
		return why;
	}
	pool->bounded = true;
	return NULL;
}

static void
remove_pool(struct pool *pool)
{
	(void)destroy_kind(pool->handle);
	if (!memory_is_file(pool->memory))
		memory_unmap(pool->extent);
}

const struct contender contender_memkind = {
	.name = "memkind",
	.what = "memkind_create_pmem(), or memkind_create_fixed() in a region",
	.load = load,
	.create = create,
	.remove = remove_pool,
	.enter = enter,
	.leave = leave,
};
