/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * objects.h -- a set of live objects whose contents are known
 *
 * The model that a pool is compared with.  One thread at a time uses a set.
 */
#ifndef HARNESS_OBJECTS_H
#define HARNESS_OBJECTS_H

#include <stddef.h>

#include "harness/test.h"

struct object {
	unsigned char *ptr;
	size_t size; /* bytes asked for */
	uint64_t tag;
};

struct objects {
	VMEM *vmp;
	struct object *v;
	size_t n;
	size_t capacity;
	size_t bytes; /* sum of the sizes */
	uint64_t next_tag;
	size_t nrefused; /* times that there was no room */
	bool sparse;     /* write and compare the ends of large objects only */
};

void objects_init(struct objects *set, VMEM *vmp);
/*
 * objects_add -- allocate and fill one more; false when there is no room,
 * which must have given errno ENOMEM
 */
bool objects_add(struct objects *set, size_t size);
/* objects_keep -- take an object of the pool over and fill it */
void objects_keep(struct objects *set, void *ptr, size_t size);
/* objects_drop -- compare and free; the last one takes its index */
void objects_drop(struct objects *set, size_t idx);
void objects_drop_half(struct objects *set, struct rng *rng);
void objects_drop_all(struct objects *set);
/* objects_resize -- compare, vmem_realloc, fill; false when refused */
bool objects_resize(struct objects *set, size_t idx, size_t size);
void objects_verify(const struct objects *set);
/* objects_fill -- add objects of low..high bytes until one has no room */
void objects_fill(
	struct objects *set, struct rng *rng, size_t low, size_t high);
/* objects_churn -- `steps` times add, drop or resize at random */
void objects_churn(
	struct objects *set, struct rng *rng, size_t steps, size_t high);
/* objects_fini -- compare, free all, and forget */
void objects_fini(struct objects *set);
/* objects_abandon -- forget; the pool is gone */
void objects_abandon(struct objects *set);

#endif
