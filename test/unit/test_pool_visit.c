/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_pool_visit.c -- when a thread gets a heap of its own in a pool where it
 * is not the first, and what of a region counts as touched
 */
#include "pool/pool_internal.h"

#include "harness/test.h"

#include <pthread.h>
#include <sys/mman.h>

#define POOL   (16 * MIB)
#define NEW    128 /* operations before a heap is made for a thread */
#define PARKED 64  /* and before it gets one that is there */
#define NSIZES 30

static VMEM *vmp;
static void *region;
static pthread_barrier_t in, out;

static void
open_pool(void)
{
	vmp = vmem_create_in_region(region, POOL);
	must(vmp != NULL);
	vmem_free(vmp, vmem_malloc(vmp, 100));
	if (!thread_fast_allowed())
		test_skip("no private heaps on this kernel");
	must(thread_entry(vmp)->heap != NULL);
}

static void
close_pool(void)
{
	assert_int_equal(vmem_check(vmp), 1);
	vmem_delete(vmp);
}

/* ops_before -- operations of this thread before it has a heap of its own */
static void *
ops_before(void *arg)
{
	size_t *n = arg;
	void *p = NULL;

	for (*n = 0; *n < (size_t)2 * NEW; ++*n) {
		if (*n % 2 == 0)
			p = vmem_malloc(vmp, 100);
		else
			vmem_free(vmp, p);
		if (thread_entry(vmp)->heap != NULL)
			break;
	}
	return NULL;
}

static size_t
ops_of_another(void)
{
	pthread_t thread;
	size_t n;

	must(pthread_create(&thread, NULL, ops_before, &n) == 0);
	must(pthread_join(thread, NULL) == 0);
	return n;
}

/* the first operation says who the thread is, and does not count */
static void
malloc__thread_is_not_the_first__gets_a_heap_after_a_while(void **state)
{
	(void)state;
	open_pool();
	assert_int_equal(ops_of_another(), NEW);
	close_pool();
}

static void *
be_late(void *arg)
{
	vmem_free(vmp, vmem_malloc(vmp, 100));
	(void)pthread_barrier_wait(&in);
	(void)pthread_barrier_wait(&out);
	/* meanwhile one has been parked */
	(void)ops_before(arg);
	return NULL;
}

static void
malloc__heap_is_parked_meanwhile__is_had_sooner(void **state)
{
	pthread_t late;
	size_t n;

	(void)state;
	open_pool();
	must(pthread_barrier_init(&in, NULL, 2) == 0);
	must(pthread_barrier_init(&out, NULL, 2) == 0);
	must(pthread_create(&late, NULL, be_late, &n) == 0);
	(void)pthread_barrier_wait(&in);
	must(ops_of_another() == NEW);
	must(pool_at(vmp)->dir.parked != NULL);
	(void)pthread_barrier_wait(&out);
	must(pthread_join(late, NULL) == 0);
	/* the malloc and free before count, but for the first */
	assert_int_equal(n, PARKED - 2);
	close_pool();
}

static size_t
nslabs(void)
{
	struct heap *h = thread_entry(vmp)->heap;
	size_t n = 0;

	for (unsigned c = 0; c < h->table->nclasses; c++)
		n += heap_bin(h, h->table, c)->nslabs;
	return n;
}

/* pass_each -- an object of each size that does not stay */
static void
pass_each(void)
{
	const struct class_table *t = pool_at(vmp)->dir.table;

	for (size_t i = 0; i < NSIZES; i++)
		vmem_free(vmp, vmem_malloc(vmp, t->cls[i].size));
}

/*
 * A bin without objects gives its slab away where pages would have to be
 * touched; what is known of a region is whether a pool was there before.
 */
static void
malloc__region__counts_as_touched_the_second_time(void **state)
{
	(void)state;
	open_pool();
	pass_each();
	assert_in_range(nslabs(), 1, NSIZES / 2);
	close_pool();
	open_pool();
	pass_each();
	assert_in_range(nslabs(), NSIZES, NSIZES + 1);
	/* as after a reset, whatever was there before */
	must(vmem_reset(vmp) == 0);
	vmem_free(vmp, vmem_malloc(vmp, 100));
	pass_each();
	assert_in_range(nslabs(), NSIZES, NSIZES + 1);
	close_pool();
}

static void
malloc__fresh_region_is_reset__counts_as_touched(void **state)
{
	(void)state;
	open_pool();
	for (size_t i = 0; i < 1000; i++)
		must(vmem_malloc(vmp, 1000) != NULL);
	must(vmem_reset(vmp) == 0);
	vmem_free(vmp, vmem_malloc(vmp, 100));
	pass_each();
	assert_in_range(nslabs(), NSIZES, NSIZES + 1);
	close_pool();
}

static int
map_region(void **state)
{
	(void)state;
	region = mmap(NULL, POOL, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	return region == MAP_FAILED ? -1 : 0;
}

static int
unmap_region(void **state)
{
	(void)state;
	return munmap(region, POOL);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, map_region, unmap_region)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(malloc__thread_is_not_the_first__gets_a_heap_after_a_while),
		TEST(malloc__heap_is_parked_meanwhile__is_had_sooner),
		TEST(malloc__region__counts_as_touched_the_second_time),
		TEST(malloc__fresh_region_is_reset__counts_as_touched),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
