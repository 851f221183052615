/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * foreign.c -- objects of one live pool through the handle of another
 *
 * They are looked up in the pool that owns them, whatever their size.
 */
#include "harness/test.h"

#include <pthread.h>
#include <string.h>
#include <sys/mman.h>

#include "harness/objects.h"

static const size_t sizes[] = {
	0, 1, 8, 16, 100, 1000, 4096, 9000, 20000, 100000, MIB, 5 * MIB};

struct pair {
	VMEM *owner;
	VMEM *other;
};

static struct pair
pair_open(void)
{
	struct pair pair = {test_pool(VMEM_MIN_POOL), test_pool(VMEM_MIN_POOL)};

	return pair;
}

static void
pair_close(struct pair pair)
{
	assert_int_equal(vmem_check(pair.owner), 1);
	assert_int_equal(vmem_check(pair.other), 1);
	test_pool_delete(pair.owner, VMEM_MIN_POOL);
	test_pool_delete(pair.other, VMEM_MIN_POOL);
}

static void
free__through_another_handle__frees_in_the_owner(void **state)
{
	struct pair pair = pair_open();

	(void)state;
	for (size_t i = 0; i < NELEM(sizes); i++) {
		/* more than the pool holds, were they not freed there */
		for (size_t n = 0; n * (sizes[i] + 64) < 2 * VMEM_MIN_POOL;
			n++) {
			void *ptr = vmem_malloc(pair.owner, sizes[i]);

			assert_non_null(ptr);
			errno = E2BIG;
			vmem_free(pair.other, ptr);
			assert_int_equal(errno, E2BIG);
			assert_int_equal(
				vmem_malloc_usable_size(pair.owner, ptr), 0);
		}
	}
	assert_non_null(vmem_malloc(pair.owner, 12 * MIB));
	assert_non_null(vmem_malloc(pair.other, 12 * MIB));
	pair_close(pair);
}

static void
usable_size__through_another_handle__is_the_same(void **state)
{
	struct pair pair = pair_open();

	(void)state;
	for (size_t i = 0; i < NELEM(sizes); i++) {
		void *ptr = vmem_malloc(pair.owner, sizes[i]);
		size_t usable = vmem_malloc_usable_size(pair.owner, ptr);

		assert_non_null(ptr);
		errno = E2BIG;
		assert_int_equal(
			vmem_malloc_usable_size(pair.other, ptr), usable);
		assert_int_equal(errno, E2BIG);
		vmem_free(pair.owner, ptr);
	}
	pair_close(pair);
}

static bool
is_inside(VMEM *vmp, const void *ptr)
{
	return (uintptr_t)ptr > (uintptr_t)vmp &&
	       (uintptr_t)ptr < (uintptr_t)vmp + VMEM_MIN_POOL;
}

static void
realloc__through_another_handle__stays_in_the_owner(void **state)
{
	struct pair pair = pair_open();
	void *blocker;

	(void)state;
	for (size_t i = 1; i < NELEM(sizes); i++) {
		for (size_t j = 1; j < NELEM(sizes); j++) {
			size_t kept = sizes[i] < sizes[j] ? sizes[i] : sizes[j];
			void *ptr = vmem_malloc(pair.owner, sizes[i]);

			assert_non_null(ptr);
			test_fill(ptr, sizes[i], i);
			ptr = vmem_realloc(pair.other, ptr, sizes[j]);
			assert_non_null(ptr);
			assert_true(is_inside(pair.owner, ptr));
			assert_true(test_holds(ptr, kept, i));
			assert_null(vmem_realloc(pair.other, ptr, 0));
		}
	}
	/* there is room in the other pool, but that is not where it is */
	blocker = vmem_malloc(pair.owner, 12 * MIB);
	assert_non_null(blocker);
	errno = 0;
	assert_null(vmem_realloc(pair.other, blocker, VMEM_MIN_POOL + MIB));
	assert_int_equal(errno, ENOMEM);
	vmem_free(pair.other, blocker);
	pair_close(pair);
}

/* both ways at once, so that neither takes what is the other's */
static void
mixed__handles_confused_at_random__keeps_contents(void **state)
{
	struct pair pair = pair_open();
	struct objects set[2];
	struct rng rng;

	(void)state;
	rng_init(&rng, __func__);
	objects_init(&set[0], pair.owner);
	objects_init(&set[1], pair.other);
	set[1].next_tag += 1000000;
	for (unsigned i = 0; i < (TEST_SANITIZED ? 5000 : 50000); i++) {
		size_t which = rng_between(&rng, 0, 1);
		struct objects *s = &set[which];

		/* allocation is from the pool itself, all else from any */
		s->vmp = which == 0 ? pair.owner : pair.other;
		if (s->n < 50 || rng_between(&rng, 0, 2) != 0)
			(void)objects_add(s, rng_between(&rng, 1, 10000));
		s->vmp = rng_between(&rng, 0, 1) ? pair.owner : pair.other;
		if (s->n > 0 && rng_between(&rng, 0, 2) == 0)
			(void)objects_resize(s, rng_between(&rng, 0, s->n - 1),
				rng_between(&rng, 1, 10000));
		while (s->n > 800)
			objects_drop(s, rng_between(&rng, 0, s->n - 1));
	}
	objects_verify(&set[0]);
	objects_verify(&set[1]);
	assert_int_equal(vmem_check(pair.owner), 1);
	assert_int_equal(vmem_check(pair.other), 1);
	objects_fini(&set[0]);
	objects_fini(&set[1]);
	assert_non_null(vmem_malloc(pair.owner, 12 * MIB));
	assert_non_null(vmem_malloc(pair.other, 12 * MIB));
	pair_close(pair);
}

/* a thread that has never worked in the owner */
static void *
free_through_other(void *arg)
{
	const struct pair *pair = arg;

	for (size_t i = 0; i < NELEM(sizes); i++) {
		void *ptr = vmem_malloc(pair->other, sizes[i]);

		must(ptr != NULL);
		vmem_free(pair->owner, ptr);
		must(vmem_malloc_usable_size(pair->owner, ptr) == 0);
	}
	return NULL;
}

static void
free__through_another_handle_by_a_fresh_thread__frees(void **state)
{
	struct pair pair = pair_open();

	(void)state;
	for (unsigned i = 0; i < 20; i++) {
		pthread_t thread;

		assert_int_equal(pthread_create(&thread, NULL,
					 free_through_other, &pair),
			0);
		assert_int_equal(pthread_join(thread, NULL), 0);
	}
	assert_non_null(vmem_malloc(pair.other, 12 * MIB));
	pair_close(pair);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			free__through_another_handle__frees_in_the_owner),
		cmocka_unit_test(
			usable_size__through_another_handle__is_the_same),
		cmocka_unit_test(
			realloc__through_another_handle__stays_in_the_owner),
		cmocka_unit_test(
			mixed__handles_confused_at_random__keeps_contents),
		cmocka_unit_test(
			free__through_another_handle_by_a_fresh_thread__frees),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
