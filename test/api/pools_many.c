/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * pools_many.c -- thousands of pools, one after the other and at once
 *
 * ctest: timeout=300 serial not-debug not-valgrind
 */
#include "harness/test.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "harness/fs.h"
#include "harness/objects.h"
#include "harness/proc.h"
#include "harness/region.h"

#define NSEQUENCE       ((size_t)(TEST_SANITIZED ? 1000 : 10000))
#define NHELD           ((size_t)(TEST_SANITIZED ? 300 : 2000))
#define NFILE_POOLS     ((size_t)(TEST_SANITIZED ? 100 : 1100))
#define FEW_DESCRIPTORS 64
#define NTHREADS        4

/* what a pool with one object may touch for each of its threads */
#define TOUCHED_MAX (64 * KIB)

static void *
reserve(size_t size)
{
	void *addr = mmap(NULL, size, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	must(addr != MAP_FAILED);
	return addr;
}

static void
use_once(VMEM *vmp)
{
	char *ptr;

	must(vmp != NULL);
	ptr = vmem_malloc(vmp, 100);
	must(ptr != NULL);
	memset(ptr, 1, 100);
}

static void
create_delete__10000_times_in_one_region__works(void **state)
{
	struct region region;
	size_t vm_size;

	(void)state;
	region_open(&region, VMEM_MIN_POOL);
	use_once(vmem_create_in_region(region.addr, region.size));
	vmem_delete((VMEM *)(void *)region.addr);
	vm_size = test_vm_size();
	for (size_t i = 0; i < NSEQUENCE; i++) {
		use_once(vmem_create_in_region(region.addr, region.size));
		vmem_delete((VMEM *)(void *)region.addr);
	}
	assert_true(test_vm_size() <= vm_size + MIB);
	region_close(&region);
}

static void
create_delete__10000_times_in_moving_regions__works(void **state)
{
	char *map = reserve(GIB);

	(void)state;
	for (size_t i = 0; i < NSEQUENCE; i++) {
		size_t off = i * 4096 * 61 % (GIB - VMEM_MIN_POOL);
		VMEM *vmp;

		off &= ~(size_t)4095;
		vmp = vmem_create_in_region(map + off, VMEM_MIN_POOL);
		use_once(vmp);
		vmem_delete(vmp);
		if (i % 100 == 0) /* what was touched goes */
			must(madvise(map, GIB, MADV_DONTNEED) == 0);
	}
	munmap(map, GIB);
}

struct held {
	VMEM *vmp[2000];
	void *ptr[2000];
	char *map;
};

static void *
use_all_held(void *arg)
{
	struct held *held = arg;

	for (size_t i = 0; i < NHELD; i++)
		use_once(held->vmp[i]);
	return NULL;
}

static void
held_open(struct held *held)
{
	held->map = reserve(NHELD * VMEM_MIN_POOL);
	for (size_t i = 0; i < NHELD; i++) {
		held->vmp[i] = vmem_create_in_region(
			held->map + i * VMEM_MIN_POOL, VMEM_MIN_POOL);
		must(held->vmp[i] != NULL);
	}
}

static void
held_close(struct held *held)
{
	for (size_t i = 0; i < NHELD; i++)
		vmem_delete(held->vmp[i]);
	munmap(held->map, NHELD * VMEM_MIN_POOL);
}

static size_t
resident_of(const char *map, size_t npools)
{
	return test_resident(map, npools * VMEM_MIN_POOL);
}

static void
hold_2000_pools__four_threads_each__touch_little(void **state)
{
	static struct held held;
	pthread_t threads[NTHREADS];
	size_t touched;

	(void)state;
	held_open(&held);
	for (size_t i = 0; i < NTHREADS; i++)
		assert_int_equal(
			pthread_create(&threads[i], NULL, use_all_held, &held),
			0);
	for (size_t i = 0; i < NTHREADS; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	touched = resident_of(held.map, NHELD) / NHELD / NTHREADS;
	print_message("%zu bytes for a pool and thread\n", touched);
	assert_true(touched < TOUCHED_MAX);
	for (size_t i = 0; i < NHELD; i += 37)
		assert_int_equal(vmem_check(held.vmp[i]), 1);
	held_close(&held);
}

/* objects of all pools at once, freed through a wrong handle as well */
static void
hold_2000_pools__objects_of_each__stay_apart(void **state)
{
	static struct held held;

	(void)state;
	held_open(&held);
	for (size_t i = 0; i < NHELD; i++) {
		held.ptr[i] = vmem_malloc(held.vmp[i], 1000);
		assert_non_null(held.ptr[i]);
		assert_true((char *)held.ptr[i] > (char *)held.vmp[i] &&
			    (char *)held.ptr[i] <
				    (char *)held.vmp[i] + VMEM_MIN_POOL);
		test_fill(held.ptr[i], 1000, i);
	}
	for (size_t i = 0; i < NHELD; i++)
		assert_true(test_holds(held.ptr[i], 1000, i));
	for (size_t i = 0; i < NHELD; i++)
		vmem_free(held.vmp[(i + i % 3) % NHELD], held.ptr[i]);
	for (size_t i = 0; i < NHELD; i++)
		assert_int_equal(
			vmem_malloc_usable_size(held.vmp[i], held.ptr[i]), 0);
	held_close(&held);
}

/* the knowledge that a thread has of a pool is of no use for the next one */
struct relay {
	char *addr;
	VMEM *vmp;
	pthread_barrier_t barrier;
	struct rng rng;
};

#define NRELAYS ((unsigned)(TEST_SANITIZED ? 100 : 1000))

static void *
first_runner(void *arg)
{
	struct relay *relay = arg;

	for (unsigned i = 0; i < NRELAYS; i++) {
		/* a pool is at the address, made by the other thread */
		pthread_barrier_wait(&relay->barrier);
		must(vmem_check(relay->vmp) == 1);
		for (size_t size = 1; size < 100; size++) {
			char *ptr = vmem_malloc(relay->vmp, size);

			must(ptr != NULL);
			memset(ptr, 0xff, size);
			if (size % 3 == 0)
				vmem_free(relay->vmp, ptr);
		}
		must(vmem_check(relay->vmp) == 1);
		pthread_barrier_wait(&relay->barrier);
	}
	return NULL;
}

static void
create__same_address_and_stale_threads__is_a_new_pool(void **state)
{
	struct relay relay = {.addr = reserve(2 * VMEM_MIN_POOL)};
	pthread_t thread;

	(void)state;
	rng_init(&relay.rng, __func__);
	must(pthread_barrier_init(&relay.barrier, NULL, 2) == 0);
	must(pthread_create(&thread, NULL, first_runner, &relay) == 0);
	for (unsigned i = 0; i < NRELAYS; i++) {
		size_t size = VMEM_MIN_POOL +
			      rng_between(&relay.rng, 0, VMEM_MIN_POOL);

		if (i % 4 == 0)
			memset(relay.addr, (int)i, MIB);
		relay.vmp = vmem_create_in_region(relay.addr, size);
		use_once(relay.vmp);
		pthread_barrier_wait(&relay.barrier);
		pthread_barrier_wait(&relay.barrier);
		assert_int_equal(vmem_check(relay.vmp), 1);
		vmem_delete(relay.vmp);
	}
	assert_int_equal(pthread_join(thread, NULL), 0);
	munmap(relay.addr, 2 * VMEM_MIN_POOL);
}

struct file_pools {
	char dir[4096];
	size_t n;
};

/* more file pools than the process may have descriptors */
static int
hold_file_pools(void *arg)
{
	static VMEM *vmp[NFILE_POOLS];
	struct rlimit limit = {FEW_DESCRIPTORS, FEW_DESCRIPTORS};
	const struct file_pools *pools = arg;

	must(setrlimit(RLIMIT_NOFILE, &limit) == 0);
	for (size_t i = 0; i < pools->n; i++) {
		vmp[i] = vmem_create(pools->dir, VMEM_MIN_POOL);
		use_once(vmp[i]);
	}
	must(proc_count().nfds < FEW_DESCRIPTORS);
	for (size_t i = 0; i < pools->n; i += 50)
		must(vmem_check(vmp[i]) == 1);
	for (size_t i = 0; i < pools->n; i++)
		vmem_delete(vmp[i]);
	return 0;
}

static void
create__more_file_pools_than_descriptors__works(void **state)
{
	struct file_pools pools;

	(void)state;
	/* no more than half of what is free there */
	pools.n = fs_free_bytes(test_dir()) / VMEM_MIN_POOL / 2;
	if (pools.n > NFILE_POOLS)
		pools.n = NFILE_POOLS;
	if (pools.n <= FEW_DESCRIPTORS)
		test_skip("not enough room on disk");
	snprintf(pools.dir, sizeof(pools.dir), "%s", test_dir());
	assert_int_equal(test_child(hold_file_pools, &pools), 0);
	assert_int_equal(fs_nfiles(pools.dir), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			create_delete__10000_times_in_one_region__works),
		cmocka_unit_test(
			create_delete__10000_times_in_moving_regions__works),
		cmocka_unit_test(
			hold_2000_pools__four_threads_each__touch_little),
		cmocka_unit_test(hold_2000_pools__objects_of_each__stay_apart),
		cmocka_unit_test(
			create__same_address_and_stale_threads__is_a_new_pool),
		cmocka_unit_test(
			create__more_file_pools_than_descriptors__works),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
