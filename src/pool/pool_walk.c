/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * pool_walk.c -- call back for each live object of a pool
 *
 * The pool is frozen over all calls, so what is seen is exactly what there is.
 * The callback may use other pools; of the one that it walks over it would wait
 * for its own end, which is found out instead.
 */
#include <errno.h>
#include <pthread.h>

#include "base/error.h"
#include "base/guard.h"
#include "pool/pool_internal.h"

/* a walk of this thread; a callback may begin another, over another pool */
struct walk {
	const void *handle;
	pool_visitor *visit;
	void *arg;
	struct walk *outer;
};

static TLS_INITIAL_EXEC struct walk *walks; /* innermost; owner thread */

int
pool_walked(const void *handle)
{
	for (const struct walk *w = walks; w != NULL; w = w->outer)
		if (w->handle == handle)
			return fail(EDEADLK,
				"pool %p: called from within a walk over it",
				handle);
	return 0;
}

static int
visit_object(void *arg, void *p, size_t usable)
{
	const struct walk *w = arg;
	if (unlikely(guard_on) && pool_guard_is_kept(w->handle, p))
		return 0;
	if (unlikely(guard_on)) {
		usable = guard_asked(p, usable);
	} else if (unlikely(pool_is_guarded(pool_at(w->handle)))) {
		struct object o = {.what = FREE_DONE, .usable = usable};
		usable = guarded_asked(p, &o);
		/* it waits, and is no object any more */
		if (o.what != FREE_DONE)
			return 0;
	}
	return w->visit(p, usable, w->arg);
}

/* walk -- over the frozen pool of that record */
static int
walk(void *handle, const struct record *rec, struct walk *w, int *ret)
{
	struct pool *pool = pool_at(handle);
	int cancel;
	if (!pool_is_there(rec))
		return fail(
			EINVAL, "invalid pool handle: 0x%zx", (size_t)handle);
	/* relaxed: who comes later is not waited for */
	if (rec->kin != KIN_OWN || load_relaxed(&pool->has_guests) != 0)
		return fail(EBUSY, "pool %p is used by another process too",
			handle);
	/* a thread that ends here would leave the pool frozen */
	(void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
	w->outer = walks;
	walks = w;
	*ret = heap_each(pool_any_heap(pool), visit_object, w);
	walks = w->outer;
	(void)pthread_setcancelstate(cancel, NULL);
	return 0;
}

int
pool_walk(void *handle, pool_visitor *visit, void *arg, int *ret)
{
	struct record rec;
	struct walk w = {.handle = handle, .visit = visit, .arg = arg};
	int rc = pool_freeze_walk(handle, walks != NULL, &rec);
	if (rc != 0)
		return rc;
	rc = walk(handle, &rec, &w, ret);
	pool_thaw_walk(handle);
	return rc;
}
