/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * run.c -- page runs against an array with an owner for each page
 *
 * ctest: timeout=300
 */
#include "run/run.h"

#include "base/bitmap.h"
#include "harness/space.h"
#include "run/meta.h"

#include <stdlib.h>
#include <string.h>

#define MAX_RUNS 4000
#define NSTEPS   (TEST_SANITIZED ? 3000 : 12000)

struct known {
	struct desc *d;
	size_t page, npages;
	unsigned ngran;
	enum run_tag tag;
	uint64_t mark; /* in each page */
};

struct model {
	struct space s;
	size_t npages;
	uint32_t *owner;     /* for each page: run index + 1, or 0 */
	unsigned char *was;  /* for each page: in use before */
	unsigned char *gran; /* for each granule: a descriptor's */
	struct known run[MAX_RUNS];
	size_t n;
	uint64_t next_mark;
	size_t nfree_at_first;
};

static struct model model;

static void
model_open(struct model *m, size_t size, size_t bias)
{
	memset(m, 0, sizeof(*m));
	space_open(&m->s, size, bias);
	m->npages = size / RUN_PAGE;
	m->owner = calloc(m->npages, sizeof(*m->owner));
	m->was = calloc(m->npages, 1);
	m->gran = calloc(m->npages, META_GRANULES);
	must(m->owner != NULL && m->was != NULL && m->gran != NULL);
	m->nfree_at_first = m->s.rs.nfree;
	must(m->s.rs.nfree == m->npages - m->s.rs.first);
	must(m->s.rs.first == run_space_pages(m->s.base, size));
}

static void
model_close(struct model *m)
{
	free(m->owner);
	free(m->was);
	free(m->gran);
	space_close(&m->s);
}

static char *
page_at(const struct model *m, size_t page)
{
	return m->s.base + page * RUN_PAGE;
}

static size_t
gran_at(const struct model *m, const struct desc *d)
{
	return run_granule(m->s.base, d);
}

/* own -- pages become a run's; returns whether none was in use before */
static bool
own(struct model *m, size_t idx, size_t page, size_t n)
{
	bool fresh = true;

	for (size_t p = page; p < page + n; p++) {
		must(p >= m->s.rs.first && p < m->npages);
		must(m->owner[p] == 0);
		m->owner[p] = (uint32_t)idx + 1;
		fresh = fresh && !m->was[p];
		m->was[p] = 1;
	}
	return fresh;
}

/* write_marks -- the first and the last word of pages say whose they are */
static void
write_marks(const struct model *m, size_t page, size_t n, uint64_t mark)
{
	for (size_t p = page; p < page + n; p++) {
		memcpy(page_at(m, p), &mark, sizeof(mark));
		memcpy(page_at(m, p + 1) - sizeof(mark), &mark, sizeof(mark));
	}
}

static void
check_marks(const struct model *m, const struct known *k)
{
	for (size_t p = k->page; p < k->page + k->npages; p++) {
		const char *end = page_at(m, p + 1) - sizeof(k->mark);

		must(memcmp(page_at(m, p), &k->mark, sizeof(k->mark)) == 0);
		must(memcmp(end, &k->mark, sizeof(k->mark)) == 0);
	}
}

static void
check_clean(const struct model *m, size_t page, size_t n, bool fresh)
{
	static const char zero[RUN_PAGE];

	must(fresh);
	for (size_t p = page; p < page + n; p++)
		must(memcmp(page_at(m, p), zero, RUN_PAGE) == 0);
}

static bool
fits_at(const struct model *m, size_t page, size_t n)
{
	const uint64_t *used = m->s.rs.tree.used;

	return page + n <= m->npages &&
	       !bitmap_any_set(used, page + m->s.rs.bias, n);
}

/* lowest -- where first fit finds n pages */
static size_t
lowest(const struct model *m, size_t n, unsigned lg_align)
{
	size_t align = (size_t)1 << lg_align;

	for (size_t p = 0; p < m->npages; p++)
		if ((uintptr_t)page_at(m, p) % align == 0 && fits_at(m, p, n))
			return p;
	return SIZE_MAX;
}

/* claim_granules -- a descriptor's granules are no other's */
static void
claim_granules(struct model *m, const struct desc *d, unsigned ngran)
{
	must(d->ngran == ngran);
	for (size_t g = gran_at(m, d); g < gran_at(m, d) + ngran; g++) {
		must(m->gran[g] == 0);
		m->gran[g] = 1;
	}
}

static bool
model_alloc(struct model *m, size_t npages, unsigned ngran, enum run_tag tag,
	unsigned lg_align)
{
	size_t expected = lowest(m, npages, lg_align);
	uint32_t nmeta = m->s.rs.nmeta;
	bool clean = false, fresh;
	struct known *k = &m->run[m->n];
	struct desc *d;

	d = run_alloc(&m->s.rs, npages, ngran, tag, lg_align, &clean);
	if (d == NULL) {
		/* only when the descriptor may have taken the room */
		must(expected == SIZE_MAX || npages + 1 > m->s.rs.nfree ||
			nmeta == 0 || m->s.rs.nfree < npages + 600 ||
			expected == SIZE_MAX);
		return false;
	}
	*k = (struct known){d, run_page(&m->s.rs, d->base), npages, ngran, tag,
		++m->next_mark};
	if (m->s.rs.nmeta == nmeta)
		must(k->page == expected);
	must((uintptr_t)d->base % ((size_t)1 << lg_align) == 0);
	must(d->npages == npages && d->owner == tag);
	claim_granules(m, d, ngran);
	if (tag >= RUN_NTAGS)
		run_note(&m->s.rs, d, (uint16_t)k->mark);
	fresh = own(m, m->n, k->page, npages);
	if (clean)
		check_clean(m, k->page, npages, fresh);
	write_marks(m, k->page, npages, k->mark);
	m->n++;
	return true;
}

static void
model_free(struct model *m, size_t idx)
{
	struct known *k = &m->run[idx], *last = &m->run[m->n - 1];

	check_marks(m, k);
	memset(m->gran + gran_at(m, k->d), 0, k->ngran);
	for (size_t p = k->page; p < k->page + k->npages; p++)
		m->owner[p] = 0;
	run_free(&m->s.rs, k->d);
	if (k != last) {
		*k = *last;
		for (size_t p = k->page; p < k->page + k->npages; p++)
			m->owner[p] = (uint32_t)idx + 1;
	}
	m->n--;
}

static void
model_resize(struct model *m, size_t idx, size_t npages)
{
	struct known *k = &m->run[idx];
	size_t more = npages > k->npages ? npages - k->npages : 0;
	bool room = fits_at(m, k->page + k->npages, more), clean = true;

	must(run_resize(&m->s.rs, k->d, npages, &clean) == room);
	check_marks(m, k);
	if (!room)
		return;
	if (more > 0) {
		bool fresh = own(m, idx, k->page + k->npages, more);

		if (clean)
			check_clean(m, k->page + k->npages, more, fresh);
		write_marks(m, k->page + k->npages, more, k->mark);
	}
	for (size_t p = npages; p < k->npages; p++)
		m->owner[k->page + p] = 0;
	k->npages = npages;
	must(k->d->npages == npages);
}

/* verify_page -- the map, the bits and the count of a page; is it free? */
static bool
verify_page(struct model *m, size_t p)
{
	uint32_t in_map = run_map_granule(m->s.base, p), own_granule;
	const struct known *k = NULL;
	const struct desc *d;

	if (m->owner[p] > 0)
		k = &m->run[m->owner[p] - 1];
	must(bitmap_test(m->s.rs.tree.used, p + m->s.rs.bias) ==
		(k != NULL || in_map != 0 || p < m->s.rs.first));
	must((uint16_t)run_map_entry(m->s.base, p) ==
		(k != NULL && k->tag >= RUN_NTAGS ? (uint16_t)k->mark : 0));
	if (k != NULL) {
		bool named = k->tag != RUN_LARGE || p == k->page;

		must(in_map == (named ? gran_at(m, k->d) : 0));
		must(run_lookup(&m->s.rs, page_at(m, p) + 77) ==
			(named ? k->d : NULL));
		return false;
	}
	if (p < m->s.rs.first || in_map == 0) {
		must(in_map == 0);
		return p >= m->s.rs.first;
	}
	/* what no run of the model owns are descriptors */
	d = run_desc(m->s.base, in_map);
	own_granule = run_granule(m->s.base, page_at(m, p));
	must(in_map == own_granule && d->owner == RUN_META);
	m->was[p] = 1;
	return false;
}

static void
verify(struct model *m)
{
	size_t nfree = 0, end = 0, first, n;

	for (size_t p = 0; p < m->npages; p++)
		nfree += verify_page(m, p);
	must(m->s.rs.nfree == nfree);
	/* what lies between the pieces in use is what is free */
	for (size_t p = 0; (n = run_next_used(&m->s.rs, p, &first)) > 0;) {
		must(first >= p && first + n <= m->npages);
		nfree -= first - p;
		p = first + n;
		end = p;
	}
	must(nfree == m->npages - end);
	for (size_t i = 0; i < m->n; i++) {
		const struct known *k = &m->run[i];

		check_marks(m, k);
		must(k->d->ngran == k->ngran && k->d->owner == k->tag &&
			k->d->npages == k->npages &&
			k->d->base == page_at(m, k->page));
	}
	must(run_lookup(&m->s.rs, m->s.base - 1) == NULL);
	must(run_lookup(&m->s.rs, page_at(m, m->npages)) == NULL);
	must(space_nfindings(&m->s, NULL, HARDENING_DEFAULT) == 0);
}

static size_t
a_size(struct rng *rng, size_t npages)
{
	size_t kind = rng_between(rng, 0, 15);

	if (kind == 0)
		return rng_between(rng, 1, npages);
	if (kind == 1)
		return 511 + rng_between(rng, 0, 2);
	return rng_between(rng, 1, kind < 6 ? 100 : 9);
}

static void
step(struct model *m, struct rng *rng, bool more)
{
	/* a slab has its heap's address there */
	static const enum run_tag tags[] = {
		RUN_LARGE, (enum run_tag)(RUN_NTAGS + 4096), RUN_HEAP};
	enum run_tag tag =
		tags[rng_between(rng, 0, 1) * rng_between(rng, 0, 2)];
	size_t npages = a_size(rng, m->npages);
	unsigned lg_align = 12;
	size_t idx;

	if (rng_between(rng, 0, 5) == 0)
		lg_align = (unsigned)rng_between(rng, 3, 24);
	if (lg_align < 12)
		lg_align = 12;
	if (m->n < MAX_RUNS && rng_between(rng, 0, 9) < 4u + 3u * more) {
		(void)model_alloc(m, npages, (unsigned)rng_between(rng, 1, 6),
			tag, lg_align);
		return;
	}
	if (m->n == 0)
		return;
	idx = rng_between(rng, 0, m->n - 1);
	if (m->run[idx].tag == RUN_LARGE && rng_between(rng, 0, 1) == 0)
		model_resize(m, idx, npages);
	else
		model_free(m, idx);
}

static void
try_space(struct rng *rng, size_t size, size_t bias)
{
	model_open(&model, size, bias);
	verify(&model);
	for (int i = 0; i < NSTEPS; i++) {
		step(&model, rng, i / 1000 % 2 == 0);
		if (i % 100 == 0)
			verify(&model);
	}
	while (model.n > 0)
		model_free(&model, rng_between(rng, 0, model.n - 1));
	verify(&model);
	/* all but one run of descriptors is back */
	must(model.s.rs.nmeta <= 1);
	must(model.s.rs.nfree == model.nfree_at_first - model.s.rs.nmeta);
	must(model_alloc(&model, model.s.rs.nfree, 1, RUN_LARGE, 12) ||
		model.s.rs.nmeta == 1);
	model_close(&model);
}

static void
all__random_operations__agree_with_owners(void **state)
{
	struct rng rng;

	(void)state;
	rng_init(&rng, "runs");
	try_space(&rng, SPACE_BYTES, 0);
	try_space(&rng, SPACE_BYTES, 511);
	try_space(&rng, SPACE_BYTES + 5 * RUN_PAGE,
		rng_between(&rng, 0, TREE_BLOCK_BITS - 1));
	try_space(&rng, 40 * MIB, rng_between(&rng, 0, TREE_BLOCK_BITS - 1));
}

static void
alloc__twelve_mib_after_freeing_all__fits(void **state)
{
	size_t large = 12 * MIB / RUN_PAGE;

	(void)state;
	for (size_t bias = 0; bias < TREE_BLOCK_BITS; bias += 73) {
		model_open(&model, SPACE_BYTES, bias);
		must(model_alloc(&model, large, 1, RUN_LARGE, 12));
		model_free(&model, 0);
		while (model_alloc(&model, 3, 2, RUN_HEAP, 12))
			;
		verify(&model);
		for (size_t i = 0; i < model.n; i += 2)
			model_free(&model, i);
		verify(&model);
		while (model.n > 0)
			model_free(&model, 0);
		must(model_alloc(&model, large, 1, RUN_LARGE, 12));
		model_close(&model);
	}
}

static void
alloc__until_full__uses_every_page(void **state)
{
	(void)state;
	model_open(&model, SPACE_BYTES, 100);
	while (model_alloc(&model, 1, 1, RUN_LARGE, 12))
		;
	assert_true(model.s.rs.nfree <= 1);
	verify(&model);
	model_close(&model);
}

static void
alloc__no_room__changes_nothing(void **state)
{
	uint32_t nfree;

	(void)state;
	model_open(&model, SPACE_BYTES, 0);
	must(model_alloc(&model, 1, 1, RUN_LARGE, 12));
	nfree = model.s.rs.nfree;
	assert_null(run_alloc(
		&model.s.rs, nfree + 1, 1, RUN_LARGE, 12, &(bool){false}));
	for (unsigned lg = 24; lg < 63; lg++)
		if (lowest(&model, 1, lg) == SIZE_MAX)
			assert_null(run_alloc(
				&model.s.rs, 1, 1, RUN_LARGE, lg, NULL));
	assert_int_equal(model.s.rs.nfree, nfree);
	verify(&model);
	model_close(&model);
}

static void
init__memory_not_zero__counts_as_dirty(void **state)
{
	struct space *s = &model.s;
	bool clean = true;
	struct desc *d;

	(void)state;
	model_open(&model, SPACE_BYTES, 7);
	memset(s->base + RUN_MAP_OFF, 0xa5, s->size - RUN_MAP_OFF);
	run_space_init(&s->rs, s->base, s->size, false);
	assert_int_equal(space_nfindings(s, NULL, HARDENING_DEFAULT), 0);
	d = run_alloc(&s->rs, 5, 1, RUN_LARGE, 12, &clean);
	assert_non_null(d);
	assert_false(clean);
	run_free(&s->rs, d);
	assert_int_equal(space_nfindings(s, NULL, HARDENING_DEFAULT), 0);
	model_close(&model);
}

static void
alloc__first_use_and_second__tells_clean_and_not(void **state)
{
	struct run_space *rs = &model.s.rs;
	bool clean = false;
	struct desc *d;

	(void)state;
	model_open(&model, SPACE_BYTES, 7);
	d = run_alloc(rs, 5, 1, RUN_LARGE, 12, &clean);
	assert_true(clean);
	assert_true(run_resize(rs, d, 9, &clean));
	assert_true(clean);
	assert_true(run_resize(rs, d, 7, &clean));
	assert_true(run_resize(rs, d, 8, &clean));
	assert_false(clean);
	assert_true(run_resize(rs, d, 20, &clean));
	assert_false(clean);
	assert_true(run_resize(rs, d, 21, &clean));
	assert_true(clean);
	run_free(rs, d);
	d = run_alloc(rs, 1, 1, RUN_LARGE, 12, &clean);
	assert_false(clean);
	run_free(rs, d);
	d = run_alloc(rs, 22, 1, RUN_LARGE, 12, &clean);
	assert_false(clean);
	run_free(rs, d);
	model_close(&model);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all__random_operations__agree_with_owners),
		cmocka_unit_test(alloc__twelve_mib_after_freeing_all__fits),
		cmocka_unit_test(alloc__until_full__uses_every_page),
		cmocka_unit_test(alloc__no_room__changes_nothing),
		cmocka_unit_test(init__memory_not_zero__counts_as_dirty),
		cmocka_unit_test(
			alloc__first_use_and_second__tells_clean_and_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
