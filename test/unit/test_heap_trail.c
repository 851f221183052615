/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_heap_trail.c -- the trail behind a LIFO's top: what was allocated last
 * is freed with a look at nothing else, and only while it lives
 */
#include "harness/bursts.h"
#include "tcache/heap_internal.h"

#define SIZE  64
#define OTHER 640

#define NTAKEN 4 /* slots of a LIFO that are enough for a case */

/* trail -- what would be freed next without a look; NULL: nothing */
static void *
trail(size_t size)
{
	return *bin_of(size)->top;
}

static void
give_back(void *p)
{
	assert_int_equal(heaps_free(heap, p), FREE_DONE);
	assert_int_equal(heaps_nfindings(&pool), 0);
}

/* take -- an object out of a LIFO that has more */
static void *
take(size_t size)
{
	void *taken[NTAKEN], *p;

	for (size_t i = 0; i < NTAKEN; i++) {
		taken[i] = heaps_malloc(heap, size);
		must(taken[i] != NULL);
	}
	for (size_t i = 0; i < NTAKEN; i++)
		must(heaps_free(heap, taken[i]) == FREE_DONE);
	p = heaps_malloc(heap, size);
	must(p != NULL && p == trail(size) && heap->last == bin_of(size));
	assert_int_equal(heaps_nfindings(&pool), 0);
	return p;
}

/* assert_cut -- and what is allocated next is not p, which lives */
static void
assert_cut(const void *p, size_t size)
{
	void *q;

	assert_null(trail(size));
	q = heaps_malloc(heap, size);
	assert_non_null(q);
	assert_ptr_not_equal(q, p);
	give_back(q);
}

static int
setup(void **state)
{
	open_pool(64 * MIB, HARDENING_DEFAULT);
	(void)state;
	return 0;
}

static int
teardown(void **state)
{
	heaps_close(&pool);
	(void)state;
	return 0;
}

static void
trail__last_is_freed__is_next_again(void **state)
{
	void *p = take(SIZE);
	unsigned n = bin_count(bin_of(SIZE));

	(void)state;
	give_back(p);
	assert_int_equal(bin_count(bin_of(SIZE)), n + 1);
	assert_int_equal(heaps_free(heap, p), FREE_DOUBLE);
	assert_ptr_equal(heaps_malloc(heap, SIZE), p);
}

static void
trail__freed_in_reverse__each_comes_first(void **state)
{
	void *taken[NTAKEN];

	(void)state;
	give_back(take(SIZE));
	for (size_t i = 0; i < NTAKEN; i++)
		taken[i] = heaps_malloc(heap, SIZE);
	for (size_t i = NTAKEN; i-- > 0;) {
		assert_ptr_equal(trail(SIZE), taken[i]);
		give_back(taken[i]);
		assert_int_equal(heaps_free(heap, taken[i]), FREE_DOUBLE);
	}
	assert_null(trail(SIZE));
}

/* a's slot, then b's: what lay behind the top before is seen no more */
static void
trail__freed_in_order__is_cut(void **state)
{
	void *a = take(SIZE), *b = heaps_malloc(heap, SIZE);

	(void)state;
	give_back(a);
	assert_null(trail(SIZE));
	assert_int_equal(heaps_free(heap, a), FREE_DOUBLE);
	give_back(b);
	assert_int_equal(heaps_free(heap, a), FREE_DOUBLE);
	assert_int_equal(heaps_free(heap, b), FREE_DOUBLE);
	assert_int_equal(heaps_nfindings(&pool), 0);
}

/* each bin has its own, and the heap knows that which was used last */
static void
trail__other_class_between__is_freed_like_any(void **state)
{
	void *a = take(SIZE), *b = take(OTHER);

	(void)state;
	assert_ptr_equal(heap->last, bin_of(OTHER));
	give_back(a);
	give_back(b);
	assert_ptr_equal(heaps_malloc(heap, SIZE), a);
	assert_ptr_equal(heaps_malloc(heap, OTHER), b);
}

static void
trail__size_is_too_large__is_refused_and_lives(void **state)
{
	void *p = take(SIZE);
	struct slab *s = NULL;
	size_t idx = 0;

	(void)state;
	assert_int_equal(
		heap_free_fast_sized(heap, heap->base, p, SIZE + 1, &s, &idx),
		FAST_SLOW);
	assert_int_equal(heap_free_sized(heap, p, SIZE + 1), FREE_SIZE);
	give_back(p);
}

/* an empty one says NULL, which may be freed */
static void
trail__null_is_freed__is_no_object(void **state)
{
	unsigned n;

	(void)state;
	give_back(take(SIZE));
	assert_null(trail(SIZE));
	n = bin_count(bin_of(SIZE));
	assert_int_not_equal(heaps_free(heap, NULL), FREE_DONE);
	assert_int_equal(bin_count(bin_of(SIZE)), n);
}

static void
trail__lifo_is_filled_or_emptied__is_cut(void **state)
{
	void *p = take(SIZE), *q = heaps_malloc(heap, SIZE);

	(void)state;
	heap_flush(heap);
	assert_cut(p, SIZE);
	give_back(q);

	p = take(SIZE);
	q = heap_alloc_listed(heap, class_of(heap->table, SIZE));
	must(q != NULL);
	assert_ptr_equal(trail(SIZE), q);
	assert_int_equal(heap_free(heap, p), FREE_DONE);
	assert_null(trail(SIZE));
	give_back(q);
}

/* as long as the LIFO: behind its last place there is nothing */
static void
trail__whole_lifo__ends_with_it(void **state)
{
	struct bin *b = bin_of(SIZE);
	size_t cap = lifo_cap(b);

	(void)state;
	must(cap + 1 < MOST);
	allocate(SIZE, cap + 1);
	free_all(cap + 1, IN_ORDER);
	must(bin_count(b) == cap);
	allocate(SIZE, cap);
	for (size_t i = cap; i-- > 0;)
		give_back(objects[i]);
	assert_int_equal(bin_count(b), cap);
	assert_null(trail(SIZE));
}

/* what a heap's holder collects may be in the trail, freed by another */
static void
trail__others_have_freed_one__is_cut_when_collected(void **state)
{
	struct heap *stranger = dir_attach(&pool.dir, false);
	void *p;
	size_t n = 0;

	(void)state;
	must(stranger != NULL);
	/* so many that the first slab is FULL, and comes by the inbox */
	do {
		objects[n] = heaps_malloc(heap, SIZE);
		must(objects[n] != NULL);
	} while (++n < MOST);
	must(heaps_free(heap, objects[0]) == FREE_DONE);
	p = heaps_malloc(heap, SIZE);
	must(p == objects[0] && p == trail(SIZE));
	/* and others live, so that it stays where it is */
	for (size_t i = 0; i < n; i += 2)
		must(heaps_free(stranger, objects[i]) == FREE_DONE);
	must(heap_receive(heap, RECEIVE_ALL) > 0);
	assert_null(trail(SIZE));
	assert_int_equal(heaps_free(heap, p), FREE_DOUBLE);
	assert_int_equal(heaps_nfindings(&pool), 0);
	dir_park(stranger);
}

/* what lies in slabs that another heap has taken is no more in this one */
static void
trail__slab_goes_to_another_heap__is_cut(void **state)
{
	struct heap *orphan = heap, *other = dir_attach(&pool.dir, false);
	void *p;

	(void)state;
	must(other != NULL);
	/* all of the LIFO is in use when the thread ends */
	give_back(take(SIZE));
	for (size_t i = 0; i < NTAKEN; i++)
		objects[i] = heaps_malloc(heap, SIZE);
	p = trail(SIZE);
	must(p == objects[NTAKEN - 1] && bin_count(bin_of(SIZE)) == 0);
	dir_park(orphan);
	must(dir_steal(other, class_of(heap->table, SIZE)));
	assert_null(trail(SIZE));
	assert_ptr_equal(dir_attach(&pool.dir, false), orphan);
	assert_int_equal(heaps_free(orphan, p), FREE_DONE);
	assert_int_equal(bin_count(bin_of(SIZE)), 0);
	assert_int_equal(heaps_nfindings(&pool), 0);
}

/* a slab that seems empty, since an object was freed twice, may go */
static void
trail__slab_goes_with_one__is_cut(void **state)
{
	struct bin *b = bin_of(SIZE);
	size_t cap = lifo_cap(b), n = 0;
	const struct slab *first;
	void *p;

	(void)state;
	/* p is the only one in its slab */
	allocate(SIZE, 1);
	first = (const struct slab *)run_lookup(&pool.s.rs, objects[0]);
	for (p = objects[0]; n < MOST && (const struct slab *)run_lookup(
						 &pool.s.rs, p) == first;)
		objects[n++] = p = heaps_malloc(heap, SIZE);
	must(n < MOST && n > cap);
	/* the LIFO is full, and has it, but not among the newest two */
	heap_flush(heap);
	for (size_t i = 0; i < cap - 3; i++)
		give_back(objects[i]);
	give_back(p);
	give_back(objects[cap]);
	give_back(objects[cap + 1]);
	must(bin_count(b) == cap);
	must(heaps_free(heap, p) == FREE_DONE);
	for (size_t i = 0; i < 3; i++)
		(void)heaps_malloc(heap, SIZE);
	must(trail(SIZE) == p);
	current_drop(heap, b);
	bin_release_empty(heap, b);
	must((const struct slab *)run_lookup(&pool.s.rs, p) != first);
	assert_null(trail(SIZE));
	assert_int_not_equal(heaps_free(heap, p), FREE_DONE);
}

/* deep -- the last object is out of a deep LIFO */
static void *
deep(void)
{
	void *p;

	(void)prepare(SIZE, 1000);
	p = heaps_malloc(heap, SIZE);
	must(p == objects[999] && p == trail(SIZE));
	return p;
}

static void
trail__deep_lifo_changes__is_cut(void **state)
{
	void *p;

	(void)state;
	heaps_close(&pool);
	open_pool(POOL_BYTES, HARDENING_DEFAULT);
	p = deep();
	deep_decay(heap);
	assert_cut(p, SIZE);
	must(heaps_free(heap, p) == FREE_DONE);
	/* other bins ask for one each, until its own is looked at */
	p = deep();
	bursts_for_all();
	assert_cut(p, SIZE);
}

static void
trail__damaged__is_found(void **state)
{
	void *p = take(SIZE), *q = take(OTHER);
	struct bin *b = bin_of(SIZE);
	void **end = bin_lifo(b) + lifo_cap(b);

	(void)state;
	heap->last = (struct bin *)((uintptr_t)b + 8);
	assert_true(heaps_nfindings(&pool) > 0);
	heap->last = b;
	assert_int_equal(heaps_nfindings(&pool), 0);
	*b->top = (char *)p + 1;
	assert_true(heaps_nfindings(&pool) > 0);
	*b->top = q;
	assert_true(heaps_nfindings(&pool) > 0);
	*b->top = b->top[-1]; /* is free */
	assert_true(heaps_nfindings(&pool) > 0);
	*b->top = p;
	assert_int_equal(heaps_nfindings(&pool), 0);
	*end = p;
	assert_true(heaps_nfindings(&pool) > 0);
	*end = NULL;
	give_back(p);
	give_back(q);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		CASE(trail__last_is_freed__is_next_again),
		CASE(trail__freed_in_reverse__each_comes_first),
		CASE(trail__freed_in_order__is_cut),
		CASE(trail__other_class_between__is_freed_like_any),
		CASE(trail__size_is_too_large__is_refused_and_lives),
		CASE(trail__null_is_freed__is_no_object),
		CASE(trail__lifo_is_filled_or_emptied__is_cut),
		CASE(trail__whole_lifo__ends_with_it),
		CASE(trail__others_have_freed_one__is_cut_when_collected),
		CASE(trail__slab_goes_to_another_heap__is_cut),
		CASE(trail__slab_goes_with_one__is_cut),
		CASE(trail__deep_lifo_changes__is_cut),
		CASE(trail__damaged__is_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
