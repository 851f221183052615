/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * pool_alloc.c -- what size and alignment ask for, and who can give it
 */
#include <errno.h>
#include <string.h>

#include "base/arith.h"
#include "base/error.h"
#include "base/guard.h"
#include "base/probe.h"
#include "pool/pool_internal.h"
#include "profile/profile.h"

bool
request_make(struct request *ret, const struct class_table *t, size_t size,
	size_t align)
{
	if (size > PTRDIFF_MAX || align > PTRDIFF_MAX)
		return false;
	ret->npages = 0;
	ret->lg_align = RUN_LG_PAGE;
	size_t slot = size;
	if (align > 1 && align <= RUN_PAGE)
		slot = class_aligned_size(size, align);
	if (slot <= SLAB_MAX && align <= RUN_PAGE) {
		ret->cls = class_of(t, slot);
		return true;
	}
	ret->npages = max_size(div_up(size, RUN_PAGE), 1);
	if (align > RUN_PAGE)
		ret->lg_align = lg_floor(align);
	return ret->npages <= RUN_MAX_PAGES;
}

size_t
order_align(const struct order *o)
{
	if (o->align != 0)
		return o->align;
	return is_pow2(o->size) && o->size <= RUN_PAGE ? o->size : 1;
}

void
order_widen(struct order *o, size_t least, size_t extra)
{
	o->align = max_size(order_align(o), least);
	/* more than any pool holds stays that */
	if (o->size <= PTRDIFF_MAX - extra)
		o->size += extra;
}

void *
request_try(struct heap *h, const struct request *r, bool *ret_clean)
{
	*ret_clean = false;
	if (r->npages == 0)
		return heap_alloc_class(h, r->cls);
	return heap_alloc_large(h, r->npages, r->lg_align, ret_clean);
}

int
order_start(const struct visit *v, const struct order *o)
{
	if (!o->content.moved ||
		pool_object_at(v, o->content.from).what == FREE_DONE)
		return 0;
	/* relaxed: statistics */
	(void)fetch_add_relaxed(&v->pool->nmisuse, 1);
	return fail(EINVAL, "%p: freed by another thread while it is moved",
		o->content.from);
}

void
order_fill(const struct visit *v, void *handle, void *p, const struct order *o)
{
	const struct content *c = &o->content;
	bool zero = c->zero && !o->clean;
	if ((zero || c->from != NULL) && heap_hold(v->heap, p)) {
		if (zero)
			memset(p, 0, o->asked);
		else
			memcpy(p, c->from, c->nfrom);
		heap_let(v->heap, p);
	}
	/* another thread may free it too, though: it is gone either way */
	if (c->moved)
		(void)pool_free_inside(v, handle, c->from, 0, o->by);
}

/* first_try -- from the thread's heap; NULL: there may be room elsewhere */
static int
first_try(void *handle, struct order *o, void **ret)
{
	struct visit v;
	struct request r;
	int rc = pool_enter(&v, handle);
	if (rc != 0)
		return rc;
	const struct run_space *rs = &v.pool->runs;
	bool guarded = pool_is_guarded(v.pool);
	if (unlikely(guarded))
		order_widen(o, GUARDED_EXTRA, GUARDED_EXTRA);
	rc = order_start(&v, o);
	if (rc == 0 &&
		(!request_make(&r, v.pool->dir.table, o->size, o->align) ||
			r.npages > rs->npages - rs->first))
		rc = fail(ENOMEM, "%zu bytes: more than the pool holds",
			o->asked);
	else if (rc == 0 && v.heap != NULL && !idle_is_due(v.heap))
		*ret = unlikely(guarded) ? pool_guarded_alloc(&v, &r, o)
					 : request_try(v.heap, &r, &o->clean);
	if (rc == 0 && *ret == NULL && v.heap != NULL)
		o->idle = idle_is_due(v.heap);
	if (unlikely(guard_on) && *ret != NULL)
		pool_guard_begin(v.pool, *ret, o);
	if (*ret != NULL)
		order_fill(&v, handle, *ret, o);
	if (unlikely(v.profile != NULL) && rc == 0)
		o->sampled = profile_due(v.profile, max_size(o->asked, 1));
	pool_leave(&v);
	return rc;
}

void *
pool_alloc(void *handle, size_t size, size_t align, struct content c, int *err)
{
	struct order o = {
		.asked = size, .size = size, .align = align, .content = c};
	void *p = NULL;
	if (unlikely(guard_on))
		pool_guard_request(&o);
	int rc = first_try(handle, &o, &p);
	if (rc == 0 && p == NULL)
		rc = pool_reclaim(handle, &o, &p);
	if (rc == 0 && p == NULL)
		rc = fail(
			ENOMEM, "%zu bytes: no room in pool %p", size, handle);
	if (rc == -ENOMEM)
		PROBE3(oom, handle, size, align);
	if (rc != 0) {
		*err = -rc;
		return NULL;
	}
	if (unlikely(o.sampled))
		pool_sampled(handle, p, size);
	return p;
}
