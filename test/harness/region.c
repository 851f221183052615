/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * region.c -- see region.h
 */
#include "harness/test.h"

#include "harness/region.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define CANARY 0xc5

static size_t
tail_size(const struct region *region)
{
	return (size_t)(region->map + region->map_size - region->addr) -
	       region->size;
}

void
region_open(struct region *region, size_t size)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	region->size = size;
	region->map_size = (size + page - 1) / page * page + 2 * page;
	region->map = mmap(NULL, region->map_size, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	must(region->map != MAP_FAILED);
	region->addr = region->map + page;
	memset(region->map, CANARY, page);
	memset(region->addr + size, CANARY, tail_size(region));
}

void
region_dirty(struct region *region, unsigned seed)
{
	struct rng rng;

	rng_init_from(&rng, seed);
	rng_fill(&rng, region->addr, region->size);
}

static bool
is_canary(const char *p, size_t size)
{
	return (unsigned char)p[0] == CANARY && memcmp(p, p + 1, size - 1) == 0;
}

void
region_assert_untouched(const struct region *region)
{
	size_t head = (size_t)(region->addr - region->map);

	must(is_canary(region->map, head));
	must(is_canary(region->addr + region->size, tail_size(region)));
}

void
region_close(struct region *region)
{
	region_assert_untouched(region);
	must(munmap(region->map, region->map_size) == 0);
}
