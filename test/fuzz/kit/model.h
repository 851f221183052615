/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * model.h -- what must be in the pools: each live object and its contents
 *
 * Used by one thread at a time.
 */
#ifndef FUZZ_MODEL_H
#define FUZZ_MODEL_H

#include "fuzz/kit/fuzz.h"

#define MODEL_POOLS   4u
#define MODEL_OBJECTS 2048u
#define MODEL_FREED   64u /* addresses that are remembered after a free */

struct pool_model {
	VMEM *vmp;        /* NULL: there is none now */
	void *region;     /* memory for a pool in a region */
	size_t size;      /* bytes of the pool */
	int hardening;    /* level */
	unsigned nlive;   /* objects */
	bool in_region;   /* or in a file */
	bool has_profile; /* it is being sampled */
};

struct object {
	unsigned char *at;
	size_t usable; /* bytes, filled with the pattern of the tag */
	uint64_t tag;
	unsigned pool; /* index */
};

struct freed {
	void *at;
	unsigned pool;
	unsigned by; /* the thread's number */
};

struct model {
	struct pool_model pools[MODEL_POOLS];
	struct object objects[MODEL_OBJECTS];
	unsigned nobjects;
	struct freed freed[MODEL_FREED]; /* a ring */
	unsigned nfreed;                 /* ever */
	uint64_t last_tag;
};

/*
 * model_add -- a new object of `size` bytes that was just allocated
 * Looks whether it lies in its pool, aligned and by itself, and fills it.
 */
void model_add(
	struct model *m, unsigned pool, void *p, size_t size, size_t align);

/* model_remove -- it is about to be freed, by thread `by`: is it as it was? */
void model_remove(struct model *m, unsigned idx, unsigned by);

/* model_resized -- it is at p now, with the first `size` bytes kept */
void model_resized(struct model *m, unsigned idx, void *p, size_t size);

/* model_forget -- all objects of a pool that is about to be deleted */
void model_forget(struct model *m, unsigned pool);

/* model_verify -- the contents of all objects, and each pool's figures */
void model_verify(const struct model *m);

/* model_figures -- does the pool count as many objects as there are? */
void model_figures(const struct model *m, unsigned pool);

/* object_verify -- are the first n bytes as they were filled? */
void object_verify(const struct object *o, size_t n);

/* model_is_live -- does a live object start at p? */
bool model_is_live(const struct model *m, const void *p);

/*
 * model_must_refuse -- is p, at which no live object starts, sure to be
 * refused by the level of hardening that its pool has?
 */
bool model_must_refuse(const struct model *m, const void *p);

/* model_default_align -- of vmem_malloc(size) */
size_t model_default_align(size_t size);

/* model_is_zero -- where a large object is looked at: at its ends and each page
 */
bool model_is_zero(const unsigned char *p, size_t n);

#endif
