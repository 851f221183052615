/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_heap_idle.c -- what was freed in a heap that sleeps serves the others,
 * and the heap can wake up at any time
 */
#include "harness/heaps.h"

#define POOL_BYTES ((size_t)64 << 20)
#define SIZE       ((size_t)64)
#define MOST       100000

static struct heaps pool;
static struct heap *sleeper, *worker;
static void *objects[MOST], *others[MOST];

static void
open_pool(enum hardening level)
{
	heaps_open(&pool, POOL_BYTES, level);
	sleeper = dir_attach(&pool.dir, true);
	worker = dir_attach(&pool.dir, false);
	must(sleeper != NULL && worker != NULL);
}

static void
close_sound(void)
{
	must(heaps_nfindings(&pool) == 0);
	heaps_close(&pool);
}

static void
allocate(struct heap *h, void **p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		p[i] = heaps_malloc(h, SIZE);
		must(p[i] != NULL);
	}
}

/* free_each -- of n objects one in so many, which are none any more */
static void
free_each(struct heap *h, void **p, size_t n, size_t step)
{
	for (size_t i = 0; i < n; i += step) {
		must(p[i] != NULL && heaps_free(h, p[i]) == FREE_DONE);
		p[i] = NULL;
	}
}

static void
free_rest(struct heap *h, void **p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p[i] != NULL)
			must(heaps_free(h, p[i]) == FREE_DONE);
}

static size_t
in_use(void)
{
	return pool.nfree - pool.s.rs.nfree;
}

static struct bin *
bin_of(struct heap *h)
{
	return heap_bin(h, h->table, class_of(h->table, SIZE));
}

/* look -- as when the pool has grown by the part that is worth a look */
static bool
look(void)
{
	pool.dir.idle_look = 0;
	return idle_look(worker);
}

/* nothing_lost -- without objects everything is free pages again */
static void
nothing_lost(void)
{
	dir_collect(&pool.dir, worker);
	must(heaps_nfindings(&pool) == 0);
	/* heaps that had to be made, and a run of descriptors */
	must(in_use() <= 2 * heap_pages(&pool.dir) + 1);
}

static void
try_replaced(enum hardening level)
{
	size_t loaded;

	open_pool(level);
	allocate(sleeper, objects, MOST);
	loaded = in_use();
	/* in the order in which they were made, and another is made for each */
	for (size_t i = 0; i < MOST; i++) {
		free_each(worker, objects + i, 1, 1);
		allocate(worker, others + i, 1);
	}
	must(in_use() < loaded + loaded / 4);
	must(heaps_nfindings(&pool) == 0);
	free_rest(worker, others, MOST);
	nothing_lost();
	close_sound();
}

/* with what the thread that sleeps has loaded, and no others do */
static void
heap_malloc__all_of_a_sleeper_is_replaced__pool_hardly_grows(void **state)
{
	(void)state;
	for (int level = HARDENING_NONE; level <= HARDENING_EXACT; level++)
		try_replaced((enum hardening)level);
}

/*
 * On another heap's lists nobody would see that more of them is freed, and a
 * pool that is loaded anew again and again would grow each time.
 */
static void
idle_collect__partly_free_slabs__wait(void **state)
{
	unsigned nslabs;
	size_t loaded;

	(void)state;
	open_pool(HARDENING_DEFAULT);
	allocate(sleeper, objects, MOST);
	loaded = in_use();
	nslabs = bin_of(sleeper)->nslabs;
	free_each(worker, objects, MOST, 4);
	assert_false(look());
	assert_true(look());
	assert_int_equal(idle_collect(&pool.dir), 0);
	assert_false(idle_is_due(worker));
	assert_int_equal(bin_of(sleeper)->nslabs, nslabs);
	assert_int_equal(heaps_nfindings(&pool), 0);
	free_rest(worker, objects, MOST);
	assert_true(look());
	assert_true(idle_collect(&pool.dir) >= nslabs - 2);
	assert_true(in_use() < loaded / 8);
	nothing_lost();
	close_sound();
}

static void
idle_collect__nothing_is_due__does_nothing(void **state)
{
	unsigned n;

	(void)state;
	open_pool(HARDENING_DEFAULT);
	allocate(sleeper, objects, MOST);
	free_each(worker, objects, MOST, 1);
	(void)look();
	n = bin_of(sleeper)->nslabs;
	pool.dir.idle_look = 0;
	assert_int_equal(idle_collect(&pool.dir), 0);
	assert_int_equal(bin_of(sleeper)->nslabs, n);
	/* what is allocated now shall not be told to wait for another one */
	assert_false(idle_look(worker));
	nothing_lost();
	close_sound();
}

/* after that there is nothing that a refused allocation could wait for */
static void
dir_collect__idle_heaps__nothing_is_due(void **state)
{
	(void)state;
	open_pool(HARDENING_DEFAULT);
	allocate(sleeper, objects, MOST);
	free_each(worker, objects, MOST, 1);
	(void)look();
	assert_true(look());
	assert_null(heap_alloc_any(worker, SIZE));
	dir_collect(&pool.dir, worker);
	assert_false(idle_is_due(worker));
	assert_false(idle_look(worker));
	assert_non_null(heap_alloc_any(worker, SIZE));
	close_sound();
}

/* a freeze for nothing is not made again in each period */
static void
idle_age__after_a_freeze_for_nothing__waits_for_some_periods(void **state)
{
	unsigned n = 0;

	(void)state;
	open_pool(HARDENING_DEFAULT);
	allocate(sleeper, objects, MOST);
	free_each(worker, objects, MOST, 64);
	for (int i = 0; i < 20; i++) {
		pool.s.rs.period++;
		/* once in each */
		idle_age(worker);
		idle_age(worker);
		if (!idle_is_due(worker))
			continue;
		n++;
		assert_int_equal(idle_collect(&pool.dir), 0);
	}
	assert_in_range(n, 2, 5);
	close_sound();
}

static void
idle_collect__empty_slabs__are_free_pages(void **state)
{
	size_t loaded;

	(void)state;
	open_pool(HARDENING_DEFAULT);
	allocate(sleeper, objects, MOST);
	loaded = in_use();
	free_each(worker, objects, MOST, 1);
	assert_int_equal(in_use(), loaded);
	(void)look();
	assert_true(look());
	assert_true(idle_collect(&pool.dir) > 0);
	assert_true(in_use() < loaded / 8);
	nothing_lost();
	close_sound();
}

/* what the sleeper itself had freed last lies in its LIFOs */
static void
idle_collect__slots_in_the_lifo__are_not_lost(void **state)
{
	(void)state;
	for (int level = HARDENING_NONE; level <= HARDENING_DEFAULT; level++) {
		open_pool((enum hardening)level);
		allocate(sleeper, objects, MOST);
		free_each(sleeper, objects, 1000, 50);
		assert_true(bin_held(bin_of(sleeper)) > 0);
		free_rest(worker, objects, MOST);
		(void)look();
		assert_true(look());
		assert_true(idle_collect(&pool.dir) > 0);
		assert_int_equal(heaps_nfindings(&pool), 0);
		/* the slab in which they lie is still there */
		assert_true(bin_of(sleeper)->nslabs > 0);
		/* awake again */
		allocate(sleeper, others, 1000);
		assert_int_equal(heaps_nfindings(&pool), 0);
		free_rest(sleeper, others, 1000);
		nothing_lost();
		close_sound();
	}
}

/* by the sleeper, and by another thread: its slab seems to be empty */
static void
idle_collect__object_freed_twice__keeps_its_slab(void **state)
{
	void *twice;

	(void)state;
	open_pool(HARDENING_DEFAULT);
	allocate(sleeper, objects, MOST);
	twice = objects[50];
	assert_int_equal(heaps_free(sleeper, twice), FREE_DONE);
	free_each(worker, objects, MOST, 1);
	(void)look();
	assert_true(look());
	assert_true(idle_collect(&pool.dir) > 0);
	assert_int_equal(heaps_nfindings(&pool), 0);
	assert_int_equal(sleeper->nlate, 1);
	assert_ptr_equal(heaps_malloc(sleeper, SIZE), twice);
	assert_int_equal(heaps_nfindings(&pool), 0);
	close_sound();
}

static void
idle_collect__few_slots_back__stays_in_the_inbox(void **state)
{
	unsigned nslabs;

	(void)state;
	open_pool(HARDENING_DEFAULT);
	allocate(sleeper, objects, MOST);
	nslabs = bin_of(sleeper)->nslabs;
	free_each(worker, objects, MOST, 64);
	(void)look();
	assert_true(look());
	assert_int_equal(idle_collect(&pool.dir), 0);
	assert_int_equal(heaps_nfindings(&pool), 0);
	assert_int_equal(bin_of(sleeper)->nslabs, nslabs);
	/* not looked for again at once */
	assert_true(pool.dir.idle_look > in_use() + 4 * 256u);
	/* its thread takes them as ever: no slab is made for so many */
	allocate(sleeper, others, MOST / 64);
	assert_int_equal(bin_of(sleeper)->nslabs, nslabs);
	free_rest(worker, others, MOST / 64);
	free_rest(worker, objects, MOST);
	nothing_lost();
	close_sound();
}

static void
idle_look__heap_that_takes_what_comes__is_not_idle(void **state)
{
	(void)state;
	open_pool(HARDENING_DEFAULT);
	allocate(sleeper, objects, MOST);
	free_each(worker, objects, MOST / 2, 1);
	assert_false(look());
	assert_true(heap_receive(sleeper, RECEIVE_ALL) > 0);
	free_each(worker, objects + MOST / 2, MOST / 2, 1);
	assert_false(look());
	assert_true(look());
	/* it wakes up after the look, and more comes then */
	assert_true(heap_receive(sleeper, RECEIVE_ALL) > 0);
	allocate(sleeper, objects, MOST);
	free_each(worker, objects, MOST, 1);
	pool.dir.idle_due = 1;
	assert_int_equal(idle_collect(&pool.dir), 0);
	nothing_lost();
	close_sound();
}

static void
idle_look__little_growth__is_none(void **state)
{
	(void)state;
	open_pool(HARDENING_DEFAULT);
	allocate(sleeper, objects, MOST);
	free_each(worker, objects, MOST, 1);
	(void)look();
	for (int i = 0; i < 10; i++)
		assert_false(idle_look(worker));
	assert_true(look());
	close_sound();
}

/* a pool can be shared with a process whose threads ours cannot stop */
static void
idle_look__shared_heap__is_never_asked(void **state)
{
	struct heap *shared;

	(void)state;
	open_pool(HARDENING_DEFAULT);
	shared = dir_shared(&pool.dir);
	assert_non_null(shared);
	allocate(sleeper, objects, MOST);
	free_each(shared, objects, MOST, 1);
	for (int i = 0; i < 3; i++) {
		pool.dir.idle_look = 0;
		assert_false(idle_look(shared));
	}
	(void)look();
	assert_true(look());
	assert_false(idle_is_due(shared));
	assert_true(idle_is_due(worker));
	close_sound();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			heap_malloc__all_of_a_sleeper_is_replaced__pool_hardly_grows),
		cmocka_unit_test(idle_collect__partly_free_slabs__wait),
		cmocka_unit_test(idle_collect__nothing_is_due__does_nothing),
		cmocka_unit_test(dir_collect__idle_heaps__nothing_is_due),
		cmocka_unit_test(
			idle_age__after_a_freeze_for_nothing__waits_for_some_periods),
		cmocka_unit_test(idle_collect__empty_slabs__are_free_pages),
		cmocka_unit_test(idle_collect__slots_in_the_lifo__are_not_lost),
		cmocka_unit_test(
			idle_collect__object_freed_twice__keeps_its_slab),
		cmocka_unit_test(
			idle_collect__few_slots_back__stays_in_the_inbox),
		cmocka_unit_test(
			idle_look__heap_that_takes_what_comes__is_not_idle),
		cmocka_unit_test(idle_look__little_growth__is_none),
		cmocka_unit_test(idle_look__shared_heap__is_never_asked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
