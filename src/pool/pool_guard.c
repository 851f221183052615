/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * pool_guard.c -- pools under memcheck and the address sanitizer
 *
 * Objects are GUARD_EXTRA larger, so that what lies behind one is no object.
 * A pool keeps no LIFOs then (hardening level 2), so every double free is seen
 * at once.
 */
#include "base/arith.h"
#include "base/config.h"
#include "base/guard.h"
#include "base/report.h"
#include "pool/guard_book.h"
#include "pool/guard_text.h"
#include "pool/pool_internal.h"

#define KEEP_PART 16u /* of a pool: what it keeps of freed objects */
#define LG_KIB    10u

static struct config_guard config; /* set once, by pool_guard_init() */
static bool reports;   /* the address sanitizer is there; set once, too */
static size_t nleaked; /* atomic: objects that have been listed */

void
pool_guard_init(void)
{
	config_read_guard(&config);
	guard_init(config.off == 0);
	reports = guard_on && report_begin(guard_describe);
	/* without stacks there still are notes of the objects */
	if (reports && config.stacks != 0)
		(void)guard_stacks_init();
}

/* book_of -- the pool's book, or NULL */
static struct guard_book *
book_of(const void *handle)
{
	return reports ? guard_book_of(handle) : NULL;
}

void
pool_guard_open(const void *base, size_t size, size_t first)
{
	guard_pool_begin(base, size, first);
	size_t keep = size / KEEP_PART;
	if (config.quarantine >= 0)
		keep = (size_t)config.quarantine << LG_KIB;
	/* without memory for a book nothing is known of the objects */
	if (reports)
		(void)guard_book_open(base, size, keep);
}

void
pool_guard_close(const void *base, size_t size, bool touch)
{
	struct guard_book *b = book_of(base);
	if (b != NULL)
		guard_book_close(b);
	guard_pool_end(base, size, touch);
}

void
pool_guard_request(struct order *o)
{
	o->by = guard_origin_here();
	order_widen(o, GUARD_ZONE, GUARD_EXTRA);
}

void
pool_guard_begin(struct pool *pool, void *p, const struct order *o)
{
	void *handle = (void *)(uintptr_t)pool->base;
	size_t usable = dir_find(&pool->dir, p).usable;
	struct guard_book *b = book_of(handle);
	guard_object_begin(
		handle, p, o->asked, usable, o->content.zero && o->clean);
	if (b != NULL)
		guard_book_begin(b, p, o->asked, usable, o->by);
}

void
pool_guard_end(void *handle, void *p, size_t usable, struct guard_origin by)
{
	struct guard_book *b = book_of(handle);
	guard_object_end(handle, p, usable);
	if (b != NULL)
		guard_book_end(b, p, by);
}

bool
pool_guard_keep(void *handle, void *p, size_t usable)
{
	struct guard_book *b = book_of(handle);
	return b != NULL && !guard_pool_is_shared(handle) &&
	       guard_keep_push(guard_book_keep(b), p, usable);
}

void
pool_guard_release(const struct visit *v, void *handle, bool all)
{
	struct guard_book *b = book_of(handle);
	void *p;
	while (b != NULL &&
		(p = guard_keep_pop(guard_book_keep(b), all)) != NULL)
		(void)visit_free(v, p, 0);
}

void
pool_guard_drain(void *handle)
{
	struct visit v;
	if (!reports || pool_enter(&v, handle) != 0)
		return;
	pool_guard_release(&v, handle, true);
	pool_leave(&v);
}

bool
pool_guard_is_kept(const void *handle, const void *p)
{
	struct guard_book *b = book_of(handle);
	/* where another process allocates the notes do not tell it */
	return b != NULL && !guard_pool_is_shared(handle) &&
	       guard_book_has_freed(b, p);
}

bool
pool_guard_shared(const struct pool *pool)
{
	/* relaxed: what the child has made before is reached through locks */
	return load_relaxed(&pool->has_guests) != 0 &&
	       !guard_pool_is_shared((void *)(uintptr_t)pool->base);
}

void
pool_guard_share(const struct record *rec)
{
	void *handle = rec->backing.base;
	struct pool *pool = pool_at(handle);
	const struct visit v = {.pool = pool};
	if (rec->kin != KIN_OWN || rec->overlapped ||
		pool->signature != POOL_SIGNATURE || pool->uid != rec->uid ||
		!pool_guard_shared(pool))
		return;
	guard_pool_share(handle, rec->backing.size, RUN_HEADER_OFF);
	/* from now on nobody asks what is kept */
	pool_guard_release(&v, handle, true);
}

void
pool_guard_inherit(const struct record *rec)
{
	struct guard_book *b = book_of(rec->backing.base);
	/* what the parent keeps it will free itself */
	if (b != NULL)
		guard_keep_clear(guard_book_keep(b));
	guard_pool_share(rec->backing.base, rec->backing.size, RUN_HEADER_OFF);
}

void
pool_guard_bad(void *handle, void *p, const char *who, bool freed)
{
	if (freed)
		guard_object_bad(handle, p);
	if (reports)
		guard_wrong(who, p);
}

void
pool_guard_shrink(void *handle, void *p, size_t size, size_t usable)
{
	struct guard_book *b = book_of(handle);
	guard_object_resize(handle, p, size, usable);
	if (b != NULL)
		guard_book_resize(b, p, size);
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

/* list_leaks -- what lives in the pool of a book, if that is asked for */
static void
list_leaks(struct guard_book *b, const char *when)
{
	bool wanted = config.leaks != 0 || config.exitcode != 0;
	/* what a process has inherited is its parent's to free, and of what it
	 * shares the other may have freed anything */
	if (wanted && guard_book_is_own(b) &&
		!guard_pool_is_shared(guard_book_base(b)))
		(void)fetch_add_relaxed(&nleaked, guard_leaks(b, when));
}

void
pool_guard_lost(void *handle)
{
	struct guard_book *b = book_of(handle);
	if (b != NULL)
		list_leaks(b, "when it was deleted");
	if (guard_pool_is_shared(handle))
		return;
	struct pool *pool = pool_at(handle);
	struct lose l = {handle, NULL, pool->size};
	(void)heap_each(pool_any_heap(pool), lose, &l);
	if (l.place != NULL)
		guard_pool_lost_end(handle, l.place);
}

/* end -- all objects of a pool, by one who frees them */
struct end {
	void *handle;
	struct guard_origin by;
};

static int
end(void *arg, void *p, size_t usable)
{
	const struct end *e = arg;
	pool_guard_end(e->handle, p, usable, e->by);
	return 0;
}

void
pool_guard_end_all(void *handle, struct guard_origin by)
{
	struct end e = {handle, by};
	(void)heap_each(pool_any_heap(pool_at(handle)), end, &e);
	struct guard_book *b = book_of(handle);
	if (b != NULL)
		guard_keep_clear(guard_book_keep(b));
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

static void
leaks_at_exit(void *arg, struct guard_book *b)
{
	(void)arg;
	list_leaks(b, "when the process ended");
}

int
pool_guard_exit(void)
{
	if (!guard_on)
		return 0;
	registry_lock();
	guard_quiet(true);
	for (size_t i = 0; i < registry_count(); i++)
		if (is_there(registry_at(i)))
			hide(registry_at(i));
	guard_quiet(false);
	registry_unlock();
	if (!reports)
		return 0;
	guard_book_all(leaks_at_exit, NULL);
	/* relaxed: a number, nothing else */
	if (config.exitcode == 0 || load_relaxed(&nleaked) == 0)
		return 0;
	/* it would come after us, and may have something to say */
	report_leaks();
	return config.exitcode;
}
