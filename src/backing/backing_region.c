/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * backing_region.c -- memory that the caller already has
 *
 * It may hold anything, so a new pool clears its metadata, a thousandth of the
 * region.  Of a large region that would take long and bring much into memory:
 * there it is worth asking whether it was ever written to.
 *
 * Of which kind its pages are is not asked: where they are huge, the guard
 * finds out by failing.
 */
#include "backing/backing.h"

#include <errno.h>
#include <stdint.h>

#include "backing/backing_internal.h"
#include "base/arith.h"
#include "base/assert.h"
#include "base/os.h"

/* from here on clearing takes longer than asking */
#define LARGE_REGION ((size_t)4 << 30)

int
backing_open_region(struct backing *ret, void *addr, size_t size)
{
	size_t page = os_page_size();
	int saved = errno;

	ASSERT((uintptr_t)addr % page == 0);
	*ret = (struct backing){
		.base = addr,
		.size = align_down(size, page),
		.granule = page,
		.kind = BACKING_REGION,
		.fd = -1,
	};
	ret->zero = ret->size >= LARGE_REGION &&
		    backing_untouched(ret->base, ret->size);
	errno = saved;
	return 0;
}
