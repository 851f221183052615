/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * calls.h -- the state of a program of calls, and the calls by kind
 *
 * Each call takes what it needs from the input and looks at what comes of it.
 */
#ifndef FUZZ_CALLS_H
#define FUZZ_CALLS_H

#include "fuzz/kit/crew.h"
#include "fuzz/kit/model.h"

struct program {
	struct input in;
	struct model model;
	unsigned by;   /* the thread that makes the calls now */
	unsigned pool; /* index of the pool that they are made on */
};

/* the pool of the calls; may be NULL */
static inline VMEM *
program_pool(const struct program *p)
{
	return p->model.pools[p->pool].vmp;
}

/* input_size -- a number of bytes: mostly few, at times as many as there are */
size_t program_size(struct program *p);

/* calls_pools.c: pools as a whole */
void call_create(struct program *p);
void call_delete(struct program *p);
void call_trim(struct program *p);
void call_decay(struct program *p);
void call_check(struct program *p);
void call_stats(struct program *p);
void call_profile(struct program *p);
void call_reset(struct program *p);
void call_walk(struct program *p);
void call_flush(struct program *p);
void program_delete_all(struct program *p);

/* calls_objects.c: objects that are there, or will be */
void call_malloc(struct program *p);
void call_at_least(struct program *p);
void call_calloc(struct program *p);
void call_aligned(struct program *p);
void call_text(struct program *p);
void call_free(struct program *p);
void call_free_sized(struct program *p);
void call_realloc(struct program *p);
void call_move(struct program *p);
void call_many(struct program *p);
void call_free_many(struct program *p);

/* calls_misuse.c: what must be refused */
void call_double(struct program *p);
void call_wild(struct program *p);
void call_dead(struct program *p);
void call_nonsense(struct program *p);

#endif
