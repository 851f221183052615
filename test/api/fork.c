/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * fork.c -- the library in a forked child and in its parent
 *
 * ctest: threads
 */
#include "harness/test.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "harness/objects.h"

struct heap {
	VMEM *vmp;
	struct objects set;
	struct rng rng;
};

static void
heap_open(struct heap *heap, VMEM *vmp, const char *name)
{
	heap->vmp = vmp;
	rng_init(&heap->rng, name);
	objects_init(&heap->set, vmp);
	objects_churn(&heap->set, &heap->rng, 3000, 10000);
}

static int
use_own_pools(void *arg)
{
	VMEM *pools[] = {
		test_pool(VMEM_MIN_POOL), test_file_pool(VMEM_MIN_POOL)};
	struct rng *rng = arg;

	for (size_t i = 0; i < NELEM(pools); i++) {
		struct objects set;

		objects_init(&set, pools[i]);
		objects_churn(&set, rng, 3000, 10000);
		objects_verify(&set);
		must(vmem_check(pools[i]) == 1);
		objects_fini(&set);
		vmem_delete(pools[i]);
	}
	must(rmdir(test_dir()) == 0);
	return 0;
}

static void
fork__child_makes_pools_of_its_own__works(void **state)
{
	struct heap heap;

	(void)state;
	heap_open(&heap, test_pool(VMEM_MIN_POOL), __func__);
	for (unsigned i = 0; i < 10; i++)
		assert_int_equal(test_child(use_own_pools, &heap.rng), 0);
	objects_verify(&heap.set);
	assert_int_equal(vmem_check(heap.vmp), 1);
	objects_fini(&heap.set);
	test_pool_delete(heap.vmp, VMEM_MIN_POOL);
}

/* a private region is the child's own copy: all of it may be used */
static int
use_inherited_region(void *arg)
{
	struct heap *heap = arg;

	must(vmem_check(heap->vmp) == 1);
	objects_verify(&heap->set);
	objects_churn(&heap->set, &heap->rng, 5000, 10000);
	must(vmem_check(heap->vmp) == 1);
	objects_fini(&heap->set);
	must(vmem_check(heap->vmp) == 1);
	must(vmem_malloc(heap->vmp, 12 * MIB) != NULL);
	vmem_delete(heap->vmp);
	return 0;
}

static void
fork__child_uses_an_inherited_region_pool__is_a_copy(void **state)
{
	struct heap heap;

	(void)state;
	heap_open(&heap, test_pool(VMEM_MIN_POOL), __func__);
	for (unsigned i = 0; i < 5; i++) {
		assert_int_equal(test_child(use_inherited_region, &heap), 0);
		objects_verify(&heap.set);
		assert_int_equal(vmem_check(heap.vmp), 1);
		objects_churn(&heap.set, &heap.rng, 1000, 10000);
	}
	objects_fini(&heap.set);
	test_pool_delete(heap.vmp, VMEM_MIN_POOL);
}

/* a file pool is shared: the child adds to it, and damages nothing */
static int
use_inherited_file_pool(void *arg)
{
	struct heap *heap = arg;
	struct objects set;

	objects_verify(&heap->set);
	must(vmem_check(heap->vmp) == 1);
	objects_init(&set, heap->vmp);
	objects_churn(&set, &heap->rng, 3000, 10000);
	objects_verify(&set);
	objects_verify(&heap->set);
	objects_fini(&set);
	must(vmem_check(heap->vmp) == 1);
	return 0;
}

static void
fork__child_uses_its_parents_file_pool__both_go_on(void **state)
{
	struct heap heap;

	(void)state;
	heap_open(&heap, test_file_pool(32 * MIB), __func__);
	for (unsigned i = 0; i < 5; i++) {
		assert_int_equal(test_child(use_inherited_file_pool, &heap), 0);
		objects_verify(&heap.set);
		assert_int_equal(vmem_check(heap.vmp), 1);
		objects_churn(&heap.set, &heap.rng, 3000, 10000);
		objects_verify(&heap.set);
		assert_int_equal(vmem_check(heap.vmp), 1);
	}
	objects_fini(&heap.set);
	vmem_delete(heap.vmp);
}

/* what the child writes into an object of a file pool, the parent reads */
static int
write_into_object(void *ptr)
{
	strcpy(ptr, "the child was here");
	return 0;
}

static void
fork__file_pool__is_the_same_memory(void **state)
{
	VMEM *vmp = test_file_pool(VMEM_MIN_POOL);
	char *ptr = vmem_calloc(vmp, 1, 100);

	(void)state;
	assert_non_null(ptr);
	assert_int_equal(test_child(write_into_object, ptr), 0);
	assert_string_equal(ptr, "the child was here");
	vmem_delete(vmp);
}

/* the end of a child, and its delete, are its own affair */
static int
delete_inherited(void *vmp)
{
	vmem_delete(vmp);
	must(vmem_check(vmp) == -1);
	return 0;
}

static void
fork__child_deletes_a_region_pool__parent_keeps_it(void **state)
{
	struct heap heap;

	(void)state;
	heap_open(&heap, test_pool(VMEM_MIN_POOL), __func__);
	assert_int_equal(test_child(delete_inherited, heap.vmp), 0);
	objects_verify(&heap.set);
	assert_int_equal(vmem_check(heap.vmp), 1);
	objects_fini(&heap.set);
	test_pool_delete(heap.vmp, VMEM_MIN_POOL);
}

/*
 * Locks are never left held: fork at any moment of other threads' calls, and
 * use in the child what they were in.
 */
struct busy {
	VMEM *vmp;
	atomic_bool stop;
	pthread_t threads[2];
	struct rng rng;
};

static void *
stay_busy(void *arg)
{
	struct busy *busy = arg;
	struct objects set;
	struct rng rng;

	rng_init_from(&rng, (uint64_t)pthread_self());
	objects_init(&set, busy->vmp);
	while (!atomic_load(&busy->stop)) {
		objects_churn(&set, &rng, 200, 20000);
		while (set.n > 200)
			objects_drop(&set, set.n - 1);
		(void)vmem_check(busy->vmp);
	}
	objects_fini(&set);
	return NULL;
}

static int
use_what_others_were_in(void *arg)
{
	struct busy *busy = arg;
	struct objects set;

	objects_init(&set, busy->vmp);
	objects_churn(&set, &busy->rng, 2000, 20000);
	objects_verify(&set);
	objects_fini(&set);
	vmem_stats_print(busy->vmp, "gabl");
	vmem_delete(busy->vmp);
	return use_own_pools(&busy->rng);
}

static void
ignore_text(const char *text)
{
	(void)text;
}

static void
fork__while_other_threads_work__leaves_no_lock_held(void **state)
{
	struct busy busy = {.vmp = test_pool(32 * MIB)};

	(void)state;
	rng_init(&busy.rng, __func__);
	vmem_set_funcs(NULL, NULL, NULL, NULL, ignore_text);
	for (size_t i = 0; i < NELEM(busy.threads); i++)
		assert_int_equal(pthread_create(&busy.threads[i], NULL,
					 stay_busy, &busy),
			0);
	for (unsigned i = 0; i < (TEST_SANITIZED ? 10 : 60); i++)
		assert_int_equal(test_child(use_what_others_were_in, &busy), 0);
	atomic_store(&busy.stop, true);
	for (size_t i = 0; i < NELEM(busy.threads); i++)
		assert_int_equal(pthread_join(busy.threads[i], NULL), 0);
	vmem_set_funcs(NULL, NULL, NULL, NULL, NULL);
	assert_int_equal(vmem_check(busy.vmp), 1);
	test_pool_delete(busy.vmp, 32 * MIB);
}

/* the grandchild, and a child that forks while it uses the pool */
static int
fork_again(void *arg)
{
	struct heap *heap = arg;

	objects_churn(&heap->set, &heap->rng, 500, 10000);
	must(test_child(use_inherited_region, heap) == 0);
	objects_verify(&heap->set);
	must(vmem_check(heap->vmp) == 1);
	return 0;
}

static void
fork__of_a_fork__works(void **state)
{
	struct heap heap;

	(void)state;
	heap_open(&heap, test_pool(VMEM_MIN_POOL), __func__);
	assert_int_equal(test_child(fork_again, &heap), 0);
	objects_fini(&heap.set);
	test_pool_delete(heap.vmp, VMEM_MIN_POOL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fork__child_makes_pools_of_its_own__works),
		cmocka_unit_test(
			fork__child_uses_an_inherited_region_pool__is_a_copy),
		cmocka_unit_test(
			fork__child_uses_its_parents_file_pool__both_go_on),
		cmocka_unit_test(fork__file_pool__is_the_same_memory),
		cmocka_unit_test(
			fork__child_deletes_a_region_pool__parent_keeps_it),
		cmocka_unit_test(
			fork__while_other_threads_work__leaves_no_lock_held),
		cmocka_unit_test(fork__of_a_fork__works),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
