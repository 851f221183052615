/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_size_class.c -- every size, every class, every offset
 */
#include "slab/size_class.h"

#include "base/arith.h"
#include "run/run.h"
#include "slab/slab.h"

#include "harness/test.h"

static const struct class_table *tables[CLASS_TABLES];

static int
setup(void **state)
{
	(void)state;
	class_tables_init();
	class_tables_init(); /* again: nothing happens */
	tables[0] = class_table_for(CLASS_LONG_POOL - 1);
	tables[1] = class_table_for(CLASS_LONG_POOL);
	tables[2] = class_table_for(CLASS_FINE_POOL);
	return 0;
}

static void
tables__by_pool_size__are_three(void **state)
{
	(void)state;
	assert_ptr_equal(class_table_for(14 * MIB), tables[0]);
	assert_ptr_equal(class_table_for(CLASS_FINE_POOL - 1), tables[1]);
	assert_ptr_equal(class_table_for(SIZE_MAX), tables[2]);
	assert_int_equal(tables[0]->nclasses, tables[1]->nclasses);
	assert_int_equal(tables[0]->cls[3].nlifo, BIN_LIFO);
	assert_int_equal(tables[1]->cls[3].nlifo, BIN_LIFO_LONG);
	assert_true(tables[1]->nclasses < tables[2]->nclasses);
	assert_int_equal(tables[2]->nclasses, CLASS_MAX);
	for (size_t i = 0; i < CLASS_TABLES; i++) {
		const struct class_table *t = tables[i];

		assert_int_equal(t->cls[0].size, 8);
		assert_int_equal(t->cls[t->nclasses - 1].size, SLAB_MAX);
		for (unsigned c = 1; c < t->nclasses; c++)
			assert_true(t->cls[c].size > t->cls[c - 1].size);
	}
}

static void
class_of__every_size__is_the_smallest_that_holds_it(void **state)
{
	(void)state;
	for (size_t i = 0; i < CLASS_TABLES; i++) {
		const struct class_table *t = tables[i];
		unsigned expected = 0;

		for (size_t size = 0; size <= SLAB_MAX; size++) {
			while (t->cls[expected].size < size)
				expected++;
			must(class_of(t, size) == expected);
			if (size <= SLAB_LOOKUP_MAX)
				must(t->lookup[lookup_small(size)] ==
					t->cls[expected].bin);
			if (size <= SLAB_LOOKUP_MAX)
				continue;
			must(class_above(t, size) == expected);
			must(t->lookup[lookup_above(size)] ==
				t->cls[expected].bin);
		}
	}
}

static void
aligned_size__every_size_and_alignment__has_a_class_that_fits(void **state)
{
	(void)state;
	for (size_t i = 0; i < CLASS_TABLES; i++)
		for (size_t align = 1; align <= 4096; align *= 2)
			for (size_t size = 0; size <= SLAB_MAX; size++) {
				const struct class_table *t = tables[i];
				size_t slot = class_aligned_size(size, align);
				unsigned c = class_of(t, size);

				/* the first that holds it and is a multiple */
				while (t->cls[c].size % align != 0)
					c++;
				must(slot <= SLAB_MAX &&
					class_of(t, slot) == c);
			}
}

/* usable -- bytes that an object of that size gets */
static size_t
usable(const struct class_table *t, size_t size)
{
	return t->cls[class_of(t, size)].size;
}

static void
class_of__sizes_of_the_contract__waste_little(void **state)
{
	static const size_t bounds[][2] = {{10, 8}, {100, 16}, {200, 32},
		{500, 64}, {1000, 128}, {2000, 256}, {3000, 512}};

	(void)state;
	for (size_t i = 0; i < CLASS_TABLES; i++) {
		for (size_t k = 0; k < NELEM(bounds); k++)
			assert_in_range(usable(tables[i], bounds[k][0]),
				bounds[k][0], bounds[k][0] + bounds[k][1]);
		/* an eighth of the size; half of that in the finer table */
		for (size_t size = 129; size <= SLAB_MAX; size++)
			must((usable(tables[i], size) - size) * 8 < size);
		for (size_t size = 1025;
			i == CLASS_TABLES - 1 && size <= SLAB_MAX; size++)
			must((usable(tables[i], size) - size) * 16 < size);
	}
}

static void
class_of__power_of_two__has_a_class_of_its_own(void **state)
{
	(void)state;
	for (size_t i = 0; i < CLASS_TABLES; i++)
		for (size_t size = 8; size <= SLAB_MAX; size *= 2)
			assert_int_equal(usable(tables[i], size), size);
}

static void
size__from_sixteen_on__is_a_multiple_of_it(void **state)
{
	(void)state;
	for (size_t i = 0; i < CLASS_TABLES; i++)
		for (unsigned c = 1; c < tables[i]->nclasses; c++)
			assert_int_equal(tables[i]->cls[c].size % 16, 0);
}

static void
slab__every_class_and_step__holds_enough_with_a_small_tail(void **state)
{
	(void)state;
	for (size_t i = 0; i < CLASS_TABLES; i++) {
		const struct class_table *t = tables[i];

		for (unsigned c = 0; c < t->nclasses; c++) {
			const struct size_class *k = &t->cls[c];

			for (unsigned s = 0; s < CLASS_NSTEPS; s++) {
				unsigned npages = k->npages[s];
				size_t bytes = npages * RUN_PAGE;
				unsigned nobj = class_nobj(k, npages);
				size_t tail = class_tail(k, npages);

				must(npages > 0 && npages <= 64);
				must(nobj >= 4 && nobj <= SLAB_MAX_OBJECTS);
				must(nobj == bytes / k->size);
				must(tail == bytes - nobj * (size_t)k->size);
				must(tail < k->size && tail < RUN_PAGE);
				must(tail * 32 <= bytes);
				must(s == 0 || npages >= k->npages[s - 1]);
				must(slab_granules(nobj) <= 6);
			}
		}
	}
}

static void
class_index__every_offset_of_the_largest_slab__is_the_division(void **state)
{
	(void)state;
	for (size_t i = 0; i < CLASS_TABLES; i++) {
		const struct class_table *t = tables[i];

		for (unsigned c = 0; c < t->nclasses; c++) {
			const struct size_class *k = &t->cls[c];
			unsigned npages = k->npages[CLASS_NSTEPS - 1];
			size_t end = class_nobj(k, npages) * (size_t)k->size;

			for (size_t off = 0; off < end; off++)
				must(class_index(k->recip, off) ==
					(off % k->size == 0 ? off / k->size
							    : UINT32_MAX));
		}
	}
}

/*
 * What lies in front of slots has an offset that wraps: in the slab's tail it
 * is no slot's, which free relies on, and from farther no index of a slot may
 * come out of it.
 */
static void
class_index__offset_before_the_slab__is_no_slot(void **state)
{
	(void)state;
	for (size_t i = 0; i < CLASS_TABLES; i++) {
		const struct class_table *t = tables[i];

		for (unsigned c = 0; c < t->nclasses; c++) {
			const struct size_class *k = &t->cls[c];

			for (uint64_t back = 1; back < 70000; back++)
				must(class_index(k->recip, 0 - back) >=
					(back + 8 <= k->size
							? UINT32_MAX
							: SLAB_MAX_OBJECTS));
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			aligned_size__every_size_and_alignment__has_a_class_that_fits),
		cmocka_unit_test(tables__by_pool_size__are_three),
		cmocka_unit_test(
			class_of__every_size__is_the_smallest_that_holds_it),
		cmocka_unit_test(class_of__sizes_of_the_contract__waste_little),
		cmocka_unit_test(
			class_of__power_of_two__has_a_class_of_its_own),
		cmocka_unit_test(size__from_sixteen_on__is_a_multiple_of_it),
		cmocka_unit_test(
			slab__every_class_and_step__holds_enough_with_a_small_tail),
		cmocka_unit_test(
			class_index__every_offset_of_the_largest_slab__is_the_division),
		cmocka_unit_test(
			class_index__offset_before_the_slab__is_no_slot),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
