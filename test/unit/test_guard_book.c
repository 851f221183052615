/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_guard_book.c -- notes of objects against a list of what there is
 *
 * There is no pool: a book needs its addresses only.
 *
 * ctest: threads
 */
#include "pool/guard_book.h"

#include "base/guard.h"
#include "harness/test.h"
#include "harness/threads.h"

#define UNIT     ((size_t)16)
#define NUNITS   ((size_t)300)
#define NSTEPS   (TEST_SANITIZED ? 3000 : 30000)
#define NTHREADS ((size_t)4)

#define BASE ((const char *)0x10000000)

struct model {
	struct guard_book *book;
	struct {
		size_t units; /* what it takes; 0: none */
		size_t size;
		bool freed;
		uint32_t made, gone;
	} at[NUNITS]; /* where it begins */
	uint32_t last;
};

static const char *
address(size_t unit)
{
	return BASE + unit * UNIT;
}

/* is_free -- is there no live object in these units? */
static bool
is_free(const struct model *m, size_t first, size_t n)
{
	for (size_t i = 0; i < NUNITS; i++)
		if (m->at[i].units > 0 && !m->at[i].freed && i < first + n &&
			first < i + m->at[i].units)
			return false;
	return true;
}

static void
model_begin(struct model *m, struct rng *rng)
{
	size_t first = rng_between(rng, 0, NUNITS - 2);
	size_t most = rng_between(rng, 0, 9) == 0 ? NUNITS : 6;
	size_t n = rng_between(rng, 2, most);
	if (first + n > NUNITS || !is_free(m, first, n))
		return;
	size_t size = n * UNIT - GUARD_EXTRA;
	size -= rng_between(rng, 0, size < UNIT ? size : UNIT);
	struct guard_origin by = {++m->last, 7};
	guard_book_begin(m->book, address(first), size, n * UNIT, by);
	/* what has begun there is forgotten */
	for (size_t i = first; i < first + n; i++)
		m->at[i].units = 0;
	/* one note for two units */
	m->at[first ^ 1].units *= m->at[first ^ 1].freed ? 0 : 1;
	m->at[first].units = n;
	m->at[first].size = size;
	m->at[first].freed = false;
	m->at[first].made = m->last;
}

static void
model_end(struct model *m, struct rng *rng)
{
	size_t i = rng_between(rng, 0, NUNITS - 1);
	if (m->at[i].units == 0 || m->at[i].freed)
		return;
	struct guard_origin by = {++m->last, 8};
	guard_book_end(m->book, address(i), by);
	m->at[i].freed = true;
	m->at[i].gone = m->last;
}

static void
must_be(const struct model *m, const char *at, size_t i)
{
	struct guard_note n;
	must(guard_book_look(at, &n) == m->book);
	must(n.object == (uintptr_t)address(i));
	must(n.size == m->at[i].size);
	must((n.freed != 0) == m->at[i].freed);
	must(n.made.stack == m->at[i].made && n.made.thread == 7);
	must(!m->at[i].freed ||
		(n.gone.stack == m->at[i].gone && n.gone.thread == 8));
}

/* is_inside -- is there an object that the byte lies in? */
static bool
is_inside(const struct model *m, const char *at)
{
	for (size_t i = 0; i < NUNITS; i++)
		if (m->at[i].units > 0 && at >= address(i) &&
			at < address(i) + m->at[i].size)
			return true;
	return false;
}

static void
model_compare(const struct model *m, struct rng *rng)
{
	for (size_t i = 0; i < NUNITS; i++) {
		const char *p = address(i);
		if (m->at[i].units == 0 || m->at[i].freed)
			continue;
		size_t size = m->at[i].size;
		if (size > 0) {
			must_be(m, p, i);
			must_be(m, p + size - 1, i);
			must_be(m, p + rng_between(rng, 0, size - 1), i);
		}
		must_be(m, p + size, i);
		if (i > 0 && !is_inside(m, p - 1))
			must_be(m, p - 1, i);
	}
}

static void
count(void *arg, const struct guard_note *n)
{
	struct model *m = arg;
	size_t i = (size_t)((const char *)n->object - BASE) / UNIT;
	must(i < NUNITS && m->at[i].units > 0 && !m->at[i].freed);
	must(n->size == m->at[i].size);
	m->last++;
}

static void
all__random_objects__agree_with_a_list(void **state)
{
	struct model m = {.book = guard_book_open(BASE, NUNITS * UNIT, 0)};
	struct rng rng;
	(void)state;
	rng_init(&rng, "guard_book");
	must(m.book != NULL && guard_book_of(BASE) == m.book);
	for (int step = 0; step < NSTEPS; step++) {
		if (rng_between(&rng, 0, 2) < 2)
			model_begin(&m, &rng);
		else
			model_end(&m, &rng);
		if (step % 16 == 0)
			model_compare(&m, &rng);
	}
	size_t nlive = 0;
	for (size_t i = 0; i < NUNITS; i++)
		nlive += m.at[i].units > 0 && !m.at[i].freed;
	m.last = 0;
	guard_book_each(m.book, count, &m);
	assert_int_equal(m.last, nlive);
	guard_book_close(m.book);
}

static void
look__freed_and_partly_used_again__finds_both(void **state)
{
	struct guard_book *b = guard_book_open(BASE, 8 * MIB, 0);
	struct guard_origin one = {1, 1}, two = {2, 2}, three = {3, 3};
	struct guard_note n;
	(void)state;
	must(b != NULL);
	guard_book_begin(b, BASE + 4096, 4 * MIB, 5 * MIB, one);
	guard_book_end(b, BASE + 4096, two);
	guard_book_begin(b, BASE + 8192, 48, 80, three);
	assert_ptr_equal(guard_book_look(BASE + 8192 + 48, &n), b);
	assert_int_equal(n.made.stack, 3);
	assert_ptr_equal(guard_book_look(BASE + 3 * MIB, &n), b);
	assert_int_equal(n.made.stack, 1);
	assert_int_equal(n.gone.stack, 2);
	/* a large one again: nothing is known of what was there */
	guard_book_end(b, BASE + 8192, two);
	guard_book_begin(b, BASE + 4096, 3 * MIB, 4 * MIB, three);
	assert_ptr_equal(guard_book_look(BASE + 8192 + 48, &n), b);
	assert_int_equal(n.object, (uintptr_t)BASE + 4096);
	guard_book_close(b);
}

static void
look__no_object_or_no_pool__says_so(void **state)
{
	struct guard_book *b = guard_book_open(BASE, 8 * MIB, 0);
	struct guard_note n;
	(void)state;
	must(b != NULL);
	assert_ptr_equal(guard_book_look(BASE + MIB, &n), b);
	assert_int_equal(n.object, 0);
	assert_null(guard_book_look(BASE - 1, &n));
	assert_null(guard_book_look(BASE + 8 * MIB, &n));
	struct guard_origin by = {1, 1};
	guard_book_begin(b, BASE + 8 * MIB - 64, 40, 64, by);
	assert_ptr_equal(guard_book_look(BASE, &n), b);
	assert_int_equal(n.object, (uintptr_t)BASE + 8 * MIB - 64);
	guard_book_close(b);
	assert_null(guard_book_look(BASE + MIB, &n));
}

static void
open__after_close__has_nothing_of_before(void **state)
{
	struct guard_origin by = {1, 1};
	struct guard_note n;
	(void)state;
	for (int round = 0; round < 100; round++) {
		struct guard_book *b = guard_book_open(BASE, 16 * MIB, 0);
		must(b != NULL);
		assert_ptr_equal(guard_book_look(BASE + 16 * MIB - 1, &n), b);
		assert_int_equal(n.object, 0);
		for (size_t off = 0; off < 16 * MIB; off += MIB / 2)
			guard_book_begin(b, BASE + off, 100, 128, by);
		guard_book_close(b);
	}
}

static void
look__two_pools_over_each_other__finds_the_newer(void **state)
{
	struct guard_book *a = guard_book_open(BASE, 8 * MIB, 0);
	struct guard_book *b = guard_book_open(BASE, 4 * MIB, 0);
	struct guard_note n;
	(void)state;
	must(a != NULL && b != NULL);
	assert_ptr_equal(guard_book_of(BASE), b);
	assert_ptr_equal(guard_book_look(BASE + MIB, &n), b);
	assert_ptr_equal(guard_book_look(BASE + 5 * MIB, &n), a);
	guard_book_close(b);
	assert_ptr_equal(guard_book_of(BASE), a);
	guard_book_close(a);
	assert_null(guard_book_of(BASE));
}

/* each thread has every fourth object: neighbours share what is cleared */
static void
use(size_t idx, struct rng *rng, void *arg)
{
	struct guard_book *b = arg;
	struct guard_origin by = {(uint32_t)idx + 1, (uint32_t)idx + 1};
	struct guard_note n;
	for (int i = 0; i < NSTEPS / 3; i++) {
		size_t k = rng_between(rng, 0, 99) * NTHREADS + idx;
		const char *p = BASE + k * 48;
		guard_book_begin(b, p, 20, 48, by);
		must(guard_book_look(p + 19, &n) == b);
		must(n.object == (uintptr_t)p && n.made.stack == idx + 1);
		guard_book_end(b, p, by);
	}
}

static void
all__threads_with_objects_side_by_side__lose_none(void **state)
{
	struct guard_book *b = guard_book_open(BASE, MIB, 0);
	(void)state;
	must(b != NULL);
	threads_run(NTHREADS, use, b, "guard_book");
	guard_book_close(b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all__random_objects__agree_with_a_list),
		cmocka_unit_test(look__freed_and_partly_used_again__finds_both),
		cmocka_unit_test(look__no_object_or_no_pool__says_so),
		cmocka_unit_test(open__after_close__has_nothing_of_before),
		cmocka_unit_test(
			look__two_pools_over_each_other__finds_the_newer),
		cmocka_unit_test(
			all__threads_with_objects_side_by_side__lose_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
