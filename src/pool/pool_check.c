/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * pool_check.c -- is everything inside a pool as it must be?
 *
 * The header first: when it cannot be believed nothing else is read.  Then
 * each layer verifies its own, from the pages up.
 */
#include <errno.h>

#include "base/error.h"
#include "base/findings.h"
#include "pool/pool_internal.h"

static bool
check_header(
	const struct pool *pool, const struct record *rec, struct findings *f)
{
	if (pool->signature != POOL_SIGNATURE)
		return finding(f, "header: signature");
	if (pool->checksum != pool_checksum(pool))
		return finding(f, "header: checksum");
	if (pool->layout != POOL_LAYOUT || pool->uid != rec->uid ||
		pool->kind != rec->backing.kind ||
		pool->size != rec->backing.size ||
		pool->base != (uintptr_t)rec->backing.base ||
		pool->granule != pool->runs.granule || pool->has_guests > 1 ||
		pool->hardening >= HARDENING_LEVELS)
		return finding(f, "header: not the pool that was created");
	return true;
}

/* overlapped -- does another live pool share memory with it? */
static bool
overlapped(void *handle)
{
	registry_lock();
	struct record *rec = registry_find(handle);
	bool found = rec != NULL && (rec->overlapped || registry_overlaps(rec));
	registry_unlock();
	return found;
}

/* verify_runs -- all but the header, of the pool or of a run_copy of it */
static bool
verify_runs(void *base, size_t size, struct findings *f, int *err)
{
	const struct pool *pool = pool_at(base);
	struct run_check c;
	if (!run_check_begin(&c, &pool->runs, base, size, f, err))
		return false;
	run_check_all(&c);
	dir_check(&c, &pool->dir, (unsigned)pool->hardening);
	run_check_granules(&c);
	run_check_end(&c);
	return f->count == 0;
}

bool
pool_verify(const struct record *rec, struct findings *f, int *err)
{
	void *base = rec->backing.base;
	return check_header(pool_at(base), rec, f) &&
	       verify_runs(base, rec->backing.size, f, err);
}

/*
 * verify_at -- what begins at `base`, the pool or a copy of what leads to its
 * objects; and these, where their bytes tell something
 */
static void
verify_at(const struct record *rec, void *base, struct findings *f, int *err)
{
	struct pool *pool = pool_at(base);
	if (verify_runs(base, rec->backing.size, f, err) &&
		pool_is_guarded(pool))
		guarded_check(pool_any_heap(pool), rec->backing.base, f);
}

/* has_guests -- does another process use it, one that was forked here? */
static bool
has_guests(const struct record *rec)
{
	const struct pool *pool = pool_at(rec->backing.base);
	/* the pool's own word, which may be damaged, is not enough */
	return rec->forked && load_relaxed(&pool->has_guests) != 0;
}

/*
 * verify_copy -- what another process changes between two looks would lead
 * anywhere.  What seems wrong may be of the copy alone: it is counted.
 */
static void
verify_copy(const struct record *rec, struct findings *f, int *err)
{
	struct run_copy copy;
	*f = (struct findings){.quiet = true};
	if (run_copy_make(&copy, rec->backing.base, rec->backing.size)) {
		verify_at(rec, copy.base, f, err);
		run_copy_drop(&copy);
	} else {
		*err = ENOMEM;
	}
}

/*
 * verify_all -- where another process may be at work, or begin to, a copy
 *
 * While no other one is, what seems wrong in the copy, or had no memory, is
 * looked at where it lies.  There, too, a few free pages are: in a copy these
 * are none.
 */
static void
verify_all(const struct record *rec, struct findings *f, int *err)
{
	void *base = rec->backing.base;
	bool own = rec->kin == KIN_OWN;
	struct findings copied;
	if (!check_header(pool_at(base), rec, f))
		return;
	if (own && !rec->forked) {
		verify_at(rec, base, f, err);
		return;
	}
	verify_copy(rec, &copied, err);
	if (*err == 0 && copied.count == 0) {
		run_check_zero(&pool_at(base)->runs, f);
	} else if (own && !has_guests(rec)) {
		*err = 0;
		verify_at(rec, base, f, err);
	} else if (*err != 0) {
		(void)fail(*err, "no memory for the check's copy");
	} else {
		f->count = copied.count;
		/* another process may have deleted it */
		(void)check_header(pool_at(base), rec, f);
	}
}

/*
 * is_certain -- is what was found damage?  A process cannot stop another one
 * that uses the pool, its parent or its child: what it finds can be half of an
 * operation, unless the pool is not there any more.
 */
static bool
is_certain(void *handle, const struct record *rec)
{
	const struct pool *pool = pool_at(handle);
	return (rec->kin == KIN_OWN && !has_guests(rec)) ||
	       pool->signature != POOL_SIGNATURE || pool->uid != rec->uid;
}

int
pool_check(void *handle, int *err)
{
	struct record rec;
	struct findings f = {0};
	*err = -pool_freeze(handle, &rec);
	if (*err != 0)
		return -1;
	/* what is found in a copy of this process's own is damage */
	if (pool_is_copy(&rec))
		rec.kin = KIN_OWN;
	if (overlapped(handle))
		(void)finding(&f, "another pool lies over it");
	else
		verify_all(&rec, &f, err);
	if (*err == 0 && f.count > 0 && !is_certain(handle, &rec))
		*err = -fail(EBUSY, "pool %p is used by another process too",
			handle);
	pool_thaw(handle);
	if (*err != 0)
		return -1;
	return f.count == 0;
}
