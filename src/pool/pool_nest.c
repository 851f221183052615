/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * pool_nest.c -- pools in objects of other pools
 *
 * The outer pool never touches a live object, so both may live: a device as one
 * pool, say, and in its objects a pool for each tenant.
 */
#include "base/guard.h"
#include "base/os.h"
#include "pool/pool_internal.h"

/* pages before a region in which its object may begin: an alignment */
#define LOOK_BACK ((size_t)1 << 18)

/* entries of the page map that lie in one page of it */
#define MAP_PAGE_ENTRIES (RUN_PAGE / sizeof(uint64_t))

/*
 * can_read -- the 8 bytes at p.  Memcheck would tell of the question to the
 * system, and knows the answer, as it does of memory of our own.
 */
static bool
can_read(const void *p)
{
	static const uint64_t known[2];
	const void *at = (const void *)((uintptr_t)p & ~(sizeof(known) - 1));
	if (guard_on && guard_is_readable(known))
		return guard_is_readable(at);
	return os_is_readable(p);
}

/*
 * object_at -- the descriptor of the large object that a page is in, or NULL
 * Of a page map that may be anything: what is no pool any more may be unmapped
 * in part, too.
 */
static const struct desc *
object_at(const struct record *rec, size_t page)
{
	const char *base = rec->backing.base;
	size_t least = page > LOOK_BACK ? page - LOOK_BACK : 0;
	bool readable = false;
	/* only the first page of it has an entry */
	for (;; page--) {
		if (!readable && !can_read(&run_map(base)[page]))
			return NULL;
		if (run_map_entry(base, page) != 0)
			break;
		if (page == least)
			return NULL;
		readable = page % MAP_PAGE_ENTRIES != 0;
	}
	const struct desc *d = run_map_desc(base, page);
	return (uintptr_t)d - (uintptr_t)base < rec->backing.size &&
			       can_read(d) && d->owner == RUN_LARGE
		       ? d
		       : NULL;
}

bool
pool_holds(const struct record *rec, const struct backing *b)
{
	uintptr_t off = (uintptr_t)b->base - (uintptr_t)rec->backing.base;
	if (off >= rec->backing.size || b->size > rec->backing.size - off ||
		rec->overlapped || !can_read(pool_at(rec->backing.base)) ||
		!pool_is_there(rec))
		return false;
	const struct desc *d = object_at(rec, off >> RUN_LG_PAGE);
	/* its end, from where it begins, so that nothing wraps around */
	return d != NULL && d->base <= b->base &&
	       (size_t)(b->base - d->base) + b->size <= (size_t)d->npages
								<< RUN_LG_PAGE;
}
