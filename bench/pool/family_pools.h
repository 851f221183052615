/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * family_pools.h -- the pools of such a library, besides its calls: the
 * original's and ours are made alike
 */
#ifndef BENCH_FAMILY_POOLS_H
#define BENCH_FAMILY_POOLS_H

#include "family.h"

static struct extent kept;

/* make -- a pool in a directory or, by the function given, in a region, which
 * begins at a huge page; NULL, or why not */
static const char *
make(struct pool *pool, void *(*in_region)(void *addr, size_t size))
{
	struct extent extent = {NULL, 0};

	if (memory_is_file(pool->memory)) {
		pool->handle = CALL(create)(pool->memory->dir, pool->size);
	} else if (memory_map_again(&kept, pool->memory, pool->size,
			   (size_t)1 << 21, &extent) == 0) {
		pool->handle = in_region(extent.base, extent.size);
		if (pool->handle == NULL)
			memory_keep(&kept, extent);
	}
	if (pool->handle == NULL)
		return CALL(errormsg)();
	pool->extent = (struct extent){pool->handle, pool->size};
	pool->bounded = true;
	return NULL;
}

static void
remove_pool(struct pool *pool)
{
	CALL(delete)(pool->handle);
	if (!memory_is_file(pool->memory))
		memory_keep(&kept, pool->extent);
}

#endif
