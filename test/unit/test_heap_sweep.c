/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_heap_sweep.c -- what others free in the slabs on a heap's lists is seen
 * a few slabs at a time, whatever else comes to the lists meanwhile
 */
#include "harness/heaps.h"
#include "tcache/heap_internal.h"

#define POOL_BYTES ((size_t)64 << 20)
#define SIZE       ((size_t)64)
#define MOST       300000
#define SLAB_MANY  256u /* more slabs than are looked at in three calls */
#define NSIZES     3

static struct heaps pool;
static struct heap *owner, *other;
static void *objects[MOST];

static void
open_pool(enum hardening level)
{
	heaps_open(&pool, POOL_BYTES, level);
	owner = dir_attach(&pool.dir, true);
	other = dir_attach(&pool.dir, false);
	must(owner != NULL && other != NULL);
}

static void
close_sound(void)
{
	must(heaps_nfindings(&pool) == 0);
	heaps_close(&pool);
}

static struct bin *
bin_of(struct heap *h, size_t size)
{
	return heap_bin(h, h->table, class_of(h->table, size));
}

static struct slab *
slab_of(void *p)
{
	return (struct slab *)run_lookup(owner->runs, p);
}

/* load -- objects in that many slabs at least; returns how many */
static size_t
load(unsigned nslabs)
{
	struct bin *b = bin_of(owner, SIZE);
	size_t n = 0;

	for (; b->nslabs < nslabs; n++) {
		must(n < MOST);
		objects[n] = heaps_malloc(owner, SIZE);
		must(objects[n] != NULL);
	}
	return n;
}

/* list_all -- all slabs that are full come on the list: one object is freed */
static void
list_all(size_t n)
{
	struct slab *before = NULL;

	for (size_t i = 0; i < n; i++) {
		struct slab *s = slab_of(objects[i]);

		if (s == before)
			continue;
		before = s;
		must(heaps_free(owner, objects[i]) == FREE_DONE);
		objects[i] = NULL;
	}
	heap_flush(owner);
}

static void
free_rest(struct heap *h, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (objects[i] != NULL)
			must(heaps_free(h, objects[i]) == FREE_DONE);
}

/* sweep_all -- returns the calls that it took */
static unsigned
sweep_all(void)
{
	unsigned n = 0;

	sweep_begin(owner);
	for (; sweep_is_due(owner); n++) {
		sweep_some(owner);
		must(heaps_nfindings(&pool) == 0);
	}
	return n;
}

static void
try_listed(enum hardening level)
{
	unsigned ncalls;
	size_t n;
	struct bin *b;

	open_pool(level);
	b = bin_of(owner, SIZE);
	n = load(SLAB_MANY);
	list_all(n);
	free_rest(other, n);
	must(b->nslabs == SLAB_MANY && b->nempty <= 1);
	ncalls = sweep_all();
	/* no call looks at a great many, and none looks at the same ones */
	assert_in_range(ncalls, 4, SLAB_MANY / 4);
	assert_true(b->nslabs < SLAB_MANY / 8);
	must(sweep_all() <= 1);
	close_sound();
}

static void
sweep__listed_slabs_that_others_emptied__go_back(void **state)
{
	(void)state;
	for (int level = HARDENING_NONE; level <= HARDENING_EXACT; level++)
		try_listed((enum hardening)level);
}

/* slabs with an object stay, and what others freed in them is there to be had
 */
static void
sweep__slabs_with_objects__stay(void **state)
{
	size_t n, nlive = 0;
	struct bin *b;

	(void)state;
	open_pool(HARDENING_DEFAULT);
	b = bin_of(owner, SIZE);
	n = load(SLAB_MANY);
	list_all(n);
	/* every hundredth stays */
	for (size_t i = 0; i < n; i++) {
		if (objects[i] == NULL)
			continue;
		if (i % 100 == 0) {
			test_fill(objects[i], SIZE, i);
			nlive++;
			continue;
		}
		must(heaps_free(other, objects[i]) == FREE_DONE);
		objects[i] = NULL;
	}
	(void)sweep_all();
	must(b->nslabs == SLAB_MANY);
	for (uint32_t g = b->avail; g != RUN_NO_GRANULE;) {
		const struct slab *s = heap_slab(owner, g);

		must(slab_nremote(s) == 0);
		g = s->next;
	}
	for (size_t i = 0; i < n; i++)
		if (objects[i] != NULL) {
			must(test_holds(objects[i], SIZE, i));
			must(heaps_free(owner, objects[i]) == FREE_DONE);
		}
	must(nlive > SLAB_MANY);
	close_sound();
}

/* the slab at which a sweep goes on leaves its list in each of the ways */
static void
sweep__place_leaves_the_list__goes_on_behind(void **state)
{
	(void)state;
	for (int way = 0; way < 4; way++) {
		size_t n;
		struct slab *s;
		struct bin *b;

		open_pool(HARDENING_DEFAULT);
		b = bin_of(owner, SIZE);
		n = load(SLAB_MANY);
		list_all(n);
		sweep_begin(owner);
		sweep_some(owner);
		must(owner->sweep_at != RUN_NO_GRANULE);
		s = heap_slab(owner, owner->sweep_at);
		must(s->bin == b);
		if (way == 0) { /* it becomes the current one */
			while (b->slab != s) {
				must(heaps_malloc(owner, SIZE) != NULL);
				must(heaps_nfindings(&pool) == 0);
			}
		} else if (way == 1) { /* another heap takes it */
			slab_move(owner, other, s);
		} else { /* it becomes empty, and goes to the end */
			for (size_t i = 0; i < n; i++)
				if (objects[i] != NULL &&
					slab_of(objects[i]) == s) {
					must(heaps_free(owner, objects[i]) ==
						FREE_DONE);
					objects[i] = NULL;
				}
			heap_flush(owner);
			must(s->used == 0 && b->nempty > 0);
			if (way == 3) /* or away */
				bin_release_empty(owner, b);
		}
		must(heaps_nfindings(&pool) == 0);
		must(owner->sweep_at == RUN_NO_GRANULE ||
			heap_slab(owner, owner->sweep_at) != s);
		while (sweep_is_due(owner)) {
			sweep_some(owner);
			must(heaps_nfindings(&pool) == 0);
		}
		close_sound();
	}
}

/* two heaps free each other's objects and their own, with sweeps in between */
static void
sweep__any_time__keeps_the_heap_sound(void **state)
{
	static const size_t sizes[NSIZES] = {48, 64, 1000};
	struct rng rng = {9};
	size_t n = 0;

	(void)state;
	open_pool(HARDENING_DEFAULT);
	for (unsigned i = 0; i < 1500; i++) {
		size_t to = rng_between(&rng, 0, 6000);

		for (; n < to; n++) {
			size_t size = sizes[n % NSIZES];

			objects[n] =
				heaps_malloc(n % 5 == 0 ? other : owner, size);
			test_fill(objects[n], size, n);
		}
		while (n > to) {
			size_t at = rng_between(&rng, 0, n - 1);
			size_t size = sizes[(n - 1) % NSIZES];

			/* the sizes keep their places */
			at -= at % NSIZES;
			at = at + (n - 1) % NSIZES < n ? at + (n - 1) % NSIZES
						       : n - 1;
			must(test_holds(objects[at], size, at));
			must(heaps_free(rng_between(&rng, 0, 1) ? owner : other,
				     objects[at]) == FREE_DONE);
			n--;
			if (at == n)
				continue;
			objects[at] = objects[n];
			test_fill(objects[at], size, at);
		}
		if (i % 8 == 0)
			sweep_begin(owner);
		if (i % 3 == 0)
			sweep_some(owner);
		if (i % 500 == 499)
			dir_collect(&pool.dir, owner);
		if (i % 20 == 0)
			must(heaps_nfindings(&pool) == 0);
	}
	for (size_t i = 0; i < n; i++)
		must(heaps_free(owner, objects[i]) == FREE_DONE);
	dir_collect(&pool.dir, owner);
	must(pool.nfree - pool.s.rs.nfree <= 2 * heap_pages(&pool.dir) + 1);
	close_sound();
}

/* a place that is none is damage, and a check finds it */
static void
sweep__place_is_wrong__is_found(void **state)
{
	uint32_t at, sweep;
	size_t n;

	(void)state;
	open_pool(HARDENING_DEFAULT);
	n = load(SLAB_MANY);
	list_all(n);
	sweep_begin(owner);
	sweep_some(owner);
	at = owner->sweep_at;
	sweep = owner->sweep;
	must(at != RUN_NO_GRANULE && heaps_nfindings(&pool) == 0);
	owner->sweep = sweep + 1;
	assert_int_not_equal(heaps_nfindings(&pool), 0);
	owner->sweep = owner->table->nclasses;
	assert_int_not_equal(heaps_nfindings(&pool), 0);
	owner->sweep = sweep;
	owner->sweep_at = at + 1;
	assert_int_not_equal(heaps_nfindings(&pool), 0);
	owner->sweep_at = run_granule(owner->base, bin_of(owner, SIZE)->slab);
	assert_int_not_equal(heaps_nfindings(&pool), 0);
	owner->sweep_at = RUN_NO_GRANULE;
	assert_int_equal(heaps_nfindings(&pool), 0);
	owner->sweep = owner->table->nclasses + 1;
	assert_int_not_equal(heaps_nfindings(&pool), 0);
	owner->sweep = 0;
	close_sound();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			sweep__listed_slabs_that_others_emptied__go_back),
		cmocka_unit_test(sweep__slabs_with_objects__stay),
		cmocka_unit_test(sweep__place_leaves_the_list__goes_on_behind),
		cmocka_unit_test(sweep__any_time__keeps_the_heap_sound),
		cmocka_unit_test(sweep__place_is_wrong__is_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
