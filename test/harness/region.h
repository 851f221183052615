/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * region.h -- memory for a pool, with watched pages around it
 *
 * The page before the region and the rest of the page behind it, with one page
 * more, hold a pattern; region_close and region_assert_untouched compare it.
 */
#ifndef HARNESS_REGION_H
#define HARNESS_REGION_H

#include <stddef.h>

struct region {
	char *addr;      /* page aligned */
	size_t size;     /* bytes; need not be a multiple of the page */
	char *map;       /* private: the mapping */
	size_t map_size; /* private */
};

/* region_open -- memory that reads as zero */
void region_open(struct region *region, size_t size);
/* region_dirty -- fill the region with bytes that depend on seed */
void region_dirty(struct region *region, unsigned seed);
/* region_assert_untouched -- nothing was written around the region */
void region_assert_untouched(const struct region *region);
/* region_close -- compare and unmap; there is no pool in it any more */
void region_close(struct region *region);

#endif
