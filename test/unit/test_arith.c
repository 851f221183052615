/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/arith.h"

#include "harness/test.h"

static void
is_pow2__every_word_with_few_bits__tells(void **state)
{
	(void)state;
	assert_false(is_pow2(0));
	for (unsigned i = 0; i < 64; i++) {
		assert_true(is_pow2((size_t)1 << i));
		for (unsigned j = 0; j < i; j++)
			assert_false(is_pow2((size_t)1 << i | (size_t)1 << j));
	}
}

static void
align__around_multiples__goes_to_the_next(void **state)
{
	(void)state;
	for (unsigned lg = 0; lg < 62; lg++) {
		size_t to = (size_t)1 << lg;

		for (size_t k = 1; k <= 2; k++) {
			size_t x = k * to;

			assert_int_equal(align_up(x, to), x);
			assert_int_equal(align_down(x, to), x);
			assert_int_equal(align_up(x - to + 1, to), x);
			assert_int_equal(align_down(x - 1, to), x - to);
			assert_int_equal(align_down(x + to - 1, to), x);
		}
		assert_int_equal(align_up(0, to), 0);
		assert_int_equal(align_down(0, to), 0);
	}
}

static void
div_up__around_multiples__rounds_up(void **state)
{
	(void)state;
	for (size_t by = 1; by < 100; by++) {
		assert_int_equal(div_up(0, by), 0);
		for (size_t x = 1; x < 1000; x++)
			assert_int_equal(div_up(x, by), (x - 1) / by + 1);
	}
}

static void
lg_floor__around_powers__is_the_highest_bit(void **state)
{
	(void)state;
	assert_int_equal(lg_floor(1), 0);
	for (unsigned lg = 1; lg < 64; lg++) {
		size_t x = (size_t)1 << lg;

		assert_int_equal(lg_floor(x), lg);
		assert_int_equal(lg_floor(x - 1), lg - 1);
		assert_int_equal(lg_floor(x + (x - 1)), lg);
	}
}

static void
min_max_clamp__all_orders__choose(void **state)
{
	(void)state;
	for (size_t a = 0; a < 5; a++) {
		for (size_t b = 0; b < 5; b++) {
			assert_int_equal(min_size(a, b), a < b ? a : b);
			assert_int_equal(max_size(a, b), a < b ? b : a);
		}
	}
	assert_int_equal(clamp_size(1, 2, 4), 2);
	assert_int_equal(clamp_size(2, 2, 4), 2);
	assert_int_equal(clamp_size(3, 2, 4), 3);
	assert_int_equal(clamp_size(4, 2, 4), 4);
	assert_int_equal(clamp_size(SIZE_MAX, 2, 4), 4);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(is_pow2__every_word_with_few_bits__tells),
		cmocka_unit_test(align__around_multiples__goes_to_the_next),
		cmocka_unit_test(div_up__around_multiples__rounds_up),
		cmocka_unit_test(lg_floor__around_powers__is_the_highest_bit),
		cmocka_unit_test(min_max_clamp__all_orders__choose),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
