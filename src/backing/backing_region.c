/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * backing_region.c -- memory that the caller already has
 *
 * It may hold anything, so a new pool clears its metadata, two thousandths of
 * the region.  Of a large region that would take long and bring much into
 * memory: there it is worth asking whether it was ever written to.
 *
 * Of which kind its pages are is not asked: where they are huge, the guard
 * finds out by failing.  What the caller says of how they can be given back is
 * tried out on the last page, which is of no worth yet.
 */
#include "backing/backing.h"

#include <errno.h>
#include <stdint.h>

#include "backing/backing_internal.h"
#include "base/arith.h"
#include "base/assert.h"
#include "base/error.h"
#include "base/guard.h"
#include "base/os.h"

/* from here on clearing takes longer than asking */
#define LARGE_REGION ((size_t)4 << 30)

/* try_out -- does the last page read as zero when it was given back? */
static int
try_out(const struct backing *b)
{
	volatile char *byte = b->base + b->size - 1;
	char *page = b->base + b->size - b->granule;
	char old;
	int err;

	if (!backing_can_reserve(b))
		return fail(ENOTSUP, "to give back a region: Linux 5.14");
	old = *byte;
	*byte = 1;
	err = backing_give_back(b->give, page, b->granule);
	if (err != 0) {
		*byte = old;
		return fail_sys(-err, "madvise");
	}
	if (!backing_reserve(page, b->granule))
		return fail_sys(ENOSPC, "madvise");
	if (*byte != 0)
		return fail(EINVAL,
			"the region's pages cannot be given back like this");
	return 0;
}

/*
 * is_there -- is every page mapped?  A program that is wrong about where its
 * region lies, or ends, is told so.  The first one may have no access: another
 * pool has closed it.  Memcheck, which would tell of bytes without a value,
 * lets us ask for the last one only.
 */
static bool
is_there(const struct backing *b)
{
	size_t from = guard_on ? b->size - b->granule : 0;
	return os_is_mapped(b->base + from, b->size - from);
}

int
backing_region_open(struct backing *ret, const struct backing_want *want)
{
	size_t page = os_page_size();
	struct backing b = {.base = want->addr,
		.size = align_down(want->size, page),
		.granule = page,
		.unit = page,
		.kind = BACKING_REGION,
		.give = want->give,
		.fd = -1};
	int err = 0;

	ASSERT((uintptr_t)want->addr % page == 0);
	if (!is_there(&b))
		return fail(EINVAL, "no memory at %p, or not all of %zu bytes",
			(void *)b.base, b.size);
	b.reserved = b.size;
	b.zero = b.size >= LARGE_REGION && backing_untouched(b.base, b.size);
	if (b.give != BACKING_GIVE_NEVER)
		err = try_out(&b);
	if (err == 0)
		err = backing_place(&b, want);
	if (err == 0)
		*ret = b;
	return err;
}
