/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * pool_guarded.c -- pools whose objects have an edge and a seal
 *
 * No thread has an entry for the fast path in them (tcache/thread.h), so that
 * every operation comes by here.
 */
#include "base/arith.h"
#include "pool/pool_internal.h"
#include "profile/profile.h"
#include "tcache/tcache.h"

/* count -- findings, which have been told of */
static void
count(struct pool *pool, unsigned n)
{
	/* relaxed: statistics */
	if (n > 0)
		(void)fetch_add_relaxed(&pool->nmisuse, n);
}

void
pool_guarded_begin(
	struct pool *pool, struct heap *h, void *p, const struct order *o)
{
	count(pool, guarded_begin(h, p, o->asked));
}

void *
pool_guarded_alloc(struct visit *v, const struct request *r, struct order *o)
{
	void *p = request_try(v->heap, r, &o->clean);
	if (p == NULL && !idle_is_due(v->heap)) {
		/* what waits here is nearer than what others have */
		count(v->pool, guarded_flush(v->heap));
		p = request_try(v->heap, r, &o->clean);
	}
	if (p != NULL)
		pool_guarded_begin(v->pool, v->heap, p, o);
	return p;
}

enum free_result
pool_guarded_free(const struct visit *v, void *p, size_t size)
{
	unsigned nfound;
	struct heap *h = v->heap != NULL ? v->heap : pool_any_heap(v->pool);
	enum free_result r = guarded_claim(h, p, size, &nfound);
	if (r == FREE_DONE) {
		/* before it can be another object */
		if (v->profile != NULL)
			profile_remove(v->profile, p);
		nfound += v->heap != NULL ? guarded_put(h, p)
					  : guarded_put_stray(&v->pool->dir, p);
	}
	count(v->pool, nfound);
	return r;
}
