/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * busy.c -- a thread loads data and goes on with other work of small objects;
 * what others free of the data goes back to the system meanwhile
 *
 * ctest: timeout=120 serial
 */
#include "harness/test.h"

#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "harness/options.h"
#include "harness/threads.h"

#define POOL     (128 * MIB)
#define NLOADED  800000
#define LOADED   64 /* bytes of each */
#define NOTHERS  2000
#define LEAST    200
#define MOST     1000
#define DECAY_MS 100
#define WAIT_MS  20000
#define PIECE    10000 /* frees without a pause */
#define PAUSE_US 1000
#define A_ROUND  200 /* replacements between pauses */

static VMEM *vmp;
static void *loaded[NLOADED];
static void *others[NOTHERS];

static void
load(int level)
{
	vmp = create_level(level, POOL);
	assert_int_equal(vmem_decay(vmp, DECAY_MS), 0);
	for (size_t i = 0; i < NLOADED; i++) {
		loaded[i] = vmem_malloc(vmp, LOADED);
		must(loaded[i] != NULL);
		memset(loaded[i], 1, LOADED);
	}
}

/* in an order by chance, so that every slab has objects until nearly the end */
static void *
free_loaded(void *arg)
{
	struct rng rng = {3};

	for (size_t i = NLOADED - 1; i > 0; i--) {
		size_t j = rng_between(&rng, 0, i);
		void *p = loaded[i];

		loaded[i] = loaded[j];
		loaded[j] = p;
	}
	for (size_t i = 0; i < NLOADED; i++) {
		vmem_free(vmp, loaded[i]);
		if (i % PIECE == 0)
			(void)usleep(PAUSE_US);
	}
	return arg;
}

/* replace -- other objects than those that were loaded, none of them large */
static void
replace(struct rng *rng)
{
	for (size_t n = 0; n < A_ROUND; n++) {
		size_t i = rng_between(rng, 0, NOTHERS - 1);

		vmem_free(vmp, others[i]);
		others[i] = vmem_malloc(vmp, rng_between(rng, LEAST, MOST));
		must(others[i] != NULL);
		memset(others[i], 2, LEAST);
	}
	(void)usleep(PAUSE_US);
}

/* at_work -- the rest of the data's memory, when it has shrunk or after a while
 */
static size_t
at_work(size_t least)
{
	struct rng rng = {4};
	struct deadline end = deadline_in(WAIT_MS);

	while (test_resident(vmp, POOL) > least && !deadline_is_over(end))
		for (size_t n = 0; n < 100; n++)
			replace(&rng);
	return test_resident(vmp, POOL);
}

static void
unload(void)
{
	for (size_t i = 0; i < NOTHERS; i++) {
		vmem_free(vmp, others[i]);
		others[i] = NULL;
	}
	assert_int_equal(vmem_check(vmp), 1);
	vmem_delete(vmp);
}

static void
try_freed(int level, bool waits)
{
	pthread_t thread;
	size_t before, after;
	struct rng rng = {5};

	load(level);
	before = test_resident(vmp, POOL);
	must(pthread_create(&thread, NULL, free_loaded, NULL) == 0);
	for (size_t n = 0; n < 100 && !waits; n++)
		replace(&rng);
	must(pthread_join(thread, NULL) == 0);
	after = at_work(before / 6);
	print_message(
		"level %d: %zu KiB of %zu\n", level, after / KIB, before / KIB);
	assert_true(after <= before / 6);
	unload();
}

static void
busy__data_freed_meanwhile__goes_back(void **state)
{
	(void)state;
	for (int level = 0; level <= 2; level++)
		try_freed(level, false);
}

static void
busy__data_freed_before_the_work__goes_back(void **state)
{
	(void)state;
	for (int level = 0; level <= 2; level++)
		try_freed(level, true);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(busy__data_freed_meanwhile__goes_back),
		cmocka_unit_test(busy__data_freed_before_the_work__goes_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
