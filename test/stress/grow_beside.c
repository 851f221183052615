/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * grow_beside.c -- large objects grow while the runs behind them come and go
 *
 * Whether a run can grow is seen from what lies behind it, which belongs to
 * other threads and may vanish at that moment, with its descriptor.
 */
#include "harness/objects.h"
#include "harness/threads.h"

#define NTHREADS 4
#define NROUNDS  (TEST_SANITIZED ? 400 : 4000)
#define NOBJECTS 16

/* come_and_go -- slabs and large runs that are given back at once */
static void
come_and_go(VMEM *pool, struct rng *rng)
{
	void *p[NOBJECTS];

	for (size_t i = 0; i < NOBJECTS; i++)
		p[i] = vmem_malloc(pool, rng_between(rng, 1000, 60000));
	for (size_t i = 0; i < NOBJECTS; i++)
		vmem_free(pool, p[i]);
	must(vmem_thread_flush(pool) == 0);
}

static void
grow(VMEM *pool, struct rng *rng)
{
	void *p = vmem_malloc(pool, 40000);

	for (size_t size = 40000; p != NULL && size < 400000;) {
		size += rng_between(rng, 4096, 20000);
		void *q = vmem_realloc(pool, p, size);

		if (q == NULL)
			break;
		p = q;
	}
	vmem_free(pool, p);
}

static void
work(size_t idx, struct rng *rng, void *arg)
{
	for (unsigned i = 0; i < NROUNDS; i++) {
		if (idx % 2 == 0)
			grow(arg, rng);
		else
			come_and_go(arg, rng);
	}
}

static void
grow__runs_behind_come_and_go__sound(void **state)
{
	VMEM *pool = test_pool(VMEM_MIN_POOL);

	(void)state;
	threads_run(NTHREADS, work, pool, __func__);
	assert_int_equal(vmem_check(pool), 1);
	test_pool_delete(pool, VMEM_MIN_POOL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(grow__runs_behind_come_and_go__sound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
