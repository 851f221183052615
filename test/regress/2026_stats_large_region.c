/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * 2026_stats_large_region.c -- the statistics of a large region with little in
 * it
 *
 * The page map was read for each page that is free, too: 2 MiB for each GiB,
 * which were touched for the first time then, and took memory.  Of a region of
 * 64 GiB that was a second, and each update of `vmem top` took as long.
 *
 * ctest: not-asan not-tsan not-valgrind
 */
#include <sys/mman.h>
#include <sys/resource.h>

#include "harness/test.h"

#define REGION (64 * GIB)
/* pages of 4 KiB that the page map has, of 8 bytes for a page */
#define MAP_PAGES (REGION / 4096 * 8 / 4096)

static long
faults(void)
{
	struct rusage u;

	must(getrusage(RUSAGE_SELF, &u) == 0);
	return u.ru_minflt;
}

static void
stats_get__large_region__leaves_its_map_alone(void **state)
{
	void *region = mmap(NULL, REGION, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	struct vmem_stats s;
	VMEM *vmp;
	long before;

	(void)state;
	if (region == MAP_FAILED)
		test_skip("no such region here");
	vmp = vmem_create_in_region(region, REGION);
	assert_non_null(vmp);
	must(vmem_malloc(vmp, 100) != NULL);
	before = faults();
	assert_int_equal(vmem_stats_get(vmp, &s, sizeof(s)), 0);
	assert_in_range(faults() - before, 0, MAP_PAGES / 8);
	assert_int_equal(s.small_nmalloc - s.small_ndalloc, 1);
	vmem_delete(vmp);
	must(munmap(region, REGION) == 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stats_get__large_region__leaves_its_map_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
