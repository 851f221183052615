/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * objects.c -- see objects.h
 */
#include "harness/objects.h"

#include <string.h>
#include <sys/mman.h>

/* a sparse set writes this much at both ends of an object */
#define SPARSE_END ((size_t)64)
/* bytes of the smallest table: whole pages, and whole objects */
#define TABLE_MIN ((size_t)12288)

void
objects_init(struct objects *set, VMEM *vmp)
{
	memset(set, 0, sizeof(*set));
	set->vmp = vmp;
	set->next_tag = (uint64_t)(uintptr_t)set;
}

static void
write_object(const struct objects *set, const struct object *o)
{
	if (!set->sparse || o->size <= 2 * SPARSE_END) {
		test_fill(o->ptr, o->size, o->tag);
		return;
	}
	test_fill(o->ptr, SPARSE_END, o->tag);
	test_fill(o->ptr + o->size - SPARSE_END, SPARSE_END, o->tag);
}

static void
verify_object(const struct objects *set, const struct object *o)
{
	if (!set->sparse || o->size <= 2 * SPARSE_END) {
		must(test_holds(o->ptr, o->size, o->tag));
		return;
	}
	must(test_holds(o->ptr, SPARSE_END, o->tag));
	must(test_holds(o->ptr + o->size - SPARSE_END, SPARSE_END, o->tag));
}

/*
 * grow -- room for twice as many
 *
 * From the system and not from malloc, which a child of a fork among threads
 * must not call under the address sanitizer: its locks may be held there.
 */
static void
grow(struct objects *set)
{
	size_t old = set->capacity * sizeof(*set->v);
	size_t wanted = old == 0 ? TABLE_MIN : old * 2;
	void *table = mmap(NULL, wanted, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	must(table != MAP_FAILED);
	if (old != 0) {
		memcpy(table, set->v, old);
		must(munmap(set->v, old) == 0);
	}
	set->v = table;
	set->capacity = wanted / sizeof(*set->v);
}

void
objects_keep(struct objects *set, void *ptr, size_t size)
{
	struct object *o;

	if (set->n == set->capacity)
		grow(set);
	o = &set->v[set->n++];
	o->ptr = ptr;
	o->size = size;
	o->tag = set->next_tag++;
	set->bytes += size;
	write_object(set, o);
}

bool
objects_add(struct objects *set, size_t size)
{
	void *ptr;

	errno = 0;
	ptr = vmem_malloc(set->vmp, size);
	if (ptr == NULL) {
		must(errno == ENOMEM);
		set->nrefused++;
		return false;
	}
	must(errno == 0);
	objects_keep(set, ptr, size);
	return true;
}

void
objects_drop(struct objects *set, size_t idx)
{
	struct object *o = &set->v[idx];

	verify_object(set, o);
	vmem_free(set->vmp, o->ptr);
	set->bytes -= o->size;
	*o = set->v[--set->n];
}

void
objects_drop_half(struct objects *set, struct rng *rng)
{
	for (size_t left = set->n / 2; set->n > left;)
		objects_drop(set, rng_between(rng, 0, set->n - 1));
}

void
objects_drop_all(struct objects *set)
{
	while (set->n > 0)
		objects_drop(set, set->n - 1);
}

bool
objects_resize(struct objects *set, size_t idx, size_t size)
{
	struct object *o = &set->v[idx];
	size_t kept = o->size < size ? o->size : size;
	void *ptr;

	verify_object(set, o);
	errno = 0;
	ptr = vmem_realloc(set->vmp, o->ptr, size);
	if (ptr == NULL) {
		must(errno == ENOMEM);
		must(size > o->size);
		verify_object(set, o);
		set->nrefused++;
		return false;
	}
	o->ptr = ptr;
	must(set->sparse || test_holds(o->ptr, kept, o->tag));
	set->bytes += size - o->size;
	o->size = size;
	write_object(set, o);
	return true;
}

void
objects_verify(const struct objects *set)
{
	for (size_t i = 0; i < set->n; i++)
		verify_object(set, &set->v[i]);
}

void
objects_fill(struct objects *set, struct rng *rng, size_t low, size_t high)
{
	while (objects_add(set, rng_between(rng, low, high)))
		continue;
}

void
objects_churn(struct objects *set, struct rng *rng, size_t steps, size_t high)
{
	for (size_t i = 0; i < steps; i++) {
		size_t what = rng_between(rng, 0, 7);
		size_t size = rng_between(rng, 1, high);

		if (set->n == 0 || what < 4)
			(void)objects_add(set, size); /* may be full */
		else if (what < 7)
			objects_drop(set, rng_between(rng, 0, set->n - 1));
		else
			(void)objects_resize(
				set, rng_between(rng, 0, set->n - 1), size);
	}
}

void
objects_fini(struct objects *set)
{
	objects_drop_all(set);
	objects_abandon(set);
}

void
objects_abandon(struct objects *set)
{
	if (set->capacity != 0)
		must(munmap(set->v, set->capacity * sizeof(*set->v)) == 0);
	memset(set, 0, sizeof(*set));
}
