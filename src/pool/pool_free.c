/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * pool_free.c -- free, measure and resize: operations on an object there is
 *
 * An object that lies in another live pool than the handle says is dealt with
 * there.  What is no live object is refused, counted, and said.
 */
#include <errno.h>

#include "base/arith.h"
#include "base/error.h"
#include "base/guard.h"
#include "base/log.h"
#include "base/misuse.h"
#include "base/probe.h"
#include "pool/pool_internal.h"
#include "profile/profile.h"

void *
pool_owner(const void *p)
{
	registry_lock();
	struct record *rec = registry_owner(p);
	void *handle = rec == NULL ? NULL : rec->backing.base;
	registry_unlock();
	return handle;
}

/* refuse -- what is no live object, or not that one; returns -EINVAL */
static int
refuse(void *handle, const void *p, const char *who, enum free_result why)
{
	PROBE3(misuse, handle, p, why);
	if (why == FREE_DOUBLE)
		return misuse(
			"%s: %p in pool %p: freed already", who, p, handle);
	if (why == FREE_DAMAGED)
		return misuse("%s: %p in pool %p: its end is overwritten", who,
			p, handle);
	if (why == FREE_SIZE)
		return misuse(
			"%s: %p in pool %p has another size", who, p, handle);
	return misuse("%s: %p is no object of pool %p", who, p, handle);
}

/* count -- a refusal; relaxed: statistics */
static void
count(struct pool *pool)
{
	(void)fetch_add_relaxed(&pool->nmisuse, 1);
}

/* count_foreign -- a free of what is in no pool, in the one that was named */
static void
count_foreign(void *handle)
{
	struct visit v;
	if (pool_enter(&v, handle) != 0)
		return;
	count(v.pool);
	pool_leave(&v);
}

enum free_result
visit_free(const struct visit *v, void *p, size_t size)
{
	return v->heap != NULL ? heap_free_sized(v->heap, p, size)
			       : dir_free_stray(&v->pool->dir, p, size);
}

/*
 * watched_free -- where somebody is told what becomes of objects, before it
 * does, since then the address may be another object's
 */
static enum free_result
watched_free(const struct visit *v, void *handle, void *p, size_t size,
	struct guard_origin by)
{
	struct object o = pool_object_at(v, p);
	bool live = o.what == FREE_DONE, fits = true;
	if (live && guard_on && pool_guard_is_kept(handle, p))
		return FREE_DOUBLE;
	if (live && guard_on && size != 0)
		fits = size == max_size(guard_asked(p, o.usable), 1);
	else if (live && size != 0)
		fits = v->pool->dir.hardening == HARDENING_NONE ||
		       object_takes(&o, size);
	if (!fits)
		return FREE_SIZE;
	if (live && guard_on)
		pool_guard_end(handle, p, o.usable, by);
	if (v->profile != NULL)
		profile_remove(v->profile, p);
	if (live && guard_on && pool_guard_keep(handle, p, o.usable)) {
		pool_guard_release(v, handle, false);
		return FREE_DONE;
	}
	/* its size has been looked at */
	return visit_free(v, p, 0);
}

enum free_result
pool_free_inside(const struct visit *v, void *handle, void *p, size_t size,
	struct guard_origin by)
{
	enum free_result r;
	if (unlikely(pool_is_guarded(v->pool)))
		r = pool_guarded_free(v, p, size);
	else if (unlikely(v->profile != NULL) || unlikely(guard_on))
		r = watched_free(v, handle, p, size, by);
	else
		r = visit_free(v, p, size);
	if (r != FREE_DONE && r != FREE_FOREIGN)
		count(v->pool);
	return r;
}

static enum free_result
free_once(void *handle, void *p, size_t size, struct guard_origin by, int *rc)
{
	struct visit v;
	*rc = pool_enter(&v, handle);
	if (*rc != 0)
		return FREE_INVALID;
	enum free_result r = pool_free_inside(&v, handle, p, size, by);
	pool_leave(&v);
	return r;
}

void
pool_free(void *handle, void *p, const char *who)
{
	pool_free_sized(handle, p, 0, who);
}

void
pool_free_sized(void *handle, void *p, size_t size, const char *who)
{
	int rc;
	struct guard_origin by = {0, 0};
	if (unlikely(guard_on))
		by = guard_origin_here();
	enum free_result r = free_once(handle, p, size, by, &rc);
	if (rc != 0)
		return;
	if (r == FREE_FOREIGN) {
		void *owner = pool_owner(p);
		if (owner != NULL && owner != handle)
			r = free_once(owner, p, size, by, &rc);
		if (rc != 0)
			return;
		handle = owner != NULL ? owner : handle;
		if (r == FREE_FOREIGN)
			count_foreign(handle);
	}
	if (r != FREE_DONE && r != FREE_SIZE && unlikely(guard_on))
		pool_guard_bad(handle, p, who, true);
	if (r != FREE_DONE)
		(void)refuse(handle, p, who, r);
}

/* seen -- what lies at p of a pool, with the bytes that its user may use */
static struct object
seen(const struct pool *pool, struct object o, void *p)
{
	if (o.what != FREE_DONE)
		return o;
	if (unlikely(guard_on)) {
		o.usable = guard_asked(p, o.usable);
		if (pool_guard_is_kept((void *)(uintptr_t)pool->base, p))
			o.what = FREE_DOUBLE;
	} else if (unlikely(pool_is_guarded(pool)))
		o.usable = guarded_asked(p, &o);
	return o;
}

/* what resizing needs to know of the pool that an object is in */
struct kind {
	const struct class_table *table;
	bool guarded;
};

/*
 * find -- the object at p, in whatever live pool it is
 * *ret_handle becomes that pool.  Returns 0 or -EINVAL.
 */
static int
find(void **handle, void *p, const char *who, struct object *ret,
	struct kind *ret_kind)
{
	for (;;) {
		struct visit v;
		int rc = pool_enter(&v, *handle);
		if (rc != 0)
			return rc;
		*ret = seen(v.pool, pool_object_at(&v, p), p);
		*ret_kind = (struct kind){
			v.pool->dir.table, pool_is_guarded(v.pool)};
		pool_leave(&v);
		if (ret->what == FREE_DONE)
			return 0;
		void *owner = NULL;
		if (ret->what == FREE_FOREIGN)
			owner = pool_owner(p);
		if (owner == NULL || owner == *handle) {
			if (unlikely(guard_on))
				pool_guard_bad(*handle, p, who, false);
			return refuse(*handle, p, who, ret->what);
		}
		*handle = owner;
	}
}

size_t
pool_usable(void *handle, void *p, const char *who, int *err)
{
	struct object o;
	struct kind k;
	int rc = find(&handle, p, who, &o, &k);
	if (rc != 0) {
		*err = -rc;
		return 0;
	}
	return o.usable;
}

size_t
pool_usable_held(void *handle, void *p)
{
	struct pool *pool = pool_at(handle);
	struct object o = seen(pool, dir_find(&pool->dir, p), p);
	return o.what == FREE_DONE ? o.usable : 0;
}

/*
 * resize_large -- in place; false when the pages behind are taken
 * It is looked up once more: the pool may have been reset meanwhile.
 */
static bool
resize_large(void *handle, void *p, size_t size)
{
	struct visit v;
	bool done = false, sampled = false;
	if (pool_enter(&v, handle) != 0)
		return false;
	struct object o = pool_object_at(&v, p);
	bool guarded = pool_is_guarded(v.pool);
	size_t npages = max_size(
		div_up(size + (guarded ? GUARDED_EXTRA : 0), RUN_PAGE), 1);
	if (v.heap != NULL && o.what == FREE_DONE && o.large)
		done = heap_resize_large(v.heap, p, npages);
	if (done && unlikely(guarded)) {
		o.usable = npages << RUN_LG_PAGE;
		guarded_resize(p, &o, size);
	}
	if (done && unlikely(v.profile != NULL)) {
		/* as if it were another object */
		profile_remove(v.profile, p);
		sampled = profile_due(v.profile, size);
	}
	pool_leave(&v);
	if (sampled)
		pool_sampled(handle, p, size);
	return done;
}

/*
 * shrink -- where it lies, what has become smaller and cannot be moved
 * Looked up once more, as above: what lies there now may be smaller still.
 */
static int
shrink(void *handle, void *p, size_t size)
{
	struct visit v;
	int rc = pool_enter(&v, handle);
	if (rc != 0)
		return rc;
	struct object o = pool_object_at(&v, p), now = seen(v.pool, o, p);
	if (now.what != FREE_DONE || size > now.usable) {
		count(v.pool);
		rc = fail(EINVAL, "%p: freed by another thread meanwhile", p);
	} else if (unlikely(guard_on)) {
		pool_guard_shrink(handle, p, size, o.usable);
	} else {
		guarded_resize(p, &o, size);
	}
	pool_leave(&v);
	return rc;
}

void *
pool_realloc(void *handle, void *p, size_t size, int *err)
{
	struct object o;
	struct kind k;
	int rc = find(&handle, p, "vmem_realloc", &o, &k);
	if (rc != 0) {
		*err = -rc;
		return NULL;
	}
	if (size > PTRDIFF_MAX) {
		*err = -fail(
			ENOMEM, "%zu bytes: more than any pool holds", size);
		return NULL;
	}
	/* under guard, and where objects are guarded, another object is made
	 * each time, so that who goes on with the old one is seen */
	bool watched = guard_on || k.guarded;
	if (k.guarded && size == o.usable)
		return p; /* as is promised */
	if (!watched && object_stays(&o, k.table, p, size))
		return p;
	if (!watched && o.large && resize_large(handle, p, size))
		return p;
	int why = 0;
	struct content c = {
		.from = p, .nfrom = min_size(size, o.usable), .moved = true};
	void *fresh = pool_alloc(handle, size, 0, c, &why);
	if (fresh != NULL)
		return fresh;
	/* where there is no room for two of them */
	if (k.guarded && o.large && resize_large(handle, p, size))
		return p;
	if (size > o.usable) {
		*err = why;
		return NULL;
	}
	rc = watched ? shrink(handle, p, size) : 0;
	if (rc == 0)
		return p;
	*err = -rc;
	return NULL;
}
