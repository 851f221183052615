/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_bitmap.c -- against an array of bools
 */
#include "base/bitmap.h"

#include "harness/test.h"

#include <string.h>

#define NBITS  (5 * (size_t)BITMAP_WORD)
#define NSTEPS (TEST_SANITIZED ? 2000 : 20000)

struct model {
	uint64_t map[NBITS / BITMAP_WORD];
	bool bits[NBITS];
};

static void
model_set(struct model *m, size_t first, size_t n, bool value)
{
	if (value)
		bitmap_set_range(m->map, first, n);
	else
		bitmap_clear_range(m->map, first, n);
	for (size_t i = first; i < first + n; i++)
		m->bits[i] = value;
}

static void
model_compare(const struct model *m)
{
	for (size_t i = 0; i < NBITS; i++)
		must(bitmap_test(m->map, i) == m->bits[i]);
}

/* model_ask -- every question about one range */
static void
model_ask(const struct model *m, size_t first, size_t n)
{
	size_t count = 0, next[2] = {first + n, first + n};

	for (size_t i = first + n; i-- > first;) {
		count += m->bits[i];
		next[m->bits[i]] = i;
	}
	must(bitmap_count(m->map, first, n) == count);
	must(bitmap_any_set(m->map, first, n) == (count > 0));
	must(bitmap_all_set(m->map, first, n) == (count == n));
	must(bitmap_next(m->map, first, first + n, true) == next[1]);
	must(bitmap_next(m->map, first, first + n, false) == next[0]);
}

static void
words__around_word_borders__rounds_up(void **state)
{
	(void)state;
	assert_int_equal(bitmap_words(0), 0);
	assert_int_equal(bitmap_words(1), 1);
	assert_int_equal(bitmap_words(63), 1);
	assert_int_equal(bitmap_words(64), 1);
	assert_int_equal(bitmap_words(65), 2);
	assert_int_equal(bitmap_words(128), 2);
	assert_int_equal(bitmap_words(129), 3);
}

static void
mask__every_range_of_a_word__has_these_bits(void **state)
{
	(void)state;
	for (unsigned first = 0; first < BITMAP_WORD; first++) {
		for (unsigned n = 1; first + n <= BITMAP_WORD; n++) {
			uint64_t expected = 0;

			for (unsigned i = first; i < first + n; i++)
				expected |= UINT64_C(1) << i;
			must(bitmap_mask(first, n) == expected);
		}
	}
}

/* every range of three words, in a map of the other value */
static void
try_all_ranges(bool value)
{
	const size_t end = 3 * (size_t)BITMAP_WORD;
	struct model m;

	for (size_t first = 0; first <= end; first++) {
		for (size_t n = 0; first + n <= end; n += 1 + n / 70 * 13) {
			memset(m.map, value ? 0 : 0xff, sizeof(m.map));
			memset(m.bits, value ? 0 : 1, sizeof(m.bits));
			model_set(&m, first, n, value);
			model_compare(&m);
			model_ask(&m, first, n);
		}
	}
}

static void
set_range__every_range__sets_nothing_else(void **state)
{
	(void)state;
	try_all_ranges(true);
}

static void
clear_range__every_range__clears_nothing_else(void **state)
{
	(void)state;
	try_all_ranges(false);
}

static void
next__value_behind_the_end__gives_the_end(void **state)
{
	uint64_t map[2] = {0, 1};

	(void)state;
	assert_int_equal(bitmap_next(map, 0, 64, true), 64);
	assert_int_equal(bitmap_next(map, 0, 65, true), 64);
	assert_int_equal(bitmap_next(map, 0, 60, true), 60);
	assert_int_equal(bitmap_next(map, 65, 128, true), 128);
	assert_int_equal(bitmap_next(map, 64, 128, false), 65);
	assert_int_equal(bitmap_next(map, 7, 7, false), 7);
	assert_int_equal(bitmap_next(map, 9, 7, false), 7);
}

static void
all__random_ranges__agree_with_bools(void **state)
{
	struct model m = {0};
	struct rng rng;

	(void)state;
	rng_init(&rng, "bitmap");
	for (int step = 0; step < NSTEPS; step++) {
		size_t first = rng_between(&rng, 0, NBITS);
		size_t n = rng_between(&rng, 0, NBITS - first);

		model_set(&m, first, n, rng_between(&rng, 0, 1) != 0);
		first = rng_between(&rng, 0, NBITS);
		model_ask(&m, first, rng_between(&rng, 0, NBITS - first));
		if (step % 16 == 0)
			model_compare(&m);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words__around_word_borders__rounds_up),
		cmocka_unit_test(mask__every_range_of_a_word__has_these_bits),
		cmocka_unit_test(set_range__every_range__sets_nothing_else),
		cmocka_unit_test(clear_range__every_range__clears_nothing_else),
		cmocka_unit_test(next__value_behind_the_end__gives_the_end),
		cmocka_unit_test(all__random_ranges__agree_with_bools),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
