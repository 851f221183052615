/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_heap_refill.c -- where slots come from when the LIFO is empty, and what
 * of it those who free for others see
 */
#include "harness/heaps.h"

#include <pthread.h>

#include "tcache/heap_internal.h"

#define POOL_BYTES ((size_t)64 << 20)
#define SIZE       ((size_t)64)
#define MOST       20000

static struct heaps pool;
static struct heap *heap;
static struct heap *other;
static void *objects[MOST];

static void
open_pool(size_t size, enum hardening level)
{
	heaps_open(&pool, size, level);
	heap = dir_attach(&pool.dir, true);
	other = dir_attach(&pool.dir, false);
	must(heap != NULL);
}

static struct bin *
bin_of(size_t size)
{
	return heap_bin(heap, heap->table, class_of(heap->table, size));
}

static void
allocate(size_t from, size_t to)
{
	for (size_t i = from; i < to; i++) {
		objects[i] = heaps_malloc(heap, SIZE);
		must(objects[i] != NULL);
	}
}

static void
free_elsewhere(size_t from, size_t to)
{
	for (size_t i = from; i < to; i++)
		must(heaps_free(other, objects[i]) == FREE_DONE);
}

static void
close_sound(void)
{
	must(heaps_nfindings(&pool) == 0);
	heaps_close(&pool);
}

static void
heap_malloc__fresh_slab__gives_ascending_addresses(void **state)
{
	(void)state;
	open_pool(POOL_BYTES, HARDENING_DEFAULT);
	allocate(0, 500);
	for (size_t i = 1; i < 500; i++)
		assert_ptr_equal(objects[i],
			(char *)objects[i - 1] + bin_of(SIZE)->size);
	close_sound();
}

/*
 * pass -- a bin's objects go to another heap's holder, who is `behind` objects
 * later in freeing them
 */
static void
pass(size_t behind)
{
	for (size_t i = 0; i < MOST; i++) {
		allocate(i, i + 1);
		if (i >= behind)
			free_elsewhere(i - behind, i - behind + 1);
	}
	free_elsewhere(MOST - behind, MOST);
}

/* each object given out is one write less to a word that others read */
static void
heap_malloc__others_free_in_the_slab__takes_many_bits_at_once(void **state)
{
	const struct bin *b;
	size_t nwrites = 0;
	uint64_t before = 0;

	(void)state;
	open_pool(POOL_BYTES, HARDENING_DEFAULT);
	b = bin_of(SIZE);
	pass(100);
	for (size_t i = 0; i < 640; i++) {
		allocate(i, i + 1);
		nwrites += *b->cur != before;
		before = *b->cur;
	}
	assert_in_range(nwrites, 1, 640 / 8);
	assert_int_equal(b->nmalloc, MOST + 640);
	close_sound();
}

/* what lies in the LIFO is told from what lives */
static void
heap_malloc__others_free_in_the_slab__lifo_is_not_live(void **state)
{
	const struct bin *b;

	(void)state;
	open_pool(POOL_BYTES, HARDENING_DEFAULT);
	b = bin_of(SIZE);
	pass(100);
	heap_flush(heap);
	allocate(0, 1);
	assert_true(bin_count(b) > 8);
	assert_int_equal(heap_find(heap, objects[0]).what, FREE_DONE);
	for (unsigned i = 0; i < bin_count(b); i++)
		assert_int_equal(
			heap_find(heap, bin_held_at(b, i)).what, FREE_DOUBLE);
	assert_int_equal(heaps_free(heap, objects[0]), FREE_DONE);
	heap_rest(heap);
	assert_int_equal(b->nslabs, 0);
	close_sound();
}

/* what is given out next is known to be free by its bit, and by no LIFO */
static void
assert_one_bit_each(void)
{
	allocate(0, 100);
	assert_int_equal(bin_count(bin_of(SIZE)), 0);
	assert_int_equal(
		heaps_free(heap, (char *)objects[99] + SIZE), FREE_DOUBLE);
}

/* where nobody else frees, a free slot is known to be free by its bit */
static void
heap_malloc__nobody_else_frees__takes_one_bit_each(void **state)
{
	(void)state;
	open_pool(POOL_BYTES, HARDENING_DEFAULT);
	assert_one_bit_each();
	close_sound();
}

/* and so it is again some slabs after others have stopped to free */
static void
heap_malloc__others_have_stopped__takes_one_bit_each_again(void **state)
{
	(void)state;
	open_pool(POOL_BYTES, HARDENING_DEFAULT);
	pass(100);
	assert_int_not_equal(bin_of(SIZE)->fill, 0);
	allocate(0, bin_of(SIZE)->slab->nobj * 8u);
	assert_int_equal(bin_of(SIZE)->fill, 0);
	close_sound();
}

/* a level that wants every double free seen has no LIFO to fill */
static void
heap_malloc__exact_level__takes_one_bit_each(void **state)
{
	(void)state;
	open_pool(POOL_BYTES, HARDENING_EXACT);
	pass(100);
	assert_int_equal(bin_of(SIZE)->fill, 0);
	assert_one_bit_each();
	close_sound();
}

/* a LIFO that is short keeps room for what is freed next */
static void
heap_malloc__any_size__leaves_room_in_the_lifo(void **state)
{
	(void)state;
	open_pool(POOL_BYTES, HARDENING_DEFAULT);
	for (unsigned c = 0; c < heap->table->nclasses; c++) {
		size_t size = heap->table->cls[c].size;
		const struct bin *b = bin_of(size);

		do {
			objects[0] = heaps_malloc(heap, size);
			objects[1] = heaps_malloc(heap, size);
			must(objects[0] != NULL && objects[1] != NULL);
			must(heaps_free(other, objects[0]) == FREE_DONE);
		} while (b->fill == 0 && b->nslabs < 4);
		heap_flush(heap);
		must(heaps_malloc(heap, size) != NULL);
		assert_true(bin_count(b) <= lifo_cap(b) / 2);
	}
	close_sound();
}

static void
current_change__few_slots_back__other_slab_meanwhile(void **state)
{
	(void)state;
	open_pool(POOL_BYTES, HARDENING_DEFAULT);
	allocate(0, 1);
	/* as many under way as a slab has, but for a few */
	pass(bin_of(SIZE)->slab->nobj - 40u);
	/* two slabs in turn, each used up as a whole */
	assert_int_equal(bin_of(SIZE)->nslabs, 2);
	assert_true(bin_of(SIZE)->nfills <= 2 + MOST / 512);
	must(heaps_nfindings(&pool) == 0);
	heap_rest(heap);
	close_sound();
}

static void
current_change__most_slots_back__stays(void **state)
{
	size_t nobj;

	(void)state;
	open_pool(POOL_BYTES, HARDENING_DEFAULT);
	allocate(0, 1);
	pass(100);
	assert_int_equal(bin_of(SIZE)->nslabs, 1);
	close_sound();
	/* a third of them is enough, wherever they are */
	open_pool(POOL_BYTES, HARDENING_DEFAULT);
	allocate(0, 1);
	nobj = bin_of(SIZE)->slab->nobj;
	allocate(1, nobj);
	for (size_t i = 0; i < nobj; i += 3)
		free_elsewhere(i, i + 1);
	bin_of(SIZE)->fill = 2;
	allocate(0, 1);
	assert_int_equal(bin_of(SIZE)->nslabs, 1);
	close_sound();
}

/*
 * change -- use the current slab up while a few of its slots come back; the
 * bin's next one takes its place.  Returns the old one.
 */
static const struct slab *
change(void)
{
	struct bin *b = bin_of(SIZE);
	const struct slab *old;

	allocate(0, 1);
	old = b->slab;
	must(old != NULL);
	/* as if others had freed in this slab before */
	b->fill = 2;
	for (size_t i = 0; b->slab == old; i++) {
		must(i < old->nobj);
		allocate(i, i + 1);
		if (i % 32 == 0)
			free_elsewhere(i, i + 1);
	}
	must(b->slab != NULL && slab_nremote(old) > 0);
	return old;
}

#define LARGE_SLOT ((size_t)8192)
#define MANY       5000u /* that large, in more slabs than a call takes */

/* load -- as many, each slab full but the last; returns how many slabs */
static size_t
load(void)
{
	open_pool(POOL_BYTES, HARDENING_DEFAULT);
	for (size_t i = 0; i < MANY; i++) {
		objects[i] = heaps_malloc(heap, LARGE_SLOT);
		must(objects[i] != NULL);
	}
	must(bin_of(LARGE_SLOT)->nslabs > 2 * RECEIVE_SOME);
	return bin_of(LARGE_SLOT)->nslabs;
}

static size_t
inbox_length(void)
{
	size_t n = 0;

	for (uint32_t g = heap->inbox; g != RUN_NO_GRANULE;
		g = heap_slab(heap, g)->next)
		n++;
	return n;
}

/* allocate_until -- the inbox has not that length any more */
static void
allocate_until(size_t length, size_t size)
{
	for (size_t i = 0; inbox_length() == length; i++) {
		must(i < MANY);
		must(heaps_malloc(heap, size) != NULL);
	}
}

/* what others have freed comes by portions, or one call would take it all */
static void
heap_receive__more_than_a_call_takes__comes_later(void **state)
{
	size_t nslabs = load(), n;

	(void)state;
	free_elsewhere(0, MANY);
	n = inbox_length();
	assert_in_range(n, nslabs - 1, nslabs);
	allocate_until(n, LARGE_SLOT);
	assert_int_equal(inbox_length(), n - RECEIVE_SOME);
	assert_int_equal(heaps_nfindings(&pool), 0);
	/* another class takes as many, and does not wait for one of its own */
	allocate_until(n - RECEIVE_SOME, SIZE);
	assert_int_equal(inbox_length(), n - 2 * RECEIVE_SOME);
	for (size_t i = 1; i < MANY; i++)
		assert_non_null(heaps_malloc(heap, LARGE_SLOT));
	assert_int_equal(inbox_length(), 0);
	assert_in_range(bin_of(LARGE_SLOT)->nslabs, nslabs - 1, nslabs + 1);
	close_sound();
}

static void *
free_all(void *arg)
{
	(void)arg;
	free_elsewhere(0, MANY);
	return NULL;
}

/* what is put back lies behind what has come meanwhile */
static void
heap_receive__while_others_free__loses_none(void **state)
{
	pthread_t thread;
	size_t nslabs = load(), n = 0;

	(void)state;
	must(pthread_create(&thread, NULL, free_all, NULL) == 0);
	while (n < nslabs / 2)
		n += heap_receive(heap, 1);
	must(pthread_join(thread, NULL) == 0);
	/* a slab that came early has come a second time, when it was full */
	while (heap_receive(heap, 7) > 0)
		;
	assert_int_equal(inbox_length(), 0);
	assert_int_equal(heaps_nfindings(&pool), 0);
	heap_rest(heap);
	assert_int_equal(bin_of(LARGE_SLOT)->nslabs, 0);
	close_sound();
}

/* a slab with few slots lets those on the list go first */
static void
current_change__others_on_the_list__they_come_first(void **state)
{
	const struct bin *b;
	size_t nobj;

	(void)state;
	open_pool(POOL_BYTES, HARDENING_DEFAULT);
	b = bin_of(SIZE);
	allocate(0, 1);
	nobj = b->slab->nobj;
	allocate(1, nobj * 4);
	for (size_t i = 0; i < nobj * 4; i += 2)
		must(heaps_free(heap, objects[i]) == FREE_DONE);
	heap_flush(heap);
	assert_int_equal(change()->state, SLAB_QUEUED);
	assert_int_equal(b->nslabs, 4);
	must(heaps_nfindings(&pool) == 0);
	/* and it goes on when its turn comes */
	allocate(0, nobj * 4);
	close_sound();
}

/* once all of it has been freed elsewhere it goes back, whatever is needed */
static void
current_change__rest_is_freed__another_class_gets_the_memory(void **state)
{
	struct bin *b;
	const struct slab *old;
	size_t nobj;

	(void)state;
	open_pool(POOL_BYTES, HARDENING_DEFAULT);
	b = bin_of(SIZE);
	allocate(0, 1);
	nobj = b->slab->nobj;
	free_elsewhere(0, 1);
	heap_rest(heap);
	allocate(0, nobj);
	old = b->slab;
	for (size_t i = 0; i < 64; i++)
		free_elsewhere(i, i + 1);
	b->fill = 2;
	must(heaps_malloc(heap, SIZE) != NULL);
	assert_ptr_not_equal(b->slab, old);
	assert_int_equal(old->state, SLAB_QUEUED);
	assert_int_equal(b->nslabs, 2);
	free_elsewhere(64, nobj);
	must(heaps_malloc(heap, 4096) != NULL);
	assert_int_equal(b->nempty, 1);
	close_sound();
}

/* memory is short where there are many heaps: no slab more than needed */
static void
current_change__crowded_pool__uses_what_came_back(void **state)
{
	struct heap *h;

	(void)state;
	open_pool((size_t)14 << 20, HARDENING_DEFAULT);
	do
		h = dir_attach(&pool.dir, false);
	while (h != NULL);
	allocate(0, 1);
	allocate(1, bin_of(SIZE)->slab->nobj + 0u);
	free_elsewhere(0, 1);
	bin_of(SIZE)->fill = 2;
	allocate(0, 1);
	assert_int_equal(bin_of(SIZE)->nslabs, 1);
	close_sound();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			heap_receive__more_than_a_call_takes__comes_later),
		cmocka_unit_test(heap_receive__while_others_free__loses_none),
		cmocka_unit_test(
			heap_malloc__fresh_slab__gives_ascending_addresses),
		cmocka_unit_test(
			heap_malloc__others_free_in_the_slab__takes_many_bits_at_once),
		cmocka_unit_test(
			heap_malloc__others_free_in_the_slab__lifo_is_not_live),
		cmocka_unit_test(
			heap_malloc__nobody_else_frees__takes_one_bit_each),
		cmocka_unit_test(
			heap_malloc__others_have_stopped__takes_one_bit_each_again),
		cmocka_unit_test(heap_malloc__exact_level__takes_one_bit_each),
		cmocka_unit_test(
			heap_malloc__any_size__leaves_room_in_the_lifo),
		cmocka_unit_test(
			current_change__few_slots_back__other_slab_meanwhile),
		cmocka_unit_test(current_change__most_slots_back__stays),
		cmocka_unit_test(
			current_change__others_on_the_list__they_come_first),
		cmocka_unit_test(
			current_change__rest_is_freed__another_class_gets_the_memory),
		cmocka_unit_test(
			current_change__crowded_pool__uses_what_came_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
