/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * realloc.c -- vmem_realloc(): contents, failure, and when it stays in place
 *
 * ctest: timeout=300
 */
#include "harness/test.h"

#include <string.h>
#include <sys/mman.h>

#include "harness/objects.h"

/* from here on an object is large whatever the size classes are */
#define LARGE (64 * KIB)

static const size_t grid[] = {1, 7, 8, 9, 15, 16, 17, 48, 100, 128, 129, 500,
	1024, 2000, 4095, 4096, 4097, 8192, 9000, 16384, 20000, 32768, 33000,
	65536, 100000, MIB, 2 * MIB + 1, 4 * MIB};

static void
realloc__every_pair_of_sizes__keeps_the_smaller_part(void **state)
{
	VMEM *vmp = test_pool(VMEM_MIN_POOL);

	(void)state;
	for (size_t i = 0; i < NELEM(grid); i++) {
		for (size_t j = 0; j < NELEM(grid); j++) {
			size_t kept = grid[i] < grid[j] ? grid[i] : grid[j];
			char *ptr = vmem_malloc(vmp, grid[i]);
			struct rng rng;
			char expected[256];

			assert_non_null(ptr);
			rng_init_from(&rng, i * 100 + j);
			rng_fill(&rng, ptr, grid[i]);
			if (kept > sizeof(expected))
				kept = sizeof(expected);
			memcpy(expected, ptr, kept);
			errno = E2BIG;
			ptr = vmem_realloc(vmp, ptr, grid[j]);
			assert_int_equal(errno, E2BIG);
			assert_non_null(ptr);
			assert_memory_equal(ptr, expected, kept);
			memset(ptr, 1, grid[j]);
			vmem_free(vmp, ptr);
		}
	}
	assert_int_equal(vmem_check(vmp), 1);
	test_pool_delete(vmp, VMEM_MIN_POOL);
}

/* the whole contents, to the last byte, where the size is a random one */
static void
realloc__random_sizes_against_a_model__keeps_contents(void **state)
{
	VMEM *vmp = test_pool(64 * MIB);
	struct objects set;
	struct rng rng;

	(void)state;
	rng_init(&rng, __func__);
	objects_init(&set, vmp);
	for (unsigned i = 0; i < 100; i++)
		assert_true(objects_add(&set, i + 1));
	for (unsigned i = 0; i < (TEST_SANITIZED ? 2000 : 20000); i++) {
		size_t high = (size_t)1 << rng_between(&rng, 3, 19);

		(void)objects_resize(&set, rng_between(&rng, 0, 99),
			rng_between(&rng, 1, high));
	}
	objects_verify(&set);
	assert_int_equal(vmem_check(vmp), 1);
	objects_fini(&set);
	test_pool_delete(vmp, 64 * MIB);
}

static void
realloc__null__is_malloc(void **state)
{
	VMEM *vmp = test_pool(VMEM_MIN_POOL);
	char *a = vmem_realloc(vmp, NULL, 100), *b;

	(void)state;
	assert_non_null(a);
	test_fill(a, 100, 1);
	b = vmem_realloc(vmp, NULL, 0);
	assert_non_null(b);
	assert_ptr_not_equal(a, b);
	errno = 0;
	assert_null(vmem_realloc(vmp, NULL, VMEM_MIN_POOL));
	assert_int_equal(errno, ENOMEM);
	assert_true(test_holds(a, 100, 1));
	vmem_free(vmp, a);
	vmem_free(vmp, b);
	assert_int_equal(vmem_check(vmp), 1);
	test_pool_delete(vmp, VMEM_MIN_POOL);
}

static void
realloc__size_0__is_free_and_gives_null(void **state)
{
	static const size_t sizes[] = {0, 1, 100, 5000, 9 * MIB};
	VMEM *vmp = test_pool(VMEM_MIN_POOL);

	(void)state;
	for (size_t i = 0; i < NELEM(sizes); i++) {
		for (unsigned round = 0; round < 1000; round++) {
			void *ptr = vmem_malloc(vmp, sizes[i]);

			assert_non_null(ptr);
			errno = E2BIG;
			assert_null(vmem_realloc(vmp, ptr, 0));
			assert_int_equal(errno, E2BIG);
			assert_int_equal(vmem_malloc_usable_size(vmp, ptr), 0);
		}
	}
	assert_non_null(vmem_malloc(vmp, 12 * MIB));
	test_pool_delete(vmp, VMEM_MIN_POOL);
}

static void
realloc__no_room__leaves_the_object_as_it_was(void **state)
{
	static const size_t wishes[] = {12 * MIB, VMEM_MIN_POOL,
		(size_t)1 << 40, SIZE_MAX / 2, SIZE_MAX / 2 + 1,
		SIZE_MAX - 4096, SIZE_MAX};
	static const size_t sizes[] = {1, 16, 100, 4096, 20000, 2 * MIB};
	VMEM *vmp = test_pool(VMEM_MIN_POOL);
	void *blocker = vmem_malloc(vmp, 6 * MIB);

	(void)state;
	assert_non_null(blocker);
	for (size_t i = 0; i < NELEM(sizes); i++) {
		void *ptr = vmem_malloc(vmp, sizes[i]);
		size_t usable = vmem_malloc_usable_size(vmp, ptr);

		assert_non_null(ptr);
		test_fill(ptr, sizes[i], i);
		for (size_t j = 0; j < NELEM(wishes); j++) {
			errno = 0;
			assert_null(vmem_realloc(vmp, ptr, wishes[j]));
			assert_int_equal(errno, ENOMEM);
			assert_true(test_holds(ptr, sizes[i], i));
			assert_int_equal(
				vmem_malloc_usable_size(vmp, ptr), usable);
		}
		vmem_free(vmp, ptr);
	}
	assert_int_equal(vmem_check(vmp), 1);
	test_pool_delete(vmp, VMEM_MIN_POOL);
}

static void
realloc__large_made_smaller__stays_in_place(void **state)
{
	struct rng rng;
	VMEM *vmp = test_pool(VMEM_MIN_POOL);

	(void)state;
	rng_init(&rng, __func__);
	for (unsigned round = 0; round < 200; round++) {
		size_t size = rng_between(&rng, 2 * LARGE, 12 * MIB);
		char *ptr = vmem_malloc(vmp, size);

		assert_non_null(ptr);
		ptr[0] = 'x';
		while (size > LARGE) {
			size_t before = vmem_malloc_usable_size(vmp, ptr);

			size = rng_between(&rng, LARGE, size);
			assert_ptr_equal(vmem_realloc(vmp, ptr, size), ptr);
			assert_true(
				vmem_malloc_usable_size(vmp, ptr) <= before);
			assert_true(vmem_malloc_usable_size(vmp, ptr) >= size);
			if (rng_between(&rng, 0, 9) == 0)
				break;
		}
		assert_int_equal(ptr[0], 'x');
		vmem_free(vmp, ptr);
	}
	assert_int_equal(vmem_check(vmp), 1);
	test_pool_delete(vmp, VMEM_MIN_POOL);
}

/* what a shrunk object no longer has can be had by another one */
static void
realloc__large_made_smaller__gives_the_rest_back(void **state)
{
	VMEM *vmp = test_pool(VMEM_MIN_POOL);
	void *a = vmem_malloc(vmp, 12 * MIB), *b;

	(void)state;
	assert_non_null(a);
	assert_null(vmem_malloc(vmp, 6 * MIB));
	assert_ptr_equal(vmem_realloc(vmp, a, 4 * MIB), a);
	b = vmem_malloc(vmp, 8 * MIB);
	assert_non_null(b);
	vmem_free(vmp, b);
	a = vmem_realloc(vmp, a, 16);
	assert_non_null(a);
	assert_non_null(vmem_malloc(vmp, 11 * MIB));
	assert_int_equal(vmem_check(vmp), 1);
	test_pool_delete(vmp, VMEM_MIN_POOL);
}

static void
realloc__pages_behind_are_free__grows_in_place(void **state)
{
	(void)state;
	for (size_t size = LARGE; size < 4 * MIB; size = size * 3 / 2) {
		VMEM *vmp = test_pool(VMEM_MIN_POOL);
		char *a = vmem_malloc(vmp, size), *b = vmem_malloc(vmp, size);
		char *c = vmem_malloc(vmp, size);
		char *low = a < b ? a : b, *mid = a < b ? b : a;

		assert_non_null(c);
		/* whichever is in the middle goes: the pages are free then */
		if (c < low) {
			mid = low;
			low = c;
		} else if (c < mid) {
			mid = c;
		}
		vmem_free(vmp, mid);
		test_fill(low, size, size);
		assert_ptr_equal(vmem_realloc(vmp, low, size + 4096), low);
		assert_true(test_holds(low, size, size));
		assert_ptr_equal(vmem_realloc(vmp, low, size + LARGE / 2), low);
		assert_true(test_holds(low, size, size));
		assert_int_equal(vmem_check(vmp), 1);
		test_pool_delete(vmp, VMEM_MIN_POOL);
	}
}

/* shrunk, and grown again into what is still free behind it */
static void
realloc__shrunk_and_grown_again__stays_in_place(void **state)
{
	VMEM *vmp = test_pool(VMEM_MIN_POOL);
	char *ptr = vmem_malloc(vmp, 12 * MIB);

	(void)state;
	assert_non_null(ptr);
	for (unsigned i = 0; i < 100; i++) {
		assert_ptr_equal(vmem_realloc(vmp, ptr, 2 * LARGE), ptr);
		assert_ptr_equal(vmem_realloc(vmp, ptr, 12 * MIB), ptr);
	}
	assert_int_equal(vmem_check(vmp), 1);
	test_pool_delete(vmp, VMEM_MIN_POOL);
}

/* assert_shrinks -- from and to every size, while not a byte is free */
static void
assert_shrinks_when_full(size_t from)
{
	for (size_t i = 0; i < NELEM(grid) && grid[i] < from; i++) {
		VMEM *vmp = test_pool(VMEM_MIN_POOL);
		char *ptr = vmem_malloc(vmp, from);
		static const size_t filler[] = {MIB, 4096, 512, 64, 8, 1};
		size_t kept = grid[i];

		assert_non_null(ptr);
		test_fill(ptr, from, from);
		for (size_t j = 0; j < NELEM(filler); j++)
			while (vmem_malloc(vmp, filler[j]) != NULL)
				continue;
		ptr = vmem_realloc(vmp, ptr, kept);
		assert_non_null(ptr);
		assert_true(test_holds(ptr, kept, from));
		assert_true(vmem_malloc_usable_size(vmp, ptr) >= kept);
		assert_int_equal(vmem_check(vmp), 1);
		test_pool_delete(vmp, VMEM_MIN_POOL);
	}
}

static void
realloc__made_smaller_in_a_full_pool__never_fails(void **state)
{
	static const size_t from[] = {100, 4096, 20000, 100000, 4 * MIB};

	(void)state;
	for (size_t i = 0; i < NELEM(from); i++)
		assert_shrinks_when_full(from[i]);
}

static void
realloc__to_a_power_of_two__is_aligned_to_it(void **state)
{
	VMEM *vmp = test_pool(64 * MIB);
	struct rng rng;

	(void)state;
	rng_init(&rng, __func__);
	for (size_t size = 8; size <= 4096; size *= 2) {
		for (size_t from = 1; from < 3 * size; from += 7) {
			size_t kept = from < size ? from : size;
			char *p = vmem_malloc(vmp, from);

			assert_non_null(p);
			test_fill(p, kept, from);
			p = vmem_realloc(vmp, p, size);
			assert_non_null(p);
			assert_int_equal((uintptr_t)p % size, 0);
			assert_true(test_holds(p, kept, from));
			/* some stay, so that not all are alike */
			if (rng_between(&rng, 0, 1) == 0)
				vmem_free(vmp, p);
		}
	}
	assert_int_equal(vmem_check(vmp), 1);
	test_pool_delete(vmp, 64 * MIB);
}

static void
realloc__to_the_usable_size__stays_in_place(void **state)
{
	VMEM *vmp = test_pool(VMEM_MIN_POOL);

	(void)state;
	for (size_t size = 0; size < 5 * MIB;
		size = size < 9000 ? size + 1 : size * 5 / 4) {
		void *ptr = vmem_malloc(vmp, size);
		size_t usable = vmem_malloc_usable_size(vmp, ptr);

		assert_non_null(ptr);
		assert_ptr_equal(vmem_realloc(vmp, ptr, usable), ptr);
		assert_int_equal(vmem_malloc_usable_size(vmp, ptr), usable);
		vmem_free(vmp, ptr);
	}
	test_pool_delete(vmp, VMEM_MIN_POOL);
}

static void
realloc__step_by_step_to_12_mib__keeps_contents(void **state)
{
	VMEM *vmp = test_pool(VMEM_MIN_POOL * 2);
	char *ptr = NULL;

	(void)state;
	for (unsigned round = 0; round < 3; round++) {
		for (size_t size = 16; size <= 12 * MIB; size += size / 4) {
			ptr = vmem_realloc(vmp, ptr, size);
			assert_non_null(ptr);
			ptr[size - 1] = (char)size;
			for (size_t s = 16; s <= size; s += s / 4)
				assert_int_equal(ptr[s - 1], (char)s);
		}
		assert_null(vmem_realloc(vmp, ptr, 0));
		ptr = NULL;
	}
	assert_non_null(vmem_malloc(vmp, 25 * MIB));
	test_pool_delete(vmp, VMEM_MIN_POOL * 2);
}

/* moves -- of an object that is made larger, a quarter each time, once large */
static size_t
moves(VMEM *vmp, size_t most)
{
	void *p = vmem_malloc(vmp, 16);
	size_t n = 0;

	for (size_t size = 32; size <= most; size += size / 4) {
		void *moved = vmem_realloc(vmp, p, size);

		must(moved != NULL);
		n += moved != p && size > LARGE;
		p = moved;
	}
	vmem_free(vmp, p);
	return n;
}

/* what such an object leaves behind does not lie in the next one's way */
static void
realloc__grows_again_and_again__stays_in_place(void **state)
{
	VMEM *vmp = test_pool(256 * MIB);

	(void)state;
	(void)moves(vmp, 32 * MIB);
	for (size_t i = 0; i < 20; i++)
		assert_in_range(moves(vmp, 32 * MIB), 0, 1);
	assert_int_equal(vmem_check(vmp), 1);
	test_pool_delete(vmp, 256 * MIB);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			realloc__every_pair_of_sizes__keeps_the_smaller_part),
		cmocka_unit_test(
			realloc__random_sizes_against_a_model__keeps_contents),
		cmocka_unit_test(realloc__null__is_malloc),
		cmocka_unit_test(realloc__size_0__is_free_and_gives_null),
		cmocka_unit_test(realloc__no_room__leaves_the_object_as_it_was),
		cmocka_unit_test(realloc__large_made_smaller__stays_in_place),
		cmocka_unit_test(
			realloc__large_made_smaller__gives_the_rest_back),
		cmocka_unit_test(
			realloc__pages_behind_are_free__grows_in_place),
		cmocka_unit_test(
			realloc__shrunk_and_grown_again__stays_in_place),
		cmocka_unit_test(
			realloc__made_smaller_in_a_full_pool__never_fails),
		cmocka_unit_test(realloc__to_a_power_of_two__is_aligned_to_it),
		cmocka_unit_test(realloc__to_the_usable_size__stays_in_place),
		cmocka_unit_test(
			realloc__grows_again_and_again__stays_in_place),
		cmocka_unit_test(
			realloc__step_by_step_to_12_mib__keeps_contents),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
