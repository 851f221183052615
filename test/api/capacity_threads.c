/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * capacity_threads.c -- no thread finds a pool full that others hold unused
 *
 * ctest: timeout=300 not-debug threads
 */
#include "harness/test.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "harness/objects.h"
#include "harness/threads.h"

#define NTHREADS 8

/* the payload of a pool that several threads fill, in percent */
#define PERCENT_THREADS 90.0

/* the same while 80 objects of idle threads lie in slabs all over it */
#define PERCENT_PINNED 85.0

/*
 * Workers that take turns: each waits until it is its turn, works, and then
 * stays alive and idle until all are told to end.
 */
struct worker {
	struct team *team;
	pthread_t thread;
	size_t idx;
	struct objects set;
	struct rng rng;
};

struct team {
	VMEM *vmp;
	void (*work)(struct worker *worker);
	size_t nworkers;
	pthread_barrier_t ready; /* all workers: go */
	pthread_barrier_t done;  /* all workers and the main thread */
	pthread_barrier_t end;   /* all workers and the main thread */
	struct worker workers[NTHREADS];
};

static void *
run_worker(void *arg)
{
	struct worker *worker = arg;

	pthread_barrier_wait(&worker->team->ready);
	worker->team->work(worker);
	pthread_barrier_wait(&worker->team->done);
	pthread_barrier_wait(&worker->team->end); /* alive and idle */
	return NULL;
}

/* team_start -- returns when all workers have worked and sit idle */
static void
team_start(struct team *team, VMEM *vmp, size_t nworkers,
	void (*work)(struct worker *worker))
{
	team->vmp = vmp;
	team->work = work;
	team->nworkers = nworkers;
	must(pthread_barrier_init(&team->ready, NULL, (unsigned)nworkers) == 0);
	must(pthread_barrier_init(&team->done, NULL, (unsigned)nworkers + 1) ==
		0);
	must(pthread_barrier_init(&team->end, NULL, (unsigned)nworkers + 1) ==
		0);
	for (size_t i = 0; i < nworkers; i++) {
		struct worker *worker = &team->workers[i];

		worker->team = team;
		worker->idx = i;
		objects_init(&worker->set, vmp);
		rng_init_from(&worker->rng, i);
		must(pthread_create(
			     &worker->thread, NULL, run_worker, worker) == 0);
	}
	pthread_barrier_wait(&team->done);
}

static void
team_end(struct team *team)
{
	pthread_barrier_wait(&team->end);
	for (size_t i = 0; i < team->nworkers; i++)
		must(pthread_join(team->workers[i].thread, NULL) == 0);
	pthread_barrier_destroy(&team->ready);
	pthread_barrier_destroy(&team->done);
	pthread_barrier_destroy(&team->end);
}

static double
percent_of(size_t part)
{
	return 100.0 * (double)part / (double)VMEM_MIN_POOL;
}

static void
fill_with_1_kib(struct worker *worker)
{
	while (objects_add(&worker->set, KIB))
		continue;
}

static void
malloc__8_threads_fill_14_mib__hold_90_percent(void **state)
{
	static struct team team;
	VMEM *vmp = test_pool(VMEM_MIN_POOL);
	size_t bytes = 0;

	(void)state;
	team_start(&team, vmp, NTHREADS, fill_with_1_kib);
	for (size_t i = 0; i < NTHREADS; i++) {
		objects_verify(&team.workers[i].set);
		bytes += team.workers[i].set.bytes;
	}
	print_message("%.1f %%\n", percent_of(bytes));
	assert_true(percent_of(bytes) >= PERCENT_THREADS);
	assert_int_equal(vmem_check(vmp), 1);
	for (size_t i = 0; i < NTHREADS; i++)
		objects_fini(&team.workers[i].set);
	assert_non_null(vmem_malloc(vmp, 12 * MIB));
	team_end(&team);
	test_pool_delete(vmp, VMEM_MIN_POOL);
}

static void
take_some_of_everything(struct worker *worker)
{
	for (size_t size = 1; size <= 10000; size += size / 4 + 1)
		must(objects_add(&worker->set, size));
}

/* the third thread of a small pool, and the next ones, find it not full */
static void
malloc__third_thread_and_more_in_14_mib__find_room(void **state)
{
	static struct team team;
	VMEM *vmp = test_pool(VMEM_MIN_POOL);

	(void)state;
	team_start(&team, vmp, NTHREADS, take_some_of_everything);
	for (size_t i = 0; i < NTHREADS; i++)
		objects_fini(&team.workers[i].set);
	assert_int_equal(vmem_check(vmp), 1);
	team_end(&team);
	test_pool_delete(vmp, VMEM_MIN_POOL);
}

static void
fill_and_free(struct worker *worker)
{
	for (size_t i = 0; i < 200; i++)
		(void)objects_add(
			&worker->set, rng_between(&worker->rng, 1, 5000));
	objects_drop_all(&worker->set);
}

/* what idle threads hold in their caches is had by the one that needs it */
static void
malloc__others_freed_all_and_sit_idle__has_12_mib(void **state)
{
	static struct team team;
	VMEM *vmp = test_pool(VMEM_MIN_POOL);
	char *ptr;

	(void)state;
	team_start(&team, vmp, NTHREADS, fill_and_free);
	ptr = vmem_malloc(vmp, 12 * MIB);
	assert_non_null(ptr);
	memset(ptr, 1, 12 * MIB);
	vmem_free(vmp, ptr);
	assert_int_equal(vmem_check(vmp), 1);
	team_end(&team);
	test_pool_delete(vmp, VMEM_MIN_POOL);
}

/* the workers' objects are freed by the main thread while they sit idle */
static void
malloc__all_freed_by_another_while_idle__has_12_mib(void **state)
{
	static struct team team;
	VMEM *vmp = test_pool(VMEM_MIN_POOL);
	char *ptr;

	(void)state;
	team_start(&team, vmp, NTHREADS, fill_with_1_kib);
	for (size_t i = 0; i < NTHREADS; i++)
		objects_fini(&team.workers[i].set);
	ptr = vmem_malloc(vmp, 12 * MIB);
	assert_non_null(ptr);
	memset(ptr, 1, 12 * MIB);
	assert_int_equal(vmem_check(vmp), 1);
	team_end(&team);
	test_pool_delete(vmp, VMEM_MIN_POOL);
}

static void *
take_12_mib(void *vmp)
{
	char *ptr = vmem_malloc(vmp, 12 * MIB);

	must(ptr != NULL);
	memset(ptr, 1, 12 * MIB);
	vmem_free(vmp, ptr);
	return NULL;
}

/* one worker frees what all others took, and a fresh thread takes it all */
static void
malloc__fresh_thread_after_all_is_freed__has_12_mib(void **state)
{
	static struct team team;
	VMEM *vmp = test_pool(VMEM_MIN_POOL);

	(void)state;
	team_start(&team, vmp, NTHREADS, fill_with_1_kib);
	for (size_t i = 0; i < NTHREADS; i++)
		objects_fini(&team.workers[i].set);
	in_thread(take_12_mib, vmp);
	team_end(&team);
	test_pool_delete(vmp, VMEM_MIN_POOL);
}

/* keep one of every size: the slabs of an idle thread are nearly empty */
static void
leave_slabs_nearly_empty(struct worker *worker)
{
	struct objects *set = &worker->set;

	for (size_t i = 0; i < 400; i++)
		(void)objects_add(set, rng_between(&worker->rng, 1, 2000));
	while (set->n > 10)
		objects_drop(set, rng_between(&worker->rng, 0, set->n - 1));
}

static void
malloc__idle_threads_hold_part_filled_slabs__are_used(void **state)
{
	static struct team team;
	VMEM *vmp = test_pool(VMEM_MIN_POOL);
	struct objects set;
	size_t bytes = 0;

	(void)state;
	team_start(&team, vmp, NTHREADS, leave_slabs_nearly_empty);
	objects_init(&set, vmp);
	while (objects_add(&set, 64))
		continue;
	bytes = set.bytes;
	print_message("%.1f %%\n", percent_of(bytes));
	assert_true(percent_of(bytes) >= PERCENT_PINNED);
	for (size_t i = 0; i < NTHREADS; i++)
		objects_verify(&team.workers[i].set);
	assert_int_equal(vmem_check(vmp), 1);
	objects_fini(&set);
	for (size_t i = 0; i < NTHREADS; i++)
		objects_fini(&team.workers[i].set);
	assert_non_null(vmem_malloc(vmp, 12 * MIB));
	team_end(&team);
	test_pool_delete(vmp, VMEM_MIN_POOL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			malloc__8_threads_fill_14_mib__hold_90_percent),
		cmocka_unit_test(
			malloc__third_thread_and_more_in_14_mib__find_room),
		cmocka_unit_test(
			malloc__others_freed_all_and_sit_idle__has_12_mib),
		cmocka_unit_test(
			malloc__all_freed_by_another_while_idle__has_12_mib),
		cmocka_unit_test(
			malloc__fresh_thread_after_all_is_freed__has_12_mib),
		cmocka_unit_test(
			malloc__idle_threads_hold_part_filled_slabs__are_used),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
