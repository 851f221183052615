/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_run_check.c -- every bit of what the check verifies, flipped
 *
 * ctest: timeout=300 not-tsan
 */
#include "run/run_check.h"

#include "base/bitmap.h"
#include "harness/space.h"
#include "run/meta.h"

#include <string.h>

static struct space space;
static struct desc *large, *cached, *whole, *wide;

/* setup -- runs of all kinds, free pages between them, three meta runs */
static int
setup(void **state)
{
	struct desc *d[160];

	(void)state;
	space_open(&space, SPACE_BYTES, 77);
	for (size_t i = 0; i < NELEM(d); i++) {
		d[i] = run_alloc(&space.rs, 1 + i % 7, 1 + (unsigned)i % 3,
			i % 2 == 0 ? RUN_LARGE : RUN_HEAP, RUN_LG_PAGE, NULL);
		must(d[i] != NULL);
	}
	for (size_t i = 3; i < NELEM(d); i += 5)
		run_free(&space.rs, d[i]);
	large = d[2];
	whole = d[1];
	wide = d[5];
	cached = d[4];
	cached->owner = RUN_CACHED;
	must(space_nfindings(&space, NULL, HARDENING_NONE) == 0);
	must(space.rs.nmeta >= 3);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	space_close(&space);
	return 0;
}

static bool
is_found(void)
{
	return space_nfindings(&space, NULL, HARDENING_NONE) > 0;
}

/* nmissed -- flips of one bit of [at, at + size) that are not found */
static size_t
nmissed(void *at, size_t size)
{
	unsigned char *p = at;
	size_t n = 0;

	for (size_t bit = 0; bit < size * 8; bit++) {
		p[bit / 8] ^= (unsigned char)(1u << bit % 8);
		n += !is_found();
		p[bit / 8] ^= (unsigned char)(1u << bit % 8);
	}
	must(!is_found());
	return n;
}

#define assert_all_found(field)                                                \
	assert_int_equal(nmissed(&(field), sizeof(field)), 0)

static void
check__geometry__is_found(void **state)
{
	struct run_space *rs = &space.rs;

	(void)state;
	assert_all_found(rs->base);
	assert_all_found(rs->npages);
	assert_all_found(rs->first);
	assert_all_found(rs->bias);
	assert_all_found(rs->meta_pages);
	assert_all_found(rs->dirty);
	assert_all_found(rs->hollow);
	assert_all_found(rs->granule);
	assert_all_found(rs->tree);
}

static void
check__counts_and_list__are_found(void **state)
{
	struct run_space *rs = &space.rs;

	(void)state;
	assert_all_found(rs->nfree);
	assert_all_found(rs->nhollow);
	assert_all_found(rs->nspare);
	assert_all_found(rs->nmeta);
	assert_all_found(rs->meta_head);
}

/* what lies behind the end is never given back */
static void
check__end_of_dirty_pages_too_low__is_found(void **state)
{
	uint32_t *end = &space.rs.dirty_end, right = *end;

	(void)state;
	assert_in_range(right, 1, space.rs.tree.nbits);
	*end = right - 1;
	assert_true(is_found());
	*end = 0;
	assert_true(is_found());
	*end = right;
	assert_false(is_found());
}

static void
check__lock_word__is_found(void **state)
{
	(void)state;
	/* nobody is inside while a pool is checked: no lock is held */
	assert_all_found(space.rs.lock.word);
}

static void
check__descriptor_of_each_kind__is_found(void **state)
{
	struct desc *d[] = {large, cached, whole, wide};

	(void)state;
	for (size_t i = 0; i < NELEM(d); i++) {
		assert_all_found(d[i]->base);
		assert_all_found(d[i]->npages);
		assert_all_found(d[i]->ngran);
	}
	/* with heaps around, what is neither tag nor heap is found too */
	for (size_t i = 0; i < NELEM(d); i++) {
		uint64_t owner = d[i]->owner;

		d[i]->owner = RUN_NONE;
		assert_true(is_found());
		d[i]->owner = RUN_META;
		assert_true(is_found());
		d[i]->owner = owner;
	}
}

static void
check__page_map__is_found(void **state)
{
	struct run_space *rs = &space.rs;

	(void)state;
	for (size_t page = 0; page < rs->npages; page++) {
		uint64_t *entry = &run_map(space.base)[page];

		if (page < 20 || page % 211 == 0 || page > rs->npages - 5)
			assert_int_equal(nmissed(entry, sizeof(*entry)), 0);
	}
}

static void
check__used_bit__is_found(void **state)
{
	struct page_tree *t = &space.rs.tree;
	size_t nwords = bitmap_words(t->nbits);

	(void)state;
	/* the bias and what is used, a few words of free pages, the end */
	assert_int_equal(nmissed(t->used, 16 * sizeof(uint64_t)), 0);
	for (size_t i = 16; i < nwords; i += 7)
		assert_int_equal(nmissed(&t->used[i], sizeof(uint64_t)), 0);
	assert_int_equal(nmissed(&t->used[nwords - 1], sizeof(uint64_t)), 0);
}

static void
check__dirty_bit_of_a_used_page__is_found(void **state)
{
	struct run_space *rs = &space.rs;

	(void)state;
	for (size_t page = rs->first; page < rs->npages; page++) {
		size_t bit = page + rs->bias;

		if (!bitmap_test(rs->tree.used, bit))
			continue;
		bitmap_clear_range(rs->dirty, bit, 1);
		assert_true(is_found());
		bitmap_set_range(rs->dirty, bit, 1);
	}
}

/* every bit of both maps, of pages before the pool and past its end too */
static void
check__dirty_and_hollow_bits__are_found(void **state)
{
	struct run_space *rs = &space.rs;
	size_t nwords = bitmap_words(rs->tree.nbits);
	size_t first = (rs->first + rs->bias) / BITMAP_WORD + 1;

	(void)state;
	for (size_t i = 0; i < nwords; i += i < 16 ? 1 : 5)
		assert_int_equal(nmissed(&rs->hollow[i], 8), 0);
	assert_int_equal(nmissed(&rs->hollow[nwords - 1], 8), 0);
	/* whether fixed metadata is dirty does not matter */
	for (size_t i = first; i < nwords - 1; i += 5)
		assert_int_equal(nmissed(&rs->dirty[i], 8), 0);
}

static void
check__half_a_granule_hollow__is_found(void **state)
{
	struct run_space *rs = &space.rs;
	size_t bit = (rs->tree.nbits - 256) / 16 * 16;

	(void)state;
	/* counted rightly, but not a whole granule */
	bitmap_set_range(rs->hollow, bit, 24);
	rs->nhollow += 24;
	assert_false(is_found());
	rs->granule = 16;
	assert_true(is_found());
	rs->granule = 8;
	assert_false(is_found());
	rs->granule = 1;
	bitmap_clear_range(rs->hollow, bit, 24);
	rs->nhollow -= 24;
	assert_false(is_found());
}

static void
check__summary__is_found(void **state)
{
	struct page_tree *t = &space.rs.tree;

	(void)state;
	for (unsigned l = 0; l < t->nlevels; l++)
		assert_int_equal(nmissed(t->level[l],
					 t->nnodes[l] * sizeof(struct summary)),
			0);
}

static void
check__descriptor_run__is_found(void **state)
{
	struct run_space *rs = &space.rs;
	uint32_t g = rs->meta_head;

	(void)state;
	while (g != RUN_NO_GRANULE) {
		struct meta *m = (struct meta *)run_desc(rs->base, g);

		assert_all_found(m->head.owner);
		assert_all_found(m->head.base);
		assert_all_found(m->head.npages);
		assert_all_found(m->head.ngran);
		assert_all_found(m->next);
		assert_all_found(m->prev);
		assert_all_found(m->free);
		g = m->next;
	}
}

/* what is free, clean and not zero: of the pages that are looked into */
static void
check__clean_page_with_contents__is_found(void **state)
{
	struct run_space *rs = &space.rs;
	size_t nfound = 0;

	(void)state;
	for (size_t page = rs->first; page < rs->npages; page++) {
		char *p = space.base + page * RUN_PAGE + RUN_PAGE - 1;

		if (bitmap_test(rs->dirty, page + rs->bias))
			continue;
		*p = 1;
		nfound += is_found();
		*p = 0;
	}
	assert_true(nfound >= 32);
}

/* noise -- whatever the bytes are, the check ends */
static void
check__random_bytes__ends(void **state)
{
	static unsigned char saved[64 * 1024];
	size_t fixed = space.rs.first * RUN_PAGE - RUN_MAP_OFF;
	char *at = space.base + RUN_MAP_OFF;
	struct rng rng;

	(void)state;
	rng_init(&rng, "noise");
	must(fixed <= sizeof(saved));
	memcpy(saved, at, fixed);
	for (int i = 0; i < (TEST_SANITIZED ? 200 : 2000); i++) {
		size_t off = rng_between(&rng, 0, fixed - 64);

		rng_fill(&rng, at + off, rng_between(&rng, 1, 64));
		(void)is_found();
		if (i % 5 == 0)
			memcpy(at, saved, fixed);
	}
	memcpy(at, saved, fixed);
	assert_false(is_found());
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(check__geometry__is_found),
		cmocka_unit_test(check__counts_and_list__are_found),
		cmocka_unit_test(check__end_of_dirty_pages_too_low__is_found),
		cmocka_unit_test(check__lock_word__is_found),
		cmocka_unit_test(check__descriptor_of_each_kind__is_found),
		cmocka_unit_test(check__page_map__is_found),
		cmocka_unit_test(check__used_bit__is_found),
		cmocka_unit_test(check__dirty_bit_of_a_used_page__is_found),
		cmocka_unit_test(check__dirty_and_hollow_bits__are_found),
		cmocka_unit_test(check__half_a_granule_hollow__is_found),
		cmocka_unit_test(check__summary__is_found),
		cmocka_unit_test(check__descriptor_run__is_found),
		cmocka_unit_test(check__clean_page_with_contents__is_found),
		cmocka_unit_test(check__random_bytes__ends),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
