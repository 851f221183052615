/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_sort.c -- numbers in the order of what they have
 */
#include "base/sort.h"

#include "harness/test.h"

#define MOST 1000

static uint64_t
key(const void *of, uint32_t number)
{
	return ((const uint64_t *)of)[number];
}

static void
sort__any_numbers__each_once_and_the_largest_first(void **state)
{
	static uint64_t keys[MOST];
	static uint32_t numbers[MOST];
	struct rng rng;

	(void)state;
	rng_init(&rng, __func__);
	for (uint32_t n = 0; n <= MOST; n = n < 20 ? n + 1 : n * 7 / 3) {
		bool seen[MOST] = {false};

		for (uint32_t i = 0; i < n; i++) {
			numbers[i] = n - 1 - i;
			keys[i] = rng_between(&rng, 0, n);
		}
		sort_largest_first(numbers, n, key, keys);
		for (uint32_t i = 0; i < n; i++) {
			assert_true(numbers[i] < n && !seen[numbers[i]]);
			seen[numbers[i]] = true;
			assert_true(i == 0 ||
				    keys[numbers[i - 1]] >= keys[numbers[i]]);
		}
	}
}

static void
sort__keys_of_64_bits__are_compared_whole(void **state)
{
	const uint64_t keys[] = {1, UINT64_MAX, UINT64_C(1) << 32, 0};
	const uint32_t sorted[] = {1, 2, 0, 3};
	uint32_t numbers[] = {0, 1, 2, 3};

	(void)state;
	sort_largest_first(numbers, NELEM(numbers), key, keys);
	assert_memory_equal(numbers, sorted, sizeof(sorted));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			sort__any_numbers__each_once_and_the_largest_first),
		cmocka_unit_test(sort__keys_of_64_bits__are_compared_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
