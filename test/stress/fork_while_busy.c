/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * fork_while_busy.c -- fork at any moment of other threads' calls
 *
 * The child makes a pool of its own and ends; the parent's threads go on.
 *
 * ctest: timeout=300 not-tsan
 */
#include "harness/test.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			fork__while_threads_allocate__child_and_parent_go_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
