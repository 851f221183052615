/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * capacity.c -- how much a pool holds, filled by one thread
 *
 * ctest: timeout=300 not-debug not-valgrind not-tsan
 */
#include "harness/test.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "harness/objects.h"

/* the payload of a pool full of 16..4096 bytes, in percent */
#define PERCENT_256_MIB 94.0
#define PERCENT_14_MIB  90.0 /* of the first fill; */
#define PERCENT_14_AGAIN                                                       \
	80.0 /* in so small a pool classes run out by chance                   \
	      */

/* how much less a later fill may hold, in percent of the first */
#define PERCENT_DRIFT 1.0

static void
malloc__one_object_in_14_mib__has_12_mib(void **state)
{
	VMEM *vmp = test_pool(VMEM_MIN_POOL);
	char *ptr = vmem_malloc(vmp, 12 * MIB);

	(void)state;
	assert_non_null(ptr);
	memset(ptr, 1, 12 * MIB);
	assert_int_equal(vmem_check(vmp), 1);
	test_pool_delete(vmp, VMEM_MIN_POOL);
	vmp = test_file_pool(VMEM_MIN_POOL);
	assert_non_null(vmem_malloc(vmp, 12 * MIB));
	vmem_delete(vmp);
}

static void
malloc__pages_in_14_mib__are_13_mib(void **state)
{
	VMEM *vmp = test_pool(VMEM_MIN_POOL);
	size_t n = 0;

	(void)state;
	while (vmem_malloc(vmp, 4096) != NULL)
		n++;
	print_message("%zu objects of 4096 bytes\n", n);
	assert_true(n * 4096 >= 13 * MIB);
	assert_int_equal(vmem_check(vmp), 1);
	test_pool_delete(vmp, VMEM_MIN_POOL);
}

static void
malloc__eight_bytes_in_14_mib__are_1_5_million(void **state)
{
	VMEM *vmp = test_pool(VMEM_MIN_POOL);
	uint64_t *ptr, *last = NULL;
	size_t n = 0;

	(void)state;
	while ((ptr = vmem_malloc(vmp, sizeof(*ptr))) != NULL) {
		*ptr = (uint64_t)(uintptr_t)last;
		last = ptr;
		n++;
	}
	print_message("%zu objects of 8 bytes\n", n);
	assert_true(n >= 1500000);
	assert_int_equal(vmem_check(vmp), 1);
	for (size_t i = 0; i < n; i++) {
		ptr = last;
		last = (uint64_t *)(uintptr_t)*ptr;
		vmem_free(vmp, ptr);
	}
	assert_null(last);
	assert_int_equal(vmem_check(vmp), 1);
	assert_non_null(vmem_malloc(vmp, 12 * MIB));
	test_pool_delete(vmp, VMEM_MIN_POOL);
}

static double
percent_of(size_t part, size_t whole)
{
	return 100.0 * (double)part / (double)whole;
}

/*
 * assert_keeps_payload -- fill until there is no room, then five times free a
 * random half and fill again
 */
static void
assert_keeps_payload(
	size_t pool_size, double percent, double again, const char *name)
{
	VMEM *vmp = test_pool(pool_size);
	struct objects set;
	struct rng rng;

	rng_init(&rng, name);
	objects_init(&set, vmp);
	set.sparse = true;
	for (unsigned round = 0; round < 6; round++) {
		objects_fill(&set, &rng, 16, 4096);
		print_message("round %u: %.1f %%\n", round,
			percent_of(set.bytes, pool_size));
		assert_true(percent_of(set.bytes, pool_size) >=
			    (round == 0 ? percent : again));
		assert_int_equal(vmem_check(vmp), 1);
		objects_verify(&set);
		objects_drop_half(&set, &rng);
	}
	objects_fini(&set);
	assert_non_null(vmem_malloc(vmp, pool_size / 14 * 12));
	test_pool_delete(vmp, pool_size);
}

static void
malloc__16_to_4096_bytes_in_256_mib__keep_94_percent(void **state)
{
	(void)state;
	assert_keeps_payload(
		256 * MIB, PERCENT_256_MIB, PERCENT_256_MIB, __func__);
}

static void
malloc__16_to_4096_bytes_in_14_mib__keep_90_percent(void **state)
{
	(void)state;
	assert_keeps_payload(
		VMEM_MIN_POOL, PERCENT_14_MIB, PERCENT_14_AGAIN, __func__);
}

/*
 * The same sizes in each fill: with other ones, which comes first that has no
 * room is chance, and worth more than the percent that is asked for.
 */
static void
malloc__100_fills_of_14_mib__do_not_drift(void **state)
{
	VMEM *vmp = test_pool(VMEM_MIN_POOL);
	struct objects set;
	struct rng rng, sizes;
	size_t first = 0, last = 0;
	uint64_t seed;

	(void)state;
	rng_init(&rng, __func__);
	seed = rng_next(&rng);
	objects_init(&set, vmp);
	set.sparse = true;
	for (unsigned round = 0; round < 100; round++) {
		void *ptr;

		rng_init_from(&sizes, seed);
		objects_fill(&set, &sizes, 16, 4096);
		last = set.bytes;
		if (round == 0)
			first = last;
		assert_true(percent_of(last, first) >= 100 - PERCENT_DRIFT);
		while (set.n > 0)
			objects_drop(&set, rng_between(&rng, 0, set.n - 1));
		ptr = vmem_malloc(vmp, 12 * MIB);
		assert_non_null(ptr);
		vmem_free(vmp, ptr);
	}
	print_message("first %.2f %%, last %.2f %%\n",
		percent_of(first, VMEM_MIN_POOL),
		percent_of(last, VMEM_MIN_POOL));
	objects_fini(&set);
	test_pool_delete(vmp, VMEM_MIN_POOL);
}

/* the sizes shift from one fill to the next, small and large in turn */
static void
malloc__sizes_shift_between_fills__all_room_comes_back(void **state)
{
	static const size_t highest[] = {
		64, 1024, 16, 8192, 256, 65536, 32, 4096, MIB, 8};
	VMEM *vmp = test_pool(VMEM_MIN_POOL);
	struct objects set;
	struct rng rng;

	(void)state;
	rng_init(&rng, __func__);
	objects_init(&set, vmp);
	set.sparse = true;
	for (size_t i = 0; i < NELEM(highest); i++) {
		size_t high = highest[i];
		void *ptr;

		objects_fill(&set, &rng, high, high);
		print_message("%zu bytes: %.1f %%\n", high,
			percent_of(set.bytes, VMEM_MIN_POOL));
		assert_true(percent_of(set.bytes, VMEM_MIN_POOL) >= 85.0);
		objects_drop_half(&set, &rng);
		objects_fill(&set, &rng, high, high);
		objects_drop_all(&set);
		ptr = vmem_malloc(vmp, 12 * MIB);
		assert_non_null(ptr);
		vmem_free(vmp, ptr);
	}
	objects_fini(&set);
	test_pool_delete(vmp, VMEM_MIN_POOL);
}

static void
malloc__20_mib_freed_and_20_mib_again_in_32__works(void **state)
{
	VMEM *vmp = test_pool(32 * MIB);

	(void)state;
	for (unsigned i = 0; i < 10; i++) {
		char *ptr = vmem_malloc(vmp, 20 * MIB);

		assert_non_null(ptr);
		memset(ptr, 1, 20 * MIB);
		vmem_free(vmp, ptr);
		ptr = vmem_aligned_alloc(vmp, 64, 20 * MIB);
		assert_non_null(ptr);
		vmem_free(vmp, ptr);
		ptr = vmem_realloc(vmp, vmem_malloc(vmp, 100), 20 * MIB);
		assert_non_null(ptr);
		vmem_free(vmp, ptr);
		ptr = vmem_calloc(vmp, 1, 20 * MIB);
		assert_non_null(ptr);
		vmem_free(vmp, ptr);
	}
	test_pool_delete(vmp, 32 * MIB);
}

/*
 * Every size of object, alone in a pool: no class wastes much of it.  Below 100
 * bytes the alignment alone may waste a third.
 */
static void
malloc__one_size_at_a_time__fills_most_of_the_pool(void **state)
{
	struct rng rng;

	(void)state;
	rng_init(&rng, __func__);
	for (size_t size = 100; size <= 128 * KIB;
		size += size / 16 + rng_between(&rng, 1, 16)) {
		VMEM *vmp = test_pool(VMEM_MIN_POOL);
		size_t bytes = 0;

		while (vmem_malloc(vmp, size) != NULL)
			bytes += size;
		if (percent_of(bytes, VMEM_MIN_POOL) < 75.0)
			print_error("size %zu: %.1f %%\n", size,
				percent_of(bytes, VMEM_MIN_POOL));
		assert_true(percent_of(bytes, VMEM_MIN_POOL) >= 75.0);
		test_pool_delete(vmp, VMEM_MIN_POOL);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(malloc__one_object_in_14_mib__has_12_mib),
		cmocka_unit_test(malloc__pages_in_14_mib__are_13_mib),
		cmocka_unit_test(
			malloc__eight_bytes_in_14_mib__are_1_5_million),
		cmocka_unit_test(
			malloc__16_to_4096_bytes_in_256_mib__keep_94_percent),
		cmocka_unit_test(
			malloc__16_to_4096_bytes_in_14_mib__keep_90_percent),
		cmocka_unit_test(malloc__100_fills_of_14_mib__do_not_drift),
		cmocka_unit_test(
			malloc__sizes_shift_between_fills__all_room_comes_back),
		cmocka_unit_test(
			malloc__20_mib_freed_and_20_mib_again_in_32__works),
		cmocka_unit_test(
			malloc__one_size_at_a_time__fills_most_of_the_pool),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
