/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * pool.c -- the life of a pool: created over a backing, deleted
 */
#include <errno.h>
#include <string.h>

#include "base/arith.h"
#include "base/error.h"
#include "base/guard.h"
#include "base/log.h"
#include "base/os.h"
#include "base/probe.h"
#include "pool/pool_internal.h"
#include "profile/profile.h"

static uint64_t last_uid; /* atomic */

void
pool_init(void)
{
	pool_guard_init();
	class_tables_init();
	error_init();
	thread_init();
	thread_on_exit(dir_park);
	registry_init();
}

uint64_t
pool_checksum(const struct pool *pool)
{
	/* FNV-1a over the fields that are set once */
	const uint64_t field[] = {pool->layout, pool->kind, pool->size,
		pool->uid, pool->base, pool->hardening, pool->granule,
		pool->dir.max_private};
	uint64_t hash = UINT64_C(0xcbf29ce484222325);
	for (size_t i = 0; i < sizeof(field) / sizeof(field[0]); i++)
		for (unsigned byte = 0; byte < 8; byte++)
			hash = (hash ^ (field[i] >> (8 * byte) & 0xff)) *
			       UINT64_C(0x100000001b3);
	return hash;
}

/* has_metadata -- is there room for the fixed metadata, and memory behind it?
 */
static int
has_metadata(const struct backing *b)
{
	size_t fixed = run_space_pages(b->base, b->size) * RUN_PAGE;
	if (b->size / RUN_PAGE > RUN_MAX_PAGES)
		return fail(EFBIG, "pool of %zu bytes: too large", b->size);
	if (fixed > b->size / 2)
		return fail(EINVAL, "pool of %zu bytes: too small", b->size);
	if (!run_space_reserve(b->base, b->size, b->unit, b->reserved))
		return fail(ENOSPC, "pool of %zu bytes: no space", b->size);
	return 0;
}

/* format -- lay a new pool over the backing's memory */
static int
format(struct record *rec, const struct pool_want *want)
{
	const struct backing *b = &rec->backing;
	struct pool *pool = pool_at(b->base);
	const struct run_behind behind = {
		.granule = b->unit,
		.reserved = b->reserved,
		.give = b->give,
		.touch = b->touch,
		.most = b->most,
		.decay_ms = want->decay_ms,
	};
	if (!b->zero)
		memset(pool, 0, sizeof(*pool));
	run_space_init(&pool->runs, b->base, b->size, b->zero);
	run_space_behind(&pool->runs, &behind);
	if (unlikely(guard_on))
		pool_guard_open(b->base, b->size,
			(size_t)pool->runs.first << RUN_LG_PAGE);
	if (!dir_init(&pool->dir, &pool->runs, (enum hardening)want->hardening))
		return fail(ENOMEM, "pool of %zu bytes: too small", b->size);
	pool->layout = POOL_LAYOUT;
	pool->kind = b->kind;
	pool->size = b->size;
	/* relaxed: only has to differ from all others */
	rec->uid = pool->uid = fetch_add_relaxed(&last_uid, 1) + 1;
	pool->base = (uintptr_t)b->base;
	pool->hardening = (uint64_t)want->hardening;
	pool->granule = pool->runs.granule;
	if (want->name != NULL)
		memcpy(pool->name, want->name,
			strnlen(want->name, sizeof(pool->name) - 1));
	pool->checksum = pool_checksum(pool);
	pool->signature = POOL_SIGNATURE;
	return 0;
}

/*
 * publish -- the pool is live; its first page is closed last, under the lock,
 * since that might not be undone
 */
static int
publish(struct record *rec)
{
	char *base = rec->backing.base;
	bool apart = guard_pool_page(base, RUN_HEADER_OFF);
	registry_lock();
	int rc = registry_add(rec);
	if (rc == 0 && !apart)
		registry_find(base)->guarded =
			backing_guard(&rec->backing, true);
	registry_unlock();
	return rc;
}

/* forget -- a pool without a delete; registry lock held, and let go */
static void
forget(struct record *rec)
{
	unsigned profile = rec->profile_number;
	guard_pool_forget(rec->backing.base);
	thread_pool_gone(rec->backing.base);
	registry_take_out(rec);
	registry_unlock();
	if (profile != 0)
		profile_delete(profile);
}

/*
 * forget_lost -- regions that lay where a new mapping is: the kernel gives no
 * address twice, so their owners have unmapped them without a delete
 */
static void
forget_lost(const struct backing *b)
{
	for (;;) {
		registry_lock();
		struct record *lost = registry_overlapped_by(b);
		if (lost == NULL || lost->backing.kind != BACKING_REGION)
			break;
		forget(lost);
	}
	registry_unlock();
}

void
pool_forget_inner(const struct backing *b)
{
	for (;;) {
		registry_lock();
		struct record *inner = registry_inner(b);
		if (inner == NULL)
			break;
		if (inner->guarded)
			(void)backing_guard(&inner->backing, false);
		forget(inner);
	}
	registry_unlock();
}

/* take_place -- of whatever pools still have the memory */
static int
take_place(const struct backing *b)
{
	if (b->kind != BACKING_REGION)
		forget_lost(b);
	registry_lock();
	unsigned profile = registry_forget_older(b->base);
	int rc = registry_unguard(b);
	/* before they are written to: a thread that ends looks after its heap
	 */
	if (rc == 0)
		registry_overlap(b);
	struct record *old = rc == 0 ? registry_find(b->base) : NULL;
	/* a thaw under way will find the new one */
	if (old != NULL)
		old->frozen = false;
	registry_unlock();
	if (rc == 0)
		thread_pool_gone(b->base);
	if (profile != 0)
		profile_delete(profile);
	return rc;
}

/* create -- the second half of creation; closes on failure */
static int
create(struct record *rec, const struct pool_want *want)
{
	char *base = rec->backing.base;
	rec->twin.fd = -1;
	int rc = has_metadata(&rec->backing);
	if (rc == 0)
		rc = take_place(&rec->backing);
	bool begun = rc == 0;
	if (rc == 0)
		rc = format(rec, want);
	if (rc == 0)
		rc = publish(rec);
	if (rc != 0) {
		if (unlikely(guard_on) && begun)
			pool_guard_close(base, rec->backing.size, true);
		backing_undo(&rec->backing, &want->backing);
		return rc;
	}
	LOG(2, "pool %p, %zu bytes", (void *)base, rec->backing.size);
	PROBE3(pool_create, base, rec->backing.size, rec->backing.kind);
	return 0;
}

void *
pool_create(const struct pool_want *asked, int *err)
{
	struct pool_want want = *asked;
	pool_want_override(&want);
	want.backing.keep = pool_twin_keep(want.at_fork);
	struct record rec = {.kin = KIN_OWN,
		.at_fork = want.at_fork,
		.path = want.fork_path};
	int cancel = os_cancel_off();
	int rc = pool_fork_ready();
	if (rc == 0)
		rc = backing_open(&rec.backing, &want.backing);
	if (rc == 0 && rec.backing.size < want.least) {
		rc = fail(EINVAL, "%s: device of %zu bytes smaller than %zu",
			want.backing.path == NULL ? "descriptor"
						  : want.backing.path,
			rec.backing.size, want.least);
		backing_undo(&rec.backing, &want.backing);
	} else if (rc == 0) {
		rc = create(&rec, &want);
	}
	os_cancel_restore(cancel);
	if (rc != 0) {
		*err = -rc;
		return NULL;
	}
	return rec.backing.base;
}

size_t
pool_size(void *handle)
{
	return pool_at(handle)->size;
}

/* open_first_page -- of a region, which is the caller's; false: it cannot be */
static bool
open_first_page(const struct record *rec)
{
	return !rec->guarded || rec->backing.kind != BACKING_REGION ||
	       !backing_guard(&rec->backing, false);
}

int
pool_delete(void *handle)
{
	struct record rec;
	/* a check or a statistic of another thread ends first */
	int rc = pool_freeze(handle, &rec);
	if (rc != 0)
		return rc;
	registry_lock();
	struct record *live = registry_find(handle);
	bool mine = live != NULL && live->uid == rec.uid;
	/* before anything has changed, and before another pool can be there */
	if (mine && !open_first_page(&rec)) {
		registry_unlock();
		pool_thaw(handle);
		return fail_sys(ENOMEM, "mprotect");
	}
	if (mine) {
		registry_remove(live);
		if (rec.backing.kind != BACKING_REGION)
			registry_unmapped(&rec.backing);
	}
	thread_pool_gone(handle);
	registry_unlock();
	thread_thaw();
	thread_hot.freezes--;
	if (!mine)
		return fail(
			EINVAL, "invalid pool handle: 0x%zx", (size_t)handle);
	LOG(2, "pool %p deleted", handle);
	bool touch = !rec.overlapped && rec.kin == KIN_OWN;
	if (unlikely(guard_on) && touch)
		pool_guard_lost(handle);
	if (rec.profile_number != 0)
		profile_delete(rec.profile_number);
	if (rec.backing.kind == BACKING_REGION && touch)
		pool_forget_inner(&rec.backing);
	PROBE2(pool_delete, handle, rec.backing.size);
	/* what was made over it, or is the parent's as well, is not touched */
	if (touch)
		pool_at(handle)->signature = 0;
	if (unlikely(guard_on))
		pool_guard_close(handle, rec.backing.size, touch);
	int cancel = os_cancel_off();
	backing_close(&rec.backing);
	os_cancel_restore(cancel);
	return 0;
}
