/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * calls_misuse.c -- calls that must be refused, and change nothing
 *
 * Only those are made of which docs/design.md says that the pool's level of
 * hardening sees them: others may well do harm.
 */
#include <errno.h>
#include <string.h>

#include "fuzz/kit/calls.h"

/* figures_before, must_be_same -- what a refused free must not change */
static struct vmem_stats
figures(VMEM *vmp)
{
	struct vmem_stats s;
	must(vmem_stats_get(vmp, &s, sizeof(s)) == 0);
	return s;
}

static void
must_be_same(const struct vmem_stats *a, const struct vmem_stats *b)
{
	must(a->allocated == b->allocated);
	must(a->small_nmalloc == b->small_nmalloc);
	must(a->small_ndalloc == b->small_ndalloc);
	must(a->large_nmalloc == b->large_nmalloc);
	must(a->large_ndalloc == b->large_ndalloc);
}

/* refuse -- a free, or another call, with what is no object */
static void
refuse(struct program *p, VMEM *vmp, void *at, unsigned how)
{
	struct vmem_stats before = figures(vmp);
	int err = 0;
	errno = 0;
	switch (how % 6) {
	case 0:
		must(vmem_realloc(vmp, at, 1 + how) == NULL);
		err = EINVAL;
		break;
	case 1:
		must(vmem_malloc_usable_size(vmp, at) == 0);
		err = EINVAL;
		break;
	case 2:
		must(vmem_move(vmp, vmp, at) == NULL);
		err = EINVAL;
		break;
	case 3:
		vmem_free_sized(vmp, at, how);
		break;
	default:
		vmem_free(vmp, at);
		break;
	}
	must(errno == err);
	must(vmem_errormsg()[0] != '\0');
	struct vmem_stats after = figures(vmp);
	must_be_same(&before, &after);
	(void)p;
}

void
call_double(struct program *p)
{
	struct model *m = &p->model;
	unsigned back = input_u8(&p->in) % MODEL_FREED;
	unsigned how = input_u8(&p->in);
	if (back >= m->nfreed)
		return;
	struct freed *f = &m->freed[(m->nfreed - 1 - back) % MODEL_FREED];
	if (f->at == NULL || m->pools[f->pool].vmp == NULL ||
		model_is_live(m, f->at) || !model_must_refuse(m, f->at))
		return;
	refuse(p, m->pools[f->pool].vmp, f->at, how);
}

/* wild -- an address that is no object's */
static void *
wild(struct program *p, const struct pool_model *pool)
{
	static char other[64];
	struct model *m = &p->model;
	uint8_t kind = input_u8(&p->in);
	uint64_t n = input_number(&p->in, 3);
	char *base = (char *)pool->vmp;
	if (kind % 2 == 0 && m->nobjects > 0) {
		const struct object *o = &m->objects[n % m->nobjects];
		return o->at + n / 7 % (o->usable + (o->usable == 0));
	}
	switch (kind % 16) {
	case 1:
		return base + n % pool->size;
	case 3:
		return base + n % (pool->size / 256);
	case 5:
		return base + pool->size + n % 4096;
	case 7:
		return base - 1 - n % 4096;
	case 9:
		return other + n % sizeof(other);
	case 11:
		return (void *)((uintptr_t)base ^ (uintptr_t)1 << n % 64);
	default:
		return (void *)(uintptr_t)(n | input_number(&p->in, 5) << 24);
	}
}

void
call_wild(struct program *p)
{
	const struct pool_model *pool = &p->model.pools[p->pool];
	unsigned how = input_u8(&p->in);
	if (pool->vmp == NULL)
		return;
	void *at = wild(p, pool);
	if (at == NULL || model_is_live(&p->model, at) ||
		!model_must_refuse(&p->model, at))
		return;
	refuse(p, pool->vmp, at, how);
}

static int
never(void *ptr, size_t usable, void *arg)
{
	(void)arg;
	must(ptr == NULL && usable == 0);
	return 0;
}

/* must_be_dead -- every call refuses the handle */
static void
must_be_dead(VMEM *vmp, void *at)
{
	struct vmem_stats s;
	size_t usable = 5;
	void *ptr = &s;
	errno = 0;
	must(vmem_malloc(vmp, 8) == NULL && errno == EINVAL);
	errno = 0;
	must(vmem_calloc(vmp, 1, 8) == NULL && errno == EINVAL);
	errno = 0;
	must(vmem_aligned_alloc(vmp, 64, 8) == NULL && errno == EINVAL);
	errno = 0;
	must(vmem_strdup(vmp, "x") == NULL && errno == EINVAL);
	errno = 0;
	must(vmem_malloc_at_least(vmp, 8, &usable) == NULL && usable == 5);
	must(vmem_malloc_batch(vmp, 8, 1, &ptr) == 0 && errno == EINVAL);
	errno = 0;
	must(vmem_check(vmp) == -1 && errno == EINVAL);
	errno = 0;
	must(vmem_stats_get(vmp, &s, sizeof(s)) == -1 && errno == EINVAL);
	errno = 0;
	must(vmem_trim(vmp, 0) == -1 && errno == EINVAL);
	must(vmem_decay(vmp, 0) == -1 && vmem_profile_stop(vmp) == -1);
	must(vmem_reset(vmp) == -1 && vmem_walk(vmp, never, NULL) == -1);
	must(vmem_thread_flush(vmp) == (vmp == NULL ? 0 : -1));
	must(vmem_profile_start(vmp, 1) == -1);
	must(vmem_realloc(vmp, at, 8) == NULL);
	must(vmem_malloc_usable_size(vmp, at) == 0);
	must(vmem_move(vmp, vmp, at) == NULL);
	vmem_stats_print(vmp, NULL);
	errno = 0;
	vmem_free(vmp, at);
	must(errno == 0);
	vmem_delete(vmp);
	must(errno == EINVAL);
}

void
call_dead(struct program *p)
{
	const struct model *m = &p->model;
	uint8_t kind = input_u8(&p->in);
	uint64_t n = input_number(&p->in, 2);
	const struct pool_model *pool = &m->pools[n % MODEL_POOLS];
	uintptr_t bits = (uintptr_t)pool->region;
	if (kind % 4 == 1)
		bits = (uintptr_t)pool->vmp + n;
	else if (kind % 4 == 2)
		bits = (uintptr_t)pool->vmp ^ (uintptr_t)1 << n % 64;
	else if (kind % 4 == 3)
		bits = n | (uintptr_t)input_number(&p->in, 6) << 16;
	for (unsigned i = 0; i < MODEL_POOLS; i++)
		if (m->pools[i].vmp == (VMEM *)bits)
			return;
	/* a live object stays that */
	void *at = &n;
	if (m->nobjects > 0)
		at = m->objects[n % m->nobjects].at;
	must_be_dead((VMEM *)bits, at);
}

void
call_nonsense(struct program *p)
{
	static char bytes[64];
	struct vmem_stats s;
	VMEM *vmp = program_pool(p);
	errno = 0;
	/* surely at no page, wherever the linker puts it */
	must(vmem_create_in_region(bytes + 1, VMEM_MIN_POOL) == NULL &&
		errno == EINVAL);
	must(vmem_create(NULL, VMEM_MIN_POOL) == NULL && errno == EINVAL);
	must(vmem_create("/", VMEM_MIN_POOL - 1) == NULL && errno == EINVAL);
	must(vmem_create("/none", VMEM_MIN_POOL) == NULL && errno == ENOENT);
	if (vmp == NULL)
		return;
	errno = 0;
	must(vmem_aligned_alloc(vmp, 0, 8) == NULL && errno == EINVAL);
	errno = 0;
	must(vmem_strdup(vmp, NULL) == NULL && errno == EINVAL);
	errno = 0;
	must(vmem_stats_get(vmp, NULL, sizeof(s)) == -1 && errno == EINVAL);
	must(vmem_stats_get(vmp, &s, 3) == -1 && errno == EINVAL);
	must(vmem_decay(vmp, -2) == -1 && errno == EINVAL);
	must(vmem_malloc_at_least(vmp, 8, NULL) == NULL);
	must(vmem_malloc_batch(vmp, 8, 2, NULL) == 0);
	must(vmem_profile_start(vmp, 0) == -1);
	must(vmem_profile_dump(vmp, NULL) == -1);
	must(vmem_move(vmp, vmp, NULL) == NULL);
	must(vmem_walk(vmp, NULL, NULL) == -1);
	errno = 0;
	vmem_free_sized(vmp, NULL, 100);
	vmem_free(vmp, NULL);
	vmem_free_batch(vmp, NULL, 0);
	must(errno == 0 && vmem_malloc_usable_size(vmp, NULL) == 0);
}
