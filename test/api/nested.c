/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * nested.c -- pools in objects of other pools: as when a device is one pool,
 * and each tenant has one in an object of it
 *
 * ctest: threads
 */
#include "harness/test.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/options.h"
#include "harness/threads.h"

#define OUTER_BYTES (8 * VMEM_MIN_POOL)
#define INNER_BYTES (VMEM_MIN_POOL + MIB)
#define NTENANTS    4

static VMEM *
outer_pool(int source, int level)
{
	struct vmem_options o = options_of(source);

	o.size = OUTER_BYTES;
	o.hardening = level;
	o.path = source == VMEM_SOURCE_PATH ? test_dir() : NULL;
	if (source == VMEM_SOURCE_REGION) {
		o.addr = mmap(NULL, OUTER_BYTES, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		must(o.addr != MAP_FAILED);
	}
	return create(&o);
}

static VMEM *
inner_pool(VMEM *outer, size_t size)
{
	void *mem =
		vmem_aligned_alloc(outer, (size_t)sysconf(_SC_PAGESIZE), size);
	VMEM *vmp;

	must(mem != NULL);
	vmp = vmem_create_in_region(mem, size);
	must(vmp != NULL);
	return vmp;
}

/* delete_inner -- and its object is memory as any other */
static void
delete_inner(VMEM *outer, VMEM *inner, size_t size)
{
	vmem_delete(inner);
	memset(inner, 0x5a, size);
	vmem_free(outer, inner);
}

static void
work(VMEM *vmp)
{
	struct objects set;
	struct rng rng;

	rng_init(&rng, "nested");
	objects_init(&set, vmp);
	objects_churn(&set, &rng, 3000, 20000);
	objects_fini(&set);
}

static void
use_and_check(VMEM *vmp)
{
	work(vmp);
	must(vmem_check(vmp) == 1);
}

static int
count(void *ptr, size_t usable, void *arg)
{
	size_t *n = arg;

	(void)usable;
	*n += ptr != NULL;
	return 0;
}

static void
both_live(int source, int level)
{
	VMEM *outer = outer_pool(source, level), *inner;
	void *before = vmem_malloc(outer, 100), *ptr;
	size_t n = 0;

	must(before != NULL);
	inner = inner_pool(outer, INNER_BYTES);
	use_and_check(outer);
	use_and_check(inner);
	ptr = vmem_malloc(inner, 100);
	assert_ptr_equal(vmem_pool_of(ptr), inner);
	assert_ptr_equal(vmem_pool_of(before), outer);
	/* to the outer one all of it is one object */
	assert_int_equal(vmem_walk(outer, count, &n), 0);
	assert_int_equal(n, 2);
	assert_true(vmem_trim(outer, 0) >= 0);
	assert_true(vmem_trim(inner, 0) >= 0);
	vmem_free(inner, ptr);
	assert_int_equal(stats_of(inner).allocated, 0);
	assert_int_equal(vmem_check(inner), 1);
	assert_int_equal(vmem_check(outer), 1);
	delete_inner(outer, inner, INNER_BYTES);
	assert_int_equal(vmem_check(inner), -1);
	use_and_check(outer);
	vmem_free(outer, before);
	assert_int_equal(stats_of(outer).allocated, 0);
	vmem_delete(outer);
}

static void
nested__in_an_object__both_live(void **state)
{
	(void)state;
	for (int level = 0; level <= 3; level++) {
		both_live(VMEM_SOURCE_PATH, level);
		both_live(VMEM_SOURCE_MEMFD, level);
		both_live(VMEM_SOURCE_PRIVATE, level);
		both_live(VMEM_SOURCE_REGION, level);
	}
}

/* the region is somewhere in its object, as where that was aligned by hand */
static void
nested__in_the_middle_of_an_object__both_live(void **state)
{
	VMEM *outer = outer_pool(VMEM_SOURCE_PATH, 1), *inner;
	char *mem = vmem_malloc(outer, INNER_BYTES + 7 * MIB);

	(void)state;
	must(mem != NULL);
	mem += 5 * MIB - (uintptr_t)mem % MIB;
	inner = vmem_create_in_region(mem, INNER_BYTES);
	assert_non_null(inner);
	use_and_check(inner);
	use_and_check(outer);
	assert_int_equal(vmem_check(outer), 1);
	vmem_delete(inner);
	assert_int_equal(vmem_check(outer), 1);
	vmem_delete(outer);
}

static void
nested__three_levels__each_lives(void **state)
{
	VMEM *outer = outer_pool(VMEM_SOURCE_PATH, 1);
	VMEM *middle = inner_pool(outer, 3 * VMEM_MIN_POOL);
	VMEM *inner = inner_pool(middle, INNER_BYTES);

	(void)state;
	use_and_check(inner);
	use_and_check(middle);
	use_and_check(outer);
	assert_int_equal(vmem_check(middle), 1);
	delete_inner(middle, inner, INNER_BYTES);
	use_and_check(middle);
	delete_inner(outer, middle, 3 * VMEM_MIN_POOL);
	use_and_check(outer);
	vmem_delete(outer);
}

/* tenant -- makes a pool in an object, works in both, deletes it */
static void
tenant(size_t idx, struct rng *rng, void *arg)
{
	VMEM *outer = arg;

	(void)idx;
	(void)rng;
	for (int round = 0; round < 10; round++) {
		VMEM *inner = inner_pool(outer, VMEM_MIN_POOL);
		void *ptr = vmem_malloc(outer, 1000);

		must(ptr != NULL);
		use_and_check(inner);
		must(vmem_check(outer) == 1);
		vmem_free(outer, ptr);
		delete_inner(outer, inner, VMEM_MIN_POOL);
	}
}

static void
nested__of_some_threads__all_live(void **state)
{
	VMEM *outer = outer_pool(VMEM_SOURCE_PRIVATE, 1);

	(void)state;
	threads_run(NTENANTS, tenant, outer, __func__);
	assert_int_equal(vmem_check(outer), 1);
	assert_int_equal(stats_of(outer).allocated, 0);
	vmem_delete(outer);
}

/* all objects are freed, so those are lost that lie in some; and no page of the
 * outer pool is closed */
static void
nested__outer_is_reset__inner_is_lost(void **state)
{
	VMEM *outer = outer_pool(VMEM_SOURCE_PATH, 1);
	VMEM *inner = inner_pool(outer, INNER_BYTES);
	void *ptr;

	(void)state;
	must(vmem_malloc(inner, 100) != NULL);
	assert_int_equal(vmem_reset(outer), 0);
	assert_null(vmem_malloc(inner, 100));
	assert_int_equal(vmem_check(inner), -1);
	while ((ptr = vmem_malloc(outer, 100000)) != NULL)
		memset(ptr, 1, 100000);
	vmem_delete(inner);
	assert_int_equal(vmem_check(outer), 1);
	vmem_delete(outer);
}

/* the caller's memory is the caller's, whatever was made of a part of it */
static void
nested__outer_region_is_deleted__all_of_it_is_open(void **state)
{
	VMEM *outer = outer_pool(VMEM_SOURCE_REGION, 1);
	VMEM *inner = inner_pool(outer, INNER_BYTES);

	(void)state;
	vmem_delete(outer);
	memset(outer, 1, OUTER_BYTES);
	assert_null(vmem_malloc(inner, 100));
	vmem_delete(inner);
	assert_int_equal(((char *)inner)[0], 1);
	assert_int_equal(munmap(outer, OUTER_BYTES), 0);
}

/* what is not all in one live object is still taken from the outer pool */
static int
over_more_than_an_object(void *arg)
{
	VMEM *outer = outer_pool(VMEM_SOURCE_REGION, 1);
	size_t page = (size_t)sysconf(_SC_PAGESIZE), end = *(size_t *)arg;
	char *mem = vmem_aligned_alloc(outer, page, INNER_BYTES);

	must(mem != NULL);
	if (end == 0)
		vmem_free(outer, mem);
	must(vmem_create_in_region(mem + end, INNER_BYTES) != NULL);
	must(vmem_malloc(outer, 100) == NULL);
	must(vmem_check(outer) == 0);
	must(vmem_check((VMEM *)(mem + end)) == 0);
	return 0;
}

static void
nested__not_in_one_live_object__outer_is_lost(void **state)
{
	size_t ends[] = {0, (size_t)sysconf(_SC_PAGESIZE)};

	(void)state;
	for (size_t i = 0; i < NELEM(ends); i++)
		assert_int_equal(
			test_child(over_more_than_an_object, &ends[i]), 0);
}

/* the old pool's memory is not what it was: nobody may look there */
static int
over_lost_memory(void *arg)
{
	VMEM *outer = outer_pool(VMEM_SOURCE_REGION, 1);
	char *mem = vmem_aligned_alloc(
		outer, (size_t)sysconf(_SC_PAGESIZE), INNER_BYTES);
	int prot = *(int *)arg;

	must(mem != NULL);
	if (prot < 0)
		must(munmap(outer, OUTER_BYTES) == 0);
	else
		must(mmap(outer, OUTER_BYTES, prot,
			     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
			     0) == outer);
	must(mmap(mem, INNER_BYTES, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == mem);
	must(vmem_create_in_region(mem, INNER_BYTES) == (VMEM *)mem);
	work((VMEM *)mem);
	vmem_delete((VMEM *)mem);
	return 0;
}

static void
nested__outer_memory_is_gone__is_not_looked_at(void **state)
{
	int prots[] = {-1, PROT_NONE, PROT_READ};

	(void)state;
	for (size_t i = 0; i < NELEM(prots); i++)
		assert_int_equal(test_child(over_lost_memory, &prots[i]), 0);
}

/* each process has its own of both */
static void
nested__after_a_fork__both_go_on(void **state)
{
	VMEM *outer = outer_pool(VMEM_SOURCE_PRIVATE, 1);
	VMEM *inner = inner_pool(outer, INNER_BYTES);
	pid_t pid;
	int status;

	(void)state;
	must(vmem_malloc(inner, 100) != NULL);
	pid = fork();
	must(pid >= 0);
	if (pid == 0) {
		use_and_check(inner);
		use_and_check(outer);
		must(vmem_check(inner) == 1 && vmem_check(outer) == 1);
		vmem_delete(inner);
		use_and_check(outer);
		_exit(0);
	}
	use_and_check(outer);
	use_and_check(inner);
	must(waitpid(pid, &status, 0) == pid);
	assert_int_equal(status, 0);
	assert_int_equal(vmem_check(inner), 1);
	assert_int_equal(vmem_check(outer), 1);
	vmem_delete(inner);
	vmem_delete(outer);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nested__in_an_object__both_live),
		cmocka_unit_test(nested__in_the_middle_of_an_object__both_live),
		cmocka_unit_test(nested__three_levels__each_lives),
		cmocka_unit_test(nested__of_some_threads__all_live),
		cmocka_unit_test(nested__outer_is_reset__inner_is_lost),
		cmocka_unit_test(
			nested__outer_region_is_deleted__all_of_it_is_open),
		cmocka_unit_test(nested__not_in_one_live_object__outer_is_lost),
		cmocka_unit_test(
			nested__outer_memory_is_gone__is_not_looked_at),
		cmocka_unit_test(nested__after_a_fork__both_go_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
