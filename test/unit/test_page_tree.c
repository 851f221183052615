/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_page_tree.c -- against an array with a byte for each page
 *
 * ctest: timeout=300 not-tsan
 */
#include "run/page_tree.h"
#include "run/run.h"

#include "base/bitmap.h"
#include "harness/test.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define BLOCK             ((size_t)TREE_BLOCK_BITS)
#define LEVEL_BITS(level) (BLOCK << ((level)*TREE_LG_FAN))

struct model {
	struct page_tree t;
	void *mem;
	size_t nbits;
	unsigned char *used; /* one byte a bit */
};

static void
model_open(struct model *m, size_t nbits, size_t bias)
{
	m->nbits = nbits;
	m->mem = calloc(1, tree_bytes(nbits));
	m->used = calloc(1, nbits);
	must(m->mem != NULL && m->used != NULL);
	tree_layout(&m->t, m->mem, nbits);
	tree_init(&m->t, bias);
	memset(m->used, 1, bias);
}

static void
model_close(struct model *m)
{
	free(m->mem);
	free(m->used);
}

/* model_find -- the plain search; align and origin as tree_find_aligned() */
static size_t
model_find(const struct model *m, size_t n, size_t from, size_t align,
	size_t origin)
{
	size_t have = 0, first = from;

	for (size_t i = from; i < m->nbits; i++) {
		if (m->used[i]) {
			have = 0;
			first = i + 1;
			continue;
		}
		have++;
		while (have > 0 && (first - origin) % align != 0) {
			first++;
			have--;
		}
		if (have >= n)
			return first;
	}
	return TREE_NONE;
}

static void
model_write(struct model *m, size_t first, size_t n, bool used)
{
	if (used)
		tree_take(&m->t, first, n);
	else
		tree_give(&m->t, first, n);
	memset(m->used + first, used, n);
}

/* model_verify -- every bit, and every summary */
static void
model_verify(const struct model *m)
{
	for (size_t i = 0; i < m->nbits; i++)
		must(bitmap_test(m->t.used, i) == (m->used[i] != 0));
	must(tree_consistent(&m->t) == TREE_NONE);
}

/* a_size -- mostly a few, sometimes a block, sometimes any */
static size_t
a_size(struct rng *rng, size_t nbits)
{
	switch (rng_between(rng, 0, 7)) {
	case 0:
		return rng_between(rng, 1, nbits + 1);
	case 1:
		return BLOCK - 1 + rng_between(rng, 0, 2);
	case 2:
		return rng_between(rng, 1, 4 * BLOCK);
	case 3:
		return rng_between(rng, 1, nbits / 8 + 1);
	default:
		return rng_between(rng, 1, 40);
	}
}

static void
model_ask(const struct model *m, struct rng *rng)
{
	size_t n = a_size(rng, m->nbits);
	size_t from = rng_between(rng, 0, m->nbits + 1);
	size_t align = (size_t)1 << rng_between(rng, 0, 12);
	/* of the kind that runs have: bias minus a page number */
	size_t origin = rng_between(rng, 0, BLOCK) - rng_between(rng, 0, 9999);

	if (rng_between(rng, 0, 1) == 0)
		from = 0;
	must(tree_find(&m->t, n, from) == model_find(m, n, from, 1, 0));
	must(tree_find_aligned(&m->t, n, from, align, origin) ==
		model_find(m, n, from, align, origin));
}

/* model_step -- take what a search finds, or give back part of a used run */
static void
model_step(struct model *m, struct rng *rng, size_t bias)
{
	size_t n = a_size(rng, m->nbits);
	size_t at = rng_between(rng, bias, m->nbits), end;

	if (rng_between(rng, 0, 3) != 0) {
		at = tree_find(&m->t, n, rng_between(rng, 0, 1) * at);
		if (at != TREE_NONE)
			model_write(m, at, n, true);
		return;
	}
	while (at < m->nbits && !m->used[at])
		at++;
	for (end = at; end < m->nbits && m->used[end] && end - at < n;)
		end++;
	if (end > at)
		model_write(m, at, end - at, false);
}

static void
try_tree(struct rng *rng, size_t nbits, size_t bias)
{
	size_t nsteps = 400;
	struct model m;

	if (nbits > LEVEL_BITS(1) + 1)
		nsteps = TEST_SANITIZED ? 40 : 200;
	model_open(&m, nbits, bias);
	model_verify(&m);
	if (bias < nbits) {
		must(tree_find(&m.t, nbits - bias, 0) == bias);
		must(tree_find(&m.t, 1, nbits - 1) == nbits - 1);
	}
	must(tree_find(&m.t, nbits - bias + 1, 0) == TREE_NONE);
	must(tree_find(&m.t, 1, nbits) == TREE_NONE);
	for (size_t step = 0; step < nsteps; step++) {
		model_step(&m, rng, bias);
		model_ask(&m, rng);
		if (step % 32 == 0)
			model_verify(&m);
	}
	model_verify(&m);
	for (size_t i = bias; i < nbits; i++)
		if (m.used[i])
			model_write(&m, i, 1, false);
	model_verify(&m);
	must(bias == nbits || tree_find(&m.t, nbits - bias, 0) == bias);
	model_close(&m);
}

static void
find__random_operations__agrees_with_bytes(void **state)
{
	static const size_t sizes[] = {1, 2, 63, 64, 65, BLOCK - 1, BLOCK,
		BLOCK + 1, 2 * BLOCK, 5 * BLOCK + 77, 15 * BLOCK,
		LEVEL_BITS(1) - 1, LEVEL_BITS(1), LEVEL_BITS(1) + 1, 17 * BLOCK,
		33 * BLOCK + 5, 100003, LEVEL_BITS(2) - 1, LEVEL_BITS(2),
		LEVEL_BITS(2) + 1};
	struct rng rng;

	(void)state;
	rng_init(&rng, "page tree");
	for (size_t i = 0; i < NELEM(sizes); i++) {
		size_t n = sizes[i];

		try_tree(&rng, n, 0);
		try_tree(&rng, n + 1, 1);
		try_tree(&rng, n + BLOCK - 1, BLOCK - 1);
		try_tree(&rng, n + BLOCK, rng_between(&rng, 0, BLOCK - 1));
	}
}

/* every bias there can be */
static void
init__every_bias__uses_the_bits_before_it(void **state)
{
	(void)state;
	for (size_t bias = 0; bias < BLOCK; bias++) {
		struct model m;

		model_open(&m, bias + 700, bias);
		model_verify(&m);
		assert_int_equal(tree_find(&m.t, 700, 0), bias);
		assert_int_equal(tree_find(&m.t, 701, 0), TREE_NONE);
		assert_int_equal(tree_find(&m.t, 1, 0), bias);
		model_close(&m);
	}
}

struct counts {
	size_t start, max, end;
};

/* free bits of [first, first + n), the plain way */
static struct counts
count_free(const struct page_tree *t, size_t first, size_t n)
{
	struct counts c = {0, 0, 0};
	size_t run = 0;

	for (size_t i = 0; i < n; i++) {
		run = bitmap_test(t->used, first + i) ? 0 : run + 1;
		if (run == i + 1)
			c.start = run;
		if (run > c.max)
			c.max = run;
	}
	c.end = run;
	return c;
}

/* a tree of 20 blocks with something of everything in it */
static void
open_mixed(struct model *m, struct rng *rng)
{
	model_open(m, 20 * BLOCK + 100, 17);
	for (int i = 0; i < 300; i++)
		model_step(m, rng, 17);
	model_verify(m);
}

static void
consistent__flipped_bit__tells_when_counts_differ(void **state)
{
	struct model m;
	struct rng rng;

	(void)state;
	rng_init(&rng, "flipped bit");
	open_mixed(&m, &rng);
	for (size_t i = 0; i < 21 * BLOCK; i++) {
		size_t block = i / BLOCK * BLOCK;
		struct counts a = count_free(&m.t, block, BLOCK), b;
		bool differ;

		m.t.used[i / 64] ^= UINT64_C(1) << (i % 64);
		b = count_free(&m.t, block, BLOCK);
		differ = memcmp(&a, &b, sizeof(a)) != 0 || i >= m.nbits;
		must((tree_consistent(&m.t) != TREE_NONE) == differ);
		if (differ)
			must(tree_consistent(&m.t) <= i);
		m.t.used[i / 64] ^= UINT64_C(1) << (i % 64);
	}
	model_verify(&m);
	model_close(&m);
}

static void
consistent__flipped_summary__tells_where(void **state)
{
	struct model m;
	struct rng rng;

	(void)state;
	rng_init(&rng, "flipped summary");
	open_mixed(&m, &rng);
	assert_int_equal(m.t.nlevels, 3);
	for (unsigned l = 0; l < m.t.nlevels; l++) {
		for (size_t bit = 0;
			bit < m.t.nnodes[l] * sizeof(struct summary) * 8;
			bit++) {
			uint32_t *words = &m.t.level[l]->start;

			words[bit / 32] ^= UINT32_C(1) << (bit % 32);
			must(tree_consistent(&m.t) != TREE_NONE);
			words[bit / 32] ^= UINT32_C(1) << (bit % 32);
		}
	}
	model_verify(&m);
	model_close(&m);
}

#define HUGE_BITS ((size_t)1 << 31)
#define HUGE_BIAS ((size_t)300)

static void *
huge_open(struct page_tree *t)
{
	void *mem = mmap(NULL, tree_bytes(HUGE_BITS), PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	must(mem != MAP_FAILED);
	tree_layout(t, mem, HUGE_BITS);
	tree_init(t, HUGE_BIAS);
	return mem;
}

static void
init__huge_tree__touches_little(void **state)
{
	struct page_tree t;
	void *mem = huge_open(&t);

	(void)state;
	assert_true(test_resident(mem, tree_bytes(HUGE_BITS)) <= 256 * KIB);
	assert_int_equal(tree_find(&t, 1, 0), HUGE_BIAS);
	assert_int_equal(tree_find(&t, HUGE_BITS - HUGE_BIAS, 0), HUGE_BIAS);
	assert_int_equal(
		tree_find(&t, HUGE_BITS - HUGE_BIAS + 1, 0), TREE_NONE);
	assert_int_equal(tree_find(&t, 1, HUGE_BITS - 1), HUGE_BITS - 1);
	assert_int_equal(tree_find(&t, 2, HUGE_BITS - 1), TREE_NONE);
	assert_true(test_resident(mem, tree_bytes(HUGE_BITS)) <= 256 * KIB);
	assert_int_equal(munmap(mem, tree_bytes(HUGE_BITS)), 0);
}

/* all bits that there can be: a root counts them in 32 */
static void
find__largest_tree_in_use__finds_no_used_bit(void **state)
{
	const size_t bias = TREE_BLOCK_BITS - 1, taken = 5000000;
	const size_t nbits = RUN_MAX_PAGES + bias;
	struct page_tree t;
	void *mem = mmap(NULL, tree_bytes(nbits), PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	(void)state;
	must(mem != MAP_FAILED);
	tree_layout(&t, mem, nbits);
	tree_init(&t, bias);
	tree_take(&t, bias, taken);
	assert_int_equal(tree_find(&t, 1, 0), bias + taken);
	assert_int_equal(tree_find(&t, nbits - bias - taken, 0), bias + taken);
	assert_int_equal(munmap(mem, tree_bytes(nbits)), 0);
}

/*
 * A free run of `before` + `after` bits around the border of two nodes of a
 * level, and none that is as long in front of it.
 */
static void
try_border(struct page_tree *t, size_t *done, size_t border, size_t before,
	size_t after)
{
	size_t first = border - before, n = before + after;

	tree_take(t, *done, first - *done);
	tree_take(t, border + after, 1);
	must(tree_find(t, n, 0) == first);
	must(tree_find(t, n, first) == first);
	must(tree_find(t, n - 1, first + 1) == first + 1);
	must(tree_find(t, n + 1, 0) == border + after + 1);
	must(tree_find(t, n + 1, first) == border + after + 1);
	must(tree_find(t, n, first + 1) == border + after + 1);
	tree_give(t, border + after, 1);
	*done = first;
}

static void
find__run_over_the_border_of_two_nodes__finds_it(void **state)
{
	static const size_t sizes[][2] = {
		{1, 1}, {1, 511}, {511, 1}, {300, 300}, {512, 512}, {513, 700}};
	unsigned top = TEST_SANITIZED ? 4 : 5;
	size_t done = HUGE_BIAS;
	struct page_tree t;
	void *mem = huge_open(&t);

	(void)state;
	assert_int_equal(t.nlevels, 7);
	for (unsigned level = 0; level <= top; level++)
		for (size_t i = 0; i < NELEM(sizes); i++) {
			size_t border = LEVEL_BITS(level) * (i + 2);

			if (border < HUGE_BITS)
				try_border(&t, &done, border, sizes[i][0],
					sizes[i][1]);
		}
	assert_int_equal(munmap(mem, tree_bytes(HUGE_BITS)), 0);
}

/* model_next_used -- the plain search */
static size_t
model_next_used(const struct model *m, size_t from)
{
	while (from < m->nbits && !m->used[from])
		from++;
	return from;
}

static void
next_used_and_clear__random_trees__agree_with_bytes(void **state)
{
	struct rng rng;

	(void)state;
	rng_init(&rng, "clear");
	for (unsigned round = 0; round < 60; round++) {
		size_t nbits = rng_between(&rng, 1, 40 * BLOCK);
		size_t bias = rng_between(
			&rng, 0, nbits - 1 < BLOCK ? nbits - 1 : BLOCK - 1);
		size_t n = rng_between(&rng, 0, 40);
		struct model m;
		void *fresh;

		model_open(&m, nbits, bias);
		fresh = malloc(tree_bytes(nbits));
		must(fresh != NULL);
		memcpy(fresh, m.mem, tree_bytes(nbits));
		for (size_t i = 0; i < n; i++) {
			size_t len = rng_between(&rng, 1, 3 * BLOCK);
			size_t at = model_find(
				&m, len, rng_between(&rng, 0, nbits - 1), 1, 0);

			if (at != TREE_NONE)
				model_write(&m, at, len, true);
		}
		for (size_t i = 0; i <= nbits; i++)
			must(tree_next_used(&m.t, i) == model_next_used(&m, i));
		tree_clear(&m.t, bias);
		must(tree_consistent(&m.t) == TREE_NONE);
		assert_memory_equal(m.mem, fresh, tree_bytes(nbits));
		free(fresh);
		model_close(&m);
	}
}

static void
next_used_and_clear__huge_tree__touch_little(void **state)
{
	struct page_tree t;
	void *mem = huge_open(&t);
	const size_t at[] = {BLOCK * 5, HUGE_BITS / 3, HUGE_BITS - 7};

	(void)state;
	for (size_t i = 0; i < NELEM(at); i++)
		tree_take(&t, at[i], 7);
	for (size_t i = 0; i < NELEM(at); i++) {
		size_t from = i == 0 ? HUGE_BIAS : at[i - 1] + 7;

		assert_int_equal(tree_next_used(&t, from), at[i]);
		assert_int_equal(tree_next_used(&t, at[i] + 3), at[i] + 3);
	}
	assert_int_equal(tree_next_used(&t, HUGE_BITS), HUGE_BITS);
	tree_clear(&t, HUGE_BIAS);
	assert_int_equal(tree_next_used(&t, HUGE_BIAS), HUGE_BITS);
	assert_int_equal(tree_find(&t, HUGE_BITS - HUGE_BIAS, 0), HUGE_BIAS);
	assert_true(test_resident(mem, tree_bytes(HUGE_BITS)) <= MIB);
	assert_int_equal(munmap(mem, tree_bytes(HUGE_BITS)), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(find__random_operations__agrees_with_bytes),
		cmocka_unit_test(init__every_bias__uses_the_bits_before_it),
		cmocka_unit_test(
			consistent__flipped_bit__tells_when_counts_differ),
		cmocka_unit_test(consistent__flipped_summary__tells_where),
		cmocka_unit_test(init__huge_tree__touches_little),
		cmocka_unit_test(find__largest_tree_in_use__finds_no_used_bit),
		cmocka_unit_test(
			find__run_over_the_border_of_two_nodes__finds_it),
		cmocka_unit_test(
			next_used_and_clear__random_trees__agree_with_bytes),
		cmocka_unit_test(next_used_and_clear__huge_tree__touch_little),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
