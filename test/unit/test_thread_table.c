/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_thread_table.c -- a thread's table against a plain list, and the place
 * that the fast path looks at
 */
#include "harness/test.h"

#include <string.h>

#include "tcache/thread_table.h"

#define NENTRIES ((size_t)64)
#define MASK     ((NENTRIES - 1) * ENTRY_BYTES)
#define MOST     ((size_t)16) /* pools: a quarter, as thread.c has it */

static struct entry table[NENTRIES];

static void
clear(void)
{
	memset(table, 0, sizeof(table));
	table[0].key = KEY_TOMB;
}

static struct entry *
add(void *pool)
{
	struct entry *e = table_find_new(table, NENTRIES, pool);

	assert_false(table_is_live(e->key));
	e->key = (uintptr_t)pool;
	return e;
}

/* first_of -- where the fast path looks */
static struct entry *
first_of(const void *pool)
{
	return (struct entry *)((uintptr_t)table + thread_slot(pool, MASK));
}

static void *
pool_at_slot(struct rng *rng, size_t slot)
{
	for (;;) {
		void *pool = (void *)(rng_next(rng) >> 20 << 12);

		if (thread_slot(pool, MASK) == slot * ENTRY_BYTES &&
			(uintptr_t)pool > KEY_TOMB)
			return pool;
	}
}

/* a pool that comes again and again is found at once each time */
static void
find_new__after_bury__the_same_place(void **state)
{
	struct rng rng;

	(void)state;
	rng_init(&rng, "table");
	for (size_t slot = 0; slot < NENTRIES; slot++) {
		void *pool = pool_at_slot(&rng, slot);

		clear();
		for (unsigned i = 0; i < 100; i++) {
			struct entry *e = add(pool);

			assert_ptr_equal(e, first_of(pool));
			assert_ptr_equal(table_find(table, NENTRIES, pool), e);
			table_bury(e);
			assert_ptr_equal(e->fast, &heap_inert);
			assert_int_equal(table_find(table, NENTRIES, pool)->key,
				KEY_EMPTY);
		}
	}
}

/* the first entry is a tomb, or a pool's that belongs there */
static void
find_new__random__as_a_list(void **state)
{
	void *pools[MOST] = {NULL};
	size_t nused = 1;
	struct rng rng;

	(void)state;
	rng_init(&rng, "table");
	clear();
	for (unsigned i = 0; i < 20000; i++) {
		size_t at = rng_between(&rng, 0, MOST - 1);

		if (pools[at] == NULL) {
			pools[at] = pool_at_slot(
				&rng, rng_between(&rng, 0, 3) * 20 % NENTRIES);
			nused += table_find_new(table, NENTRIES, pools[at])
					 ->key == KEY_EMPTY;
			add(pools[at]);
		} else {
			table_bury(table_find(table, NENTRIES, pools[at]));
			pools[at] = NULL;
		}
		for (size_t j = 0; j < MOST; j++)
			if (pools[j] != NULL)
				assert_int_equal(
					table_find(table, NENTRIES, pools[j])
						->key,
					(uintptr_t)pools[j]);
		assert_true(table[0].key != KEY_EMPTY);
		if (table_is_live(table[0].key))
			assert_ptr_equal(first_of((void *)table[0].key), table);
		if (nused < NENTRIES / 2)
			continue;
		/* tombs are used again: it takes long to come here */
		assert_true(i > 1000);
		break;
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(find_new__after_bury__the_same_place),
		cmocka_unit_test(find_new__random__as_a_list),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
