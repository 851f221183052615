/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * calls_pools.c -- calls on pools as a whole
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "fuzz/kit/calls.h"

#define MIB         ((size_t)1 << 20)
#define REGION_SIZE (VMEM_MIN_POOL + 4 * MIB)
#define OPTS_MOST   8u

/* folder -- where the files of pools go */
static const char *
folder(void)
{
	const char *dir = getenv("FUZZ_DIR");
	return dir != NULL ? dir : "/dev/shm";
}

/* region -- memory for a pool, always at the same place where that is free */
static void *
region(unsigned slot)
{
	static void *regions[MODEL_POOLS];
	if (regions[slot] == NULL) {
		void *hint =
			(void *)(uintptr_t)(0x200000000000 + slot * 64 * MIB);
		regions[slot] = mmap(hint, REGION_SIZE, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		must(regions[slot] != MAP_FAILED);
	}
	return regions[slot];
}

/* set_options -- what VMEM_OPTIONS says about the next pool */
static void
set_options(struct pool_model *pool, uint8_t bits, bool sparse)
{
	static const int decays[] = {-1, 0, 1, 10000};
	char text[64];
	/* mostly the levels that refuse what is wrong */
	pool->hardening = bits % 8 == 0 ? 0 : bits % 2 == 0 ? 1 : 2;
	if (bits % 8 == 7)
		pool->hardening = 3;
	snprintf(text, sizeof(text), "hardening=%d,decay=%d,sparse=%d",
		pool->hardening, decays[bits >> 3 & 3], sparse);
	must(setenv("VMEM_OPTIONS", text, 1) == 0);
}

void
call_create(struct program *p)
{
	p->pool = input_u8(&p->in) % MODEL_POOLS;
	uint8_t bits = input_u8(&p->in), more = input_u8(&p->in);
	struct pool_model *pool = &p->model.pools[p->pool];
	struct vmem_stats s;
	if (pool->vmp != NULL)
		return; /* the calls go there from now on */
	size_t size = VMEM_MIN_POOL + more % 4 * (MIB + 4096);
	pool->in_region = (bits & 0xc0) != 0;
	/* to reserve a file's space takes longer than most programs */
	set_options(pool, bits, pool->in_region ? bits >> 5 & 1 : more % 8);
	pool->region = region(p->pool);
	errno = 0;
	if (pool->in_region) {
		if (more >= 128)
			memset(pool->region, more, MIB);
		pool->vmp = vmem_create_in_region(pool->region, size);
		must((void *)pool->vmp == pool->region);
	} else {
		pool->vmp = vmem_create(folder(), size);
		must(pool->vmp != NULL);
	}
	must(errno == 0);
	must(vmem_stats_get(pool->vmp, &s, sizeof(s)) == 0);
	pool->size = s.size;
	pool->has_profile = false;
}

void
call_delete(struct program *p)
{
	struct pool_model *pool = &p->model.pools[p->pool];
	if (pool->vmp == NULL)
		return;
	for (unsigned i = 0; i < p->model.nobjects; i++)
		if (p->model.objects[i].pool == p->pool)
			object_verify(&p->model.objects[i],
				p->model.objects[i].usable);
	model_forget(&p->model, p->pool);
	errno = 0;
	vmem_delete(pool->vmp);
	must(errno == 0);
	pool->vmp = NULL;
}

void
program_delete_all(struct program *p)
{
	for (p->pool = 0; p->pool < MODEL_POOLS; p->pool++) {
		call_delete(p);
		/* the next program finds what a fresh process finds */
		if (p->model.pools[p->pool].region != NULL)
			must(madvise(p->model.pools[p->pool].region,
				     REGION_SIZE, MADV_DONTNEED) == 0);
	}
}

void
call_trim(struct program *p)
{
	size_t keep = (size_t)input_u8(&p->in) << 16;
	if (program_pool(p) == NULL)
		return;
	errno = 0;
	int rc = vmem_trim(program_pool(p), keep);
	must((rc == 0 || rc == 1) && errno == 0);
}

void
call_decay(struct program *p)
{
	int ms = input_u8(&p->in) - 1;
	if (program_pool(p) == NULL)
		return;
	must(vmem_decay(program_pool(p), ms) == 0);
}

void
call_check(struct program *p)
{
	model_verify(&p->model);
}

void
call_stats(struct program *p)
{
	char opts[OPTS_MOST];
	for (unsigned i = 0; i < OPTS_MOST; i++)
		opts[i] = (char)input_u8(&p->in);
	opts[OPTS_MOST - 1] = '\0';
	if (program_pool(p) == NULL)
		return;
	errno = 0;
	vmem_stats_print(program_pool(p), opts);
	must(errno == 0);
	model_figures(&p->model, p->pool);
}

void
call_profile(struct program *p)
{
	uint8_t what = input_u8(&p->in);
	struct pool_model *pool = &p->model.pools[p->pool];
	if (pool->vmp == NULL)
		return;
	errno = 0;
	if (what % 4 == 0) {
		must(vmem_profile_dump(pool->vmp, "/dev/null") ==
			(pool->has_profile ? 0 : -1));
	} else if (pool->has_profile) {
		must(vmem_profile_start(pool->vmp, 1) == -1 && errno == EBUSY);
		must(vmem_profile_stop(pool->vmp) == 0);
		pool->has_profile = false;
	} else {
		must(vmem_profile_stop(pool->vmp) == -1 && errno == ENOENT);
		must(vmem_profile_start(pool->vmp, 1 + (size_t)what * 16) == 0);
		pool->has_profile = true;
	}
}

void
call_reset(struct program *p)
{
	struct pool_model *pool = &p->model.pools[p->pool];
	if (pool->vmp == NULL)
		return;
	model_forget(&p->model, p->pool);
	errno = 0;
	must(vmem_reset(pool->vmp) == 0 && errno == 0);
	model_figures(&p->model, p->pool);
}

/* what a walk must see, and has seen */
struct sight {
	struct program *p;
	unsigned n;
	const unsigned char *last;
};

static int
see(void *ptr, size_t usable, void *arg)
{
	struct sight *s = arg;
	const struct model *m = &s->p->model;
	unsigned i = 0;
	must((unsigned char *)ptr > s->last);
	s->last = ptr;
	while (i < m->nobjects && m->objects[i].at != ptr)
		i++;
	must(i < m->nobjects && m->objects[i].pool == s->p->pool);
	must(m->objects[i].usable == usable);
	object_verify(&m->objects[i], usable);
	errno = 0;
	must(vmem_malloc(program_pool(s->p), 1) == NULL && errno == EDEADLK);
	s->n++;
	return 0;
}

void
call_walk(struct program *p)
{
	struct sight s = {p, 0, NULL};
	if (program_pool(p) == NULL)
		return;
	errno = 0;
	must(vmem_walk(program_pool(p), see, &s) == 0 && errno == 0);
	must(s.n == p->model.pools[p->pool].nlive);
}

void
call_flush(struct program *p)
{
	bool all = input_u8(&p->in) % 4 == 0;
	if (!all && program_pool(p) == NULL)
		return;
	errno = 0;
	must(vmem_thread_flush(all ? NULL : program_pool(p)) == 0);
	must(errno == 0);
}
