/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_run_cache.c -- large runs that a heap keeps
 *
 * ctest: timeout=300
 */
#include "harness/heaps.h"

#include <string.h>
#include <unistd.h>

#define NLIVE  64
#define NSTEPS (TEST_SANITIZED ? 4000 : 20000)
#define LIMIT  ((size_t)56) /* pages in the cache of a pool of 14 MiB */

static struct heaps pool;
static struct heap *heap, *other;

static void
open_sized(size_t size)
{
	heaps_open(&pool, size, HARDENING_DEFAULT);
	heap = dir_attach(&pool.dir, true);
	other = dir_attach(&pool.dir, false);
	must(heap != NULL && other != NULL);
}

static void
open_heaps(void)
{
	open_sized(SPACE_BYTES);
	must(pool.dir.cache_pages == LIMIT);
}

static void *
take(struct heap *h, size_t npages)
{
	bool clean;

	return heap_alloc_large(h, npages, RUN_LG_PAGE, &clean);
}

static void
give(struct heap *h, void *p)
{
	must(heap_free(h, p) == FREE_DONE);
}

static void
free__neighbours_in_any_order__are_one_run(void **state)
{
	static const unsigned orders[][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2},
		{1, 2, 0}, {2, 0, 1}, {2, 1, 0}};

	(void)state;
	for (size_t i = 0; i < NELEM(orders); i++) {
		void *p[3], *whole;
		size_t nfree;

		open_heaps();
		for (size_t k = 0; k < 3; k++)
			p[k] = take(heap, 10 + k);
		nfree = pool.s.rs.nfree;
		for (size_t k = 0; k < 3; k++)
			give(heap, p[orders[i][k]]);
		assert_int_equal(heap->cache.nruns, 1);
		assert_int_equal(heap->cache.npages, 33);
		assert_int_equal(heaps_nfindings(&pool), 0);
		whole = take(heap, 33);
		assert_ptr_equal(whole, p[0]);
		assert_int_equal(heap->cache.nruns, 0);
		assert_int_equal(pool.s.rs.nfree, nfree);
		assert_int_equal(heaps_nfindings(&pool), 0);
		heaps_close(&pool);
	}
}

static void
free__neighbour_of_another_heap__is_left_alone(void **state)
{
	void *mine, *theirs, *mine2;

	(void)state;
	open_heaps();
	mine = take(heap, 9);
	theirs = take(other, 9);
	mine2 = take(heap, 9);
	give(other, theirs);
	give(heap, mine);
	give(heap, mine2);
	assert_int_equal(heap->cache.nruns, 2);
	assert_int_equal(other->cache.nruns, 1);
	assert_int_equal(heaps_nfindings(&pool), 0);
	assert_ptr_equal(take(other, 9), theirs);
	heaps_close(&pool);
}

static void
alloc__several_fit__takes_the_shortest_and_keeps_the_rest(void **state)
{
	char *p[4];
	void *between[4], *got;

	(void)state;
	open_heaps();
	for (size_t k = 0; k < NELEM(p); k++) {
		p[k] = take(heap, 9 + 4 * (size_t)k);
		between[k] = take(other, 9);
	}
	for (size_t k = 0; k < NELEM(p); k++)
		give(heap, p[k]);
	/* 9, 13, 17, 21 would be more than the cache may hold */
	assert_int_equal(heap->cache.npages, 13 + 17 + 21);
	got = take(heap, 15);
	assert_ptr_equal(got, p[2]);
	assert_int_equal(heap->cache.npages, 13 + 2 + 21);
	assert_ptr_equal(take(heap, 2), p[2] + 15 * RUN_PAGE);
	assert_int_equal(heaps_nfindings(&pool), 0);
	assert_non_null(between[0]);
	heaps_close(&pool);
}

static void
free__more_than_the_limit__gives_the_oldest_back(void **state)
{
	void *p[5];

	(void)state;
	open_heaps();
	for (size_t k = 0; k < NELEM(p); k++) {
		p[k] = take(heap, 20);
		must(take(other, 9) != NULL);
	}
	for (size_t k = 0; k < NELEM(p); k++) {
		give(heap, p[k]);
		must(heap->cache.npages <= LIMIT);
	}
	assert_int_equal(heap->cache.nruns, 2);
	assert_ptr_equal(take(heap, 20), p[4]);
	assert_ptr_equal(take(heap, 20), p[3]);
	/* the first two lie lowest in the pool's free pages */
	assert_ptr_equal(take(heap, 20), p[0]);
	heaps_close(&pool);
}

static void
resize__cached_run_behind__grows_into_a_part_of_it(void **state)
{
	void *p, *behind;
	struct desc *d;
	size_t nfree;

	(void)state;
	open_heaps();
	p = take(heap, 10);
	behind = take(heap, 30);
	must(take(other, 9) != NULL);
	give(heap, behind);
	nfree = pool.s.rs.nfree;
	d = run_lookup(&pool.s.rs, p);
	assert_true(heap_resize_large(heap, p, 25));
	assert_int_equal(d->npages, 25);
	assert_int_equal(heap->cache.npages, 15);
	assert_int_equal(pool.s.rs.nfree, nfree);
	assert_int_equal(heaps_nfindings(&pool), 0);
	assert_true(heap_resize_large(heap, p, 40));
	assert_int_equal(heap->cache.nruns, 0);
	assert_int_equal(heaps_nfindings(&pool), 0);
	assert_false(heap_resize_large(heap, p, 41));
	assert_int_equal(d->npages, 40);
	heaps_close(&pool);
}

static void
free__while_it_is_held__is_refused(void **state)
{
	char *p;

	(void)state;
	open_heaps();
	p = take(heap, 10);
	assert_true(heap_hold(heap, p));
	assert_int_equal(heap_free(other, p), FREE_DOUBLE);
	assert_int_equal(heap_find(other, p).what, FREE_DOUBLE);
	assert_false(heap_resize_large(other, p, 5));
	assert_false(heap_hold(other, p));
	heap_let(heap, p);
	assert_true(heap_resize_large(other, p, 5));
	assert_int_equal(heap_free(other, p), FREE_DONE);
	assert_false(heap_hold(heap, p));
	/* now it is none, nor is what lies inside of one */
	assert_false(heap_resize_large(heap, p, 5));
	p = take(heap, 10);
	assert_false(heap_resize_large(heap, p + RUN_PAGE, 5));
	give(heap, p);
	assert_int_equal(heaps_nfindings(&pool), 0);
	heaps_close(&pool);
}

static void
free__twice_or_inside__is_refused_when_cached(void **state)
{
	char *p, *behind;

	(void)state;
	open_heaps();
	p = take(heap, 10);
	behind = take(heap, 10);
	give(heap, p);
	assert_int_equal(heap_free(heap, p), FREE_DOUBLE);
	assert_int_equal(heap_free(heap, p + 9 * RUN_PAGE), FREE_INVALID);
	assert_int_equal(heap_free(other, p + 9 * RUN_PAGE), FREE_INVALID);
	/* now they are one run, and the second begins none any more */
	give(heap, behind);
	assert_int_equal(heap_free(heap, behind), FREE_INVALID);
	assert_int_equal(heap_free(other, p), FREE_DOUBLE);
	assert_int_equal(heaps_nfindings(&pool), 0);
	heaps_close(&pool);
}

static void
all__out_of_pieces_that_are_kept__take_no_lock(void **state)
{
	char *p, *q;

	(void)state;
	open_heaps();
	give(heap, take(heap, 40));
	/* the first part brings descriptors */
	p = take(heap, 10);
	must(heap->cache.nspare > 2);
	(void)alarm(60); /* whoever takes the lock would wait for ever */
	lock_acquire(&pool.s.rs.lock, RANK_RUN);
	q = take(heap, 10);
	assert_ptr_equal(q, p + 10 * RUN_PAGE);
	give(heap, p);
	assert_ptr_equal(take(heap, 3), p);
	assert_true(heap_resize_large(heap, q, 17));
	give(heap, q);
	give(heap, p);
	assert_int_equal(heap->cache.nruns, 1);
	assert_int_equal(heap->cache.npages, 40);
	lock_release(&pool.s.rs.lock, RANK_RUN);
	(void)alarm(0);
	assert_int_equal(heaps_nfindings(&pool), 0);
	heaps_close(&pool);
}

static void
free__more_runs_than_may_be__gives_the_oldest_back(void **state)
{
	enum { RUNS = RUN_CACHE_MOST + 100 };
	static void *p[RUNS];

	(void)state;
	open_sized(512 * MIB);
	for (size_t i = 0; i < RUNS; i++) {
		p[i] = take(heap, 3);
		must(p[i] != NULL && take(other, 3) != NULL);
	}
	for (size_t i = 0; i < RUNS; i++)
		give(heap, p[i]);
	assert_int_equal(heap->cache.nruns, RUN_CACHE_MOST);
	assert_ptr_equal(run_desc(heap->base, heap->cache.oldest)->base,
		p[RUNS - RUN_CACHE_MOST]);
	assert_int_equal(heaps_nfindings(&pool), 0);
	heaps_close(&pool);
}

/* where an object begins at one of few places, two runs stay of one */
static void
alloc__out_of_the_middle_of_many_runs__keeps_to_their_number(void **state)
{
	enum { PAGES = 40, OBJECT = 16, PLACES = 16 };
	static void *p[RUN_CACHE_MOST];

	(void)state;
	heaps_open(&pool, GIB, HARDENING_DEFAULT);
	heap = dir_attach(&pool.dir, true);
	must(heap != NULL);
	for (size_t i = 0; i < NELEM(p); i++) {
		p[i] = take(heap, PAGES);
		must(p[i] != NULL && take(heap, 1) != NULL);
	}
	for (size_t i = 0; i < NELEM(p); i++)
		give(heap, p[i]);
	must(heap->cache.nruns == RUN_CACHE_MOST);
	for (size_t i = 0; i < PLACES; i++) {
		must(take(heap, OBJECT) != NULL);
		assert_in_range(heap->cache.nruns, 1, RUN_CACHE_MOST);
		assert_int_equal(heaps_nfindings(&pool), 0);
	}
	heaps_close(&pool);
}

static void
resize__into_whole_runs_again_and_again__keeps_few_descriptors(void **state)
{
	char *p;

	(void)state;
	open_heaps();
	p = take(heap, 5);
	for (size_t i = 0; i < 2 * (size_t)RUN_CACHE_SPARES; i++) {
		void *q = take(heap, 4);

		must(q == p + 5 * RUN_PAGE);
		give(heap, q);
		must(heap_resize_large(heap, p, 9));
		assert_in_range(heap->cache.nspare, 0, RUN_CACHE_SPARES);
		must(heap_resize_large(heap, p, 5));
	}
	assert_int_equal(heaps_nfindings(&pool), 0);
	heaps_close(&pool);
}

/* descriptors that runs leave when they are joined do not heap up */
static void
free__many_that_become_one__keeps_few_descriptors(void **state)
{
	void *p[LIMIT];

	(void)state;
	open_heaps();
	for (size_t i = 0; i < LIMIT; i++)
		p[i] = take(heap, 1);
	for (size_t i = 0; i < LIMIT; i += 2)
		give(heap, p[i]);
	for (size_t i = 1; i < LIMIT; i += 2) {
		give(heap, p[i]);
		must(heap->cache.nspare <= RUN_CACHE_SPARES);
	}
	assert_int_equal(heap->cache.nruns, 1);
	assert_int_equal(heaps_nfindings(&pool), 0);
	cache_release(heap);
	assert_int_equal(heap->cache.nspare, 0);
	assert_int_equal(heaps_nfindings(&pool), 0);
	heaps_close(&pool);
}

struct live {
	char *p;
	size_t npages;
	struct desc *d;
};

/* in_order -- no two live objects share a page, and each has what it wrote */
static void
must_hold(const struct live *live, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		must(live[i].d == run_lookup(&pool.s.rs, live[i].p));
		must(live[i].d->npages == live[i].npages);
		must(test_holds(live[i].p, live[i].npages * RUN_PAGE,
			(uint64_t)(uintptr_t)live[i].p + live[i].npages));
	}
}

static void
mark(struct live *k)
{
	k->d = run_lookup(&pool.s.rs, k->p);
	test_fill(k->p, k->npages * RUN_PAGE,
		(uint64_t)(uintptr_t)k->p + k->npages);
}

static void
step(struct rng *rng, struct live *live, size_t *n)
{
	struct heap *h = rng_between(rng, 0, 3) == 0 ? other : heap;
	size_t i = *n == 0 ? 0 : rng_between(rng, 0, *n - 1);
	size_t npages = rng_between(rng, 1, 40);

	if (*n < NLIVE && rng_between(rng, 0, 9) < 5) {
		char *p = take(h, npages);

		if (p == NULL)
			return;
		live[*n] = (struct live){p, npages, NULL};
		mark(&live[(*n)++]);
	} else if (*n > 0 && rng_between(rng, 0, 3) > 0) {
		give(h, live[i].p);
		live[i] = live[--*n];
	} else if (*n > 0 && heap_resize_large(h, live[i].p, npages)) {
		live[i].npages = npages;
		mark(&live[i]);
	}
}

static void
all__random_operations__keep_every_object(void **state)
{
	static struct live live[NLIVE];
	struct rng rng;
	size_t n = 0;

	(void)state;
	rng_init(&rng, "run_cache");
	open_heaps();
	for (size_t i = 0; i < NSTEPS; i++) {
		step(&rng, live, &n);
		if (i % 500 == 0) {
			must_hold(live, n);
			must(heaps_nfindings(&pool) == 0);
		}
	}
	while (n > 0)
		give(heap, live[--n].p);
	cache_release(heap);
	cache_release(other);
	must(heaps_nfindings(&pool) == 0);
	heaps_close(&pool);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(free__neighbours_in_any_order__are_one_run),
		cmocka_unit_test(
			free__neighbour_of_another_heap__is_left_alone),
		cmocka_unit_test(
			alloc__several_fit__takes_the_shortest_and_keeps_the_rest),
		cmocka_unit_test(
			free__more_than_the_limit__gives_the_oldest_back),
		cmocka_unit_test(
			resize__cached_run_behind__grows_into_a_part_of_it),
		cmocka_unit_test(free__while_it_is_held__is_refused),
		cmocka_unit_test(free__twice_or_inside__is_refused_when_cached),
		cmocka_unit_test(
			all__out_of_pieces_that_are_kept__take_no_lock),
		cmocka_unit_test(
			free__more_runs_than_may_be__gives_the_oldest_back),
		cmocka_unit_test(
			alloc__out_of_the_middle_of_many_runs__keeps_to_their_number),
		cmocka_unit_test(
			resize__into_whole_runs_again_and_again__keeps_few_descriptors),
		cmocka_unit_test(
			free__many_that_become_one__keeps_few_descriptors),
		cmocka_unit_test(all__random_operations__keep_every_object),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
