/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * purge.c -- runs over memory that comes and goes, comes to its end, and is
 * worked on by others whenever the run lock is let go
 *
 * What lies behind the pages is a stand-in (harness/behind.h): a page without
 * memory cannot be touched, and there is as much memory as the test says.
 *
 * ctest: timeout=300
 */
#include "run/run.h"

#include "base/bitmap.h"
#include "harness/behind.h"
#include "harness/space.h"

#include <string.h>

#define MAX_RUNS 2000
#define NSTEPS   (TEST_SANITIZED ? 4000 : 20000)
#define DECAY_MS 1000

struct known {
	struct desc *d;
	size_t npages;
	uint64_t mark;
};

static struct space s;
static struct known run[MAX_RUNS];
static size_t nruns;
static uint64_t next_mark;
static struct rng rng;

struct kind {
	size_t size, bias, granule; /* granule in pages */
	enum backing_give give;
	size_t reserved;
};

static void
open_space(const struct kind *k)
{
	struct run_behind b = {.granule = k->granule * RUN_PAGE,
		.reserved = k->reserved,
		.give = k->give,
		.decay_ms = DECAY_MS};
	size_t nbits;

	space_open(&s, k->size, k->bias);
	nruns = 0;
	behind_open(s.base, k->size, k->size / RUN_PAGE, k->granule);
	run_space_behind(&s.rs, &b);
	nbits = s.rs.tree.nbits;
	for (size_t bit = s.rs.bias, end; bit < nbits; bit = end) {
		bit = bitmap_next(s.rs.hollow, bit, nbits, true);
		end = bitmap_next(s.rs.hollow, bit, nbits, false);
		if (bit < end)
			behind_drop(bit - s.rs.bias, end - s.rs.bias);
	}
	behind.keeps = k->give == BACKING_GIVE_COPY;
}

static void
write_marks(const struct known *k, size_t from)
{
	for (size_t i = from; i < k->npages; i++)
		memcpy(k->d->base + i * RUN_PAGE, &k->mark, sizeof(k->mark));
}

static void
check_marks(const struct known *k, size_t npages)
{
	for (size_t i = 0; i < npages; i++)
		must(memcmp(k->d->base + i * RUN_PAGE, &k->mark,
			     sizeof(k->mark)) == 0);
}

static void
check_zero(const char *at, size_t npages)
{
	static const char zero[RUN_PAGE];

	for (size_t i = 0; i < npages; i++)
		must(memcmp(at + i * RUN_PAGE, zero, RUN_PAGE) == 0);
}

/* has_solid -- are n free pages together that have memory? */
static bool
has_solid(size_t n)
{
	size_t have = 0;

	for (size_t p = s.rs.first; p < s.rs.npages && have < n; p++) {
		size_t bit = p + s.rs.bias;

		have = bitmap_test(s.rs.tree.used, bit) ||
				       bitmap_test(s.rs.hollow, bit)
			       ? 0
			       : have + 1;
	}
	return have >= n;
}

/* alloc -- as the pool layer does, which asks again when it has frozen all */
static struct desc *
alloc(size_t npages, bool *ret_clean)
{
	struct desc *d =
		run_alloc(&s.rs, npages, 1, RUN_LARGE, RUN_LG_PAGE, ret_clean);

	if (d != NULL || !run_is_short(&s.rs))
		return d;
	run_ask(&s.rs, true);
	d = run_alloc(&s.rs, npages, 1, RUN_LARGE, RUN_LG_PAGE, ret_clean);
	run_ask(&s.rs, false);
	return d;
}

/* add -- a run, unless there is no room */
static bool
add(size_t npages)
{
	bool clean = false, quiet = behind.meanwhile == NULL;
	struct desc *d = alloc(npages, &clean);
	struct known *k = &run[nruns];

	if (d == NULL) {
		/* the descriptor may have taken a page of the place */
		must(!quiet || !has_solid(npages + 1));
		return false;
	}
	must(nruns < MAX_RUNS);
	*k = (struct known){d, npages, ++next_mark};
	nruns++;
	if (clean)
		check_zero(d->base, npages);
	write_marks(k, 0);
	return true;
}

static struct known
take(void)
{
	size_t idx = rng_between(&rng, 0, nruns - 1);
	struct known k = run[idx];

	run[idx] = run[--nruns];
	return k;
}

static void
drop(void)
{
	struct known k = take();

	check_marks(&k, k.npages);
	run_free(&s.rs, k.d);
}

static void
resize(size_t npages)
{
	struct known k = take(); /* nobody else's meanwhile */
	size_t have = k.npages;
	bool clean = false;

	if (run_resize(&s.rs, k.d, npages, &clean)) {
		k.npages = npages;
		check_marks(&k, npages < have ? npages : have);
		if (clean && npages > have)
			check_zero(k.d->base + have * RUN_PAGE, npages - have);
		if (npages > have)
			write_marks(&k, have);
	} else {
		must(npages > have);
		check_marks(&k, have);
	}
	run[nruns++] = k;
}

static size_t
a_length(void)
{
	size_t kind = rng_between(&rng, 0, 30);

	if (kind == 0)
		return rng_between(&rng, 1, 1500);
	return rng_between(&rng, 1, kind < 6 ? 120 : 9);
}

/* step -- one thing that a thread may do */
static void
step(bool more)
{
	size_t kind = rng_between(&rng, 0, 19);

	if (nruns < MAX_RUNS - 8 && (nruns == 0 || kind < 6u + 5u * more))
		(void)add(a_length());
	else if (kind < 17)
		drop();
	else
		resize(a_length());
	if (rng_between(&rng, 0, 400) == 0)
		(void)run_trim(&s.rs, rng_between(&rng, 0, 2000));
	behind.now += rng_between(&rng, 0, 3);
	if (s.rs.due)
		run_decay(&s.rs);
}

static void
interrupt(void *arg)
{
	(void)arg;
	for (size_t n = rng_between(&rng, 0, 3); n > 0; n--)
		step(rng_between(&rng, 0, 1) == 0);
}

/* verify -- what the bits say is true, and the check finds nothing */
static void
verify(void)
{
	for (size_t p = 0; p < s.rs.npages; p++)
		must(bitmap_test(s.rs.hollow, p + s.rs.bias) || behind.has[p]);
	must(space_nfindings(&s, NULL, HARDENING_DEFAULT) == 0);
	for (size_t i = 0; i < nruns; i++)
		check_marks(&run[i], run[i].npages);
}

/* npinned -- pages of granules that something lies in */
static size_t
npinned(void)
{
	size_t g = s.rs.granule, n = 0;

	for (size_t bit = 0; bit < s.rs.tree.nbits; bit += g)
		n += bitmap_any_set(s.rs.tree.used, bit,
			     g < s.rs.tree.nbits - bit ? g
						       : s.rs.tree.nbits - bit)
			     ? g
			     : 0;
	return n - s.rs.bias;
}

static void
try_space(const struct kind *k)
{
	open_space(k);
	verify();
	for (int i = 0; i < NSTEPS; i++) {
		behind.meanwhile = i / 500 % 3 == 0 ? NULL : interrupt;
		if (i % 700 == 0) {
			/* others fill the file system, or empty it */
			size_t most = behind.npages;

			behind.room =
				rng_between(&rng, 0, 1) == 0
					? most
					: rng_between(&rng, behind.nhas, most);
		}
		step(i / 1000 % 2 == 0);
		if (i % 200 == 0)
			verify();
	}
	behind.meanwhile = NULL;
	behind.room = behind.npages;
	while (nruns > 0)
		drop();
	(void)run_trim(&s.rs, 0);
	verify();
	assert_int_equal(
		s.rs.npages - s.rs.nhollow +
			bitmap_count(s.rs.hollow, s.rs.bias, s.rs.first),
		npinned());
	/* and all of it can be had again */
	for (size_t npages = 512; npages > 0; npages /= 8)
		while (add(npages))
			;
	assert_int_equal(s.rs.nhollow, 0);
	assert_int_equal(s.rs.nfree, 0);
	verify();
	while (nruns > 0)
		drop();
	space_close(&s);
}

static void
all__random_operations__nothing_lost_and_nothing_touched(void **state)
{
	static const struct kind kinds[] = {
		{14 * MIB, 77, 1, BACKING_GIVE_FILE, 14 * MIB},
		{14 * MIB, 0, 1, BACKING_GIVE_FILE, 0},
		{14 * MIB, 511, 1, BACKING_GIVE_COPY, 0},
		{40 * MIB, 3, 1, BACKING_GIVE_MEMORY, 20 * MIB},
		{14 * MIB, 16, 16, BACKING_GIVE_FILE, 14 * MIB},
		{40 * MIB, 0, 512, BACKING_GIVE_FILE, 40 * MIB},
		{40 * MIB, 0, 512, BACKING_GIVE_FILE, 4 * MIB},
	};

	(void)state;
	rng_init(&rng, "purge");
	for (size_t i = 0; i < NELEM(kinds); i++)
		try_space(&kinds[i]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			all__random_operations__nothing_lost_and_nothing_touched),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
