/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_thread.c -- tables of pools that are only addresses, and the freeze
 *
 * ctest: timeout=300 threads
 */
#include "tcache/tcache.h"

#include "base/os.h"
#include "harness/strangers.h"
#include "harness/threads.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define NPOOLS 5000

static bool
found_fast(size_t i)
{
	struct heap *h = NULL;
	bool found = thread_heap_fast(pool_of(i), &h);

	thread_busy_end();
	must(!found || h == heap_of(i) || h == &heap_inert);
	return found && h != &heap_inert;
}

/* has -- the entry of a pool, checked */
static bool
has(size_t i)
{
	struct entry *e = thread_entry(pool_of(i));

	if (e == NULL)
		return false;
	must(e->key == (uintptr_t)pool_of(i));
	must(e->heap == NULL || e->heap == heap_of(i));
	return true;
}

static void
install(size_t i)
{
	must(thread_entry_set(pool_of(i), heap_of(i), false, 0) != NULL);
}

/* thaw -- the end of a freeze */
static void
thaw(const void *pool)
{
	thread_unmark(pool);
	thread_thaw();
}

static void
forget_all(void)
{
	for (size_t i = 0; i < NPOOLS; i++)
		thread_pool_gone(pool_of(i));
}

static void
self__before_and_after_the_first_use__makes_a_table(void **state)
{
	struct heap *h;

	(void)state;
	assert_false(thread_heap_fast(pool_of(0), &h));
	thread_busy_end();
	assert_null(thread_entry(pool_of(0)));
	assert_null(thread_entry(NULL));
	assert_null(thread_entry_set(pool_of(0), heap_of(0), false, 0));
	assert_non_null(thread_self());
	assert_ptr_equal(thread_self(), thread_self());
	assert_null(thread_entry(pool_of(0)));
	assert_null(thread_entry(NULL));
}

static void
set__thousands_of_pools__finds_each(void **state)
{
	size_t nfast = 0;

	(void)state;
	must(thread_self() != NULL);
	for (size_t i = 0; i < NPOOLS; i++) {
		assert_false(has(i));
		install(i);
		assert_true(has(i));
	}
	for (size_t i = 0; i < NPOOLS; i++) {
		assert_true(has(i));
		nfast += found_fast(i);
	}
	print_message("  %zu of %d at the first look\n", nfast, NPOOLS);
	assert_true(nfast > NPOOLS / 2);
	for (size_t i = 0; i < NPOOLS; i += 2)
		thread_pool_gone(pool_of(i));
	for (size_t i = 0; i < NPOOLS; i++) {
		assert_int_equal(has(i), i % 2 == 1);
		assert_true(i % 2 == 1 || !found_fast(i));
	}
	forget_all();
}

static void
set__random_operations__agree_with_bools(void **state)
{
	static bool there[NPOOLS];
	struct rng rng;

	(void)state;
	rng_init(&rng, "thread table");
	must(thread_self() != NULL);
	for (int step = 0; step < 60000; step++) {
		size_t i = rng_between(&rng, 0, NPOOLS - 1);

		if (rng_between(&rng, 0, 1) == 0)
			i %= 60;
		if (rng_between(&rng, 0, 1) == 0) {
			install(i);
			there[i] = true;
		} else {
			thread_pool_gone(pool_of(i));
			there[i] = false;
		}
		for (int k = 0; k < 4; k++) {
			i = rng_between(&rng, 0, NPOOLS - 1);
			must(has(i) == there[i]);
			must(!found_fast(i) || there[i]);
		}
	}
	forget_all();
	memset(there, 0, sizeof(there));
}

/* one pool at a time, for ever: tombs do not make the table grow */
static void
set__pools_that_come_and_go__keeps_the_table_small(void **state)
{
	struct thread *t = thread_self();

	(void)state;
	must(t != NULL);
	for (size_t i = 0; i < 200000; i++) {
		install(i);
		must(has(i));
		thread_pool_gone(pool_of(i));
		must(!has(i));
	}
	/* not more than what the tests before have needed */
	assert_true(t->nentries <= (size_t)NPOOLS * 32);
}

static void
set__shared__is_not_found_fast_and_counts(void **state)
{
	struct entry *e;

	(void)state;
	must(thread_self() != NULL);
	e = thread_entry_set(pool_of(1), NULL, false, 0);
	assert_non_null(e);
	assert_int_equal(e->nops, 0);
	assert_false(found_fast(1));
	assert_ptr_equal(thread_entry(pool_of(1)), e);
	/* promoted */
	install(1);
	assert_true(has(1));
	assert_ptr_equal(e->fast, heap_of(1));
	thread_pool_gone(pool_of(1));
}

/* a handle may be anything, also what is in a table and no pool */
static void
heap_fast__handle_that_is_no_pool__finds_none(void **state)
{
	must(thread_self() != NULL);
	(void)state;
	install(2); /* 12 MiB: no power of two */
	install(4);
	thread_pool_gone(pool_of(4));
	for (uintptr_t low = 0; low <= 8; low++) {
		for (size_t bit = 0; bit < 64; bit++) {
			struct heap *h = NULL;
			uintptr_t high = (uintptr_t)1 << bit;
			void *handle = (void *)(low | (bit == 0 ? 0 : high));
			bool found = thread_heap_fast(handle, &h);

			thread_busy_end();
			assert_true(!found || h == &heap_inert);
			assert_null(thread_entry(handle));
		}
	}
	thread_pool_gone(pool_of(2));
}

static void
inert__any_size_and_address__has_nothing_and_takes_nothing(void **state)
{
	static char memory[4096];
	struct slab *s;
	size_t idx;
	void *p;

	(void)state;
	for (size_t size = 0; size <= SLAB_LOOKUP_MAX; size++)
		assert_false(heap_malloc_fast(&heap_inert, size, &p));
	for (size_t at = 0; at < sizeof(memory); at++)
		assert_int_equal(heap_free_fast(&heap_inert, memory,
					 memory + at, &s, &idx),
			FAST_SLOW);
}

static void
mark__one_pool__hides_only_that(void **state)
{
	uint32_t ticket = thread_thaw_ticket();

	(void)state;
	must(thread_self() != NULL);
	for (size_t i = 0; i < 3; i++)
		install(i);
	thread_mark(pool_of(1));
	assert_false(found_fast(1));
	assert_true(thread_entry(pool_of(1))->frozen);
	for (size_t i = 0; i < 3; i += 2)
		assert_false(thread_entry(pool_of(i))->frozen);
	assert_int_equal(thread_thaw_ticket(), ticket);
	thaw(pool_of(1));
	thread_wait_thaw(ticket); /* it is over: returns at once */
	assert_int_not_equal(thread_thaw_ticket(), ticket);
	assert_true(has(1));
	assert_false(thread_entry(pool_of(1))->frozen);
	thread_mark(pool_of(4000)); /* a pool that no thread knows */
	thaw(pool_of(4000));
	thread_mark(NULL);
	for (size_t i = 0; i < 3; i++)
		assert_false(found_fast(i));
	thaw(NULL);
	for (size_t i = 0; i < 3; i++)
		assert_false(thread_entry(pool_of(i))->frozen);
	forget_all();
}

static void
busy__begin_and_end__is_seen(void **state)
{
	(void)state;
	must(thread_self() != NULL);
	assert_false(thread_is_busy(NULL));
	thread_busy_begin(pool_of(7));
	assert_true(thread_is_busy(pool_of(7)));
	assert_true(thread_is_busy(NULL));
	assert_false(thread_is_busy(pool_of(8)));
	assert_false(thread_fork_prepare());
	thread_busy_end();
	assert_false(thread_is_busy(pool_of(7)));
	assert_true(thread_fork_prepare());
	thread_fork_parent();
}

static void *
visit(void *arg)
{
	struct thread v;

	(void)arg;
	/* a thread that is on no list is not seen until it visits */
	thread_busy_begin(pool_of(9));
	must(!thread_is_busy(pool_of(9)));
	thread_visit(&v);
	must(thread_is_busy(pool_of(9)));
	/* a visitor has no table, and tables are walked over */
	thread_mark(pool_of(9));
	thread_pool_gone(pool_of(9));
	thaw(NULL);
	thread_busy_end();
	must(!thread_is_busy(pool_of(9)));
	thread_leave(&v);
	return NULL;
}

static void
visit__by_a_thread_without_a_place__is_seen(void **state)
{
	(void)state;
	in_thread(visit, NULL);
}

static size_t nparked[100]; /* by the heap's number */

static void
park(struct heap *heap)
{
	size_t i = ((uintptr_t)heap - 64) / (4 * MIB) - 1;

	must(i < NELEM(nparked) && heap == heap_of(i));
	nparked[i]++;
}

static void *
live_and_end(void *arg)
{
	(void)arg;
	must(thread_self() != NULL);
	for (size_t i = 0; i < NELEM(nparked); i++) {
		install(i);
		if (i % 5 == 0)
			thread_pool_gone(pool_of(i));
		if (i % 5 == 1)
			must(thread_entry_set(pool_of(i), NULL, false, 0));
	}
	return NULL;
}

static void
exit__of_a_thread__parks_each_private_heap_once(void **state)
{
	(void)state;
	memset(nparked, 0, sizeof(nparked));
	thread_on_exit(park);
	for (size_t round = 1; round <= 20; round++) {
		in_thread(live_and_end, NULL);
		for (size_t i = 0; i < NELEM(nparked); i++)
			assert_int_equal(nparked[i], i % 5 > 1 ? round : 0);
	}
}

static uint32_t ending; /* atomic */

static void *
end_while_frozen(void *arg)
{
	(void)arg;
	must(thread_self() != NULL);
	install(3);
	install(4);
	store_release(&ending, 1u);
	while (load_acquire(&ending) != 2)
		os_yield(0);
	return NULL;
}

/* what a freezer reads is not given away under its hands */
static void
exit__while_a_pool_is_frozen__waits_with_its_heap(void **state)
{
	pthread_t thread;

	(void)state;
	memset(nparked, 0, sizeof(nparked));
	thread_on_exit(park);
	store_release(&ending, 0u);
	must(pthread_create(&thread, NULL, end_while_frozen, NULL) == 0);
	while (load_acquire(&ending) != 1)
		os_yield(0);
	thread_mark(pool_of(3));
	store_release(&ending, 2u);
	for (unsigned round = 0; round < 40; round++)
		os_yield(round);
	assert_int_equal(load_acquire(&nparked[3]), 0);
	thaw(pool_of(3));
	must(pthread_join(thread, NULL) == 0);
	assert_int_equal(nparked[3], 1);
	assert_int_equal(nparked[4], 1);
}

/*
 * Many threads work in a pool while one freezes it: nobody is inside between
 * the wait and the thaw.
 */
#define FREEZE_THREADS 4

struct frozen {
	uint32_t ready;  /* atomic: threads that know the pool */
	uint32_t inside; /* atomic, relaxed: threads in the critical part */
	uint32_t stop;   /* atomic */
	uint32_t nops;   /* atomic, relaxed */
};

static void
work_inside(struct frozen *f)
{
	must(thread_self() != NULL);
	install(5);
	(void)__atomic_fetch_add(&f->ready, 1, __ATOMIC_RELEASE);
	while (!load_acquire(&f->stop)) {
		struct heap *h;
		uint32_t ticket = thread_thaw_ticket();

		if (thread_heap_fast(pool_of(5), &h) && h != &heap_inert) {
			(void)fetch_add_relaxed(&f->inside, 1u);
			(void)fetch_add_relaxed(&f->nops, 1u);
			(void)fetch_add_relaxed(&f->inside, -1u);
			thread_busy_end();
			continue;
		}
		thread_busy_end();
		if (!load_acquire(&f->stop) &&
			load_acquire(&thread_entry(pool_of(5))->frozen))
			thread_wait_thaw(ticket);
	}
	thread_pool_gone(pool_of(4999)); /* none: just walks the lists */
}

static void
freeze_often(struct frozen *f)
{
	/* the pool layer marks an entry that is made during a freeze */
	while (load_acquire(&f->ready) < FREEZE_THREADS - 1)
		os_yield(0);
	for (int i = 0; i < (TEST_SANITIZED ? 100 : 300); i++) {
		uint32_t nops;

		thread_mark(pool_of(5));
		for (unsigned round = 0; thread_is_busy(pool_of(5)); round++)
			os_yield(round);
		must(load_relaxed(&f->inside) == 0);
		nops = load_relaxed(&f->nops);
		for (unsigned round = 0; round < 3; round++)
			os_yield(round);
		must(load_relaxed(&f->nops) == nops);
		thaw(pool_of(5));
		os_yield(0);
	}
	store_release(&f->stop, 1u);
	thaw(pool_of(5));
}

static void
freeze_thread(size_t idx, struct rng *rng, void *arg)
{
	(void)rng;
	if (idx == 0)
		freeze_often(arg);
	else
		work_inside(arg);
}

static void
mark__while_threads_work__finds_none_inside(void **state)
{
	struct frozen f = {0, 0, 0, 0};

	(void)state;
	if (!thread_fast_allowed())
		test_skip("the kernel has no private membarrier");
	thread_on_exit(park);
	threads_run(FREEZE_THREADS, freeze_thread, &f, "freeze");
	assert_true(f.nops > 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			self__before_and_after_the_first_use__makes_a_table),
		cmocka_unit_test(set__thousands_of_pools__finds_each),
		cmocka_unit_test(set__random_operations__agree_with_bools),
		cmocka_unit_test(
			set__pools_that_come_and_go__keeps_the_table_small),
		cmocka_unit_test(set__shared__is_not_found_fast_and_counts),
		cmocka_unit_test(heap_fast__handle_that_is_no_pool__finds_none),
		cmocka_unit_test(
			inert__any_size_and_address__has_nothing_and_takes_nothing),
		cmocka_unit_test(mark__one_pool__hides_only_that),
		cmocka_unit_test(busy__begin_and_end__is_seen),
		cmocka_unit_test(visit__by_a_thread_without_a_place__is_seen),
		cmocka_unit_test(
			exit__of_a_thread__parks_each_private_heap_once),
		cmocka_unit_test(
			exit__while_a_pool_is_frozen__waits_with_its_heap),
		cmocka_unit_test(mark__while_threads_work__finds_none_inside),
	};

	thread_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
