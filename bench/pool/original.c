/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * original.c -- the original libvmem, which tools/get-original fetches
 *
 * It lies where $BENCH_ORIGINAL says: the name alone is ours as well.
 */
#include "library.h"

#include <stdio.h>
#include <stdlib.h>

#define VARIABLE "BENCH_ORIGINAL"

static void *(*original_create)(const char *dir, size_t size);
static void *(*original_create_in_region)(void *addr, size_t size);
static void (*original_delete)(void *pool);
static void *(*original_malloc)(void *pool, size_t size);
static void (*original_free)(void *pool, void *ptr);
static void *(*original_calloc)(void *pool, size_t n, size_t size);
static void *(*original_realloc)(void *pool, void *ptr, size_t size);
static void *(*original_aligned_alloc)(void *pool, size_t align, size_t size);
static const char *(*original_errormsg)(void);
static const char *(*original_check_version)(unsigned major, unsigned minor);

#define CALL(name) original_##name
#include "family_pools.h"

static const struct library_function functions[] = {
	{"vmem_create", &original_create},
	{"vmem_create_in_region", &original_create_in_region},
	{"vmem_delete", &original_delete},
	{"vmem_malloc", &original_malloc},
	{"vmem_free", &original_free},
	{"vmem_calloc", &original_calloc},
	{"vmem_realloc", &original_realloc},
	{"vmem_aligned_alloc", &original_aligned_alloc},
	{"vmem_errormsg", &original_errormsg},
	{"vmem_check_version", &original_check_version},
	{NULL, NULL},
};

static const char *
load(char *ret_version, size_t size)
{
	const char *path = getenv(VARIABLE);
	const char *why;

	if (path == NULL)
		return "no " VARIABLE ", see tools/get-original";
	why = library_load(path, functions);
	if (why != NULL)
		return why;
	/* the last release is 1.8, of interface 1.1; 1.2 is ours */
	if (original_check_version(1, 2) == NULL)
		return VARIABLE " names a newer library";
	(void)snprintf(ret_version, size, "1.8");
	return NULL;
}

static const char *
create(struct pool *pool)
{
	return make(pool, original_create_in_region);
}

const struct contender contender_original = {
	.name = "original",
	.what = "libvmem 1.8 of 2020: vmem_create(), vmem_create_in_region()",
	.load = load,
	.create = create,
	.remove = remove_pool,
	.enter = enter,
	.leave = leave,
};
