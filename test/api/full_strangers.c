/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * full_strangers.c -- threads that come to a full pool, where there is no room
 * for a heap of their own: they work on others' objects
 *
 * ctest: threads
 */
#include "harness/test.h"
#include "harness/threads.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>

#define NSMALL  64
#define NLARGER 4
#define NPOINTS 200

static VMEM *vmp;
static void *fillers[VMEM_MIN_POOL / 4096];
static size_t nfillers;
static void *small[NSMALL]; /* of 64 bytes, by the thread that fills */
static atomic_int nseen, go;
static pthread_barrier_t filled, known;

/* less and less, up to the last page that a heap could be made of */
static size_t
next_size(size_t size)
{
	return size > 64 * KIB ? size / 2 : size - 4 * KIB;
}

static void
fill(void)
{
	for (size_t i = 0; i < NSMALL; i++) {
		small[i] = vmem_malloc(vmp, 64);
		must(small[i] != NULL);
		/* their slab keeps free slots */
		if (i < NLARGER)
			must(vmem_malloc(vmp, 128) != NULL);
	}
	for (size_t size = MIB; size >= 4096; size = next_size(size))
		while ((fillers[nfillers] = vmem_malloc(vmp, size)) != NULL)
			nfillers++;
}

static void *
fill_and_end(void *arg)
{
	(void)arg;
	fill();
	(void)pthread_barrier_wait(&filled);
	(void)pthread_barrier_wait(&known);
	return NULL;
}

static void *
come_and_go(void *arg)
{
	(void)arg;
	vmem_free(vmp, vmem_malloc(vmp, 4000));
	return NULL;
}

static void
assert_sound(void)
{
	if (vmem_check(vmp) != 1)
		fail_msg("%s", vmem_errormsg());
}

/*
 * The only heap is that of a thread that has ended; it must have nothing at
 * hand afterwards, as others may take its slabs.
 */
static void
realloc__by_a_stranger_after_the_owner_ended__loses_nothing(void **state)
{
	struct vmem_stats stats;
	pthread_t thread;
	void *p, *q[40];

	(void)state;
	nfillers = 0;
	vmp = vmem_create(test_dir(), VMEM_MIN_POOL);
	assert_non_null(vmp);
	must(pthread_barrier_init(&filled, NULL, 2) == 0);
	must(pthread_barrier_init(&known, NULL, 2) == 0);
	must(pthread_create(&thread, NULL, fill_and_end, NULL) == 0);
	(void)pthread_barrier_wait(&filled);
	/* a thread that is known to have no heap looks for none later */
	vmem_free(vmp, vmem_malloc(vmp, 4096));
	(void)pthread_barrier_wait(&known);
	must(pthread_join(thread, NULL) == 0);
	p = vmem_realloc(vmp, small[3], 128);
	assert_non_null(p);
	assert_sound();
	for (size_t i = 0; i < nfillers; i++)
		vmem_free(vmp, fillers[i]);
	assert_sound();
	/* in the shared heap, which takes slabs of the one without a thread */
	for (size_t i = 0; i < NELEM(q); i++) {
		q[i] = vmem_malloc(vmp, 64);
		assert_non_null(q[i]);
	}
	assert_sound();
	in_thread(come_and_go, NULL);
	assert_sound();
	for (size_t i = 0; i < NELEM(q); i++)
		vmem_free(vmp, q[i]);
	for (size_t i = 0; i < NSMALL; i++)
		if (i != 3)
			vmem_free(vmp, small[i]);
	vmem_free(vmp, p);
	must(vmem_stats_get(vmp, &stats, sizeof(stats)) == 0);
	assert_int_equal(stats.allocated, NLARGER * 128);
	assert_sound();
	vmem_delete(vmp);
}

/* fill_and_work -- objects come and go in the heap while a stranger looks */
static void *
fill_and_work(void *arg)
{
	(void)arg;
	fill();
	atomic_store(&go, 1);
	while (atomic_load(&nseen) < NPOINTS)
		for (unsigned n = 0; n < 100; n++) {
			for (size_t i = 1; i < NSMALL; i++)
				vmem_free(vmp, small[i]);
			for (size_t i = 1; i < NSMALL; i++)
				small[i] = vmem_malloc(vmp, 64);
		}
	return NULL;
}

/* what the other thread is at must not be read, which a race detector sees */
static void
usable_size__by_a_stranger_while_the_owner_works__is_right(void **state)
{
	pthread_t thread;

	(void)state;
	nfillers = 0;
	vmp = vmem_create(test_dir(), VMEM_MIN_POOL);
	assert_non_null(vmp);
	must(pthread_create(&thread, NULL, fill_and_work, NULL) == 0);
	while (atomic_load(&go) == 0)
		(void)sched_yield();
	for (int i = 0; i < NPOINTS; i++) {
		for (unsigned n = 0; n < 100; n++)
			assert_int_equal(
				vmem_malloc_usable_size(vmp, small[0]), 64);
		atomic_store(&nseen, i + 1);
	}
	must(pthread_join(thread, NULL) == 0);
	assert_sound();
	vmem_delete(vmp);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			realloc__by_a_stranger_after_the_owner_ended__loses_nothing),
		cmocka_unit_test(
			usable_size__by_a_stranger_while_the_owner_works__is_right),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
