/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_heap_deep.c -- which bins get a deep LIFO, and that nothing is lost in
 * it
 */
#include "harness/bursts.h"

static void
heap_free__bursts_in_a_large_pool__come_back_newest_first(void **state)
{
	static const size_t sizes[] = {8, 64, 200, 1000, 8000};

	(void)state;
	open_pool(POOL_BYTES, HARDENING_DEFAULT);
	/* whatever has been there */
	for (uint32_t i = 0; i < DEEP_MOST; i++)
		memset(heap_deep(heap, i), 0x55, sizeof(struct deep_lifo));
	for (size_t i = 0; i < NELEM(sizes); i++) {
		struct bin *b = bin_of(sizes[i]);
		void *extra[128];
		size_t n, nmore;

		bursts(sizes[i], 1000);
		if (i == DEEP_MOST)
			break; /* all are taken, and in use */
		must(b->deep != NULL);
		n = lifo_cap(b);
		must(n == deep_cap(&heap->table->cls[b->cls]));
		allocate(sizes[i], MOST / 2);
		heap_flush(heap);
		must(bin_held(b) == 0);
		/* the current word is used up */
		for (nmore = 0; nmore == 0 || *b->cur == 0; nmore++) {
			must(nmore < NELEM(extra));
			extra[nmore] = heaps_malloc(heap, sizes[i]);
			must(extra[nmore] != NULL);
		}
		must(bin_held(b) == 0);
		free_all(n, IN_ORDER);
		must(bin_held(b) == n);
		must(heaps_nfindings(&pool) == 0);
		for (size_t k = n; k-- > 0;)
			must(heaps_malloc(heap, sizes[i]) == objects[k]);
		must(bin_held(b) == 0);
		must(heaps_nfindings(&pool) == 0);
		free_all(MOST / 2, IN_ORDER);
		while (nmore-- > 0)
			must(heaps_free(heap, extra[nmore]) == FREE_DONE);
	}
	must(heap->ndeep == DEEP_MOST);
	assert_unused();
}

static void
heap_free__any_order_and_number__keeps_the_pool_sound(void **state)
{
	struct rng rng = {3};

	(void)state;
	open_pool(POOL_BYTES, HARDENING_DEFAULT);
	for (unsigned round = 0; round < 300; round++) {
		size_t size = (size_t)8 << rng_between(&rng, 0, 6);
		size_t n = rng_between(&rng, 1, MOST);
		size_t kept = rng_between(&rng, 0, n);
		enum order order = (enum order)(round % NORDERS);

		allocate(size, n);
		if (order == SHUFFLED)
			shuffle(&rng, n);
		/* a part goes, comes again, and all goes */
		free_all(kept, order);
		for (size_t i = 0; i < kept; i++)
			objects[i] = heaps_malloc(heap, size);
		free_all(n, order);
		if (round % 10 == 0)
			must(heaps_nfindings(&pool) == 0);
	}
	must(heap->ndeep == DEEP_MOST);
	assert_unused();
}

static void
heap_free__few_deep_ones_and_one_bin_idle__goes_to_who_needs_it(void **state)
{
	struct bin *idle, *late;

	(void)state;
	open_pool(POOL_BYTES, HARDENING_DEFAULT);
	bursts_for_all();
	idle = bin_of(16);
	late = bin_of(300);
	must(idle->deep != NULL && bin_held(idle) > 0);
	/* once to have looked at each, and once to find them as they were */
	for (unsigned i = 0; i < 2 * DEEP_MOST; i++)
		bursts(300, 1000);
	must(late->deep != NULL);
	must(heap->ndeep == DEEP_MOST);
	must(heaps_nfindings(&pool) == 0);
	/* what that one held is free in its slabs: no memory is lost */
	must(idle->deep == NULL && bin_held(idle) == 0);
	assert_unused();
}

static void
heap_free__small_pool_or_exact_level__no_deep_lifo(void **state)
{
	(void)state;
	open_pool(16 * MIB, HARDENING_DEFAULT);
	bursts(64, 1000);
	must(heap->ndeep == 0 && bin_of(64)->deep == NULL);
	assert_unused();
	open_pool(POOL_BYTES, HARDENING_EXACT);
	bursts(64, 1000);
	must(heap->ndeep == 0 && bin_of(64)->deep == NULL);
	assert_unused();
	/* of objects so large it would not take more than the bin's own */
	open_pool(POOL_BYTES, HARDENING_DEFAULT);
	for (unsigned i = 0; i < ROUNDS; i++) {
		struct rng rng = {i};

		allocate(SLAB_MAX, 1000);
		shuffle(&rng, 1000);
		free_all(1000, IN_ORDER);
	}
	must(heap->ndeep == 0 && bin_of(SLAB_MAX)->deep == NULL);
	assert_unused();
}

/* a free of what lies deep down is not looked for, and is found afterwards */
static void
heap_free__twice_and_deep_down__is_dropped_later(void **state)
{
	struct heap *other;
	uint64_t nlate;

	(void)state;
	open_pool(POOL_BYTES, HARDENING_DEFAULT);
	other = dir_attach(&pool.dir, false);
	must(other != NULL);
	bursts(64, 1000);
	heap_flush(heap);
	allocate(64, 1000);
	free_all(700, IN_ORDER);
	must(bin_held(bin_of(64)) >= 700);
	must(heaps_nfindings(&pool) == 0);
	must(heaps_free(heap, objects[5]) == FREE_DONE);
	must(heaps_nfindings(&pool) > 0);
	nlate = heap->nlate;
	heap_rest(heap);
	must(heap->nlate == nlate + 1);
	must(heaps_nfindings(&pool) == 0);
	/* by another thread: when the holder takes it back */
	for (size_t i = 0; i < 700; i++)
		objects[i] = heaps_malloc(heap, 64);
	free_all(700, IN_ORDER);
	must(bin_held(bin_of(64)) >= 700);
	must(heaps_free(other, objects[6]) == FREE_DONE);
	heap_rest(heap);
	must(heap->nlate == nlate + 2);
	must(heaps_nfindings(&pool) == 0);
	dir_park(other);
	heaps_close(&pool);
}

/*
 * goes_without -- a bin that allocates, but not much, does without, whether
 * much lies in its deep LIFO still or not
 */
static void
goes_without(bool empty)
{
	void *p;

	open_pool(POOL_BYTES, HARDENING_DEFAULT);
	bursts_for_all();
	if (empty)
		heap_flush(heap);
	for (unsigned i = 0; i < ROUNDS; i++) {
		for (size_t size = 16; size <= 16 * DEEP_MOST; size += 16) {
			p = heaps_malloc(heap, size);
			must(heaps_free(heap, p) == FREE_DONE);
		}
		burst(300, 1000, IN_ORDER);
	}
	must(bin_of(300)->deep != NULL);
	must(heaps_nfindings(&pool) == 0);
	assert_unused();
}

static void
heap_free__few_deep_ones_and_no_bursts_there__goes_to_who_needs_it(void **state)
{
	(void)state;
	goes_without(false);
	goes_without(true);
}

/* but one that has bursts keeps it, though nothing is in there at times */
static void
heap_free__few_deep_ones_and_bursts_there__stay(void **state)
{
	(void)state;
	open_pool(POOL_BYTES, HARDENING_DEFAULT);
	bursts_for_all();
	for (unsigned i = 0; i < ROUNDS; i++) {
		for (size_t size = 16; size <= 16 * DEEP_MOST; size += 16)
			burst(size, 1000, IN_ORDER);
		burst(300, 1000, IN_ORDER);
	}
	must(bin_of(300)->deep == NULL);
	for (size_t size = 16; size <= 16 * DEEP_MOST; size += 16)
		must(bin_of(size)->deep != NULL);
	must(heaps_nfindings(&pool) == 0);
	assert_unused();
}

/* flips -- how many single bits can change without being found */
static size_t
flips(void *p, size_t size)
{
	unsigned char *bytes = p;
	size_t missed = 0;

	for (size_t bit = 0; bit < size * 8; bit++) {
		unsigned char mask = (unsigned char)(1u << bit % 8);

		bytes[bit / 8] ^= mask;
		missed += heaps_nfindings(&pool) == 0;
		bytes[bit / 8] ^= mask;
	}
	return missed;
}

static void
dir_check__damaged_deep_lifo__is_found(void **state)
{
	struct deep_lifo *d;
	struct bin *b;

	(void)state;
	open_pool(2 * DEEP_SHARE, HARDENING_DEFAULT);
	bursts(64, 1000);
	b = bin_of(64);
	d = heap_deep(heap, 0);
	burst(64, 1000, IN_ORDER);
	deep_decay(heap);
	/* some above the NULL, some below, and no object that lives */
	must(heaps_malloc(heap, 64) == objects[999]);
	must(heaps_free(heap, objects[999]) == FREE_DONE);
	must(b->deep == d->slot && b->ndeep > 0 && bin_count(b) > 0);
	must(heaps_nfindings(&pool) == 0);
	assert_int_equal(flips(&b->deep, sizeof(b->deep)), 0);
	assert_int_equal(flips(&b->ndeep, sizeof(b->ndeep)), 0);
	assert_int_equal(flips(&b->full, sizeof(b->full)), 0);
	assert_int_equal(flips(&d->none, sizeof(d->none)), 0);
	assert_int_equal(flips(&d->bin, sizeof(d->bin)), 0);
	assert_int_equal(flips(&d->slot[0], sizeof(d->slot[0])), 0);
	for (unsigned i = b->ndeep - 1; i <= b->ndeep + 1; i++)
		assert_int_equal(flips(&d->slot[i], sizeof(d->slot[0])), 0);
	assert_int_equal(flips(&heap->deep_next, sizeof(heap->deep_next)), 0);
	assert_int_equal(flips(&heap->ndeep, sizeof(heap->ndeep)), 0);
	must(heaps_nfindings(&pool) == 0);
	/* the same deep LIFO for two bins */
	*bin_of(128) = (struct bin){.deep = d->slot};
	must(heaps_nfindings(&pool) > 0);
	heaps_close(&pool);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			heap_free__bursts_in_a_large_pool__come_back_newest_first),
		cmocka_unit_test(
			heap_free__any_order_and_number__keeps_the_pool_sound),
		cmocka_unit_test(
			heap_free__few_deep_ones_and_one_bin_idle__goes_to_who_needs_it),
		cmocka_unit_test(
			heap_free__small_pool_or_exact_level__no_deep_lifo),
		cmocka_unit_test(
			heap_free__twice_and_deep_down__is_dropped_later),
		cmocka_unit_test(
			heap_free__few_deep_ones_and_no_bursts_there__goes_to_who_needs_it),
		cmocka_unit_test(
			heap_free__few_deep_ones_and_bursts_there__stay),
		cmocka_unit_test(dir_check__damaged_deep_lifo__is_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
