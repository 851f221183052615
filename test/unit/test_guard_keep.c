/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_guard_keep.c -- freed objects that wait, against a list of them
 *
 * ctest: threads
 */
#include "pool/guard_keep.h"

#include "harness/test.h"
#include "harness/threads.h"

#define MOST     ((size_t)10000)
#define NSTEPS   (TEST_SANITIZED ? 20000 : 200000)
#define NTHREADS ((size_t)4)

static struct guard_kept ring[GUARD_KEEP_MOST];

static void
all__random_pushes_and_pops__oldest_first_within_the_bound(void **state)
{
	static uintptr_t bytes[NSTEPS + 1];
	struct guard_keep k;
	struct rng rng;
	uintptr_t newest = 0, oldest = 1;
	size_t sum = 0;
	(void)state;
	rng_init(&rng, "guard_keep");
	guard_keep_init(&k, ring, MOST);
	for (int step = 0; step < NSTEPS; step++) {
		size_t n = rng_between(&rng, 1, MOST / 2);
		bool any = rng_between(&rng, 0, 9) == 0;
		if (guard_keep_push(&k, (void *)(newest + 1), n)) {
			bytes[++newest] = n;
			sum += n;
		} else {
			must(false);
		}
		void *p;
		while ((p = guard_keep_pop(&k, any)) != NULL) {
			must((uintptr_t)p == oldest);
			must(any || sum > MOST);
			sum -= bytes[oldest++];
		}
		must(any ? sum == 0 : sum <= MOST);
	}
	guard_keep_clear(&k);
	assert_null(guard_keep_pop(&k, true));
}

static void
push__too_large_or_no_room__is_refused(void **state)
{
	struct guard_keep k;
	(void)state;
	guard_keep_init(&k, ring, MOST);
	assert_false(guard_keep_push(&k, &k, MOST / 2 + 1));
	assert_true(guard_keep_push(&k, &k, MOST / 2));
	assert_null(guard_keep_pop(&k, false));
	guard_keep_init(&k, ring, SIZE_MAX / 2);
	for (size_t i = 0; i < GUARD_KEEP_MOST; i++)
		must(guard_keep_push(&k, &k, 1));
	assert_false(guard_keep_push(&k, &k, 1));
	/* the number has a bound as well as the bytes */
	assert_non_null(guard_keep_pop(&k, false));
	assert_true(guard_keep_push(&k, &k, 1));
	/* none at all: nothing is kept */
	guard_keep_init(&k, ring, 0);
	assert_false(guard_keep_push(&k, &k, 1));
}

static size_t popped[NTHREADS]; /* sums of what each thread has got */

static void
use(size_t idx, struct rng *rng, void *arg)
{
	struct guard_keep *k = arg;
	for (uintptr_t i = 1; i <= 5000; i++) {
		must(guard_keep_push(k, (void *)i, 64));
		for (void *p; (p = guard_keep_pop(k, false)) != NULL;)
			popped[idx] += (uintptr_t)p;
		(void)rng;
	}
}

static void
all__threads__each_comes_out_once(void **state)
{
	struct guard_keep k;
	size_t sum = 0;
	(void)state;
	guard_keep_init(&k, ring, MOST);
	threads_run(NTHREADS, use, &k, "guard_keep");
	for (size_t i = 0; i < NTHREADS; i++)
		sum += popped[i];
	for (void *p; (p = guard_keep_pop(&k, true)) != NULL;)
		sum += (uintptr_t)p;
	assert_int_equal(sum, NTHREADS * 5000 * 5001 / 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			all__random_pushes_and_pops__oldest_first_within_the_bound),
		cmocka_unit_test(push__too_large_or_no_room__is_refused),
		cmocka_unit_test(all__threads__each_comes_out_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
