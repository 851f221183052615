/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * free_twice.c -- every object freed twice, at the default level, and then
 * correct calls alone: what they write is never the pool's own
 *
 * ctest: threads
 */
#include "harness/test.h"

#include <stdlib.h>
#include <string.h>

#include "harness/options.h"
#include "harness/threads.h"

#define POOL     (64 * MIB)
#define MOST     30000
#define NOTHERS  4000
#define NTHREADS 6
#define A_ROUND  300

static VMEM *vmp;
static void *objects[MOST];
static void *others[NOTHERS];

static void *
give(size_t size)
{
	void *p = vmem_malloc(vmp, size);

	must(p != NULL);
	memset(p, 0x41, size);
	return p;
}

/* free_all_twice -- objects of that size, and who has refused what is not told
 */
static void
free_all_twice(size_t size, size_t n)
{
	for (size_t i = 0; i < n; i++)
		objects[i] = give(size);
	for (unsigned k = 0; k < 2; k++)
		for (size_t i = 0; i < n; i++)
			vmem_free(vmp, objects[i]);
}

/* open -- a pool of the default level, in memory, on which no message waits */
static void
open_pool(void)
{
	struct vmem_options o = options_of(VMEM_SOURCE_PRIVATE);

	o.size = POOL;
	vmp = create(&o);
}

static void
free__all_objects_twice__other_sizes_leave_the_pool_sound(void **state)
{
	static const size_t sizes[] = {16, 64, 200, 1000, 1500, 8000, 20000};

	(void)state;
	for (size_t i = 0; i < NELEM(sizes); i++) {
		size_t n =
			8 * MIB / sizes[i] < MOST ? 8 * MIB / sizes[i] : MOST;

		open_pool();
		free_all_twice(sizes[i], n);
		/* other sizes get the pages of slabs that were let go */
		for (size_t k = 0; k < NOTHERS; k++)
			others[k] = give(16 + k * 37 % 3000);
		for (size_t k = 0; k < n; k++)
			objects[k] = give(sizes[i]);
		assert_int_equal(vmem_check(vmp), 1);
		/* two that are one are freed twice */
		for (size_t k = 0; k < n; k++)
			vmem_free(vmp, objects[k]);
		for (size_t k = 0; k < NOTHERS; k++)
			vmem_free(vmp, others[k]);
		must(vmem_trim(vmp, 0) >= 0);
		assert_int_equal(vmem_check(vmp), 1);
		vmem_delete(vmp);
	}
}

/* come_and_go -- what threads of a sound program do */
static void
come_and_go(size_t idx, struct rng *rng, void *arg)
{
	void *p[A_ROUND];

	(void)idx;
	(void)arg;
	for (unsigned round = 0; round < 200; round++) {
		for (size_t i = 0; i < A_ROUND; i++)
			p[i] = give(rng_between(rng, 16, 3000));
		for (size_t i = 0; i < A_ROUND; i++)
			vmem_free(vmp, p[i]);
	}
}

/* each thread that comes has a heap, and descriptors, in pages of those slabs
 */
static void
free__all_objects_twice__threads_leave_the_pool_sound(void **state)
{
	(void)state;
	open_pool();
	free_all_twice(64, MOST);
	threads_run(NTHREADS, come_and_go, NULL, "after double frees");
	for (unsigned round = 0; round < 5; round++) {
		for (size_t i = 0; i < MOST; i++)
			objects[i] = give(64);
		for (size_t i = 0; i < MOST; i++)
			vmem_free(vmp, objects[i]);
	}
	threads_run(NTHREADS, come_and_go, NULL, "after double frees");
	must(vmem_trim(vmp, 0) >= 0);
	assert_int_equal(vmem_check(vmp), 1);
	vmem_delete(vmp);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			free__all_objects_twice__other_sizes_leave_the_pool_sound),
		cmocka_unit_test(
			free__all_objects_twice__threads_leave_the_pool_sound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
