/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * large_places.c -- where large objects begin in a pool with much room
 */
#include "harness/test.h"

#include "harness/region.h"

#define POOL_BYTES (512 * MIB)
#define PAGE       ((size_t)4096)
#define NLIVE      16
#define NSTEPS     20000
#define NADDED     8192

static struct region region;
static VMEM *vmp;

static void
open_pool(void)
{
	region_open(&region, POOL_BYTES);
	vmp = vmem_create_in_region(region.addr, region.size);
	assert_non_null(vmp);
}

static void
close_pool(void)
{
	assert_int_equal(vmem_check(vmp), 1);
	vmem_delete(vmp);
	region_close(&region);
}

/* random_size -- 64 KiB to 16 MiB, each doubling as often */
static size_t
random_size(struct rng *rng)
{
	size_t low = (64 * KIB) << rng_between(rng, 0, 7);

	return rng_between(rng, low, 2 * low);
}

/*
 * Exact places, one behind the other, are 8,000 for as many steps; those that
 * are multiples of an eighth of the size, and of 64 KiB, some 2,000.
 */
static void
replace__at_random__comes_to_few_places(void **state)
{
	static unsigned char seen[POOL_BYTES / PAGE];
	char *live[NLIVE] = {NULL};
	size_t nplaces = 0;
	struct rng rng;

	(void)state;
	rng_init(&rng, __func__);
	open_pool();
	for (size_t i = 0; i < NSTEPS; i++) {
		char **p = &live[rng_between(&rng, 0, NLIVE - 1)];
		size_t size = random_size(&rng);

		vmem_free(vmp, *p);
		*p = vmem_malloc(vmp, size);
		assert_non_null(*p);
		/* the place is rounded, the size is not */
		assert_in_range(vmem_malloc_usable_size(vmp, *p), size,
			size + PAGE - 1);
		nplaces += !seen[(size_t)(*p - region.addr) / PAGE];
		seen[(size_t)(*p - region.addr) / PAGE] = 1;
	}
	print_message("  %zu places\n", nplaces);
	assert_in_range(nplaces, 1, 3500);
	for (size_t i = 0; i < NLIVE; i++)
		vmem_free(vmp, live[i]);
	close_pool();
}

/* fill -- objects of one size until there is no room; how many there were */
static size_t
fill(void **objects, size_t size)
{
	size_t n = 0;

	while (n < NADDED && (objects[n] = vmem_malloc(vmp, size)) != NULL)
		n++;
	return n;
}

static void
add__after_all_were_freed__fills_the_pool(void **state)
{
	/* the least that begins at such places: most of a gap is lost */
	const size_t size = 17 * PAGE;
	static void *objects[NADDED];
	size_t first, again;

	(void)state;
	open_pool();
	first = fill(objects, size);
	assert_in_range(first * size, POOL_BYTES / 100 * 99, POOL_BYTES);
	for (size_t i = first; i-- > 0;)
		vmem_free(vmp, objects[i]);
	again = fill(objects, size);
	print_message("  %zu of %zu again\n", again, first);
	assert_in_range(again, first - first / 200, first);
	for (size_t i = again; i-- > 0;)
		vmem_free(vmp, objects[i]);
	close_pool();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(replace__at_random__comes_to_few_places),
		cmocka_unit_test(add__after_all_were_freed__fills_the_pool),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
