/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_heap_grow.c -- a bin without objects gives its only slab to the bins
 * that have none
 */
#include "tcache/heap_internal.h"

#include "harness/heaps.h"

#include <string.h>

#define POOL_BYTES ((size_t)16 << 20)
#define NSIZES     20
#define GIVES      4 /* times that a bin gives its slab away */
#define LAST       4 /* bins that have grown last and give none away */

static struct heaps pool;
static struct heap *heap, *other;

static void
open_pool(enum hardening level)
{
	heaps_open(&pool, POOL_BYTES, level);
	heap = dir_attach(&pool.dir, true);
	other = dir_attach(&pool.dir, false);
	must(heap != NULL && other != NULL);
}

static void
close_sound(void)
{
	must(heaps_nfindings(&pool) == 0);
	dir_collect(&pool.dir, heap);
	must(heaps_nfindings(&pool) == 0);
	heaps_close(&pool);
}

/* npages_of -- pages of a class's first slab */
static size_t
npages_of(unsigned cls)
{
	return heap->table->cls[cls].npages[pool.dir.first_step];
}

/* nth_size -- of the classes whose first slab is as long as that of 16 bytes:
 * one goes where another one has been */
static size_t
nth_size(size_t i)
{
	unsigned cls = 1;

	while (i > 0) {
		must(++cls < heap->table->nclasses);
		i -= npages_of(cls) == npages_of(1);
	}
	return heap->table->cls[cls].size;
}

static struct bin *
bin_of(size_t size)
{
	return heap_bin(heap, heap->table, class_of(heap->table, size));
}

/* nslabs -- of all bins */
static size_t
nslabs(void)
{
	size_t n = 0;

	for (unsigned c = 0; c < heap->table->nclasses; c++)
		n += heap_bin(heap, heap->table, c)->nslabs;
	return n;
}

/* untouched -- the bin of that size, and what it has in its LIFO, is as it was
 */
static void
untouched(size_t size, const struct slab *s, unsigned count)
{
	assert_ptr_equal(bin_of(size)->slab, s);
	assert_int_equal(bin_count(bin_of(size)), count);
}

static void *
allocate(size_t size)
{
	void *p = heaps_malloc(heap, size);

	must(p != NULL);
	memset(p, 0x5a, size);
	return p;
}

/* pass -- an object of that size that does not stay */
static void
pass(size_t size)
{
	must(heaps_free(heap, allocate(size)) == FREE_DONE);
}

/* grow_others -- so many bins that the one which grew before may be asked */
static void
grow_others(void)
{
	for (size_t i = NSIZES; i <= NSIZES + LAST; i++)
		pass(nth_size(i));
}

/* nth_in_turn -- slabs after an object each of so many sizes */
static size_t
nth_in_turn(size_t n)
{
	for (size_t i = 0; i < n; i++)
		pass(nth_size(i));
	return nslabs();
}

static void
malloc__one_object_at_a_time__has_few_slabs_whatever_its_size(void **state)
{
	(void)state;
	for (int level = 0; level < HARDENING_EXACT; level++) {
		open_pool((enum hardening)level);
		for (size_t i = 0; i < NSIZES; i++) {
			pass(nth_size(i));
			assert_in_range(nslabs(), 1, LAST + 1);
		}
		assert_int_equal(nslabs(), LAST + 1);
		close_sound();
	}
}

/* an object that is freed once more is then no other's so soon */
static void
malloc__exact_pool__gives_no_slab_away(void **state)
{
	(void)state;
	open_pool(HARDENING_EXACT);
	assert_int_equal(nth_in_turn(NSIZES), NSIZES);
	close_sound();
	open_pool(HARDENING_GUARDED);
	for (size_t i = 1; i <= NSIZES; i++)
		pass(nth_size(i) + GUARDED_EXTRA);
	close_sound();
}

/* open_touched -- a pool with pages that an object has had */
static void
open_touched(void)
{
	struct desc *d;

	open_pool(HARDENING_DEFAULT);
	d = run_alloc(&pool.s.rs, NSIZES * npages_of(1), 1, RUN_LARGE,
		RUN_LG_PAGE, NULL);
	must(d != NULL);
	run_free(&pool.s.rs, d);
}

/* where others' pages are free and have been touched, nothing is saved */
static void
malloc__touched_pages_are_free__gives_no_slab_away(void **state)
{
	(void)state;
	open_touched();
	assert_int_equal(nth_in_turn(NSIZES), NSIZES);
	close_sound();
	/* given back they would have to be touched again */
	open_touched();
	pool.s.rs.give = BACKING_GIVE_MEMORY;
	must(run_trim(&pool.s.rs, 0) >= NSIZES * npages_of(1));
	assert_int_equal(nth_in_turn(NSIZES), LAST + 1);
	close_sound();
}

static void
malloc__freed_twice_soon_after__is_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < NSIZES; i++) {
		void *p;

		open_pool(HARDENING_DEFAULT);
		p = allocate(nth_size(i));
		must(heaps_free(heap, p) == FREE_DONE);
		for (size_t k = 0; k < LAST; k++)
			(void)allocate(nth_size(NSIZES + k));
		assert_int_equal(heaps_free(heap, p), FREE_DOUBLE);
		close_sound();
	}
}

/* else two sizes in turn would cost a slab each time */
static void
malloc__sizes_again_and_again__have_slabs_of_their_own(void **state)
{
	(void)state;
	open_pool(HARDENING_DEFAULT);
	for (size_t n = 0; n < 4 * GIVES; n++)
		for (size_t i = 0; i < NSIZES; i++)
			pass(nth_size(i));
	assert_int_equal(nslabs(), NSIZES);
	for (size_t i = 0; i < NSIZES; i++)
		assert_int_equal(bin_of(nth_size(i))->nnew, GIVES + 1);
	close_sound();
}

static void
malloc__object_is_there__its_slab_stays(void **state)
{
	static const size_t sizes[] = {16, 100, 1000};

	(void)state;
	open_pool(HARDENING_DEFAULT);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		size_t size = sizes[i];
		const struct slab *s;
		unsigned char *p;

		p = allocate(size);
		must(heaps_free(heap, allocate(size)) == FREE_DONE);
		s = bin_of(size)->slab;
		grow_others();
		assert_int_equal(bin_of(size)->nslabs, 1);
		untouched(size, s, 1);
		for (size_t k = 0; k < size; k++)
			assert_int_equal(p[k], 0x5a);
		assert_int_equal(heaps_free(heap, p), FREE_DONE);
	}
	close_sound();
}

/* until the bin has collected them they look like objects */
static void
malloc__objects_are_freed_by_others__slab_stays(void **state)
{
	void *p;

	(void)state;
	open_pool(HARDENING_DEFAULT);
	p = allocate(950);
	assert_int_equal(heaps_free(other, p), FREE_DONE);
	grow_others();
	assert_int_equal(bin_of(950)->nslabs, 1);
	/* and twice is once too many still */
	assert_int_equal(heaps_free(other, p), FREE_DOUBLE);
	close_sound();
}

static void
malloc__bin_has_two_slabs__keeps_both(void **state)
{
	static void *objects[SLAB_MAX_OBJECTS + 1];
	const struct slab *s;
	unsigned count;
	size_t n = 0;

	(void)state;
	open_pool(HARDENING_DEFAULT);
	while (bin_of(1000)->nslabs < 2)
		objects[n++] = allocate(1000);
	/* the only one in the second slab */
	must(heaps_free(heap, objects[--n]) == FREE_DONE);
	assert_int_equal(bin_of(1000)->nslabs, 2);
	s = bin_of(1000)->slab;
	count = bin_count(bin_of(1000));
	grow_others();
	assert_int_equal(bin_of(1000)->nslabs, 2);
	untouched(1000, s, count);
	while (n > 0)
		must(heaps_free(heap, objects[--n]) == FREE_DONE);
	close_sound();
}

/* the slab is listed, not the current one */
static void
malloc__slab_without_objects_is_listed__goes_as_well(void **state)
{
	(void)state;
	open_pool(HARDENING_DEFAULT);
	pass(950);
	bin_flush(heap, bin_of(950));
	current_drop(heap, bin_of(950));
	assert_null(bin_of(950)->slab);
	grow_others();
	assert_int_equal(bin_of(950)->nslabs, 0);
	assert_int_equal(nslabs(), LAST + 1);
	close_sound();
}

static void
malloc__slab_with_an_object_is_listed__stays(void **state)
{
	void *p, *q;

	(void)state;
	open_pool(HARDENING_DEFAULT);
	q = allocate(700);
	p = allocate(950);
	current_drop(heap, bin_of(950));
	for (size_t i = NSIZES; i < NSIZES + LAST; i++)
		pass(nth_size(i));
	/* it is asked next, but the one that grew before it has none either */
	must(heaps_free(heap, q) == FREE_DONE);
	pass(nth_size(NSIZES + LAST));
	assert_int_equal(bin_of(950)->nslabs, 1);
	assert_int_equal(bin_of(700)->nslabs, 0);
	assert_int_equal(heaps_free(heap, p), FREE_DONE);
	close_sound();
}

/* a slot may be in the LIFO twice where everything is believed */
static void
malloc__object_was_freed_twice__its_slab_may_stay(void **state)
{
	void *p, *q;

	(void)state;
	open_pool(HARDENING_NONE);
	p = allocate(950);
	q = allocate(950);
	must(heaps_free(heap, p) == FREE_DONE);
	must(heaps_free(heap, p) == FREE_DONE);
	/* as many in the LIFO as slots in use: but q is an object */
	grow_others();
	assert_int_equal(bin_of(950)->nslabs, 1);
	assert_int_equal(heap_find(heap, q).what, FREE_DONE);
	assert_int_equal(heaps_free(heap, q), FREE_DONE);
	assert_int_equal(heap->nlate, 1);
	close_sound();
}

/* a number that no class has would lead the heap astray */
static void
malloc__damaged_note_of_who_grew__is_found(void **state)
{
	(void)state;
	open_pool(HARDENING_DEFAULT);
	pass(950);
	heap->grown[HEAP_GROWN - 1] = (uint8_t)(heap->table->nclasses + 1);
	assert_int_equal(heaps_nfindings(&pool), 1);
	heap->grown[HEAP_GROWN - 1] = (uint8_t)heap->table->nclasses;
	close_sound();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			malloc__one_object_at_a_time__has_few_slabs_whatever_its_size),
		cmocka_unit_test(malloc__exact_pool__gives_no_slab_away),
		cmocka_unit_test(
			malloc__touched_pages_are_free__gives_no_slab_away),
		cmocka_unit_test(malloc__freed_twice_soon_after__is_refused),
		cmocka_unit_test(
			malloc__sizes_again_and_again__have_slabs_of_their_own),
		cmocka_unit_test(malloc__object_is_there__its_slab_stays),
		cmocka_unit_test(
			malloc__objects_are_freed_by_others__slab_stays),
		cmocka_unit_test(malloc__bin_has_two_slabs__keeps_both),
		cmocka_unit_test(
			malloc__slab_without_objects_is_listed__goes_as_well),
		cmocka_unit_test(malloc__slab_with_an_object_is_listed__stays),
		cmocka_unit_test(
			malloc__object_was_freed_twice__its_slab_may_stay),
		cmocka_unit_test(malloc__damaged_note_of_who_grew__is_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
