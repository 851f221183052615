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
pool_guard_request(struct order *o)
{
	if (o->align == 0 && is_pow2(o->size) && o->size <= RUN_PAGE)
		o->align = o->size; /* what malloc promises */
	if (o->align < GUARD_ZONE)
		o->align = GUARD_ZONE;
	/* more than any pool holds stays that */
	if (o->size <= PTRDIFF_MAX - GUARD_EXTRA)
		o->size += GUARD_EXTRA;
}

void
pool_guard_begin(struct pool *pool, void *p, const struct order *o)
{
	void *handle = (void *)(uintptr_t)pool->base;
	size_t usable = heap_find(pool_any_heap(pool), p).usable;
	guard_object_begin(handle, p, o->asked, usable, o->zero && o->clean);
}

void
pool_guard_shrink(void *handle, void *p, size_t size)
{
	struct visit v;
	if (pool_enter(&v, handle) != 0)
		return;
	struct object o = pool_object_at(&v, p);
	if (o.what == FREE_DONE)
		guard_object_resize(handle, p, size, o.usable);
	pool_leave(&v);
}

/* lose -- a live object of a pool that is about to be no more */
struct lose {
	const void *handle;
	void *place;
	size_t size; /* of the pool */
};

static int
lose(void *arg, void *p, size_t usable)
{
	struct lose *l = arg;
	if (l->place == NULL)
		l->place = guard_pool_lost(l->handle, l->size);
	if (l->place != NULL)
		guard_object_lost(
			l->handle, l->place, p, guard_asked(p, usable));
	return 0;
}

void
pool_guard_lost(void *handle)
{
	struct pool *pool = pool_at(handle);
	struct lose l = {handle, NULL, pool->size};
	(void)heap_each(pool_any_heap(pool), lose, &l);
	if (l.place != NULL)
		guard_pool_lost_end(handle, l.place);
}

static int
end(void *arg, void *p, size_t usable)
{
	guard_object_end(arg, p, usable);
	return 0;
}

void
pool_guard_end_all(void *handle)
{
	(void)heap_each(pool_any_heap(pool_at(handle)), end, handle);
}

/* live -- there is an object: no need to look further */
static int
live(void *arg, void *p, size_t usable)
{
	(void)arg;
	(void)p;
	(void)usable;
	return 1;
}

/* hide -- the metadata of one pool */
static void
hide(const struct record *rec)
{
	struct pool *pool = pool_at(rec->backing.base);
	const struct run_space *rs = &pool->runs;
	const char *base = rec->backing.base;
	size_t page = rs->first, n;
	if (heap_each(pool_any_heap(pool), live, NULL) != 0)
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
