/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_heap_drop.c -- objects that are freed twice, at the level that does not
 * see all of it: a slab that goes leaves nothing in its bin's LIFO
 */
#include "harness/bursts.h"

#define SIZE 64

static struct slab *
slab_of(const void *p)
{
	return (struct slab *)run_lookup(&pool.s.rs, p);
}

/* is_slot -- does a slot of one of that bin's slabs begin there? */
static bool
is_slot(const struct bin *b, const void *p)
{
	const struct slab *s = slab_of(p);
	uintptr_t off;

	if (s == NULL || s->owner < RUN_NTAGS || s->bin != b)
		return false;
	off = (uintptr_t)p - (uintptr_t)s->base;
	return class_index(s->recip, off) < s->nobj;
}

/* assert_held_well -- no LIFO leads to what is no slot of its bin */
static void
assert_held_well(const struct heap *h)
{
	for (unsigned c = 0; c < h->table->nclasses; c++) {
		const struct bin *b = heap_bin_const(h, h->table, c);

		for (unsigned i = 0; i < bin_held(b); i++)
			must(is_slot(b, bin_held_at(b, i)));
	}
}

/* give -- an object of h, written to; a slot of its class, whatever came before
 */
static void *
give(struct heap *h, size_t size)
{
	void *p = heaps_malloc(h, size);

	if (p == NULL)
		return NULL;
	if (size <= SLAB_MAX) {
		const struct slab *s = slab_of(p);

		must(s != NULL && s->owner == h->owner && is_slot(s->bin, p));
	}
	memset(p, 0x41, size);
	return p;
}

/* free_of -- those of the objects that are in that slab */
static void
free_of(const struct slab *s)
{
	for (size_t i = 0; i < MOST; i++) {
		if (objects[i] == NULL || slab_of(objects[i]) != s)
			continue;
		must(heaps_free(heap, objects[i]) == FREE_DONE);
		objects[i] = NULL;
	}
}

/* free_but -- those that are in none of these: NULL is none */
static void
free_but(const struct slab *s, const struct slab *t, const struct slab *u)
{
	for (size_t i = 0; i < MOST; i++) {
		const struct slab *at =
			objects[i] == NULL ? NULL : slab_of(objects[i]);

		if (at == NULL || at == s || at == t || at == u)
			continue;
		must(heaps_free(heap, objects[i]) == FREE_DONE);
		objects[i] = NULL;
	}
}

/* take_from -- the next object that is in that slab */
static void *
take_from(const struct slab *s)
{
	for (size_t i = 0; i < MOST; i++) {
		void *p = objects[i];

		if (p == NULL || slab_of(p) != s)
			continue;
		objects[i] = NULL;
		return p;
	}
	must(false);
	return NULL;
}

/* put -- of that slab so many that the LIFO has room for no more than `room` */
static unsigned
put(struct bin *b, const struct slab *s, unsigned room, void **ret)
{
	unsigned n = 0;

	for (; bin_count(b) + room < lifo_cap(b); n++) {
		void *p = take_from(s);

		must(heaps_free(heap, p) == FREE_DONE);
		if (ret != NULL)
			ret[n] = p;
	}
	return n;
}

/*
 * drop -- fill a LIFO from two slabs in turn, with a NULL below the newest two
 * of the first so many (0: none), and free those of one once more: when it has
 * gone the others are left
 */
static void
drop(unsigned before_null)
{
	static void *gone[DEEP_SLOTS], *left[DEEP_SLOTS];
	unsigned ngone = 0, nleft = 0;
	struct bin *b = bin_of(SIZE);
	struct slab *s, *t;
	uint64_t nlate;

	allocate(SIZE, MOST);
	heap_flush(heap);
	s = slab_of(objects[MOST / 2]);
	t = slab_of(objects[MOST / 4]);
	must(s != t);
	while (!bin_is_full(b, b->top)) {
		bool last = bin_count(b) + 3 >= lifo_cap(b);
		bool odd = (ngone + nleft) % 2 != 0;
		void *p = take_from(odd || last ? t : s);

		if (odd || last)
			left[nleft++] = p;
		else
			gone[ngone++] = p;
		must(heaps_free(heap, p) == FREE_DONE);
		if (ngone + nleft == before_null)
			deep_decay(heap);
	}
	must((b->ndeep != 0) == (before_null != 0));
	/* the bin has as many empty slabs as it keeps */
	free_but(s, t, NULL);
	free_of(s);
	nlate = heap->nlate;
	for (unsigned i = 0; i < ngone; i++)
		must(heaps_free(heap, gone[i]) == FREE_DONE);
	must(slab_of(gone[0]) == NULL);
	must(heap->nlate == nlate + ngone);
	must(bin_held(b) == nleft);
	must(heaps_nfindings(&pool) == 0);
	for (unsigned i = nleft; i-- > 0;)
		must(heaps_malloc(heap, SIZE) == left[i]);
	must(bin_held(b) == 0);
	for (unsigned i = 0; i < nleft; i++)
		must(heaps_free(heap, left[i]) == FREE_DONE);
	free_of(t);
}

static void
bin_drop__slots_of_a_slab_that_goes__leave_the_others_in_order(void **state)
{
	(void)state;
	open_pool(16 * MIB, HARDENING_DEFAULT);
	drop(0);
	drop(0);
	assert_unused();
	open_pool(POOL_BYTES, HARDENING_DEFAULT);
	bursts(SIZE, 1000);
	must(bin_of(SIZE)->deep != NULL);
	drop(0);
	drop(400);
	drop(1000);
	drop(0);
	assert_unused();
}

/* below the NULL there are none but those of the slab */
static void
bin_drop__all_below_the_null__leaves_no_null(void **state)
{
	struct bin *b;
	struct slab *s, *t;
	void *gone[3];

	(void)state;
	open_pool(POOL_BYTES, HARDENING_DEFAULT);
	b = bin_of(SIZE);
	bursts(SIZE, 1000);
	allocate(SIZE, MOST);
	heap_flush(heap);
	s = slab_of(objects[MOST / 2]);
	t = slab_of(objects[MOST / 4]);
	for (unsigned i = 0; i < NELEM(gone); i++) {
		gone[i] = take_from(s);
		must(heaps_free(heap, gone[i]) == FREE_DONE);
	}
	deep_decay(heap);
	must(b->ndeep == 1);
	(void)put(b, t, 0, NULL);
	free_but(s, NULL, NULL);
	free_of(s);
	for (unsigned i = 0; i < NELEM(gone); i++)
		must(heaps_free(heap, gone[i]) == FREE_DONE);
	must(slab_of(gone[0]) == NULL);
	must(b->ndeep == 0 && heaps_nfindings(&pool) == 0);
	heap_flush(heap);
	assert_unused();
}

/*
 * twice_in_it -- a LIFO that has 400 slots of a slab twice, and it alone keeps
 * that slab from going
 */
static struct slab *
twice_in_it(struct bin *b)
{
	struct slab *s, *t;
	void *p[400];

	bursts(SIZE, 1000);
	allocate(SIZE, MOST);
	heap_flush(heap);
	s = slab_of(objects[MOST / 2]);
	t = slab_of(objects[MOST / 4]);
	for (unsigned i = 0; i < NELEM(p); i++)
		p[i] = take_from(s);
	for (unsigned i = 0; i < 2 * NELEM(p); i++)
		must(heaps_free(heap, p[i % NELEM(p)]) == FREE_DONE);
	(void)put(b, t, 0, NULL);
	free_but(s, t, NULL);
	free_of(s);
	must(s->used == NELEM(p) && heap->nlate == 0);
	return s;
}

static void
slot_settle__slots_in_the_lifo_twice__leave_with_their_slab(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		struct slab *s;
		struct bin *b;

		open_pool(POOL_BYTES, HARDENING_DEFAULT);
		b = bin_of(SIZE);
		s = twice_in_it(b);
		if (i == 0) {
			heap_flush(heap);
		} else {
			deep_decay(heap);
			must(s->used > 0);
			deep_decay(heap);
			must(bin_held(b) == 2);
		}
		must(s->owner < RUN_NTAGS);
		must(heap->nlate == 400);
		must(heaps_nfindings(&pool) == 0);
		for (size_t k = 0; k < MOST; k++)
			if (objects[k] != NULL)
				must(heaps_free(heap, objects[k]) == FREE_DONE);
		assert_unused();
	}
}

/* nobody has freed twice; the oldest slot has to leave for the NULL */
static void
deep_decay__slab_goes_with_the_oldest_slot__is_no_misuse(void **state)
{
	struct slab *s, *t;
	struct bin *b;
	unsigned n;

	(void)state;
	open_pool(POOL_BYTES, HARDENING_DEFAULT);
	b = bin_of(SIZE);
	bursts(SIZE, 1000);
	allocate(SIZE, MOST);
	heap_flush(heap);
	s = slab_of(objects[MOST / 2]);
	t = slab_of(objects[MOST / 4]);
	must(heaps_free(heap, take_from(s)) == FREE_DONE);
	(void)put(b, t, 0, NULL);
	free_but(s, t, NULL);
	free_of(s);
	must(s->used == 1);
	n = bin_held(b);
	deep_decay(heap);
	must(s->owner < RUN_NTAGS);
	must(heap->nlate == 0 && bin_held(b) == n - 1);
	must(heaps_nfindings(&pool) == 0);
	free_of(t);
	assert_unused();
}

/* what has come over a LIFO since a look at it */
enum change { TAKEN, TAKEN_FEW, FLUSHED, AGED, DROPPED, NCHANGES };

static void
change(enum change how, struct bin *b, const struct slab *t, void *const *gone,
	unsigned ngone)
{
	if (how == TAKEN || how == TAKEN_FEW)
		for (unsigned i = 0; i < (how == TAKEN ? 500 : 3); i++) {
			void *p = heaps_malloc(heap, SIZE);

			must(slab_of(p) == t);
			objects[i] = p;
		}
	if (how == FLUSHED)
		heap_flush(heap);
	for (unsigned i = 0; how == AGED && i < 2; i++)
		deep_decay(heap);
	for (unsigned i = 0; i < ngone; i++)
		must(heaps_free(heap, gone[i]) == FREE_DONE);
	must(bin_held(b) < lifo_cap(b));
}

/* of the slab that goes no slot was in the LIFO when that was looked at */
static void
bin_drop__after_any_change_of_the_lifo__sees_what_came(void **state)
{
	static void *gone[DEEP_SLOTS];

	(void)state;
	for (unsigned how = 0; how < NCHANGES; how++) {
		unsigned ngone = how == DROPPED ? 300 : 0, n;
		struct slab *s, *t, *u;
		struct bin *b;

		open_pool(POOL_BYTES, HARDENING_DEFAULT);
		b = bin_of(SIZE);
		bursts(SIZE, 1000);
		allocate(SIZE, MOST);
		heap_flush(heap);
		s = slab_of(objects[MOST / 2]);
		t = slab_of(objects[MOST / 4]);
		u = slab_of(objects[MOST / 4 * 3]);
		for (unsigned i = 0; i < ngone; i++) {
			gone[i] = take_from(u);
			must(heaps_free(heap, gone[i]) == FREE_DONE);
		}
		(void)put(b, t, 0, NULL);
		/* others go: a look */
		free_but(s, t, how == DROPPED ? u : NULL);
		free_of(u);
		change((enum change)how, b, t, gone, ngone);
		must(heap->nlate == ngone);
		n = put(b, s, 2, gone);
		must(n > 0);
		(void)put(b, t, 0, NULL);
		free_of(s);
		for (unsigned i = 0; i < n; i++)
			must(heaps_free(heap, gone[i]) == FREE_DONE);
		must(slab_of(gone[0]) == NULL);
		must(heap->nlate == ngone + n);
		must(heaps_nfindings(&pool) == 0);
		free_of(t);
		assert_unused();
	}
}

/* what two heaps have had, live or not */
struct record {
	void *p[4 * MOST];
	size_t n;
	void *other[64];
};

static void
remember(struct record *r, struct rng *rng, void *p)
{
	if (r->n < NELEM(r->p))
		r->p[r->n++] = p;
	else
		r->p[rng_between(rng, 0, r->n - 1)] = p;
}

/* step -- a burst, in which about each eighth free is one too many */
static void
step(struct record *r, struct rng *rng, struct heap *const *h)
{
	static const size_t sizes[] = {16, 64, 64, 64, 1000, 2000, 8000};
	size_t size = sizes[rng_between(rng, 0, NELEM(sizes) - 1)];
	size_t n = rng_between(rng, 1, size > 1000 ? 300 : 3000);
	struct heap *by = h[rng_between(rng, 0, 1)];
	struct heap *to = h[rng_between(rng, 0, 3) == 0 ? 0 : 1];
	unsigned again = (unsigned)rng_between(rng, 0, 2);

	for (size_t i = 0; i < n; i++)
		objects[i] = give(by, size);
	for (unsigned k = 0; k <= again; k++)
		for (size_t i = 0; i < n; i++) {
			(void)heaps_free(to, objects[i]);
			remember(r, rng, objects[i]);
			if (i % 8 == 0)
				(void)heaps_free(by,
					r->p[rng_between(rng, 0, r->n - 1)]);
		}
	if (rng_between(rng, 0, 3) == 0)
		deep_decay(by);
	if (rng_between(rng, 0, 9) == 0)
		heap_flush(to);
	/* what was let go becomes something else, of another heap, too */
	for (size_t i = 0; i < NELEM(r->other); i++) {
		(void)heaps_free(by, r->other[i]);
		r->other[i] = give(to, rng_between(rng, 1, 2 * SLAB_MAX));
	}
	assert_held_well(h[0]);
	assert_held_well(h[1]);
}

static void
heap_free__twice_at_random_by_two_heaps__gives_slots_alone(void **state)
{
	static struct record r;

	(void)state;
	for (uint64_t seed = 1; seed <= 6; seed++) {
		struct rng rng = {seed};
		struct heap *h[2];

		open_pool(seed % 2 == 0 ? POOL_BYTES : 60 * MIB,
			HARDENING_DEFAULT);
		h[0] = heap;
		h[1] = dir_attach(&pool.dir, false);
		must(h[1] != NULL);
		memset(&r, 0, sizeof(r));
		for (unsigned i = 0; i < 25; i++) {
			step(&r, &rng, h);
			if (i % 5 != 0)
				continue;
			/*
			 * a slot that is free in its slab's bits, and in a
			 * LIFO or by another heap as well, is a finding
			 */
			heap_rest(h[0]);
			heap_rest(h[1]);
			must(heaps_nfindings(&pool) == 0);
		}
		must(h[0]->nlate + h[1]->nlate > 0);
		dir_collect(&pool.dir, h[0]);
		must(heaps_nfindings(&pool) == 0);
		heaps_close(&pool);
	}
}

static void
bin_drop__nothing_is_freed_twice__takes_none(void **state)
{
	struct rng rng = {11};

	(void)state;
	open_pool(SPACE_BYTES, HARDENING_DEFAULT);
	for (unsigned round = 0; round < 200; round++) {
		size_t n = 0;
		void *p;

		while (n < MOST &&
			(p = heaps_malloc(
				 heap, rng_between(&rng, 1000, 15000))) != NULL)
			objects[n++] = p;
		shuffle(&rng, n);
		while (n > 0)
			must(heaps_free(heap, objects[--n]) == FREE_DONE);
		must(heap->nlate == 0);
	}
	must(heaps_nfindings(&pool) == 0);
	assert_unused();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			bin_drop__slots_of_a_slab_that_goes__leave_the_others_in_order),
		cmocka_unit_test(bin_drop__all_below_the_null__leaves_no_null),
		cmocka_unit_test(
			deep_decay__slab_goes_with_the_oldest_slot__is_no_misuse),
		cmocka_unit_test(
			bin_drop__after_any_change_of_the_lifo__sees_what_came),
		cmocka_unit_test(
			slot_settle__slots_in_the_lifo_twice__leave_with_their_slab),
		cmocka_unit_test(bin_drop__nothing_is_freed_twice__takes_none),
		cmocka_unit_test(
			heap_free__twice_at_random_by_two_heaps__gives_slots_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
