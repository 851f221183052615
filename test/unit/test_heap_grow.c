/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_heap_grow.c -- a bin without objects gives its only slab to the bins
 * that have none
 */
#include "tcache/heap_internal.h"

#include "harness/heaps.h"

#include <string.h>

#define POOL_BYTES ((size_t)16 << 20)
#define NSIZES     30
#define GIVES      4 /* times that a bin gives its slab away */

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

/* nth_size -- of classes that follow each other */
static size_t
nth_size(size_t i)
{
	return heap->table->cls[i].size;
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

static void
malloc__one_object_at_a_time__has_one_slab_whatever_its_size(void **state)
{
	(void)state;
	for (int level = 0; level < HARDENING_GUARDED; level++) {
		open_pool((enum hardening)level);
		for (size_t i = 0; i < NSIZES; i++) {
			pass(nth_size(i));
			assert_int_equal(nslabs(), 1);
		}
		close_sound();
	}
}

/* what level 3 holds back is an object still */
static void
malloc__guarded__keeps_what_holds_objects_back(void **state)
{
	(void)state;
	open_pool(HARDENING_GUARDED);
	for (size_t i = 1; i <= NSIZES; i++)
		pass(nth_size(i) + GUARDED_EXTRA);
	close_sound();
}

/* else two sizes in turn would cost a slab each time */
static void
malloc__sizes_again_and_again__have_slabs_of_their_own(void **state)
{
	(void)state;
	open_pool(HARDENING_DEFAULT);
	for (size_t n = 0; n < 3 * GIVES; n++)
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
		pass(2000);
		pass(3000);
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
	p = allocate(500);
	assert_int_equal(heaps_free(other, p), FREE_DONE);
	pass(2000);
	assert_int_equal(bin_of(500)->nslabs, 1);
	assert_int_equal(nslabs(), 2);
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
	pass(2000);
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
	pass(500);
	bin_flush(heap, bin_of(500));
	current_drop(heap, bin_of(500));
	assert_null(bin_of(500)->slab);
	pass(2000);
	assert_int_equal(bin_of(500)->nslabs, 0);
	assert_int_equal(nslabs(), 1);
	close_sound();
}

static void
malloc__slab_with_an_object_is_listed__stays(void **state)
{
	void *p, *q;

	(void)state;
	open_pool(HARDENING_DEFAULT);
	q = allocate(700);
	p = allocate(500);
	must(heaps_free(heap, q) == FREE_DONE);
	current_drop(heap, bin_of(500));
	pass(900);
	assert_int_equal(bin_of(500)->nslabs, 1);
	/* the one that grew before it is looked at all the same */
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
	p = allocate(500);
	q = allocate(500);
	must(heaps_free(heap, p) == FREE_DONE);
	must(heaps_free(heap, p) == FREE_DONE);
	/* as many in the LIFO as slots in use: but q is an object */
	pass(2000);
	assert_int_equal(bin_of(500)->nslabs, 1);
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
	pass(500);
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
			malloc__one_object_at_a_time__has_one_slab_whatever_its_size),
		cmocka_unit_test(
			malloc__guarded__keeps_what_holds_objects_back),
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
