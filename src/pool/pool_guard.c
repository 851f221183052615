/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * pool_guard.c -- pools under memcheck and the address sanitizer
 *
 * Objects are GUARD_EXTRA larger, so that what lies behind one is no object.
 * A pool keeps no LIFOs then (hardening level 2), so every double free is seen
 * at once.
 */
#include "base/arith.h"
#include "base/guard.h"
#include "base/os.h"
#include "pool/pool_internal.h"

void
pool_guard_init(void)
{
	const char *text = os_getenv("VMEM_GUARD");
	guard_init(text == NULL || text[0] != '0' || text[1] != '\0');
}

void
pool_guard_request(size_t *size, size_t *align)
{
	if (*align == 0 && is_pow2(*size) && *size <= RUN_PAGE)
		*align = *size; /* what malloc promises */
	if (*align < GUARD_ZONE)
		*align = GUARD_ZONE;
	/* more than any pool holds stays that */
	if (*size <= PTRDIFF_MAX - GUARD_EXTRA)
		*size += GUARD_EXTRA;
}

/* object_at -- what is at p; the caller is inside the pool */
static struct object
object_at(const struct visit *v, void *p)
{
	return heap_find(v->heap != NULL ? v->heap : pool_any_heap(v->pool), p);
}

void
pool_guard_begin(void *handle, void *p, size_t size, bool set)
{
	struct visit v;
	if (pool_enter(&v, handle) != 0)
		return;
	guard_object_begin(handle, p, size, object_at(&v, p).usable, set);
	pool_leave(&v);
}

void
pool_guard_end(const struct visit *v, void *handle, void *p)
{
	struct object o = object_at(v, p);
	if (o.what == FREE_DONE)
		guard_object_end(handle, p, o.usable);
}

void
pool_guard_shrink(void *handle, void *p, size_t size)
{
	struct visit v;
	if (pool_enter(&v, handle) != 0)
		return;
	guard_object_resize(handle, p, size, object_at(&v, p).usable);
	pool_leave(&v);
}

/* lose -- a live object of a pool that is about to be no more */
struct lose {
	const void *handle;
	void *place;
	size_t size; /* of the pool */
};

static void
lose(void *arg, void *p, size_t usable)
{
	struct lose *l = arg;
	if (l->place == NULL)
		l->place = guard_pool_lost(l->handle, l->size);
	if (l->place != NULL)
		guard_object_lost(
			l->handle, l->place, p, guard_asked(p, usable));
}

void
pool_guard_lost(void *handle)
{
	struct pool *pool = pool_at(handle);
	struct lose l = {handle, NULL, pool->size};
	heap_each(pool_any_heap(pool), lose, &l);
	if (l.place != NULL)
		guard_pool_lost_end(handle, l.place);
}

static void
live(void *arg, void *p, size_t usable)
{
	(void)p;
	(void)usable;
	*(bool *)arg = true;
}

/* hide -- the metadata of one pool */
static void
hide(const struct record *rec)
{
	struct pool *pool = pool_at(rec->backing.base);
	const struct run_space *rs = &pool->runs;
	const char *base = rec->backing.base;
	size_t page = rs->first, n;
	bool any = false;
	heap_each(pool_any_heap(pool), live, &any);
	if (any)
		guard_pool_live();
	while ((n = run_next_used(rs, page, &page)) > 0)
		for (size_t end = page + n; page < end;) {
			const struct desc *d =
				run_lookup(rs, base + (page << RUN_LG_PAGE));
			uint64_t owner =
				d == NULL ? RUN_NONE : load_relaxed(&d->owner);
			n = d == NULL ? 1 : max_size(d->npages, 1);
			if (owner == RUN_META || owner == RUN_HEAP)
				guard_hide(base + (page << RUN_LG_PAGE),
					n << RUN_LG_PAGE);
			page += n;
		}
}

/* is_there -- the program may have freed a region that it had a pool in */
static bool
is_there(const struct record *rec)
{
	const struct pool *pool = pool_at(rec->backing.base);
	return !rec->overlapped && rec->kin == KIN_OWN &&
	       guard_is_readable(pool) && pool->signature == POOL_SIGNATURE &&
	       guard_is_readable(&pool->uid) && pool->uid == rec->uid;
}

void
pool_guard_exit(void)
{
	if (!guard_on)
		return;
	registry_lock();
	guard_quiet(true);
	for (size_t i = 0; i < registry_count(); i++)
		if (is_there(registry_at(i)))
			hide(registry_at(i));
	guard_quiet(false);
	registry_unlock();
}
