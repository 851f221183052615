/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * backing_region.c -- memory that the caller already has
 *
 * Of which kind its pages are is not asked: where they are huge, the guard
 * finds out by failing.
 */
#include "backing/backing.h"

#include <stdint.h>

#include "base/arith.h"
#include "base/assert.h"
#include "base/os.h"

int
backing_open_region(struct backing *ret, void *addr, size_t size)
{
	size_t page = os_page_size();

	ASSERT((uintptr_t)addr % page == 0);
	*ret = (struct backing){
		.base = addr,
		.size = align_down(size, page),
		.granule = page,
		.kind = BACKING_REGION,
		.zero = false,
		.fd = -1,
	};
	return 0;
}
