/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * pool.c -- the life of a pool: created over a backing, deleted
 */
#include <errno.h>
#include <string.h>

#include "base/config.h"
#include "base/error.h"
#include "base/log.h"
#include "base/os.h"
#include "base/probe.h"
#include "pool/pool_internal.h"
#include "profile/profile.h"

static uint64_t last_uid; /* atomic */

void
pool_init(void)
{
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
		pool->uid, pool->base, pool->hardening, pool->dir.max_private};
	uint64_t hash = UINT64_C(0xcbf29ce484222325);
	for (size_t i = 0; i < sizeof(field) / sizeof(field[0]); i++)
		for (unsigned byte = 0; byte < 8; byte++)
			hash = (hash ^ (field[i] >> (8 * byte) & 0xff)) *
			       UINT64_C(0x100000001b3);
	return hash;
}

/* format -- lay a new pool over the backing's memory */
static int
format(struct record *rec)
{
	const struct backing *b = &rec->backing;
	struct pool *pool = pool_at(b->base);
	size_t fixed = run_space_pages(b->base, b->size) * RUN_PAGE;
	if (b->size / RUN_PAGE > RUN_MAX_PAGES)
		return fail(EFBIG, "pool of %zu bytes: too large", b->size);
	if (fixed > b->size / 2)
		return fail(EINVAL, "pool of %zu bytes: too small", b->size);
	if (b->sparse && !run_space_reserve(b->base, b->size))
		return fail(ENOSPC, "pool of %zu bytes: no space", b->size);
	if (!b->zero)
		memset(pool, 0, sizeof(*pool));
	run_space_init(&pool->runs, b->base, b->size, b->zero);
	if (b->sparse)
		run_space_sparse(&pool->runs);
	struct config config = config_read();
	if (!dir_init(&pool->dir, &pool->runs, config.hardening, os_ncpus()))
		return fail(ENOMEM, "pool of %zu bytes: too small", b->size);
	pool->layout = POOL_LAYOUT;
	pool->kind = b->kind;
	pool->size = b->size;
	/* relaxed: only has to differ from all others */
	rec->uid = pool->uid = fetch_add_relaxed(&last_uid, 1) + 1;
	pool->base = (uintptr_t)b->base;
	pool->hardening = config.hardening;
	pool->checksum = pool_checksum(pool);
	pool->signature = POOL_SIGNATURE;
	return 0;
}

/* create -- the second half of both kinds of creation; closes on failure */
static void *
create(struct record *rec, int *err)
{
	char *base = rec->backing.base;
	rec->twin.fd = -1;
	registry_lock();
	/* whoever still knows a pool at that address: it is none any more */
	struct record *old = registry_find(base);
	if (old != NULL)
		old->overlapped = true;
	registry_unguard(&rec->backing);
	registry_unlock();
	thread_pool_gone(base);
	int rc = format(rec);
	if (rc == 0) {
		rec->guarded = backing_guard(&rec->backing, true);
		registry_lock();
		rc = registry_add(rec);
		registry_unlock();
	}
	if (rc != 0) {
		if (rec->guarded)
			(void)backing_guard(&rec->backing, false);
		backing_close(&rec->backing);
		*err = -rc;
		return NULL;
	}
	LOG(2, "pool %p, %zu bytes", (void *)base, rec->backing.size);
	PROBE3(pool_create, base, rec->backing.size, rec->backing.kind);
	return base;
}

static void *
create_path(struct record *rec, const char *path, size_t size, size_t least,
	enum backing_keep keep, int *err)
{
	int rc = backing_open_kept(&rec->backing, path, size, keep);
	if (rc == 0 && rec->backing.size < least) {
		backing_close(&rec->backing);
		rc = fail(EINVAL, "%s: device of %zu bytes smaller than %zu",
			path, rec->backing.size, least);
	}
	if (rc != 0) {
		*err = -rc;
		return NULL;
	}
	return create(rec, err);
}

void *
pool_create_path(const char *path, size_t size, size_t least, int *err)
{
	struct record rec = {.kin = KIN_OWN, .at_fork = POOL_FORK_SHARE};
	return create_path(&rec, path, size, least, BACKING_KEEP_NOTHING, err);
}

void *
pool_create_process(const char *path, size_t size, size_t least,
	enum pool_fork mode, int *err)
{
	struct record rec = {.kin = KIN_OWN, .at_fork = mode, .path = path};
	unsigned keep = BACKING_SPARSE | (unsigned)pool_twin_keep(mode);
	return create_path(
		&rec, path, size, least, (enum backing_keep)keep, err);
}

void *
pool_create_region(void *addr, size_t size, int *err)
{
	struct record rec = {.kin = KIN_OWN, .at_fork = POOL_FORK_SHARE};
	int rc = backing_open_region(&rec.backing, addr, size);
	if (rc != 0) {
		*err = -rc;
		return NULL;
	}
	return create(&rec, err);
}

void *
pool_create_own(void *addr, size_t size, int *err)
{
	struct record rec = {.kin = KIN_OWN, .at_fork = POOL_FORK_SHARE};
	int rc = backing_open_region(&rec.backing, addr, size);
	if (rc != 0) {
		*err = -rc;
		return NULL;
	}
	rec.backing.zero = rec.backing.is_own = true;
	return create(&rec, err);
}

size_t
pool_size(void *handle)
{
	return pool_at(handle)->size;
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
	if (mine)
		registry_remove(live);
	thread_pool_gone(handle);
	registry_unlock();
	thread_thaw();
	thread_hot.freezes--;
	if (!mine)
		return fail(
			EINVAL, "invalid pool handle: 0x%zx", (size_t)handle);
	LOG(2, "pool %p deleted", handle);
	if (rec.profile_number != 0)
		profile_delete(rec.profile_number);
	PROBE2(pool_delete, handle, rec.backing.size);
	/* what was made over it, or is the parent's as well, is not touched */
	if (!rec.overlapped && rec.kin == KIN_OWN)
		pool_at(handle)->signature = 0;
	if (rec.guarded)
		(void)backing_guard(&rec.backing, false);
	backing_close(&rec.backing);
	return 0;
}
