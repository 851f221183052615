/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * anarchy.c -- threads that use each other's objects as they like: freed
 * before, freed at the same time, of the other pool, inside of an object,
 * anywhere
 *
 * Nothing is written to objects, which nobody could make harmless.  Whatever
 * the calls return, no thread may crash or hang, and the pools are sound in the
 * end.
 *
 * ctest: timeout=300
 */
#include "harness/test.h"

#include "harness/options.h"
#include "harness/threads.h"

#define NWORKERS 4 /* and one that does all else */
#define NPOOLS   2
#define NSLOTS   256
#define NPHASES  9
#define CALLS    16 /* between two looks at the clock */

struct world {
	VMEM *pools[NPOOLS];
	void *slots[NSLOTS]; /* what was returned to somebody; atomic */
	struct deadline end;
};

static VMEM *
any_pool(const struct world *w, struct rng *rng)
{
	return w->pools[rng_between(rng, 0, NPOOLS - 1)];
}

static size_t
any_size(struct rng *rng)
{
	switch (rng_between(rng, 0, 7)) {
	case 0:
		return rng_between(rng, 0, 300 * KIB);
	case 1:
		return rng_between(rng, 0, 40 * KIB);
	default:
		return rng_between(rng, 0, 1000);
	}
}

/* any -- a pointer that somebody got some time, or NULL */
static void *
any(struct world *w, struct rng *rng)
{
	/* relaxed: it is not looked behind */
	return __atomic_load_n(
		&w->slots[rng_between(rng, 0, NSLOTS - 1)], __ATOMIC_RELAXED);
}

static void
keep(struct world *w, struct rng *rng, void *ptr)
{
	if (ptr != NULL)
		__atomic_store_n(&w->slots[rng_between(rng, 0, NSLOTS - 1)],
			ptr, __ATOMIC_RELAXED);
}

/* anywhere -- in the first bytes of a pool, or in no pool */
static void *
anywhere(struct world *w, struct rng *rng)
{
	if (rng_between(rng, 0, 1) == 0)
		return (void *)(uintptr_t)rng_next(rng);
	return (char *)any_pool(w, rng) +
	       rng_between(rng, 1, VMEM_MIN_POOL - 1);
}

static void
batch(struct world *w, struct rng *rng)
{
	void *ptrs[20];
	VMEM *vmp = any_pool(w, rng);
	size_t n = vmem_malloc_batch(
		vmp, any_size(rng), rng_between(rng, 1, NELEM(ptrs)), ptrs);

	for (size_t i = 0; i < n; i++)
		keep(w, rng, ptrs[i]);
	vmem_free_batch(vmp, ptrs, n / 2);
}

static void
take(struct world *w, struct rng *rng)
{
	VMEM *vmp = any_pool(w, rng);

	switch (rng_between(rng, 0, 6)) {
	case 0:
		keep(w, rng, vmem_calloc(vmp, 3, any_size(rng)));
		break;
	case 1:
		keep(w, rng, vmem_strdup(vmp, "nobody's"));
		break;
	case 2:
		keep(w, rng,
			vmem_aligned_alloc(vmp,
				(size_t)1 << rng_between(rng, 0, 19),
				any_size(rng)));
		break;
	case 3:
		batch(w, rng);
		break;
	default:
		keep(w, rng, vmem_malloc(vmp, any_size(rng)));
		break;
	}
}

static void
give(struct world *w, struct rng *rng)
{
	VMEM *vmp = any_pool(w, rng);
	char *ptr = any(w, rng);

	switch (rng_between(rng, 0, 7)) {
	case 0:
		vmem_free_sized(vmp, ptr, any_size(rng));
		break;
	case 1:
		vmem_free(vmp, ptr);
		vmem_free(vmp, ptr);
		break;
	case 2:
		if (ptr != NULL)
			vmem_free(vmp, ptr + rng_between(rng, 1, 64));
		break;
	case 3:
		vmem_free(vmp, anywhere(w, rng));
		break;
	default:
		vmem_free(vmp, ptr);
		break;
	}
}

static void
ask(struct world *w, struct rng *rng)
{
	VMEM *vmp = any_pool(w, rng);
	void *ptr = any(w, rng);

	switch (rng_between(rng, 0, 5)) {
	case 0:
		keep(w, rng, vmem_move(vmp, any_pool(w, rng), ptr));
		break;
	case 1:
		(void)vmem_malloc_usable_size(vmp, ptr);
		break;
	case 2:
		(void)vmem_pool_of(ptr);
		break;
	case 3:
		keep(w, rng,
			vmem_realloc(vmp, anywhere(w, rng), any_size(rng)));
		break;
	default:
		keep(w, rng, vmem_realloc(vmp, ptr, any_size(rng)));
		break;
	}
}

static int
count(void *ptr, size_t usable, void *arg)
{
	unsigned *n = arg;

	(void)ptr;
	(void)usable;
	return ++*n == 3000;
}

static int
free_it(void *ptr, size_t usable, void *arg)
{
	(void)usable;
	vmem_free(arg, ptr); /* refused: the pool is walked over */
	must(vmem_malloc(arg, 10) == NULL);
	return 0;
}

static void
disturb(struct world *w, struct rng *rng)
{
	VMEM *vmp = any_pool(w, rng);
	unsigned n = 0;

	switch (rng_between(rng, 0, 7)) {
	case 0:
		must(vmem_reset(vmp) == 0);
		break;
	case 1:
		must(vmem_walk(vmp, count, &n) >= 0);
		break;
	case 2:
		must(vmem_walk(vmp, free_it, vmp) == 0);
		break;
	case 3:
		must(vmem_trim(vmp, 0) >= 0);
		break;
	case 4:
		must(vmem_check(vmp) >= 0);
		break;
	case 5:
		must(vmem_thread_flush(NULL) == 0);
		break;
	default:
		(void)stats_of(vmp);
		break;
	}
}

static void
riot(size_t idx, struct rng *rng, void *arg)
{
	struct world *w = arg;

	while (!deadline_is_over(w->end)) {
		for (unsigned i = 0; i < CALLS; i++) {
			uint64_t what = rng_between(rng, 0, 9);

			if (idx == NWORKERS && i == 0)
				disturb(w, rng);
			if (what < 5)
				take(w, rng);
			else if (what < 8)
				give(w, rng);
			else
				ask(w, rng);
		}
	}
}

static void
try_options(struct vmem_options *o, const char *name)
{
	if (TEST_TSAN)
		test_skip("objects of nobody are a race by themselves");
	/* the lowest level believes everything */
	for (int level = 1; level <= 3; level++) {
		struct world w = {.end = deadline_in(stress_phase_ms(NPHASES))};

		o->hardening = level;
		for (size_t i = 0; i < NPOOLS; i++)
			w.pools[i] = create(o);
		threads_run(NWORKERS + 1, riot, &w, name);
		for (size_t i = 0; i < NPOOLS; i++) {
			/* of two frees in the same instant one is dropped */
			must(vmem_trim(w.pools[i], 0) >= 0);
			assert_int_equal(vmem_check(w.pools[i]), 1);
			assert_int_equal(vmem_reset(w.pools[i]), 0);
			assert_int_equal(use(w.pools[i]) > MIB, 1);
			vmem_delete(w.pools[i]);
		}
	}
}

static void
misuse_by_all__file__sound(void **state)
{
	struct vmem_options o = options_of(VMEM_SOURCE_MEMFD);

	(void)state;
	o.size = VMEM_MIN_POOL;
	try_options(&o, "anarchy in files");
}

static void
misuse_by_all__growing_memory__sound(void **state)
{
	struct vmem_options o = options_of(VMEM_SOURCE_PRIVATE);

	(void)state;
	o.max_size = 64 * MIB;
	o.sparse = 1;
	try_options(&o, "anarchy in growing memory");
}

static void
misuse_by_all__all_goes_back_at_once__sound(void **state)
{
	struct vmem_options o = options_of(VMEM_SOURCE_MEMFD);

	(void)state;
	o.decay_ms = 0;
	try_options(&o, "anarchy without decay");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(misuse_by_all__file__sound),
		cmocka_unit_test(misuse_by_all__growing_memory__sound),
		cmocka_unit_test(misuse_by_all__all_goes_back_at_once__sound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
