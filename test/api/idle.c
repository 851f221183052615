/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * idle.c -- a thread loads data and sleeps; what others free of it is memory
 * for them, and goes back to the system
 *
 * ctest: timeout=120 serial
 */
#include "harness/test.h"

#include <string.h>
#include <unistd.h>

#include "harness/options.h"
#include "harness/threads.h"

#define POOL       (128 * MIB)
#define NOBJECTS   50000
#define SIZE_LEAST 100
#define SIZE_MOST  900

/* for a decay that has come before that */
#define WAIT_MS 20000

struct job {
	VMEM *vmp;
	char *objects[NOBJECTS];
	size_t least; /* bytes in memory that are wanted */
};

static struct job job;

static size_t
used_bytes(VMEM *vmp)
{
	struct vmem_stats s;

	must(vmem_stats_get(vmp, &s, sizeof(s)) == 0);
	return s.size - s.free;
}

static char *
make(size_t i, char byte)
{
	size_t size = SIZE_LEAST + i % (SIZE_MOST - SIZE_LEAST);
	char *p = vmem_malloc(job.vmp, size);

	must(p != NULL);
	memset(p, byte, size);
	return p;
}

static void
make_all(void)
{
	for (size_t i = 0; i < NOBJECTS; i++)
		job.objects[i] = make(i, (char)i);
}

static void
load(int level)
{
	job.vmp = create_level(level, POOL);
	make_all();
}

/* own_heap -- work until the thread has one */
static void
own_heap(void)
{
	for (int i = 0; i < 300; i++)
		vmem_free(job.vmp, vmem_malloc(job.vmp, 24));
}

static void *
replace_all(void *arg)
{
	own_heap();
	for (size_t i = 0; i < NOBJECTS; i++) {
		must(job.objects[i][SIZE_LEAST - 1] == (char)i);
		vmem_free(job.vmp, job.objects[i]);
		job.objects[i] = make(i, (char)i);
	}
	return arg;
}

static void
sleep_while(void *(*work)(void *arg))
{
	in_thread(work, NULL);
}

static void
idle__data_replaced_by_another_thread__pool_hardly_grows(void **state)
{
	(void)state;
	for (int level = 0; level <= 3; level++) {
		size_t loaded, most;

		load(level);
		loaded = used_bytes(job.vmp);
		/* level 3 holds some back after they are freed */
		most = loaded + loaded / (level < 3 ? 3 : 1);
		sleep_while(replace_all);
		print_message("level %d: %zu KiB loaded, %zu replaced\n", level,
			loaded / KIB, used_bytes(job.vmp) / KIB);
		assert_true(used_bytes(job.vmp) < most);
		for (size_t i = 0; i < NOBJECTS; i++) {
			assert_int_equal(job.objects[i][0], (char)i);
			vmem_free(job.vmp, job.objects[i]);
		}
		assert_int_equal(vmem_check(job.vmp), 1);
		vmem_delete(job.vmp);
	}
}

/* small work, that never makes the pool grow, until less is in memory */
static void *
free_all(void *arg)
{
	struct deadline end = deadline_in(WAIT_MS);

	own_heap();
	for (size_t i = 0; i < NOBJECTS; i++)
		vmem_free(job.vmp, job.objects[i]);
	do {
		void *p = vmem_malloc(job.vmp, 4 * MIB);

		must(p != NULL);
		vmem_free(job.vmp, p);
		(void)usleep(1000);
		if (test_resident(job.vmp, POOL) <= job.least)
			return arg;
	} while (!deadline_is_over(end));
	return NULL;
}

static void
idle__data_freed_by_another_thread__goes_back(void **state)
{
	(void)state;
	load(1);
	job.least = test_resident(job.vmp, POOL) / 2;
	assert_int_equal(vmem_decay(job.vmp, 50), 0);
	sleep_while(free_all);
	print_message("%zu KiB of %zu\n", test_resident(job.vmp, POOL) / KIB,
		2 * job.least / KIB);
	assert_true(test_resident(job.vmp, POOL) <= job.least);
	assert_int_equal(vmem_check(job.vmp), 1);
	vmem_delete(job.vmp);
}

static void *
load_all(void *arg)
{
	own_heap();
	make_all();
	return arg;
}

/*
 * The heap of a thread that has ended: what others free in it, and at level 3
 * what it has freed itself, has no thread any more that looks at it.
 */
static void
idle__data_of_a_thread_that_has_ended__goes_back(void **state)
{
	(void)state;
	/* level 0 twice, the last time at once */
	for (int i = 0; i <= 4; i++) {
		int level = i % 4;
		job.vmp = create_level(level, POOL);
		assert_int_equal(vmem_decay(job.vmp, i < 4 ? 50 : 0), 0);
		/* this thread has the pool's first heap, that one another */
		own_heap();
		in_thread(load_all, NULL);
		job.least = test_resident(job.vmp, POOL) / 2;
		(void)free_all(NULL);
		print_message("level %d: %zu KiB of %zu\n", level,
			test_resident(job.vmp, POOL) / KIB,
			2 * job.least / KIB);
		assert_true(test_resident(job.vmp, POOL) <= job.least);
		assert_int_equal(vmem_check(job.vmp), 1);
		vmem_delete(job.vmp);
	}
}

/* with a thread that wakes up again and again, and one more that sleeps */
static void
work(size_t idx, struct rng *rng, void *arg)
{
	struct deadline end = deadline_in(*(const uint64_t *)arg);

	own_heap();
	while (!deadline_is_over(end)) {
		for (size_t n = 0; n < 4000; n++) {
			size_t i = rng_between(rng, 0, NOBJECTS - 1);
			char *p = __atomic_exchange_n(
				&job.objects[i], NULL, __ATOMIC_ACQ_REL);

			if (p == NULL)
				continue;
			must(p[SIZE_LEAST - 1] == (char)i);
			vmem_free(job.vmp, p);
			p = make(i, (char)i);
			__atomic_store_n(&job.objects[i], p, __ATOMIC_RELEASE);
		}
		if (idx == 0)
			(void)usleep((useconds_t)rng_between(rng, 0, 50000));
	}
}

static void
idle__threads_that_sleep_at_times__objects_are_whole(void **state)
{
	(void)state;
	for (int level = 0; level <= 3; level++) {
		uint64_t ms = stress_phase_ms(4);

		load(level);
		must(vmem_decay(job.vmp, 20) == 0);
		threads_run(3, work, &ms, "idle");
		for (size_t i = 0; i < NOBJECTS; i++)
			vmem_free(job.vmp, job.objects[i]);
		assert_int_equal(vmem_check(job.vmp), 1);
		vmem_delete(job.vmp);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			idle__data_replaced_by_another_thread__pool_hardly_grows),
		cmocka_unit_test(idle__data_freed_by_another_thread__goes_back),
		cmocka_unit_test(
			idle__data_of_a_thread_that_has_ended__goes_back),
		cmocka_unit_test(
			idle__threads_that_sleep_at_times__objects_are_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
