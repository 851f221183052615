/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_pool_visit.c -- when a thread gets a heap of its own in a pool where it
 * is not the first
 *
 * ctest: threads
 */
#include "pool/pool_internal.h"

#include "harness/test.h"
#include "harness/threads.h"

#define ROW 64  /* operations in a row before a heap is made for a thread */
#define ALL 256 /* and in all */

static VMEM *vmp, *other;

/* what a thread does between its operations, and what it saw */
struct work {
	VMEM *between; /* one in that pool too, unless NULL */
	size_t most;   /* operations in vmp, at the most */
	size_t nops;   /* until it had a heap there */
};

/* open_pools -- the heaps made with them are this thread's */
static void
open_pools(void)
{
	vmp = test_pool(VMEM_MIN_POOL);
	other = test_pool(VMEM_MIN_POOL);
	vmem_free(vmp, vmem_malloc(vmp, 1));
	vmem_free(other, vmem_malloc(other, 1));
	if (!thread_fast_allowed())
		test_skip("no private heaps on this kernel");
}

static void
close_pools(void)
{
	assert_int_equal(vmem_check(vmp), 1);
	assert_int_equal(vmem_check(other), 1);
	test_pool_delete(vmp, VMEM_MIN_POOL);
	test_pool_delete(other, VMEM_MIN_POOL);
}

static bool
has_heap(VMEM *pool)
{
	const struct entry *e = thread_entry(pool);

	return e != NULL && e->heap != NULL;
}

static void
operate(VMEM *pool, void **p)
{
	if (*p != NULL) {
		vmem_free(pool, *p);
		*p = NULL;
	} else {
		*p = vmem_malloc(pool, 100);
		must(*p != NULL);
	}
}

static void *
work(void *arg)
{
	struct work *w = arg;
	void *p = NULL, *q = NULL;

	/* who it is: that does not count */
	operate(vmp, &p);
	for (w->nops = 0; w->nops < w->most && !has_heap(vmp); w->nops++) {
		if (w->between != NULL)
			operate(w->between, &q);
		operate(vmp, &p);
	}
	vmem_free(vmp, p);
	if (w->between != NULL)
		vmem_free(w->between, q);
	return NULL;
}

static size_t
ops_of_another(VMEM *between, size_t most)
{
	struct work w = {.between = between, .most = most};

	in_thread(work, &w);
	return w.nops;
}

static void
visit__in_a_row__has_a_heap_soon(void **state)
{
	(void)state;
	open_pools();
	assert_int_equal(ops_of_another(NULL, ALL + 1), ROW);
	close_pools();
}

static void
visit__two_pools_in_turn__has_a_heap_later(void **state)
{
	(void)state;
	open_pools();
	assert_int_equal(ops_of_another(other, ALL + 1), ALL);
	close_pools();
}

static void *
work_at_home(void *arg)
{
	VMEM *home = test_pool(VMEM_MIN_POOL);
	struct work *w = arg;

	vmem_free(home, vmem_malloc(home, 1));
	must(has_heap(home));
	w->between = home;
	(void)work(w);
	test_pool_delete(home, VMEM_MIN_POOL);
	return NULL;
}

static void
visit__own_heap_elsewhere_between__is_in_a_row(void **state)
{
	struct work w = {.most = ALL + 1};

	(void)state;
	open_pools();
	in_thread(work_at_home, &w);
	assert_int_equal(w.nops, ROW);
	close_pools();
}

/* the pool has as many heaps as it may have, and then one less */
static void *
work_twice(void *arg)
{
	struct heap_dir *dir = &pool_at(vmp)->dir;
	struct heap *last = NULL, *h;
	struct work *w = arg;

	while ((h = dir_attach(dir, false)) != NULL)
		last = h;
	must(last != NULL);
	w->most = ALL;
	(void)work(w);
	must(w->nops == ALL);
	dir_park(last);
	w->most = ALL + 1;
	return work(w);
}

static void
visit__no_heap_is_to_be_had__has_one_when_there_is(void **state)
{
	struct work w = {.between = NULL};

	(void)state;
	open_pools();
	in_thread(work_twice, &w);
	assert_in_range(w.nops, 1, ROW);
	close_pools();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(visit__in_a_row__has_a_heap_soon),
		cmocka_unit_test(visit__two_pools_in_turn__has_a_heap_later),
		cmocka_unit_test(
			visit__own_heap_elsewhere_between__is_in_a_row),
		cmocka_unit_test(
			visit__no_heap_is_to_be_had__has_one_when_there_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
