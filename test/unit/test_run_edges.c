/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_run_edges.c -- runs by where they begin and end, against a plain list
 */
#include "harness/space.h"

#include <string.h>

#include "tcache/run_edges.h"

#define NRUNS  600
#define NSTEPS 20000
#define APART  ((size_t)5) /* pages from one possible run to the next */

static struct space space;
static struct run_edges edges;
static struct large_run *runs[NRUNS]; /* run i begins at page i * APART */
static bool added[NRUNS];

static void
open_runs(void)
{
	struct desc *d[NRUNS];

	space_open(&space, SPACE_BYTES, 0);
	(void)memset(&edges, 0, sizeof(edges));
	(void)memset(added, 0, sizeof(added));
	for (unsigned n = 0; n < NRUNS;) {
		unsigned got = run_descs_take(&space.rs, d + n, NRUNS - n);

		must(got > 0);
		n += got;
	}
	for (size_t i = 0; i < NRUNS; i++) {
		runs[i] = (struct large_run *)d[i];
		d[i]->base = space.base + i * APART * RUN_PAGE;
		d[i]->npages = 1 + (uint32_t)(i % APART);
	}
}

static const struct large_run *
find(enum edge edge, size_t page)
{
	return edges_find(
		&edges, space.base, edge, space.base + page * RUN_PAGE);
}

/* must_be_right -- each page is an edge of the runs that are there, no other */
static void
must_be_right(void)
{
	for (size_t page = 0; page < NRUNS * APART; page++) {
		const struct large_run *begin = NULL, *end = NULL;

		for (size_t i = page / APART < 2 ? 0 : page / APART - 1;
			i <= page / APART; i++) {
			if (added[i] && i * APART == page)
				begin = runs[i];
			if (added[i] &&
				i * APART + runs[i]->head.npages == page)
				end = runs[i];
		}
		must(find(EDGE_BEGIN, page) == begin);
		must(find(EDGE_END, page) == end);
	}
}

static void
find__after_random_changes__is_what_a_list_says(void **state)
{
	struct rng rng;

	(void)state;
	rng_init(&rng, __func__);
	open_runs();
	must_be_right();
	for (size_t step = 1; step <= NSTEPS; step++) {
		size_t i = rng_between(&rng, 0, NRUNS - 1);

		if (added[i])
			edges_remove(&edges, space.base, runs[i]);
		else
			edges_add(&edges, space.base, runs[i]);
		added[i] = !added[i];
		if (step % (NSTEPS / 20) == 0)
			must_be_right();
	}
	for (size_t i = 0; i < NRUNS; i++)
		if (added[i])
			edges_remove(&edges, space.base, runs[i]);
	for (unsigned k = 0; k < EDGE_BUCKETS; k++) {
		assert_int_equal(edges.head[EDGE_BEGIN][k], RUN_NO_GRANULE);
		assert_int_equal(edges.head[EDGE_END][k], RUN_NO_GRANULE);
	}
	space_close(&space);
}

/* where much is free, objects of 256 KiB to 16 MiB begin at such pages */
static void
bucket__places_of_large_objects__are_spread(void **state)
{
	(void)state;
	space_open(&space, SPACE_BYTES, 0);
	for (size_t grain = 16; grain <= 512; grain *= 2) {
		unsigned count[EDGE_BUCKETS] = {0}, most = 0;

		for (size_t i = 0; i < EDGE_BUCKETS; i++) {
			const char *base = space.base;
			unsigned k =
				edges_bucket(base, base + i * grain * RUN_PAGE);

			must(k < EDGE_BUCKETS);
			if (++count[k] > most)
				most = count[k];
		}
		assert_in_range(most, 1, 4);
	}
	space_close(&space);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			find__after_random_changes__is_what_a_list_says),
		cmocka_unit_test(bucket__places_of_large_objects__are_spread),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
