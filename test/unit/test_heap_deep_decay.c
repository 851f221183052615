/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_heap_deep_decay.c -- what a period of the decay leaves in a deep LIFO
 */
#include "harness/bursts.h"

static void
deep_decay__twice_without_a_need__empties_it(void **state)
{
	struct bin *b;

	(void)state;
	open_pool(POOL_BYTES, HARDENING_DEFAULT);
	b = prepare(64, 1000);
	/* the first period is in use still */
	deep_decay(heap);
	must(bin_held(b) == 1000);
	must(heaps_nfindings(&pool) == 0);
	for (size_t i = 0; i < 300; i++)
		objects[i] = heaps_malloc(heap, 64);
	free_all(300, IN_ORDER);
	/* so many have not been needed since */
	deep_decay(heap);
	assert_in_range(bin_held(b), 300, 450);
	must(heaps_nfindings(&pool) == 0);
	/* the newest ones have stayed */
	must(heaps_malloc(heap, 64) == objects[299]);
	must(heaps_free(heap, objects[299]) == FREE_DONE);
	deep_decay(heap);
	assert_in_range(bin_held(b), 1, 200);
	deep_decay(heap);
	must(bin_held(b) == 2 && b->deep != NULL);
	must(heaps_nfindings(&pool) == 0);
	assert_unused();
}

/* nothing comes out in another order, or twice, or not at all */
static void
deep_decay__slots_in_it__stay_in_order(void **state)
{
	static const size_t sizes[] = {8, 64, 200, 1000};

	(void)state;
	open_pool(POOL_BYTES, HARDENING_DEFAULT);
	for (size_t i = 0; i < NELEM(sizes); i++) {
		unsigned cap = deep_cap(
			&heap->table->cls[class_of(heap->table, sizes[i])]);

		/* one more than the NULL leaves place for goes, the oldest */
		for (size_t n = cap - 3; n <= cap; n++) {
			struct bin *b = prepare(sizes[i], n);
			size_t left = n < cap ? n : n - 1;

			deep_decay(heap);
			must(bin_held(b) == left);
			must(heaps_nfindings(&pool) == 0);
			for (size_t k = n; k-- > n - left;) {
				must(heaps_malloc(heap, sizes[i]) ==
					objects[k]);
				if (k % 100 == 0)
					must(heaps_nfindings(&pool) == 0);
			}
			must(bin_held(b) == 0);
			for (size_t k = n - left; k < n; k++)
				must(heaps_free(heap, objects[k]) == FREE_DONE);
		}
	}
	assert_unused();
}

/* what is seen at the call is seen after the end of a period, too */
static void
deep_decay__freed_once_more__is_refused(void **state)
{
	struct bin *b;
	void *p, *q;

	(void)state;
	open_pool(POOL_BYTES, HARDENING_DEFAULT);
	b = prepare(64, 1000);
	for (size_t n = 1; n <= 1000; n *= 10) {
		heap_flush(heap);
		allocate(64, 1000);
		free_all(n, IN_ORDER);
		deep_decay(heap);
		must(heaps_free(heap, objects[n - 1]) == FREE_DOUBLE);
		must(heap_find(heap, objects[n - 1]).what == FREE_DOUBLE);
		must(bin_held(b) == n);
		for (size_t i = n; i < 1000; i++)
			must(heaps_free(heap, objects[i]) == FREE_DONE);
	}
	p = heaps_malloc(heap, 64);
	q = heaps_malloc(heap, 64);
	must(heaps_free(heap, p) == FREE_DONE);
	deep_decay(heap);
	must(heaps_free(heap, q) == FREE_DONE);
	must(heaps_free(heap, p) == FREE_DOUBLE);
	must(heaps_free(heap, q) == FREE_DOUBLE);
	/* where it is looked for, as deep as in a bin's own LIFO */
	burst(64, 1000, IN_ORDER);
	deep_decay(heap);
	must(heap_find(heap, bin_held_at(b, bin_held(b) - BIN_LIFO_LONG))
			.what == FREE_DOUBLE);
	must(heaps_nfindings(&pool) == 0);
	assert_unused();
}

static void
deep_decay__any_time__keeps_the_pool_sound(void **state)
{
	struct rng rng = {5};
	size_t n = 0;

	(void)state;
	open_pool(POOL_BYTES, HARDENING_DEFAULT);
	(void)prepare(64, 1000);
	for (unsigned i = 0; i < 2000; i++) {
		size_t to = rng_between(&rng, 0, 1500);

		for (; n < to; n++) {
			objects[n] = heaps_malloc(heap, 64);
			test_fill(objects[n], 64, n);
		}
		for (; n > to; n--) {
			must(test_holds(objects[n - 1], 64, n - 1));
			must(heaps_free(heap, objects[n - 1]) == FREE_DONE);
		}
		if (rng_between(&rng, 0, 3) == 0)
			deep_decay(heap);
		if (i % 20 == 0)
			must(heaps_nfindings(&pool) == 0);
	}
	while (n > 0)
		must(heaps_free(heap, objects[--n]) == FREE_DONE);
	assert_unused();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(deep_decay__twice_without_a_need__empties_it),
		cmocka_unit_test(deep_decay__slots_in_it__stay_in_order),
		cmocka_unit_test(deep_decay__freed_once_more__is_refused),
		cmocka_unit_test(deep_decay__any_time__keeps_the_pool_sound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
