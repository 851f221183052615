/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_pool_stats.c -- figures that are read of a heap which is none any more,
 * since another process has given it back meanwhile
 */
#include "pool/pool_internal.h"

#include "harness/test.h"

#include <string.h>

#define NROUNDS 2000

/* scramble -- all counters of a heap */
static void
scramble(struct heap *h, struct rng *rng)
{
	for (unsigned c = 0; c < LARGE_CLASSES; c++) {
		h->large[c].nmalloc = rng_next(rng);
		h->large[c].nfree = rng_next(rng);
		h->large[c].bytes = rng_next(rng);
	}
	for (unsigned c = 0; c < h->table->nclasses; c++)
		memset(&heap_bin(h, h->table, c)->nmalloc,
			(int)rng_between(rng, 0, 255),
			sizeof(heap_bin(h, h->table, c)->nmalloc));
}

static void
stats__of_any_counters__are_none_that_cannot_be(void **state)
{
	VMEM *vmp = test_pool(VMEM_MIN_POOL);
	struct heap *h;
	struct rng rng;

	(void)state;
	rng_init(&rng, __func__);
	must(vmem_malloc(vmp, 100) != NULL);
	h = pool_at(vmp)->dir.all;
	for (int i = 0; i < NROUNDS; i++) {
		struct vmem_stats s;

		scramble(h, &rng);
		must(vmem_stats_get(vmp, &s, sizeof(s)) == 0);
		assert_true(s.small_ndalloc <= s.small_nmalloc);
		assert_true(s.large_ndalloc <= s.large_nmalloc);
		assert_true(s.small_allocated <= INT64_MAX);
		assert_true(s.large_allocated <= s.size);
		assert_true(s.allocated <= INT64_MAX);
	}
	test_pool_delete(vmp, VMEM_MIN_POOL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			stats__of_any_counters__are_none_that_cannot_be),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
