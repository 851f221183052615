/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * free_sized.c -- vmem_free_sized(): right sizes free, wrong ones harm nothing
 */
#include "harness/test.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "harness/options.h"
#include "harness/threads.h"

#define NTHREADS 4
#define NSTEPS   (TEST_SANITIZED ? 3000u : 20000u)

static const size_t sizes[] = {0, 1, 7, 8, 9, 16, 48, 64, 100, 500, 1024, 4096,
	5000, 8192, 8193, 9000, 16384, 32768, 32769, 33000, 36864, 36865,
	100000, MIB, 3 * MIB};

/* freed, refused -- what one call does, and errno is kept */
static void
assert_freed(VMEM *vmp, void *ptr, size_t size)
{
	struct vmem_stats before = stats_of(vmp), after;

	errno = E2BIG;
	vmem_free_sized(vmp, ptr, size);
	assert_int_equal(errno, E2BIG);
	after = stats_of(vmp);
	assert_int_equal(after.refused, before.refused);
	assert_int_equal(after.small_ndalloc + after.large_ndalloc,
		before.small_ndalloc + before.large_ndalloc + 1);
}

static void
assert_refused(VMEM *vmp, void *ptr, size_t size)
{
	struct vmem_stats before = stats_of(vmp), after;

	assert_null(vmem_create(NULL, 1)); /* another message */
	errno = E2BIG;
	vmem_free_sized(vmp, ptr, size);
	assert_int_equal(errno, E2BIG);
	after = stats_of(vmp);
	assert_int_equal(after.refused, before.refused + 1);
	assert_int_equal(after.small_ndalloc, before.small_ndalloc);
	assert_int_equal(after.large_ndalloc, before.large_ndalloc);
	assert_int_equal(after.allocated, before.allocated);
	assert_non_null(strstr(vmem_errormsg(), "vmem_free_sized"));
}

/* every size from what was asked for to what may be used */
static void
free_sized__right_sizes__frees(void **state)
{
	(void)state;
	for (int level = 0; level <= 2; level++) {
		VMEM *vmp = create_level(level, 32 * MIB);

		for (size_t i = 0; i < NELEM(sizes); i++) {
			size_t usable, size = sizes[i];
			void *ptr = vmem_malloc_at_least(vmp, size, &usable);

			assert_freed(vmp, ptr, usable);
			ptr = vmem_malloc(vmp, size);
			assert_freed(vmp, ptr, size);
			ptr = vmem_malloc(vmp, size);
			assert_freed(vmp, ptr, size + (usable - size) / 2);
			ptr = vmem_calloc(vmp, 1, size);
			assert_freed(vmp, ptr, size);
		}
		vmem_free_sized(vmp, NULL, 0);
		vmem_free_sized(vmp, NULL, 1000);
		assert_int_equal(stats_of(vmp).refused, 0);
		assert_int_equal(stats_of(vmp).allocated, 0);
		assert_int_equal(vmem_check(vmp), 1);
		vmem_delete(vmp);
	}
}

/* what was resized or aligned has the size that was asked for last */
static void
free_sized__resized_or_aligned__frees(void **state)
{
	(void)state;
	if (TEST_TSAN)
		test_skip("one thread alone, and slow");
	for (int level = 0; level <= 2; level++) {
		VMEM *vmp = create_level(level, 32 * MIB);

		for (size_t i = 0; i < NELEM(sizes);
			i += TEST_SANITIZED ? 3 : 1)
			for (size_t j = 0; j < NELEM(sizes); j++) {
				void *ptr = vmem_malloc(vmp, sizes[i]);

				if (sizes[j] == 0)
					continue;
				ptr = vmem_realloc(vmp, ptr, sizes[j]);
				assert_non_null(ptr);
				assert_freed(vmp, ptr, sizes[j]);
			}
		for (size_t align = 1; align <= MIB;
			align *= TEST_SANITIZED ? 16 : 2)
			for (size_t i = 0; i < NELEM(sizes); i++) {
				void *ptr = vmem_aligned_alloc(
					vmp, align, sizes[i]);

				assert_non_null(ptr);
				assert_freed(vmp, ptr, sizes[i]);
			}
		assert_int_equal(vmem_check(vmp), 1);
		vmem_delete(vmp);
	}
}

/* in a full pool an object gets what there is, however large that is */
static void
free_sized__full_pool__frees(void **state)
{
	VMEM *vmp = test_file_pool(VMEM_MIN_POOL);
	static void *ptrs[10000], *tiny[10000];
	size_t n = 0, ntiny = 0, most = 0;
	void *ptr;

	(void)state;
	while ((ptr = vmem_malloc(vmp, 3000)) != NULL)
		ptrs[n++] = ptr;
	for (size_t i = 0; i < n; i += 2)
		vmem_free_sized(vmp, ptrs[i], 3000);
	while ((ptr = vmem_malloc(vmp, 40)) != NULL) {
		size_t usable = vmem_malloc_usable_size(vmp, ptr);

		most = usable > most ? usable : most;
		tiny[ntiny++] = ptr;
	}
	assert_true(most >= 3000);
	for (size_t i = 0; i < ntiny; i++)
		vmem_free_sized(vmp, tiny[i], 40);
	for (size_t i = 1; i < n; i += 2)
		vmem_free_sized(vmp, ptrs[i], 3000);
	assert_int_equal(stats_of(vmp).refused, 0);
	assert_int_equal(stats_of(vmp).allocated, 0);
	vmem_delete(vmp);
}

static void
free_sized__too_large_a_size__is_refused(void **state)
{
	(void)state;
	for (int level = 1; level <= 2; level++) {
		VMEM *vmp = create_level(level, 32 * MIB);

		for (size_t i = 0; i < NELEM(sizes); i++) {
			size_t usable;
			char *ptr =
				vmem_malloc_at_least(vmp, sizes[i], &usable);

			test_fill(ptr, usable, i);
			assert_refused(vmp, ptr, usable + 1);
			assert_refused(vmp, ptr, usable * 2 + 8);
			assert_refused(vmp, ptr, 10 * MIB);
			assert_refused(vmp, ptr, SIZE_MAX);
			assert_non_null(strstr(vmem_errormsg(), "size"));
			assert_true(test_holds(ptr, usable, i));
			assert_int_equal(
				vmem_malloc_usable_size(vmp, ptr), usable);
			assert_freed(vmp, ptr, sizes[i]);
			/* nor is it there any more */
			assert_refused(vmp, ptr, sizes[i]);
		}
		assert_int_equal(vmem_check(vmp), 1);
		vmem_delete(vmp);
	}
}

static void
free_sized__large_object_too_small_a_size__is_refused(void **state)
{
	(void)state;
	for (int level = 1; level <= 2; level++) {
		VMEM *vmp = create_level(level, 32 * MIB);

		for (size_t size = 33 * KIB; size < 8 * MIB; size *= 3) {
			size_t usable;
			void *ptr = vmem_malloc_at_least(vmp, size, &usable);

			assert_refused(vmp, ptr, usable - 4096);
			assert_refused(vmp, ptr, 100);
			assert_refused(vmp, ptr, 0);
			assert_freed(vmp, ptr, usable - 4095);
		}
		assert_int_equal(vmem_check(vmp), 1);
		vmem_delete(vmp);
	}
}

/* a smaller one may have come of an alignment: nobody can tell */
static void
free_sized__small_object_too_small_a_size__frees(void **state)
{
	(void)state;
	for (int level = 0; level <= 2; level++) {
		VMEM *vmp = create_level(level, 32 * MIB);

		assert_freed(vmp, vmem_malloc(vmp, 1000), 10);
		assert_freed(vmp, vmem_malloc(vmp, 30000), 0);
		vmem_delete(vmp);
	}
}

static void
free_sized__level_0_any_size__frees(void **state)
{
	VMEM *vmp = create_level(0, 32 * MIB);

	(void)state;
	for (size_t i = 0; i < NELEM(sizes); i++) {
		assert_freed(vmp, vmem_malloc(vmp, sizes[i]), SIZE_MAX);
		assert_freed(vmp, vmem_malloc(vmp, sizes[i]), 0);
		assert_freed(vmp, vmem_malloc(vmp, sizes[i]), 100000);
	}
	assert_int_equal(vmem_check(vmp), 1);
	vmem_delete(vmp);
}

/* the profile keeps an object that stays, and no other */
static void
free_sized__profile__wrong_size_is_refused(void **state)
{
	VMEM *vmp = create_level(1, 32 * MIB);
	void *ptr = vmem_malloc(vmp, 100);

	(void)state;
	assert_int_equal(vmem_profile_start(vmp, 1), 0);
	for (size_t i = 0; i < NELEM(sizes); i++) {
		void *other = vmem_malloc(vmp, sizes[i]);

		assert_refused(vmp, other, 4 * MIB);
		assert_freed(vmp, other, sizes[i]);
	}
	assert_refused(vmp, ptr, 1000);
	assert_freed(vmp, ptr, 100);
	assert_int_equal(vmem_profile_stop(vmp), 0);
	vmem_delete(vmp);
}

static void
free_sized__through_another_pool__frees_there(void **state)
{
	VMEM *a = create_level(1, 32 * MIB), *b = create_level(1, 32 * MIB);

	(void)state;
	for (size_t i = 0; i < NELEM(sizes); i++) {
		void *ptr = vmem_malloc(a, sizes[i]);

		vmem_free_sized(b, ptr, 4 * MIB);
		assert_non_null(strstr(vmem_errormsg(), "size"));
		assert_true(stats_of(a).allocated > 0);
		vmem_free_sized(b, ptr, sizes[i]);
		assert_int_equal(stats_of(a).allocated, 0);
	}
	assert_int_equal(stats_of(a).refused, NELEM(sizes));
	assert_int_equal(stats_of(b).refused, 0);
	vmem_delete(a);
	vmem_delete(b);
}

/* objects that one thread frees for another; the size is wrong at times */
struct exchange {
	VMEM *vmp;
	pthread_mutex_t lock;
	struct {
		void *ptr;
		size_t size;
	} at[256];
};

static void
work(size_t idx, struct rng *rng, void *arg)
{
	struct exchange *x = arg;

	(void)idx;
	for (unsigned i = 0; i < NSTEPS; i++) {
		size_t size = rng_between(rng, 0, i % 16 == 0 ? 60000 : 3000);
		size_t to = rng_between(rng, 0, NELEM(x->at) - 1), old_size;
		void *ptr = vmem_malloc(x->vmp, size), *old;

		if (ptr == NULL)
			continue;
		memset(ptr, (int)i, size);
		must(pthread_mutex_lock(&x->lock) == 0);
		old = x->at[to].ptr;
		old_size = x->at[to].size;
		x->at[to].ptr = ptr;
		x->at[to].size = size;
		must(pthread_mutex_unlock(&x->lock) == 0);
		if (i % 5 == 0) /* refused, whoever has the slab */
			vmem_free_sized(x->vmp, old, old_size + 100000);
		vmem_free_sized(x->vmp, old, old_size);
	}
}

static void
free_sized__objects_of_other_threads__frees(void **state)
{
	struct exchange x = {.vmp = create_level(1, 32 * MIB),
		.lock = PTHREAD_MUTEX_INITIALIZER};
	struct vmem_stats s;

	(void)state;
	threads_run(NTHREADS, work, &x, "free_sized");
	for (size_t i = 0; i < NELEM(x.at); i++)
		vmem_free_sized(x.vmp, x.at[i].ptr, x.at[i].size);
	s = stats_of(x.vmp);
	assert_int_equal(s.allocated, 0);
	/* all but those for a place that had no object yet */
	assert_in_range(s.refused, NTHREADS * NSTEPS / 5 - NELEM(x.at),
		NTHREADS * NSTEPS / 5);
	assert_int_equal(vmem_check(x.vmp), 1);
	vmem_delete(x.vmp);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(free_sized__right_sizes__frees),
		cmocka_unit_test(free_sized__resized_or_aligned__frees),
		cmocka_unit_test(free_sized__full_pool__frees),
		cmocka_unit_test(free_sized__too_large_a_size__is_refused),
		cmocka_unit_test(
			free_sized__large_object_too_small_a_size__is_refused),
		cmocka_unit_test(
			free_sized__small_object_too_small_a_size__frees),
		cmocka_unit_test(free_sized__level_0_any_size__frees),
		cmocka_unit_test(free_sized__profile__wrong_size_is_refused),
		cmocka_unit_test(free_sized__through_another_pool__frees_there),
		cmocka_unit_test(free_sized__objects_of_other_threads__frees),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
