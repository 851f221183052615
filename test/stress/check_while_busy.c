/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * check_while_busy.c -- vmem_check() and vmem_stats_print() of a busy pool
 *
 * The check may never report damage because a thread was in the middle of a
 * call, and the others wait while it looks.
 *
 * ctest: long timeout=300 threads
 */
#include "harness/test.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "harness/objects.h"
#include "harness/printed.h"
#include "harness/threads.h"

#define NWORKERS  4
#define NCHECKERS 2

struct busy {
	VMEM *vmp;
	size_t high;
	struct deadline end;
	atomic_size_t nchecks;
};

static void
ignore_text(const char *text)
{
	must(text != NULL);
}

static void
work_or_check(size_t idx, struct rng *rng, void *arg)
{
	struct busy *busy = arg;
	struct objects set;

	objects_init(&set, busy->vmp);
	while (!deadline_is_over(busy->end)) {
		if (idx < NCHECKERS) {
			must(vmem_check(busy->vmp) == 1);
			atomic_fetch_add(&busy->nchecks, 1);
			vmem_stats_print(busy->vmp, idx % 2 == 0 ? NULL : "J");
			continue;
		}
		objects_churn(&set, rng, 100, busy->high);
		while (set.n > 500)
			objects_drop(&set, rng_between(rng, 0, set.n - 1));
	}
	objects_fini(&set);
}

static void
run_busy(size_t pool_size, size_t high, const char *name)
{
	static struct busy busy;

	memset(&busy, 0, sizeof(busy));
	busy.vmp = test_pool(pool_size);
	busy.high = high;
	busy.end = deadline_in(STRESS_MS);
	vmem_set_funcs(NULL, NULL, NULL, NULL, ignore_text);
	threads_run(NCHECKERS + NWORKERS, work_or_check, &busy, name);
	vmem_set_funcs(NULL, NULL, NULL, NULL, NULL);
	print_message("%zu checks\n", atomic_load(&busy.nchecks));
	assert_true(busy.nchecks > 0);
	assert_int_equal(vmem_check(busy.vmp), 1);
	test_pool_delete(busy.vmp, pool_size);
}

static void
check__while_small_objects_come_and_go__is_always_1(void **state)
{
	(void)state;
	run_busy(64 * MIB, 500, __func__);
}

static void
check__while_all_sizes_come_and_go__is_always_1(void **state)
{
	(void)state;
	run_busy(64 * MIB, 50000, __func__);
}

static void
check__while_the_pool_is_full__is_always_1(void **state)
{
	(void)state;
	run_busy(VMEM_MIN_POOL, 20000, __func__);
}

/* objects of other threads are freed in the middle of a check, too */
struct crossing {
	struct busy busy;
	_Atomic(void *) slots[256];
};

static void
cross_or_check(size_t idx, struct rng *rng, void *arg)
{
	struct crossing *c = arg;

	while (!deadline_is_over(c->busy.end)) {
		if (idx == 0) {
			must(vmem_check(c->busy.vmp) == 1);
			continue;
		}
		for (unsigned i = 0; i < 100; i++) {
			size_t slot = rng_between(rng, 0, 255);
			void *ptr = vmem_malloc(
				c->busy.vmp, rng_between(rng, 0, 2000));

			ptr = atomic_exchange(&c->slots[slot], ptr);
			vmem_free(c->busy.vmp, ptr);
		}
	}
}

static void
check__while_threads_free_for_each_other__is_always_1(void **state)
{
	static struct crossing c;

	(void)state;
	c.busy.vmp = test_pool(VMEM_MIN_POOL);
	c.busy.end = deadline_in(STRESS_MS);
	threads_run(5, cross_or_check, &c, __func__);
	assert_int_equal(vmem_check(c.busy.vmp), 1);
	test_pool_delete(c.busy.vmp, VMEM_MIN_POOL);
}

/*
 * The lock-out: a thread that only allocates and frees notes its longest call.
 * A check that takes long must have held it up about as long.
 */
struct lockout {
	VMEM *vmp;
	atomic_bool stop;
	_Atomic uint64_t longest_ns;
	atomic_size_t ncalls;
};

static uint64_t
now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void *
time_calls(void *arg)
{
	struct lockout *l = arg;

	while (!atomic_load(&l->stop)) {
		uint64_t start = now_ns(), took;

		vmem_free(l->vmp, vmem_malloc(l->vmp, 100));
		took = now_ns() - start;
		if (took > atomic_load(&l->longest_ns))
			atomic_store(&l->longest_ns, took);
		atomic_fetch_add(&l->ncalls, 1);
	}
	return NULL;
}

/* a pool with so many objects that its check takes a while */
static VMEM *
open_crowded_pool(size_t size)
{
	VMEM *vmp = test_pool(size);

	for (size_t i = 0; i < size / 64; i++)
		must(vmem_malloc(vmp, 8 + i % 24) != NULL);
	return vmp;
}

static void
check__while_a_thread_allocates__locks_it_out(void **state)
{
	struct lockout l = {.vmp = open_crowded_pool(256 * MIB)};
	pthread_t thread;
	bool held_up = false, took_long = false;

	(void)state;
	assert_int_equal(pthread_create(&thread, NULL, time_calls, &l), 0);
	for (unsigned i = 0; i < 20 && !held_up; i++) {
		size_t ncalls = atomic_load(&l.ncalls);
		uint64_t start, took;

		while (atomic_load(&l.ncalls) < ncalls + 1000)
			continue;
		atomic_store(&l.longest_ns, 0);
		start = now_ns();
		assert_int_equal(vmem_check(l.vmp), 1);
		took = now_ns() - start;
		took_long |= took > 2000000;
		ncalls = atomic_load(&l.ncalls);
		while (atomic_load(&l.ncalls) < ncalls + 2)
			continue;
		held_up = atomic_load(&l.longest_ns) > took / 3;
	}
	atomic_store(&l.stop, true);
	assert_int_equal(pthread_join(thread, NULL), 0);
	if (!held_up && !took_long)
		test_skip("the check is too fast to see");
	assert_true(held_up);
	test_pool_delete(l.vmp, 256 * MIB);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			check__while_small_objects_come_and_go__is_always_1),
		cmocka_unit_test(
			check__while_all_sizes_come_and_go__is_always_1),
		cmocka_unit_test(check__while_the_pool_is_full__is_always_1),
		cmocka_unit_test(
			check__while_threads_free_for_each_other__is_always_1),
		cmocka_unit_test(check__while_a_thread_allocates__locks_it_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
