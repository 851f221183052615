/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_run_copy.c -- a pool's metadata at another address
 */
#include "run/run_copy.h"

#include "base/bitmap.h"
#include "harness/space.h"
#include "run/run.h"

#include <string.h>

static struct space space;
static struct run_copy copy;

static int
setup(void **state)
{
	(void)state;
	space_open(&space, SPACE_BYTES, 3);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	space_close(&space);
	return 0;
}

/* there -- what the copy has for an address of the pool */
static void *
there(const void *p)
{
	return copy.base + ((const char *)p - space.rs.base);
}

static void
make(void)
{
	assert_true(run_copy_make(
		&copy, space.rs.base, (size_t)space.rs.npages << RUN_LG_PAGE));
}

static void
run_copy__header_and_heap__addresses_are_moved(void **state)
{
	struct desc *d =
		run_alloc(&space.rs, 2, 1, RUN_HEAP, RUN_LG_PAGE, NULL);
	uintptr_t *header = (void *)(space.rs.base + RUN_HEADER_OFF);
	uintptr_t *heap = (void *)d->base, *of;
	uintptr_t base = (uintptr_t)space.rs.base;
	uintptr_t end = base + ((uintptr_t)space.rs.npages << RUN_LG_PAGE);

	(void)state;
	header[1] = (uintptr_t)d;
	header[2] = end;
	heap[0] = base;
	heap[1] = end - 1;
	heap[2] = base - 1;
	heap[RUN_PAGE / sizeof(*heap)] = (uintptr_t)heap;
	make();
	of = there(header);
	assert_int_equal(of[1], (uintptr_t)there(d));
	assert_int_equal(of[2], end);
	of = there(heap);
	assert_int_equal(of[0], (uintptr_t)copy.base);
	assert_int_equal(of[1], (uintptr_t)there((void *)(end - 1)));
	assert_int_equal(of[2], base - 1);
	assert_int_equal(of[RUN_PAGE / sizeof(*of)], (uintptr_t)of);
	run_copy_drop(&copy);
}

static void
run_copy__runs__descriptors_lead_into_the_copy(void **state)
{
	struct run_space at;
	struct desc *d =
		run_alloc(&space.rs, 3, 1, RUN_LARGE, RUN_LG_PAGE, NULL);
	const struct desc *of;

	(void)state;
	memset(d->base, 'o', 3 * RUN_PAGE);
	make();
	run_space_layout(
		&at, copy.base, (size_t)space.rs.npages << RUN_LG_PAGE);
	assert_int_equal(at.first, space.rs.first);
	assert_int_equal(at.bias, space.rs.bias);
	of = run_lookup(&at, there(d->base));
	assert_ptr_equal(of, there(d));
	assert_ptr_equal(of->base, there(d->base));
	assert_int_equal(of->npages, 3);
	/* what objects hold is nobody's business */
	assert_int_equal(of->base[0], 0);
	/* and it stays as it is */
	run_free(&space.rs, d);
	assert_ptr_equal(run_lookup(&at, of->base), of);
	run_copy_drop(&copy);
}

static void
run_copy__bitmap_said_to_be_hollow__is_copied(void **state)
{
	struct run_space at;
	size_t bit = run_page(&space.rs, space.rs.hollow) + space.rs.bias;

	(void)state;
	bitmap_set_range(space.rs.hollow, bit, 1);
	make();
	run_space_layout(
		&at, copy.base, (size_t)space.rs.npages << RUN_LG_PAGE);
	assert_true(bitmap_test(at.hollow, bit));
	run_copy_drop(&copy);
	bitmap_clear_range(space.rs.hollow, bit, 1);
}

/* whatever the page map says, only what lies in the pool is read */
static void
run_copy__any_page_map__reads_no_further(void **state)
{
	const uint32_t granules[] = {1, 2, UINT32_MAX, UINT32_MAX / 2,
		run_granule(space.rs.base,
			space.rs.base +
				((size_t)space.rs.npages << RUN_LG_PAGE) -
				RUN_GRANULE)};
	struct desc *d =
		run_alloc(&space.rs, 1, 1, RUN_HEAP, RUN_LG_PAGE, NULL);
	uint64_t *entry = &run_map(space.rs.base)[run_page(&space.rs, d->base)];

	(void)state;
	for (size_t i = 0; i < NELEM(granules); i++) {
		*entry = run_entry(granules[i], 0);
		make();
		run_copy_drop(&copy);
	}
	*entry = UINT64_MAX;
	make();
	run_copy_drop(&copy);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			run_copy__header_and_heap__addresses_are_moved, setup,
			teardown),
		cmocka_unit_test_setup_teardown(
			run_copy__runs__descriptors_lead_into_the_copy, setup,
			teardown),
		cmocka_unit_test_setup_teardown(
			run_copy__bitmap_said_to_be_hollow__is_copied, setup,
			teardown),
		cmocka_unit_test_setup_teardown(
			run_copy__any_page_map__reads_no_further, setup,
			teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
