/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_meta.c -- granules of descriptors against an array of owners
 */
#include "run/meta.h"

#include "base/bitmap.h"
#include "harness/space.h"

#include <string.h>

#define NDESC  600
#define NPAGES 64 /* pages that may become runs of descriptors */

struct model {
	struct space s;
	struct desc *live[NDESC];
	unsigned ngran[NDESC];
	size_t n;
	unsigned char owned[NPAGES * META_GRANULES]; /* by live descriptors */
	bool is_meta[NPAGES];
};

static size_t
slot_of(const struct model *m, const void *at)
{
	return (size_t)((const char *)at - m->s.base) / RUN_GRANULE -
	       m->s.rs.first * (size_t)META_GRANULES;
}

static size_t
page_of(const struct model *m, const void *at)
{
	return run_page(&m->s.rs, at) - m->s.rs.first;
}

/* add_run -- one more page for descriptors, as the run layer would */
static void
add_run(struct model *m)
{
	size_t i = 0;
	char *page;

	while (i < NPAGES && m->is_meta[i])
		i++;
	must(i < NPAGES);
	page = m->s.base + (m->s.rs.first + i) * RUN_PAGE;
	memset(page, 0xee, RUN_PAGE);
	meta_add(&m->s.rs, page);
	space_map(&m->s, m->s.rs.first + i, run_granule(m->s.base, page));
	m->is_meta[i] = true;
}

static void
model_alloc(struct model *m, unsigned ngran)
{
	struct desc *d = meta_alloc(&m->s.rs, ngran);
	static const char zero[META_GRANULES * RUN_GRANULE];
	size_t at;

	if (d == NULL) {
		add_run(m);
		d = meta_alloc(&m->s.rs, ngran);
	}
	must(d != NULL);
	must(d->ngran == ngran);
	at = slot_of(m, d);
	must(m->is_meta[at / META_GRANULES]);
	must(at % META_GRANULES != 0);
	must(at % META_GRANULES + ngran <= META_GRANULES);
	for (unsigned i = 0; i < ngran; i++) {
		must(m->owned[at + i] == 0);
		m->owned[at + i] = 1;
	}
	d->ngran = 0;
	must(memcmp(d, zero, ngran * RUN_GRANULE) == 0);
	memset(d, 0xdd, ngran * RUN_GRANULE);
	d->ngran = (uint8_t)ngran;
	m->live[m->n] = d;
	m->ngran[m->n++] = ngran;
}

static void
model_free(struct model *m, size_t idx)
{
	struct desc *d = m->live[idx];
	struct meta *empty;

	must(d->ngran == m->ngran[idx]);
	memset(m->owned + slot_of(m, d), 0, d->ngran);
	empty = meta_free(&m->s.rs, d);
	if (empty != NULL) {
		size_t page = page_of(m, empty);

		must(m->is_meta[page]);
		m->is_meta[page] = false;
	}
	m->live[idx] = m->live[--m->n];
	m->ngran[idx] = m->ngran[m->n];
}

/* model_verify -- bits against owners, and the list */
static void
model_verify(const struct model *m)
{
	size_t nmeta = 0, nlisted = 0, nempty = 0, found = 0;
	uint32_t prev = RUN_NO_GRANULE;

	for (size_t p = 0; p < NPAGES; p++) {
		const struct meta *k =
			(const void *)(m->s.base +
				       (m->s.rs.first + p) * RUN_PAGE);
		size_t nfree = 0;

		if (!m->is_meta[p])
			continue;
		nmeta++;
		must(!bitmap_test(k->free, 0));
		for (size_t g = 1; g < META_GRANULES; g++) {
			bool is_free = m->owned[p * META_GRANULES + g] == 0;

			must(bitmap_test(k->free, g) == is_free);
			nfree += is_free;
		}
		nlisted += nfree > 0;
		nempty += nfree == META_GRANULES - 1;
	}
	for (uint32_t g = m->s.rs.meta_head; g != RUN_NO_GRANULE;) {
		const struct meta *k = (void *)run_desc(m->s.base, g);

		must(k->prev == prev && m->is_meta[page_of(m, k)]);
		must(++found <= nlisted);
		prev = g;
		g = k->next;
	}
	must(found == nlisted && m->s.rs.nmeta == nmeta);
	/* an empty one stays only as long as it is alone on the list */
	must(nempty <= 1);
}

static struct model model;

static void
model_open(void)
{
	memset(&model, 0, sizeof(model));
	space_open(&model.s, SPACE_BYTES, 3);
}

static void
alloc__random_sizes__are_disjoint_and_zero(void **state)
{
	struct rng rng;

	(void)state;
	rng_init(&rng, "meta");
	model_open();
	for (int step = 0; step < 20000; step++) {
		size_t most = step / 2000 % 2 == 0 ? 6 : 4;

		if (model.n < NDESC && rng_between(&rng, 0, 9) < most)
			model_alloc(&model, (unsigned)rng_between(&rng, 1, 6));
		else if (model.n > 0)
			model_free(&model, rng_between(&rng, 0, model.n - 1));
		if (step % 50 == 0)
			model_verify(&model);
	}
	while (model.n > 0)
		model_free(&model, rng_between(&rng, 0, model.n - 1));
	model_verify(&model);
	assert_int_equal(model.s.rs.nmeta, 1);
	space_close(&model.s);
}

static void
alloc__nothing_listed__gives_null(void **state)
{
	(void)state;
	model_open();
	for (unsigned ngran = 1; ngran < META_GRANULES; ngran++)
		assert_null(meta_alloc(&model.s.rs, ngran));
	space_close(&model.s);
}

static void
alloc__the_largest__fills_one_run(void **state)
{
	(void)state;
	model_open();
	model_alloc(&model, META_GRANULES - 1);
	model_verify(&model);
	assert_int_equal(model.s.rs.meta_head, RUN_NO_GRANULE);
	assert_null(meta_alloc(&model.s.rs, 1));
	model_alloc(&model, 1);
	assert_int_equal(model.s.rs.nmeta, 2);
	/* the first becomes empty beside one with room: it goes */
	model_free(&model, 0);
	model_verify(&model);
	assert_int_equal(model.s.rs.nmeta, 1);
	/* the last one stays */
	model_free(&model, 0);
	model_verify(&model);
	assert_int_equal(model.s.rs.nmeta, 1);
	space_close(&model.s);
}

static void
alloc__room_only_in_pieces__leaves_them(void **state)
{
	(void)state;
	model_open();
	for (unsigned i = 1; i < META_GRANULES; i++)
		model_alloc(&model, 1);
	/* from the end on, so that what moves in the set stays in use */
	for (size_t i = model.n; i >= 2; i -= 2)
		model_free(&model, i - 1);
	model_verify(&model);
	assert_null(meta_alloc(&model.s.rs, 2));
	assert_int_equal(model.s.rs.nmeta, 1);
	space_close(&model.s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(alloc__random_sizes__are_disjoint_and_zero),
		cmocka_unit_test(alloc__nothing_listed__gives_null),
		cmocka_unit_test(alloc__the_largest__fills_one_run),
		cmocka_unit_test(alloc__room_only_in_pieces__leaves_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
