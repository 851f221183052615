/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * stats_get.c -- the figures of a pool in a struct, against a model
 *
 * The model counts, in each thread, what it asks the pool for; the pool derives
 * the same from its bits.  Objects wander from thread to thread, and some calls
 * are refused.
 *
 * ctest: timeout=120
 */
#include "harness/test.h"

#include <pthread.h>
#include <string.h>

#include "harness/threads.h"

#define NTHREADS   ((size_t)8)
#define NOPS       ((size_t)(TEST_SANITIZED ? 8000 : 125000))
#define NSLOTS     ((size_t)4096) /* where objects are exchanged */
#define POOL_BYTES (256 * MIB)
#define SMALL_MAX  (32 * KIB) /* larger ones are large */

/* what one thread has done */
struct count {
	uint64_t nmalloc[2], nfree[2]; /* small, large */
	uint64_t nrefused;
};

static struct {
	VMEM *vmp;
	uintptr_t slot[NSLOTS]; /* atomic: an object and LARGE, or 0 */
	struct count count[NTHREADS];
} model;

/*
 * What is large stays so when it shrinks in place, so its size does not tell;
 * the lowest bit of its slot does.
 */
#define LARGE ((uintptr_t)1)

static void *
pointer(uintptr_t object)
{
	return (void *)(object & ~LARGE);
}

static size_t
usable(uintptr_t object)
{
	return vmem_malloc_usable_size(model.vmp, pointer(object));
}

static size_t
some_size(struct rng *rng)
{
	switch (rng_between(rng, 0, 9)) {
	case 0:
		return rng_between(rng, 0, 128 * KIB);
	case 1:
	case 2:
		return rng_between(rng, 0, 4 * KIB);
	default:
		return rng_between(rng, 0, 256);
	}
}

static void
drop(struct count *c, uintptr_t object)
{
	if (object == 0)
		return;
	c->nfree[object & LARGE]++;
	vmem_free(model.vmp, pointer(object));
}

/* put -- into a slot; what was there is freed, mostly another thread's */
static void
put(struct count *c, struct rng *rng, uintptr_t object)
{
	size_t i = rng_between(rng, 0, NSLOTS - 1);

	drop(c, __atomic_exchange_n(&model.slot[i], object, __ATOMIC_ACQ_REL));
}

static void
allocate(struct count *c, struct rng *rng)
{
	size_t size = some_size(rng);
	void *ptr = rng_between(rng, 0, 3) == 0
			    ? vmem_calloc(model.vmp, 1, size)
			    : vmem_malloc(model.vmp, size);

	uintptr_t large = size > SMALL_MAX;

	must(ptr != NULL);
	c->nmalloc[large]++;
	put(c, rng, (uintptr_t)ptr | large);
}

/*
 * resize -- an object is counted anew when it moves, and a large one also when
 * it changes its number of pages
 */
static void
resize(struct count *c, struct rng *rng)
{
	size_t i = rng_between(rng, 0, NSLOTS - 1);
	uintptr_t old =
		__atomic_exchange_n(&model.slot[i], 0, __ATOMIC_ACQ_REL);
	size_t before, size = some_size(rng) + 1;
	uintptr_t object;
	void *ptr;

	if (old == 0)
		return;
	before = usable(old);
	ptr = vmem_realloc(model.vmp, pointer(old), size);
	must(ptr != NULL);
	object =
		ptr == pointer(old) ? old : (uintptr_t)ptr | (size > SMALL_MAX);
	if (object != old || usable(object) != before) {
		c->nfree[old & LARGE]++;
		c->nmalloc[object & LARGE]++;
	}
	put(c, rng, object);
}

/*
 * misuse -- free what is no object, and, when no other thread runs, one twice
 * While they run another may have been given it after the first free.
 */
static void
misuse(struct count *c, bool alone)
{
	void *ptr = vmem_malloc(model.vmp, 64);

	must(ptr != NULL);
	c->nmalloc[0]++;
	vmem_free(model.vmp, (char *)ptr + 8);
	c->nrefused++;
	vmem_free(model.vmp, ptr);
	c->nfree[0]++;
	if (!alone)
		return;
	vmem_free(model.vmp, ptr);
	c->nrefused++;
}

static void
work(size_t idx, struct rng *rng, void *arg)
{
	struct count *c = &model.count[idx];

	(void)arg;
	for (size_t i = 0; i < NOPS; i++) {
		size_t what = rng_between(rng, 0, 99);

		if (what == 0)
			misuse(c, false);
		else if (what <= 20)
			resize(c, rng);
		else if (what <= 40)
			put(c, rng, 0);
		else
			allocate(c, rng);
	}
}

static void
assert_matches(uint64_t nrefused_before)
{
	struct vmem_stats s;
	struct count sum = {0};
	uint64_t live[2] = {0}, bytes[2] = {0};

	for (size_t i = 0; i < NTHREADS; i++) {
		const struct count *c = &model.count[i];

		for (size_t k = 0; k < 2; k++) {
			sum.nmalloc[k] += c->nmalloc[k];
			sum.nfree[k] += c->nfree[k];
		}
		sum.nrefused += c->nrefused;
	}
	for (size_t i = 0; i < NSLOTS; i++) {
		uintptr_t object = model.slot[i];

		if (object == 0)
			continue;
		live[object & LARGE]++;
		bytes[object & LARGE] += usable(object);
	}
	assert_int_equal(vmem_stats_get(model.vmp, &s, sizeof(s)), 0);
	assert_int_equal(s.small_nmalloc, sum.nmalloc[0]);
	assert_int_equal(s.small_ndalloc, sum.nfree[0]);
	assert_int_equal(s.large_nmalloc, sum.nmalloc[1]);
	assert_int_equal(s.large_ndalloc, sum.nfree[1]);
	assert_int_equal(s.small_nmalloc - s.small_ndalloc, live[0]);
	assert_int_equal(s.large_nmalloc - s.large_ndalloc, live[1]);
	assert_int_equal(s.small_allocated, bytes[0]);
	assert_int_equal(s.large_allocated, bytes[1]);
	assert_int_equal(s.allocated, bytes[0] + bytes[1]);
	assert_int_equal(s.refused, nrefused_before + sum.nrefused);
	assert_int_equal(s.mapped, POOL_BYTES);
	/* every page is in exactly one of these */
	assert_int_equal(s.active + s.free + s.kept + s.metadata, s.size);
	assert_true(s.active >= s.allocated);
}

static void
stats_get__million_operations_of_8_threads__exact(void **state)
{
	(void)state;
	memset(&model, 0, sizeof(model));
	model.vmp = test_pool(POOL_BYTES);
	threads_run(NTHREADS, work, NULL, __func__);
	misuse(&model.count[0], true);
	assert_matches(0);
	assert_int_equal(vmem_check(model.vmp), 1);
	for (size_t i = 0; i < NSLOTS; i++) {
		drop(&model.count[0], model.slot[i]);
		model.slot[i] = 0;
	}
	assert_matches(0);
	test_pool_delete(model.vmp, POOL_BYTES);
}

/* programs of all ages */
static void
stats_get__other_sizes_of_the_struct__fit(void **state)
{
	struct {
		struct vmem_stats s;
		uint64_t newer[4];
	} big;
	struct vmem_stats all, some;
	VMEM *vmp = test_pool(VMEM_MIN_POOL);

	(void)state;
	assert_non_null(vmem_malloc(vmp, 1000));
	errno = E2BIG;
	assert_int_equal(vmem_stats_get(vmp, &all, sizeof(all)), 0);
	assert_int_equal(errno, E2BIG);
	assert_int_equal(all.small_nmalloc, 1);
	assert_int_equal(all.threads, 1);
	memset(&big, 0xff, sizeof(big));
	assert_int_equal(vmem_stats_get(vmp, &big.s, sizeof(big)), 0);
	assert_memory_equal(&big.s, &all, sizeof(all));
	for (size_t i = 0; i < NELEM(big.newer); i++)
		assert_int_equal(big.newer[i], 0);
	memset(&some, 0xff, sizeof(some));
	assert_int_equal(vmem_stats_get(vmp, &some, 3 * sizeof(uint64_t)), 0);
	assert_int_equal(some.active, all.active);
	assert_int_equal(some.free, UINT64_MAX);
	test_pool_delete(vmp, VMEM_MIN_POOL);
}

static void
stats_get__what_is_wrong__is_refused(void **state)
{
	struct vmem_stats s;
	VMEM *vmp = test_pool(VMEM_MIN_POOL);

	(void)state;
	memset(&s, 0xff, sizeof(s));
	assert_int_equal(vmem_stats_get(NULL, &s, sizeof(s)), -1);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(vmem_stats_get(vmp, NULL, sizeof(s)), -1);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(vmem_stats_get(vmp, &s, 0), -1);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(vmem_stats_get(vmp, &s, 12), -1);
	assert_int_equal(errno, EINVAL);
	assert_non_null(strstr(vmem_errormsg(), "12 bytes"));
	test_pool_delete(vmp, VMEM_MIN_POOL);
	assert_int_equal(vmem_stats_get(vmp, &s, sizeof(s)), -1);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(s.mapped, UINT64_MAX);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			stats_get__million_operations_of_8_threads__exact),
		cmocka_unit_test(stats_get__other_sizes_of_the_struct__fit),
		cmocka_unit_test(stats_get__what_is_wrong__is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
