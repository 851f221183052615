/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * api.c -- the input is a program of calls, by several threads on several pools
 *
 * A byte says which call, the bytes after it with what.  A model knows every
 * object and its contents, which are looked at before the object is freed or
 * moved, and in the end; every few calls the pools are checked.
 */
#include <string.h>

#include "fuzz/kit/calls.h"

#define CHECK_EVERY 24u   /* calls */
#define CALLS_MOST  3000u /* the longest program */

static void
call_thread(struct program *p)
{
	p->by = input_u8(&p->in) % CREW_SIZE;
}

static void
call_pool(struct program *p)
{
	p->pool = input_u8(&p->in) % MODEL_POOLS;
}

/* the more often one comes the likelier it is; only add at the end, so that
 * what is in the corpus keeps its meaning */
static void (*const calls[])(struct program *p) = {call_create, call_malloc,
	call_free, call_realloc, call_calloc, call_aligned, call_many,
	call_free_many, call_thread, call_pool, call_text, call_at_least,
	call_move, call_double, call_wild, call_dead, call_nonsense, call_trim,
	call_decay, call_check, call_stats, call_profile, call_delete,
	call_malloc, call_free, call_realloc, call_double, call_wild,
	call_thread, call_reset, call_walk, call_free_sized, call_free_sized,
	call_flush};

#define NCALLS (sizeof(calls) / sizeof(calls[0]))
#define END    NCALLS /* this thread ends; another may begin */

/* step -- one call, by whatever thread runs it */
static void
step(void *arg)
{
	struct program *p = arg;
	uint8_t op = input_u8(&p->in) % (NCALLS + 1);
	if (op < NCALLS)
		calls[op](p);
}

static bool
is_end(const struct program *p)
{
	return *p->in.at % (NCALLS + 1) == END;
}

static void
drop_text(const char *text)
{
	(void)text;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct program p;
	memset(&p, 0, sizeof(p));
	p.in = (struct input){data, data + size};
	vmem_set_funcs(NULL, NULL, NULL, NULL, drop_text);
	for (unsigned i = 1; p.in.at < p.in.end && i <= CALLS_MOST; i++) {
		if (is_end(&p)) {
			p.in.at++;
			crew_end(p.by);
			continue;
		}
		crew_call(p.by, step, &p);
		if (i % CHECK_EVERY == 0)
			model_verify(&p.model);
	}
	model_verify(&p.model);
	for (unsigned i = 1; i < CREW_SIZE; i++)
		crew_end(i);
	model_verify(&p.model);
	program_delete_all(&p);
	return 0;
}
