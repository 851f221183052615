/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * pool_churn.c -- pools come and go while threads work in others
 *
 * ctest: timeout=300 threads
 */
#include "harness/test.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "harness/objects.h"
#include "harness/threads.h"

#define NTHREADS 6

struct world {
	VMEM *shared; /* a pool that lives all the time */
	struct deadline end;
	const char *dir;
	char *addrs[NTHREADS];
	atomic_size_t npools;
};

static void
churn_own_pools(size_t idx, struct rng *rng, struct world *world)
{
	struct objects set;
	bool is_file = rng_between(rng, 0, 3) == 0;
	VMEM *vmp = is_file ? vmem_create(world->dir, VMEM_MIN_POOL)
			    : vmem_create_in_region(
				      world->addrs[idx], VMEM_MIN_POOL);

	must(vmp != NULL);
	objects_init(&set, vmp);
	objects_churn(&set, rng, 300, 5000);
	must(vmem_check(vmp) == 1);
	if (rng_between(rng, 0, 1) == 0)
		objects_fini(&set);
	vmem_delete(vmp);
	objects_abandon(&set);
	if (!is_file) { /* nobody else can have a pool there by now */
		must(vmem_check(vmp) == -1);
		must(vmem_malloc(vmp, 1) == NULL);
	}
	atomic_fetch_add(&world->npools, 1);
}

static void
work_in_world(size_t idx, struct rng *rng, void *arg)
{
	struct world *world = arg;
	struct objects set;

	objects_init(&set, world->shared);
	while (!deadline_is_over(world->end)) {
		if (idx % 2 == 0)
			churn_own_pools(idx, rng, world);
		objects_churn(&set, rng, 300, 5000);
		while (set.n > 200)
			objects_drop(&set, set.n - 1);
	}
	objects_fini(&set);
}

static void
pools__come_and_go_while_others_are_used__works(void **state)
{
	static struct world world;

	(void)state;
	world.shared = test_pool(64 * MIB);
	world.dir = test_dir();
	world.end = deadline_in(STRESS_MS);
	for (size_t i = 0; i < NTHREADS; i++) {
		world.addrs[i] = mmap(NULL, VMEM_MIN_POOL,
			PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		assert_true(world.addrs[i] != MAP_FAILED);
	}
	threads_run(NTHREADS, work_in_world, &world, __func__);
	print_message("%zu pools\n", atomic_load(&world.npools));
	assert_int_equal(vmem_check(world.shared), 1);
	assert_non_null(vmem_malloc(world.shared, 54 * MIB));
	test_pool_delete(world.shared, 64 * MIB);
	for (size_t i = 0; i < NTHREADS; i++)
		munmap(world.addrs[i], VMEM_MIN_POOL);
}

/* one pool is handed from thread to thread: made, used and deleted by others */
struct handoff {
	_Atomic(VMEM *) slots[8];
	struct deadline end;
};

static void
make_use_or_delete(size_t idx, struct rng *rng, void *arg)
{
	struct handoff *handoff = arg;

	(void)idx;
	while (!deadline_is_over(handoff->end)) {
		size_t slot = rng_between(rng, 0, NELEM(handoff->slots) - 1);
		/* whoever takes it has it alone */
		VMEM *vmp = atomic_exchange(&handoff->slots[slot], NULL);
		void *ptr;

		if (vmp == NULL)
			vmp = test_pool(VMEM_MIN_POOL);
		for (unsigned i = 0; i < 50; i++) {
			ptr = vmem_malloc(vmp, rng_between(rng, 0, 500));
			if (i % 2 == 0)
				vmem_free(vmp, ptr);
		}
		must(vmem_check(vmp) == 1);
		if (rng_between(rng, 0, 3) == 0) {
			test_pool_delete(vmp, VMEM_MIN_POOL);
			continue;
		}
		vmp = atomic_exchange(&handoff->slots[slot], vmp);
		if (vmp != NULL)
			test_pool_delete(vmp, VMEM_MIN_POOL);
	}
}

static void
pools__handed_from_thread_to_thread__work(void **state)
{
	static struct handoff handoff;

	(void)state;
	handoff.end = deadline_in(STRESS_MS);
	threads_run(4, make_use_or_delete, &handoff, __func__);
	for (size_t i = 0; i < NELEM(handoff.slots); i++)
		if (handoff.slots[i] != NULL)
			test_pool_delete(handoff.slots[i], VMEM_MIN_POOL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			pools__come_and_go_while_others_are_used__works),
		cmocka_unit_test(pools__handed_from_thread_to_thread__work),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
