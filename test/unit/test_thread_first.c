/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_thread_first.c -- the entry in front of a thread's table, and the
 * table's first one
 *
 * The first pool of a thread is in front.  The table's first entry is where
 * NULL is looked for, so it is never empty; but a pool whose search begins
 * there must be found there, or all of its operations go the slow way.
 */
#include "harness/test.h"

#include "tcache/tcache.h"

#define NPOOLS ((size_t)200)

static struct heap *
heap_of(size_t i)
{
	return (struct heap *)((uintptr_t)(i + 1) << 20);
}

static bool
is_fast(void *pool, const struct heap *wanted)
{
	struct heap *h;
	bool found = thread_heap_fast(pool, &h) && h == wanted;

	thread_busy_end();
	return found;
}

/* pool_at_first -- the k-th pool whose search begins at the first entry */
static void *
pool_at_first(size_t k)
{
	for (uintptr_t at = (uintptr_t)1 << 32;; at += 4096)
		if (thread_slot((void *)at, thread_hot.mask) == 0 && k-- == 0)
			return (void *)at;
}

/* front -- the pool that is there now */
static void *
front(void)
{
	return (void *)thread_hot.front.key;
}

/* knows -- of how many pools the thread says that it knows them */
static size_t
knows(void)
{
	size_t at = 0, n = 0;

	while (thread_next_pool(&at) != NULL)
		n++;
	return n;
}

/* the first pool is in front, and the next one that comes when it has gone */
static void
set__first_pool__is_in_front_and_known_as_any(void **state)
{
	void *pools[] = {
		(void *)(1 * MIB), (void *)(2 * MIB), (void *)(3 * MIB)};

	(void)state;
	thread_init();
	if (!thread_fast_allowed())
		test_skip("no membarrier here");
	must(thread_self() != NULL);
	assert_int_equal(knows(), 0);
	for (size_t i = 0; i < 2; i++)
		must(thread_entry_set(pools[i], heap_of(i), false, 0) != NULL);
	assert_ptr_equal(front(), pools[0]);
	assert_int_equal(knows(), 2);
	/* set again, each stays where it is */
	for (size_t i = 2; i-- > 0;)
		must(thread_entry_set(pools[i], heap_of(i), false, 0) != NULL);
	assert_ptr_equal(front(), pools[0]);
	assert_int_equal(knows(), 2);
	for (size_t i = 0; i < 2; i++)
		assert_true(is_fast(pools[i], heap_of(i)));
	thread_mark(pools[0]);
	assert_true(is_fast(pools[0], &heap_inert));
	assert_true(is_fast(pools[1], heap_of(1)));
	thread_unmark(pools[0]);
	assert_true(is_fast(pools[0], heap_of(0)));
	thread_pool_gone(pools[0]);
	assert_false(is_fast(pools[0], heap_of(0)));
	assert_null(thread_entry(pools[0]));
	assert_int_equal(knows(), 1);
	/* one that is in the table does not move */
	must(thread_entry_set(pools[1], heap_of(1), false, 0) != NULL);
	assert_int_equal(knows(), 1);
	must(thread_entry_set(pools[2], heap_of(2), false, 0) != NULL);
	assert_ptr_equal(front(), pools[2]);
	for (size_t i = 1; i < 3; i++)
		assert_true(is_fast(pools[i], heap_of(i)));
	thread_forget(pools[2]);
	assert_false(is_fast(pools[2], heap_of(2)));
	thread_forget(pools[1]);
	assert_int_equal(knows(), 0);
	/* what an empty entry holds is no pool's either */
	assert_false(is_fast((void *)KEY_TOMB, heap_of(2)));
	assert_null(thread_entry((void *)KEY_TOMB));
	assert_false(is_fast(NULL, NULL));
}

static void
set__pool_at_the_first_entry__is_found_fast(void **state)
{
	void *in_front = (void *)(1 * MIB);
	void *pool, *other;

	(void)state;
	if (!thread_fast_allowed())
		test_skip("no membarrier here");
	must(thread_entry_set(in_front, heap_of(2), false, 0) != NULL);
	pool = pool_at_first(0);
	other = pool_at_first(1);
	assert_false(is_fast(NULL, NULL));
	must(thread_entry_set(pool, heap_of(0), false, 0) != NULL);
	assert_true(is_fast(pool, heap_of(0)));
	assert_false(is_fast(NULL, NULL));
	/* a second one has to go elsewhere, and both are found */
	must(thread_entry_set(other, heap_of(1), false, 0) != NULL);
	assert_true(is_fast(pool, heap_of(0)));
	assert_ptr_equal(thread_entry(other)->heap, heap_of(1));
	/* its place is taken again, time after time */
	for (size_t i = 0; i < 1000; i++) {
		thread_pool_gone(pool);
		assert_null(thread_entry(pool));
		assert_false(is_fast(pool, heap_of(0)));
		assert_false(is_fast(NULL, NULL));
		assert_ptr_equal(thread_entry(other)->heap, heap_of(1));
		must(thread_entry_set(pool, heap_of(0), false, 0) != NULL);
		assert_true(is_fast(pool, heap_of(0)));
	}
	thread_pool_gone(pool);
	thread_pool_gone(other);
	thread_pool_gone(in_front);
	assert_null(thread_entry(NULL));
}

/* also in the larger table that follows */
static void
set__many_pools__are_all_found(void **state)
{
	size_t nfast = 0;

	(void)state;
	if (!thread_fast_allowed())
		test_skip("no membarrier here");
	for (size_t i = 0; i < NPOOLS; i++)
		must(thread_entry_set((void *)((i + 1) << 32), heap_of(i),
			     false, 0) != NULL);
	for (size_t i = 0; i < NPOOLS; i++) {
		void *pool = (void *)((i + 1) << 32);

		assert_ptr_equal(thread_entry(pool)->heap, heap_of(i));
		nfast += is_fast(pool, heap_of(i));
	}
	assert_true(nfast > NPOOLS / 2);
	for (size_t i = 0; i < NPOOLS; i++)
		thread_pool_gone((void *)((i + 1) << 32));
	assert_null(thread_entry(NULL));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(set__first_pool__is_in_front_and_known_as_any),
		cmocka_unit_test(set__pool_at_the_first_entry__is_found_fast),
		cmocka_unit_test(set__many_pools__are_all_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
