/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_thread_pinned.c -- the pool whose entry is at a fixed place
 *
 * ctest: timeout=120
 */
#include "tcache/tcache.h"

#include "base/os.h"
#include "harness/test.h"
#include "harness/threads.h"

/* addresses that nobody looks behind */
#define PINNED ((void *)(4 * MIB))
#define OTHER  ((void *)(8 * MIB))
#define HEAP   ((struct heap *)(4 * MIB + 64))

static struct heap *
pinned_now(void)
{
	struct heap *h = thread_pinned_fast(PINNED);

	thread_busy_end();
	return h;
}

/* the whole life of the entry, in each thread anew */
static void *
live(void *arg)
{
	struct entry *e;
	struct heap *h;

	(void)arg;
	must(pinned_now() == &heap_inert);
	must(thread_self() != NULL);
	must(thread_entry(PINNED) == NULL && thread_entry(OTHER) == NULL);
	must(thread_entry_set(OTHER, HEAP, false, 0) != NULL);
	must(pinned_now() == &heap_inert);
	e = thread_entry_set(PINNED, NULL, false, 0);
	must(e != NULL && thread_entry(PINNED) == e);
	must(pinned_now() == &heap_inert);
	must(thread_entry_set(PINNED, HEAP, false, 0) == e);
	must(pinned_now() == HEAP);
	/* who asks for whom it is finds it there too */
	must(thread_heap_fast(PINNED, &h) && h == HEAP);
	thread_busy_end();
	thread_mark(PINNED);
	must(pinned_now() == &heap_inert && e->frozen);
	must(!thread_entry(OTHER)->frozen);
	thread_unmark(PINNED);
	must(pinned_now() == HEAP);
	thread_mark(NULL);
	must(pinned_now() == &heap_inert && thread_entry(OTHER)->frozen);
	thread_unmark(NULL);
	must(pinned_now() == HEAP && !thread_entry(OTHER)->frozen);
	thread_heap_moved(PINNED, HEAP, HEAP + 1);
	must(e->heap == HEAP + 1);
	thread_heap_moved(PINNED, HEAP + 1, NULL);
	must(pinned_now() == &heap_inert && thread_entry(PINNED) == NULL);
	must(thread_entry_set(PINNED, HEAP, true, 0) == e);
	must(pinned_now() == &heap_inert);
	thread_unmark(PINNED);
	must(pinned_now() == HEAP);
	return NULL;
}

static unsigned nparked;

static void
park(struct heap *heap)
{
	must(heap == HEAP);
	nparked++;
}

static void
pinned__in_several_threads__is_each_threads_own(void **state)
{
	(void)state;
	thread_pin(PINNED);
	thread_on_exit(park);
	for (unsigned i = 0; i < 10; i++) {
		in_thread(live, NULL);
		/* both of its heaps */
		assert_int_equal(nparked, 2 * (i + 1));
	}
	(void)live(NULL);
	assert_ptr_equal(pinned_now(), HEAP);
}

static void
pinned__after_a_fork__is_kept_or_forgotten_in_the_child(void **state)
{
	(void)state;
	assert_ptr_equal(pinned_now(), HEAP);
	thread_mark(NULL);
	assert_true(thread_fork_prepare());
	thread_fork_child();
	assert_ptr_equal(pinned_now(), &heap_inert);
	assert_ptr_equal(thread_fork_keep(PINNED), HEAP);
	assert_ptr_equal(pinned_now(), HEAP);
	thread_pool_gone(OTHER);
	assert_null(thread_entry(OTHER));
	assert_null(thread_fork_keep(OTHER));
	thread_pool_gone(PINNED);
	assert_ptr_equal(pinned_now(), &heap_inert);
	assert_null(thread_entry(PINNED));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			pinned__in_several_threads__is_each_threads_own),
		cmocka_unit_test(
			pinned__after_a_fork__is_kept_or_forgotten_in_the_child),
	};

	thread_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
