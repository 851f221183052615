/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * free_other.c -- a thread with a heap of its own frees what others allocated
 *
 * ctest: threads
 */
#include "harness/test.h"

#include <stdlib.h>
#include <string.h>

#include "harness/options.h"
#include "harness/threads.h"

#define RECENT   128u /* those freed last, which are not looked for */
#define NOBJECTS 300u /* of a size: some words of its slab, and more slabs */
#define NWARM    200u /* pairs after which a thread has its own heap */

static const size_t sizes[] = {8, 16, 48, 64, 100, 1000, 1024, 5000, 32768};

struct task {
	VMEM *vmp;
	void *ptr[NOBJECTS];
	size_t size;
	bool sized;
};

static void
warm(VMEM *vmp)
{
	for (size_t i = 0; i < NWARM; i++)
		vmem_free(vmp, vmem_malloc(vmp, 64));
}

static void
allocate(struct task *t, VMEM *vmp, size_t size)
{
	t->vmp = vmp;
	t->size = size;
	for (size_t i = 0; i < NOBJECTS; i++) {
		t->ptr[i] = vmem_malloc(vmp, size);
		assert_non_null(t->ptr[i]);
	}
}

static void
give(const struct task *t, size_t i)
{
	if (t->sized)
		vmem_free_sized(t->vmp, t->ptr[i], t->size);
	else
		vmem_free(t->vmp, t->ptr[i]);
}

/* ndalloc, refused -- counted so far */
static uint64_t
ndalloc(VMEM *vmp)
{
	struct vmem_stats s;

	must(vmem_stats_get(vmp, &s, sizeof(s)) == 0);
	return s.small_ndalloc + s.large_ndalloc;
}

static uint64_t
refused(VMEM *vmp)
{
	struct vmem_stats s;

	must(vmem_stats_get(vmp, &s, sizeof(s)) == 0);
	return s.refused;
}

/* free_each -- every object counts as free at once, and errno is kept */
static void *
free_each(void *arg)
{
	const struct task *t = arg;
	uint64_t before;

	warm(t->vmp);
	before = ndalloc(t->vmp);
	for (size_t i = 0; i < NOBJECTS; i++) {
		errno = E2BIG;
		give(t, i);
		must(errno == E2BIG);
		if (i % 100 == 0)
			must(ndalloc(t->vmp) == before + i + 1);
	}
	must(ndalloc(t->vmp) == before + NOBJECTS);
	must(refused(t->vmp) == 0);
	return NULL;
}

static void
free__objects_of_another_thread__are_free_at_once(void **state)
{
	struct task t;

	(void)state;
	for (int level = 0; level <= 3; level++) {
		VMEM *vmp = create_level(level, 64 * MIB);

		for (size_t i = 0; i < 2 * NELEM(sizes); i++) {
			t.sized = i % 2 != 0;
			allocate(&t, vmp, sizes[i / 2]);
			in_thread(free_each, &t);
			assert_int_equal(vmem_check(vmp), 1);
		}
		assert_int_equal(stats_of(vmp).allocated, 0);
		assert_int_equal(refused(vmp), 0);
		vmem_delete(vmp);
	}
}

/* free_each_twice -- once all are freed, the second free of each is refused */
static void *
free_each_twice(void *arg)
{
	const struct task *t = arg;
	uint64_t before;

	warm(t->vmp);
	for (size_t i = 0; i < NOBJECTS; i++)
		give(t, i);
	before = refused(t->vmp);
	for (size_t i = 0; i < NOBJECTS; i++) {
		give(t, i);
		if (i % 100 == 0)
			must(refused(t->vmp) == before + i + 1);
	}
	must(refused(t->vmp) == before + NOBJECTS);
	must(strstr(vmem_errormsg(), "freed already") != NULL);
	return NULL;
}

/* at level 0 as well: only what is in the own heap is believed there */
static void
free__twice_by_the_same_other_thread__is_refused(void **state)
{
	struct task t = {.sized = false};

	(void)state;
	for (int level = 0; level <= 3; level++) {
		VMEM *vmp = create_level(level, 64 * MIB);

		for (size_t i = 0; i < NELEM(sizes); i++) {
			allocate(&t, vmp, sizes[i]);
			in_thread(free_each_twice, &t);
			assert_int_equal(vmem_check(vmp), 1);
		}
		assert_int_equal(stats_of(vmp).allocated, 0);
		vmem_delete(vmp);
	}
}

/* refuse_each -- what is no live object of that size, and stays as it is */
static void *
refuse_each(void *arg)
{
	const struct task *t = arg;
	uint64_t before;

	warm(t->vmp);
	before = refused(t->vmp);
	for (size_t i = 0; i < NOBJECTS; i++) {
		char *ptr = t->ptr[i];

		vmem_free(t->vmp, ptr + 8);
		vmem_free(t->vmp, ptr + t->size / 2 + 1);
		vmem_free_sized(t->vmp, ptr, t->size + t->size / 2);
		must(test_holds(ptr, t->size, i));
		if (i % 100 == 0)
			must(refused(t->vmp) == before + 3 * (i + 1));
	}
	must(refused(t->vmp) == before + (size_t)3 * NOBJECTS);
	return NULL;
}

static void
free__no_start_or_wrong_size_by_another_thread__is_refused(void **state)
{
	struct task t = {.sized = true};

	(void)state;
	for (int level = 1; level <= 3; level++) {
		VMEM *vmp = create_level(level, 64 * MIB);

		for (size_t i = 3; i < NELEM(sizes); i++) {
			allocate(&t, vmp, sizes[i]);
			for (size_t k = 0; k < NOBJECTS; k++)
				test_fill(t.ptr[k], t.size, k);
			in_thread(refuse_each, &t);
			assert_int_equal(vmem_check(vmp), 1);
			in_thread(free_each_twice, &t);
		}
		assert_int_equal(stats_of(vmp).allocated, 0);
		vmem_delete(vmp);
	}
}

/* refuse_gone -- what its owner has freed long before */
static void *
refuse_gone(void *arg)
{
	const struct task *t = arg;
	uint64_t before = refused(t->vmp);

	warm(t->vmp);
	for (size_t i = 0; i < NOBJECTS - RECENT; i++)
		give(t, i);
	must(refused(t->vmp) == before + NOBJECTS - RECENT);
	return NULL;
}

/* the last 128 at most lie in the owner's list of what was freed last */
static void
free__what_the_owner_has_freed__is_refused(void **state)
{
	struct task t = {.sized = false};

	(void)state;
	for (int level = 1; level <= 3; level++) {
		VMEM *vmp = create_level(level, 64 * MIB);
		void *keep = vmem_malloc(vmp, 64);

		assert_non_null(keep);
		allocate(&t, vmp, 64);
		/* the list is filled first, and the rest goes into the bits */
		for (size_t i = NOBJECTS; i-- > 0;)
			vmem_free(vmp, t.ptr[i]);
		in_thread(refuse_gone, &t);
		assert_int_equal(vmem_check(vmp), 1);
		vmem_free(vmp, keep);
		vmem_delete(vmp);
	}
}

/* free_all -- nothing else */
static void *
free_all(void *arg)
{
	const struct task *t = arg;

	warm(t->vmp);
	for (size_t i = 0; i < NOBJECTS; i++)
		give(t, i);
	return NULL;
}

/*
 * What comes back is used before fresh memory: an owner that has no more than
 * so many objects at a time needs no more than twice their memory.
 */
static void
malloc__while_another_thread_frees__uses_the_same_slots(void **state)
{
	struct task t = {.sized = false};
	VMEM *vmp = create_level(VMEM_HARDENING_DEFAULT, 64 * MIB);
	uintptr_t least = UINTPTR_MAX, most = 0;

	(void)state;
	for (size_t round = 0; round < 40; round++) {
		allocate(&t, vmp, 64);
		for (size_t i = 0; i < NOBJECTS; i++) {
			uintptr_t at = (uintptr_t)t.ptr[i];

			least = at < least ? at : least;
			most = at > most ? at : most;
		}
		in_thread(free_all, &t);
	}
	assert_true(most - least < 2 * NOBJECTS * 64);
	assert_int_equal(stats_of(vmp).allocated, 0);
	vmem_delete(vmp);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			free__objects_of_another_thread__are_free_at_once),
		cmocka_unit_test(
			free__twice_by_the_same_other_thread__is_refused),
		cmocka_unit_test(
			free__no_start_or_wrong_size_by_another_thread__is_refused),
		cmocka_unit_test(free__what_the_owner_has_freed__is_refused),
		cmocka_unit_test(
			malloc__while_another_thread_frees__uses_the_same_slots),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
