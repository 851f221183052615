/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_thread_spare.c -- what a thread leaves behind for the next ones
 *
 * ctest: timeout=300 threads
 */
#include "tcache/tcache.h"

#include "harness/strangers.h"
#include "harness/threads.h"

#include <pthread.h>

#define NAT_ONCE 48u /* threads; more than are kept of */
#define NPOOLS   100u

static void
park(struct heap *heap)
{
	(void)heap;
}

/* live -- know some pools, more than the first table takes, and end */
static void *
live(void *arg)
{
	struct thread *self = thread_self();

	(void)arg;
	must(self != NULL);
	/* nothing of the thread before is known */
	for (size_t i = 0; i < NPOOLS; i++) {
		must(thread_entry(pool_of(i)) == NULL);
		must(thread_entry_set(pool_of(i), heap_of(i), false, 0) !=
			NULL);
	}
	return self;
}

static struct thread *
block_of_next(void)
{
	pthread_t thread;
	void *block;

	must(pthread_create(&thread, NULL, live, NULL) == 0);
	must(pthread_join(thread, &block) == 0);
	return block;
}

static void
exit__one_thread_after_another__each_has_the_same_block(void **state)
{
	struct thread *block = block_of_next();

	(void)state;
	for (unsigned i = 0; i < 50; i++)
		assert_ptr_equal(block_of_next(), block);
	assert_int_equal(thread_list.nspare, 1);
}

static pthread_barrier_t all_live;

static void
live_at_once(size_t idx, struct rng *rng, void *arg)
{
	(void)idx;
	(void)rng;
	(void)arg;
	(void)live(NULL);
	(void)pthread_barrier_wait(&all_live);
}

static void
exit__many_threads__some_blocks_are_kept_and_used(void **state)
{
	unsigned nkept = 0;

	(void)state;
	must(pthread_barrier_init(&all_live, NULL, NAT_ONCE) == 0);
	for (unsigned round = 0; round < 5; round++) {
		threads_run(NAT_ONCE, live_at_once, NULL, "live");
		if (round == 0)
			nkept = thread_list.nspare;
		assert_int_equal(thread_list.nspare, nkept);
		assert_null(thread_list.first);
	}
	assert_in_range(nkept, 2, NAT_ONCE - 1);
	must(pthread_barrier_destroy(&all_live) == 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			exit__one_thread_after_another__each_has_the_same_block),
		cmocka_unit_test(
			exit__many_threads__some_blocks_are_kept_and_used),
	};

	thread_init();
	thread_on_exit(park);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
