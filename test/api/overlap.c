/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * overlap.c -- pools that were made over live pools
 *
 * The memory is the caller's, so creation is not refused; the check tells, and
 * nothing crashes.  Everything runs in a child, whose end is what counts.
 *
 * ctest: threads
 */
#include "harness/test.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define MAP_BYTES (VMEM_MIN_POOL * 4)

struct overlap {
	size_t off[2]; /* from the start of the memory */
	size_t size[2];
	size_t first_deleted; /* 0 the older pool, 1 the newer one */
};

static const struct overlap overlaps[] = {
	{{0, VMEM_MIN_POOL / 2}, {VMEM_MIN_POOL, VMEM_MIN_POOL}, 0},
	{{0, VMEM_MIN_POOL / 2}, {VMEM_MIN_POOL, VMEM_MIN_POOL}, 1},
	{{VMEM_MIN_POOL / 2, 0}, {VMEM_MIN_POOL, VMEM_MIN_POOL}, 0},
	{{VMEM_MIN_POOL / 2, 0}, {VMEM_MIN_POOL, VMEM_MIN_POOL}, 1},
	{{0, 4096}, {VMEM_MIN_POOL, VMEM_MIN_POOL}, 0},
	{{0, 4096}, {VMEM_MIN_POOL, VMEM_MIN_POOL}, 1},
	{{4096, 0}, {VMEM_MIN_POOL, VMEM_MIN_POOL}, 0},
	{{4096, 0}, {VMEM_MIN_POOL, VMEM_MIN_POOL}, 1},
	{{0, VMEM_MIN_POOL - 4096}, {VMEM_MIN_POOL, VMEM_MIN_POOL}, 0},
	{{0, VMEM_MIN_POOL - 4096}, {VMEM_MIN_POOL, VMEM_MIN_POOL}, 1},
	/* one inside of the other */
	{{0, MIB}, {VMEM_MIN_POOL * 3, VMEM_MIN_POOL}, 0},
	{{0, MIB}, {VMEM_MIN_POOL * 3, VMEM_MIN_POOL}, 1},
	{{MIB, 0}, {VMEM_MIN_POOL, VMEM_MIN_POOL * 3}, 0},
	{{MIB, 0}, {VMEM_MIN_POOL, VMEM_MIN_POOL * 3}, 1},
};

static char *
new_memory(void)
{
	char *mem = mmap(NULL, MAP_BYTES, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	must(mem != MAP_FAILED);
	return mem;
}

static int
create_check_delete(void *arg)
{
	const struct overlap *o = arg;
	char *mem = new_memory();
	VMEM *vmp[2];

	vmp[0] = vmem_create_in_region(mem + o->off[0], o->size[0]);
	must(vmp[0] != NULL);
	for (size_t i = 1; i <= 2000; i++)
		must(vmem_malloc(vmp[0], i) != NULL);
	must(vmem_check(vmp[0]) == 1);

	vmp[1] = vmem_create_in_region(mem + o->off[1], o->size[1]);
	must(vmp[1] == (void *)(mem + o->off[1]));
	must(vmem_check(vmp[0]) == 0);
	must(strlen(vmem_errormsg()) > 0);
	must(vmem_check(vmp[1]) == 0);

	vmem_delete(vmp[o->first_deleted]);
	must(vmem_check(vmp[o->first_deleted]) == -1);
	must(vmem_check(vmp[!o->first_deleted]) != 1);
	vmem_delete(vmp[!o->first_deleted]);
	must(vmem_check(vmp[0]) == -1);
	must(vmem_check(vmp[1]) == -1);
	return 0;
}

static void
create__over_a_live_pool__both_fail_their_check(void **state)
{
	(void)state;
	for (size_t i = 0; i < NELEM(overlaps); i++) {
		struct overlap o = overlaps[i];
		int code = test_child(create_check_delete, &o);

		if (code != 0)
			print_error("overlap %zu\n", i);
		assert_int_equal(code, 0);
	}
}

/* the same, and the pools are put to work before and after the delete */
static int
use_overlapping(void *arg)
{
	const struct overlap *o = arg;
	char *mem = new_memory();
	VMEM *vmp[2];

	for (size_t i = 0; i < 2; i++) {
		vmp[i] = vmem_create_in_region(mem + o->off[i], o->size[i]);
		must(vmp[i] != NULL);
	}
	for (size_t i = 0; i < 2; i++) {
		void *ptr = vmem_malloc(vmp[i], 100);

		vmem_free(vmp[i], ptr);
	}
	vmem_delete(vmp[o->first_deleted]);
	must(vmem_check(vmp[o->first_deleted]) == -1);
	(void)vmem_check(vmp[!o->first_deleted]); /* ends, that is all */
	vmem_delete(vmp[!o->first_deleted]);
	must(vmem_check(vmp[!o->first_deleted]) == -1);
	return 0;
}

static void
malloc__in_overlapping_pools__does_not_crash(void **state)
{
	(void)state;
	for (size_t i = 0; i < NELEM(overlaps); i++) {
		struct overlap o = overlaps[i];
		int code = test_child(use_overlapping, &o);

		if (code != 0)
			print_error("overlap %zu\n", i);
		assert_int_equal(code, 0);
	}
}

/* memory that was unmapped behind the library's back, and mapped anew */
static int
create_on_the_same_address(void *arg)
{
	char *mem = new_memory();
	VMEM *vmp = vmem_create_in_region(mem, VMEM_MIN_POOL);
	void *ptr;

	(void)arg;
	must(vmp != NULL);
	must(vmem_malloc(vmp, 100) != NULL);
	must(mmap(mem, MAP_BYTES, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == mem);
	must(vmem_create_in_region(mem, VMEM_MIN_POOL) == vmp);
	ptr = vmem_malloc(vmp, 12 * MIB);
	must(ptr != NULL);
	memset(ptr, 1, 12 * MIB);
	vmem_free(vmp, ptr);
	must(vmem_check(vmp) >= 0);
	vmem_delete(vmp); /* that of the two that is looked up first */
	must(vmem_check(vmp) != 1);
	vmem_delete(vmp);
	must(vmem_check(vmp) == -1);
	return 0;
}

static void
create__on_the_address_of_a_forgotten_pool__works(void **state)
{
	(void)state;
	assert_int_equal(test_child(create_on_the_same_address, NULL), 0);
}

/* a program that makes its region anew for each request, and deletes nothing */
static int
create_a_hundred_times(void *arg)
{
	char *mem = new_memory();
	VMEM *vmp = NULL;

	(void)arg;
	for (int i = 0; i < 100; i++) {
		vmp = vmem_create_in_region(mem, VMEM_MIN_POOL);
		must(vmp != NULL);
		must(vmem_malloc(vmp, 100) != NULL);
	}
	vmem_delete(vmp);
	must(vmem_check(vmp) == 0); /* the one before it */
	vmem_delete(vmp);
	must(vmem_check(vmp) == -1); /* those are not kept */
	return 0;
}

static void
create__over_itself_again_and_again__keeps_one_of_the_old(void **state)
{
	(void)state;
	assert_int_equal(test_child(create_a_hundred_times, NULL), 0);
}

static void
check__neighbours_that_only_touch__are_consistent(void **state)
{
	char *mem = new_memory();
	VMEM *vmp[4];

	(void)state;
	for (size_t i = 0; i < NELEM(vmp); i++) {
		vmp[i] = vmem_create_in_region(
			mem + i * VMEM_MIN_POOL, VMEM_MIN_POOL);
		assert_non_null(vmp[i]);
		assert_non_null(vmem_malloc(vmp[i], 12 * MIB));
	}
	for (size_t i = 0; i < NELEM(vmp); i++)
		assert_int_equal(vmem_check(vmp[i]), 1);
	vmem_delete(vmp[1]);
	assert_int_equal(vmem_check(vmp[0]), 1);
	assert_int_equal(vmem_check(vmp[1]), -1);
	assert_int_equal(vmem_check(vmp[2]), 1);
	vmem_delete(vmp[0]);
	vmem_delete(vmp[2]);
	vmem_delete(vmp[3]);
	munmap(mem, MAP_BYTES);
}

#define NENDING 10

struct ending {
	VMEM *vmp;
	atomic_int nready, go;
	useconds_t wait_us[NENDING];
};

static struct ending ending;

/* use_and_end -- a thread whose heap is in a pool that is overwritten */
static void *
use_and_end(void *arg)
{
	void *p[50];

	for (size_t i = 0; i < 400; i++)
		vmem_free(ending.vmp, vmem_malloc(ending.vmp, 64));
	for (size_t i = 0; i < NELEM(p); i++)
		p[i] = vmem_malloc(ending.vmp, 64 + i * 16);
	for (size_t i = 0; i < NELEM(p); i++)
		vmem_free(ending.vmp, p[i]);
	(void)atomic_fetch_add(&ending.nready, 1);
	while (atomic_load(&ending.go) == 0)
		(void)sched_yield();
	(void)usleep(*(const useconds_t *)arg);
	return NULL;
}

/* it takes a while to lay out a large pool: threads end at each moment of it */
static int
end_meanwhile(void *arg)
{
	const size_t size = (size_t)3900 << 20;
	char *mem = mmap(NULL, size, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	pthread_t thread[NENDING];
	VMEM *vmp;

	(void)arg;
	must(mem != MAP_FAILED);
	ending.vmp = vmem_create_in_region(mem + MIB, VMEM_MIN_POOL);
	must(ending.vmp != NULL);
	for (unsigned i = 0; i < NENDING; i++) {
		ending.wait_us[i] = i * 300;
		must(pthread_create(&thread[i], NULL, use_and_end,
			     &ending.wait_us[i]) == 0);
	}
	while (atomic_load(&ending.nready) < NENDING)
		(void)usleep(100);
	atomic_store(&ending.go, 1);
	vmp = vmem_create_in_region(mem, size);
	must(vmp != NULL);
	for (unsigned i = 0; i < NENDING; i++)
		must(pthread_join(thread[i], NULL) == 0);
	vmem_delete(ending.vmp);
	vmem_delete(vmp);
	return 0;
}

static void
create__while_threads_of_an_older_pool_end__does_not_crash(void **state)
{
	(void)state;
	for (unsigned i = 0; i < (TEST_SANITIZED ? 3 : 10); i++)
		assert_int_equal(test_child(end_meanwhile, NULL), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			create__over_a_live_pool__both_fail_their_check),
		cmocka_unit_test(malloc__in_overlapping_pools__does_not_crash),
		cmocka_unit_test(
			create__while_threads_of_an_older_pool_end__does_not_crash),
		cmocka_unit_test(
			create__on_the_address_of_a_forgotten_pool__works),
		cmocka_unit_test(
			create__over_itself_again_and_again__keeps_one_of_the_old),
		cmocka_unit_test(
			check__neighbours_that_only_touch__are_consistent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
