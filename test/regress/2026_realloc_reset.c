/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * 2026_realloc_reset.c -- a vmem_reset() while other threads shrink objects
 *
 * In a full pool of level 3 vmem_realloc() shortens an object where it lies.
 * One that was emptied and filled anew in between had a smaller object there,
 * or one that waited: everything behind it was written over, up to the end of
 * the pool and beyond, or the pool was no more sound.
 *
 * ctest: timeout=120 not-valgrind not-tsan threads
 */
#include "harness/test.h"

#include <pthread.h>

#include "harness/options.h"
#include "harness/threads.h"

#define NTHREADS 4
#define LARGE    10000 /* three pages */
#define SMALLER  5000  /* two */

struct world {
	VMEM *vmp;
	pthread_barrier_t barrier;
	struct deadline end;
	bool over; /* set between the barriers, by thread 0 */
	void *ptr[NTHREADS + 1];
};

static void
meet(struct world *w)
{
	(void)pthread_barrier_wait(&w->barrier);
}

/* fill -- an object for each thread, and no room for one more like it */
static void
fill(struct world *w)
{
	for (size_t i = 1; i <= NTHREADS; i++)
		w->ptr[i] = vmem_malloc(w->vmp, LARGE);
	for (size_t size = 4 * MIB; size > LARGE; size /= 2)
		while (vmem_malloc(w->vmp, size) != NULL)
			;
	while (vmem_malloc(w->vmp, SMALLER) != NULL)
		;
}

/* anew -- what lies in the pool after it was emptied */
static void
anew(struct world *w, struct rng *rng)
{
	size_t size = rng_between(rng, 1, 200);

	must(vmem_reset(w->vmp) == 0);
	for (unsigned i = 0; i < 1000; i++)
		must(vmem_malloc(w->vmp, size) != NULL);
}

static void
shrink_or_reset(size_t idx, struct rng *rng, void *arg)
{
	struct world *w = arg;

	for (;;) {
		if (idx == 0) {
			w->over = deadline_is_over(w->end);
			fill(w);
		}
		meet(w);
		if (w->over)
			return;
		if (idx == 0) {
			volatile uint64_t n = rng_between(rng, 0, 20000);

			while (n > 0)
				n--;
			anew(w, rng);
		} else {
			(void)vmem_realloc(w->vmp, w->ptr[idx], SMALLER);
		}
		meet(w);
		if (idx != 0)
			continue;
		if (vmem_check(w->vmp) != 1)
			fail_msg("%s", vmem_errormsg());
		must(vmem_reset(w->vmp) == 0);
	}
}

static void
realloc__pool_emptied_and_filled_meanwhile__harms_nothing(void **state)
{
	struct world w = {.vmp = create_level(3, VMEM_MIN_POOL),
		.end = deadline_in(STRESS_MS / 2)};

	(void)state;
	must(pthread_barrier_init(&w.barrier, NULL, NTHREADS + 1) == 0);
	threads_run(NTHREADS + 1, shrink_or_reset, &w, __func__);
	must(pthread_barrier_destroy(&w.barrier) == 0);
	vmem_delete(w.vmp);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			realloc__pool_emptied_and_filled_meanwhile__harms_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
