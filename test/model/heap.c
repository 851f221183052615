/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * heap.c -- the heaps of a pool against the list of their live objects
 *
 * One thread plays the holders of several heaps.
 *
 * ctest: timeout=300
 */
#include "harness/heaps.h"

#include <string.h>

#define NHEAPS   5
#define NOBJECTS 6000
#define NSTEPS   (TEST_SANITIZED ? 12000 : 60000)

struct live {
	void *ptr;
	size_t usable;
	uint64_t tag;
};

struct model {
	struct heaps p;
	struct heap *heap[NHEAPS]; /* private ones; NULL: not attached */
	struct live v[NOBJECTS];
	size_t n;
	uint64_t next_tag;
};

static struct model model;

static struct heap *
any_heap(struct model *m, struct rng *rng)
{
	for (;;) {
		struct heap *h = m->heap[rng_between(rng, 0, NHEAPS - 1)];

		if (h != NULL)
			return h;
	}
}

static size_t
a_size(struct rng *rng)
{
	switch (rng_between(rng, 0, 15)) {
	case 0:
		return rng_between(rng, 0, 200000);
	case 1:
		return rng_between(rng, 0, SLAB_MAX + 1);
	case 2:
	case 3:
		return rng_between(rng, 0, 4096);
	case 4:
		return 4096;
	default:
		return rng_between(rng, 0, 300);
	}
}

/* note -- an object that has just been allocated: its bytes are nobody's */
static void
note(struct model *m, const struct heap *h, void *ptr, size_t size)
{
	struct object o = heap_find(h, ptr);
	struct live *k = &m->v[m->n++];

	must(o.what == FREE_DONE && o.usable >= size);
	must(o.large == (size > SLAB_MAX));
	must((uintptr_t)ptr % (size < 16 ? 8 : 16) == 0);
	*k = (struct live){ptr, o.usable, ++m->next_tag};
	test_fill(ptr, k->usable, k->tag);
}

static void
add(struct model *m, struct heap *h, size_t size)
{
	void *ptr;

	if (m->n == NOBJECTS)
		return;
	ptr = heaps_malloc(h, size);
	if (ptr != NULL)
		note(m, h, ptr, size);
}

static void
drop(struct model *m, struct heap *h, size_t idx)
{
	struct live *k = &m->v[idx];

	must(test_holds(k->ptr, k->usable, k->tag));
	must(heaps_free(h, k->ptr) == FREE_DONE);
	*k = m->v[--m->n];
}

static void
resize(struct model *m, struct heap *h, size_t idx, size_t npages)
{
	struct live *k = &m->v[idx];
	struct object o = heap_find(h, k->ptr);
	size_t kept;

	must(o.what == FREE_DONE && o.usable == k->usable);
	if (!o.large || !heap_resize_large(h, k->ptr, npages))
		return;
	kept = k->usable < npages * RUN_PAGE ? k->usable : npages * RUN_PAGE;
	must(test_holds(k->ptr, kept, k->tag));
	k->usable = npages * RUN_PAGE;
	must(heap_find(h, k->ptr).usable == k->usable);
	test_fill(k->ptr, k->usable, k->tag);
}

/* aligned -- a large object at a large alignment */
static void
aligned(struct model *m, struct heap *h, unsigned lg_align)
{
	bool clean;
	void *ptr;

	if (m->n == NOBJECTS)
		return;
	ptr = heap_alloc_large(h, 9, lg_align, &clean);
	if (ptr == NULL)
		return;
	must((uintptr_t)ptr % ((size_t)1 << lg_align) == 0);
	note(m, h, ptr, 9 * RUN_PAGE);
}

/* come_and_go -- a thread ends, or another begins */
static void
come_and_go(struct model *m, size_t i)
{
	size_t n = 0;

	for (size_t k = 0; k < NHEAPS; k++)
		n += m->heap[k] != NULL;
	if (m->heap[i] != NULL && n > 1) {
		dir_park(m->heap[i]);
		m->heap[i] = NULL;
	} else if (m->heap[i] == NULL) {
		m->heap[i] = dir_attach(&m->p.dir, false);
	}
}

/* collect -- heaps that have nothing in them may go, but not h */
static void
collect(struct model *m, struct heap *h)
{
	dir_collect(&m->p.dir, h);
	for (size_t i = 0; i < NHEAPS; i++) {
		struct heap *p = m->p.dir.all;

		while (p != NULL && p != m->heap[i])
			p = p->next;
		must(p != NULL || m->heap[i] != h);
		m->heap[i] = p;
	}
}

/* look -- for idle heaps, grown or not; or collect what they have */
static void
look(struct model *m, struct heap *h)
{
	if (idle_is_due(h))
		(void)idle_collect(&m->p.dir);
	else
		m->p.dir.idle_look = 0;
	(void)idle_look(h);
}

static void
step(struct model *m, struct rng *rng, size_t most)
{
	struct heap *h = any_heap(m, rng);
	size_t what = rng_between(rng, 0, 999);
	size_t idx = m->n == 0 ? 0 : rng_between(rng, 0, m->n - 1);
	unsigned cls = (unsigned)rng_between(rng, 0, h->table->nclasses - 1);

	if (what == 0) {
		collect(m, h);
	} else if (what == 1) {
		collect(m, h);
		(void)dir_steal_frozen(h, cls);
	} else if (what < 6) {
		come_and_go(m, rng_between(rng, 0, NHEAPS - 1));
	} else if (what < 10) {
		heap_flush(h);
	} else if (what < 12) {
		(void)dir_steal(h, cls);
	} else if (what < 18) {
		look(m, h);
	} else if (what < 30) {
		aligned(m, h, (unsigned)rng_between(rng, 12, 21));
	} else if (what < 60 && m->n > 0) {
		resize(m, h, idx, rng_between(rng, 1, 40));
	} else if (what < most) {
		add(m, h, a_size(rng));
	} else if (m->n > 0) {
		drop(m, h, idx);
	}
}

/* misuse -- what is no live object is refused and changes nothing */
static void
misuse(struct model *m, struct rng *rng)
{
	struct heap *h = any_heap(m, rng);
	struct live *k = &m->v[rng_between(rng, 0, m->n - 1)];
	char *inside = (char *)k->ptr + 1 + rng_between(rng, 0, k->usable - 2);
	char local;

	must(heap_free(h, inside) == FREE_INVALID);
	must(heap_find(h, inside).what == FREE_INVALID);
	must(heap_free(h, &local) == FREE_FOREIGN);
	must(heap_find(h, &local).what == FREE_FOREIGN);
	must(heap_free(h, m->p.s.base) == FREE_INVALID);
	must(heap_free(h, h) == FREE_INVALID);
	must(heap_free(h, m->p.s.base + RUN_HEADER_OFF) == FREE_INVALID);
	must(heap_free(h, h->desc) == FREE_INVALID);
	must(heap_find(h, h).what == FREE_INVALID);
}

/* free_twice -- at once, by the heap that freed it and by another one */
static void
free_twice(struct model *m, struct rng *rng)
{
	size_t idx = rng_between(rng, 0, m->n - 1);
	void *ptr = m->v[idx].ptr;
	size_t usable = m->v[idx].usable;
	struct heap *h = any_heap(m, rng);
	enum free_result expected;
	bool gone;

	drop(m, h, idx);
	if (m->p.level == HARDENING_NONE || usable > SLAB_MAX)
		return;
	/* its slab may have gone back with its last object */
	gone = run_lookup(&m->p.s.rs, ptr) == NULL;
	expected = gone ? FREE_INVALID : FREE_DOUBLE;
	must(heaps_free(h, ptr) == expected);
	must(heap_find(h, ptr).what == expected);
}

static void
finish(struct model *m, struct rng *rng)
{
	size_t lost;

	while (m->n > 0)
		drop(m, any_heap(m, rng), rng_between(rng, 0, m->n - 1));
	must(heaps_nfindings(&m->p) == 0);
	for (size_t i = 1; i < NHEAPS; i++)
		if (m->heap[i] != NULL)
			come_and_go(m, i);
	collect(m, any_heap(m, rng));
	must(heaps_nfindings(&m->p) == 0);
	must(m->p.dir.nheaps == 1 && m->p.dir.nprivate == 1);
	/* two runs of descriptors at most, where it began with one */
	lost = m->p.nfree - m->p.s.rs.nfree;
	must(lost <= 1);
}

static void
try_level(struct rng *rng, enum hardening level, size_t size)
{
	struct model *m = &model;

	memset(m, 0, sizeof(*m));
	heaps_open(&m->p, size, level);
	must(heaps_nfindings(&m->p) == 0);
	m->heap[0] = dir_attach(&m->p.dir, true);
	must(m->heap[0] != NULL);
	must(dir_attach(&m->p.dir, true) == NULL);
	for (int i = 0; i < NSTEPS; i++) {
		step(m, rng, i / 5000 % 2 == 0 ? 700 : 400);
		if (i % 7 == 0 && m->n > 0)
			misuse(m, rng);
		if (i % 11 == 0 && m->n > 0)
			free_twice(m, rng);
		if (i % 250 == 0)
			must(heaps_nfindings(&m->p) == 0);
	}
	finish(m, rng);
	heaps_close(&m->p);
}

static void
all__level_0__agree_with_live_objects(void **state)
{
	struct rng rng;

	(void)state;
	rng_init(&rng, "heap, level 0");
	try_level(&rng, HARDENING_NONE, SPACE_BYTES);
}

static void
all__level_1__agree_with_live_objects(void **state)
{
	struct rng rng;

	(void)state;
	rng_init(&rng, "heap, level 1");
	try_level(&rng, HARDENING_DEFAULT, SPACE_BYTES);
	try_level(&rng, HARDENING_DEFAULT, 300 * MIB);
}

static void
all__level_2__agree_with_live_objects(void **state)
{
	struct rng rng;

	(void)state;
	rng_init(&rng, "heap, level 2");
	try_level(&rng, HARDENING_EXACT, SPACE_BYTES);
}

static void
large_class__every_length__is_the_smallest_that_holds_it(void **state)
{
	unsigned expected = 0;

	(void)state;
	for (size_t n = 1; n <= (size_t)1 << 20; n++) {
		while (large_class_pages(expected) < n)
			expected++;
		must(large_class(n) == expected);
	}
	assert_true(large_class(RUN_MAX_PAGES) < LARGE_CLASSES);
	for (unsigned c = 1; c < LARGE_CLASSES; c++)
		assert_true(large_class_pages(c) > large_class_pages(c - 1));
	for (unsigned lg = 0; lg < 32; lg++)
		assert_int_equal(
			large_class_pages(large_class((size_t)1 << lg)),
			(size_t)1 << lg);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all__level_0__agree_with_live_objects),
		cmocka_unit_test(all__level_1__agree_with_live_objects),
		cmocka_unit_test(all__level_2__agree_with_live_objects),
		cmocka_unit_test(
			large_class__every_length__is_the_smallest_that_holds_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
