/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * fork_while_busy.c -- fork at any moment of other threads' calls
 *
 * The child makes a pool of its own, or checks and uses those of its parent,
 * and ends; the parent's threads go on.
 *
 * ctest: timeout=300 threads
 */
#include "harness/test.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "harness/objects.h"
#include "harness/threads.h"

#define NTHREADS 4

struct world {
	VMEM *region;
	VMEM *file;
	struct deadline end;
	struct rng rng;
	unsigned nforks;
};

static int
use_own_pool(void *arg)
{
	struct world *world = arg;
	VMEM *vmp = test_pool(VMEM_MIN_POOL);
	struct objects set;

	rng_init_from(&world->rng, world->nforks);
	objects_init(&set, vmp);
	objects_churn(&set, &world->rng, 1000, 10000);
	objects_verify(&set);
	must(vmem_check(vmp) == 1);
	objects_fini(&set);
	vmem_delete(vmp);

	/* the inherited ones answer as well */
	vmem_free(world->region, vmem_malloc(world->region, 100));
	must(vmem_check(world->region) >= 0);
	return 0;
}

static void
work_or_fork(size_t idx, struct rng *rng, void *arg)
{
	struct world *world = arg;
	struct objects set;

	objects_init(&set, idx % 2 == 0 ? world->region : world->file);
	while (!deadline_is_over(world->end)) {
		if (idx == 0) {
			world->nforks++;
			must(test_child(use_own_pool, world) == 0);
		}
		objects_churn(&set, rng, 200, 20000);
		while (set.n > 200)
			objects_drop(&set, set.n - 1);
	}
	objects_fini(&set);
}

static void
fork__while_threads_allocate__child_and_parent_go_on(void **state)
{
	struct world world = {.region = test_pool(32 * MIB),
		.file = test_file_pool(32 * MIB),
		.end = deadline_in(STRESS_MS)};

	(void)state;
	threads_run(NTHREADS, work_or_fork, &world, __func__);
	print_message("%u forks\n", world.nforks);
	assert_true(world.nforks > 0);
	assert_int_equal(vmem_check(world.region), 1);
	assert_int_equal(vmem_check(world.file), 1);
	vmem_delete(world.file);
	test_pool_delete(world.region, 32 * MIB);
}

/*
 * Eight threads allocate, exchange objects, and end and are replaced by others;
 * one more forks after random times, as often as it can.
 */
#define NBUSY     8
#define NPASSED   256
#define PAUSE_MAX 2000 /* microseconds */
/*
 * ThreadSanitizer sees one process: of a heap that thread A left, a child took
 * slabs from, and thread B takes over, it misses the middle, and calls what A
 * and B do a race.  So the children leave the shared pool alone there.
 */
#define NINHERITED (TEST_TSAN ? 1 : 2)

struct crowd {
	VMEM *pools[2]; /* of a region, which a child has a copy of; of a file
			 */
	struct deadline end;
	_Atomic(void *) passed[2][NPASSED];
	unsigned nforks;
	uint64_t seed;
};

static void
pass_on(struct crowd *crowd, struct rng *rng, unsigned n)
{
	while (n-- > 0) {
		size_t which = rng_between(rng, 0, 1);
		size_t size = rng_between(rng, 1, 3000);
		void *p = vmem_malloc(crowd->pools[which], size);

		must(p != NULL);
		memset(p, 1, size < 64 ? size : 64);
		p = atomic_exchange(
			&crowd->passed[which][rng_between(rng, 0, NPASSED - 1)],
			p);
		vmem_free(crowd->pools[which], p);
	}
}

static void *
live_shortly(void *arg)
{
	struct crowd *crowd = arg;
	struct rng rng;

	rng_init_from(&rng, (uint64_t)pthread_self());
	pass_on(crowd, &rng, 500);
	return NULL;
}

/* use_inherited -- in the child, of a copy and of what is shared */
static int
use_inherited(void *arg)
{
	struct crowd *crowd = arg;
	struct objects set;
	struct rng rng;

	rng_init_from(&rng, crowd->seed);
	/* its own since the fork, which found nobody inside */
	must(vmem_check(crowd->pools[0]) == 1);
	for (size_t i = 0; i < NINHERITED; i++) {
		objects_init(&set, crowd->pools[i]);
		objects_churn(&set, &rng, 100, 5000);
		objects_verify(&set);
		objects_fini(&set);
	}
	/* what the parent's threads had there */
	for (size_t i = 0; i < NPASSED; i++)
		vmem_free(crowd->pools[0],
			atomic_exchange(&crowd->passed[0][i], NULL));
	must(vmem_check(crowd->pools[0]) == 1);
	must(vmem_malloc(crowd->pools[0], 1 << 20) != NULL);
	return 0;
}

static void
allocate_or_fork(size_t idx, struct rng *rng, void *arg)
{
	struct crowd *crowd = arg;

	while (!deadline_is_over(crowd->end)) {
		pthread_t thread;
		struct timespec pause = {
			0, (long)rng_between(rng, 0, PAUSE_MAX) * 1000};

		if (idx == NBUSY) {
			(void)nanosleep(&pause, NULL);
			crowd->nforks++;
			crowd->seed = rng_next(rng);
			must(test_child(use_inherited, crowd) == 0);
		} else if (idx % 4 == 0) {
			must(pthread_create(
				     &thread, NULL, live_shortly, crowd) == 0);
			must(pthread_join(thread, NULL) == 0);
		} else {
			pass_on(crowd, rng, 500);
		}
	}
}

static void
fork__at_random_of_eight_threads__pools_are_whole(void **state)
{
	static struct crowd crowd;

	(void)state;
	memset(&crowd, 0, sizeof(crowd));
	crowd.pools[0] = test_pool(32 * MIB);
	crowd.pools[1] = test_file_pool(32 * MIB);
	crowd.end = deadline_in(STRESS_MS);
	threads_run(NBUSY + 1, allocate_or_fork, &crowd, __func__);
	print_message("%u forks\n", crowd.nforks);
	assert_true(crowd.nforks > 0);
	for (size_t i = 0; i < NELEM(crowd.pools); i++) {
		assert_int_equal(vmem_check(crowd.pools[i]), 1);
		for (size_t j = 0; j < NPASSED; j++)
			vmem_free(crowd.pools[i], crowd.passed[i][j]);
		assert_int_equal(vmem_check(crowd.pools[i]), 1);
	}
	vmem_delete(crowd.pools[1]);
	test_pool_delete(crowd.pools[0], 32 * MIB);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			fork__at_random_of_eight_threads__pools_are_whole),
		cmocka_unit_test(
			fork__while_threads_allocate__child_and_parent_go_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
