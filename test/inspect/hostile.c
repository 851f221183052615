/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * hostile.c -- whatever the bytes are that are read, a reader ends and says so
 *
 * The image of a real pool is changed at random, everywhere that a reader
 * looks, and looked into by all ways there are.
 *
 * ctest: not-tsan not-valgrind timeout=120
 */
#include "harness/test.h"

#include <string.h>

#include "inspect/image.h"

#define ROUNDS  (TEST_ASAN ? 600 : 2000)
#define CHANGES 6

/* a place that a reader looks at */
static uint64_t
place(struct rng *rng, uint64_t base, uint64_t table, uint64_t registry)
{
	static const size_t fixed =
		RUN_MAP_OFF + POOL_SIZE / RUN_PAGE * sizeof(uint64_t);

	switch (rng_between(rng, 0, 5)) {
	case 0:
		return registry +
		       rng_between(rng, 0, sizeof(struct registry) / 8 - 1) * 8;
	case 1:
		return table +
		       rng_between(rng, 0, sizeof(struct record) / 8 - 1) * 8;
	case 2:
		return base + RUN_HEADER_OFF +
		       rng_between(rng, 0, sizeof(struct pool) / 8 - 1) * 8;
	case 3:
		return base + RUN_MAP_OFF +
		       rng_between(rng, 0, (fixed - RUN_MAP_OFF) / 8) * 8;
	default:
		/* descriptors and heaps are among the first pages */
		return base + fixed + rng_between(rng, 0, 64 * KIB / 8) * 8;
	}
}

static uint64_t
damaged(struct rng *rng, uint64_t word, uint64_t base)
{
	switch (rng_between(rng, 0, 6)) {
	case 0:
		return word ^ UINT64_C(1) << rng_between(rng, 0, 63);
	case 1:
		return rng_next(rng);
	case 2:
		return UINT64_MAX;
	case 3:
		return word ^ (rng_next(rng) & 0xff)
				      << (8 * rng_between(rng, 0, 7));
	case 4:
		return base + rng_between(rng, 0, POOL_SIZE);
	case 5:
		return word + rng_between(rng, 0, 64) - 32;
	default:
		return 0;
	}
}

/* where the image has the registry, the table and the pool */
static uint64_t at_registry, at_table, at_pool;

static int
setup(void **state)
{
	struct rng rng;
	struct libraries libraries;
	struct registry registry;
	struct record *records;
	size_t n;

	(void)state;
	rng_init(&rng, __func__);
	make_pool(rng_next(&rng));
	take_image();
	vmem_set_funcs(NULL, NULL, NULL, NULL, count_printed);
	struct source *s = open_image();
	must(finder_libraries(&libraries, s) == 0);
	must(finder_records(s, libraries.at[0], &registry, &records, &n) == 0);
	source_close(s);
	at_registry = libraries.at[0];
	at_table = (uintptr_t)registry.table;
	at_pool = (uintptr_t)records[0].backing.base;
	free(records);
	return 0;
}

static char *
bytes_at(uint64_t at)
{
	const struct piece *p = piece_of(at);

	return p->bytes + (at - p->at);
}

/* twelve -- each byte of the pool's record, and what else is yes or no */
static void
twelve(void)
{
	char *forking =
		bytes_at(at_registry + offsetof(struct registry, forking));

	for (size_t i = 0; i < sizeof(struct record); i++) {
		char *byte = bytes_at(at_table + i), was = *byte;

		*byte = 12;
		look_at_all();
		*byte = was;
	}
	*forking = 12;
	look_at_all();
	*forking = 0;
}

static void
reader__a_byte_of_the_table_is_12__ends(void **state)
{
	char *map = bytes_at(at_pool + RUN_MAP_OFF + POOL_SIZE / RUN_PAGE * 4);

	(void)state;
	twelve();
	assert_true(look_at_all());
	/* what is damaged has a reader ask more of the record */
	*map ^= 0x55;
	twelve();
	assert_false(look_at_all());
	*map ^= 0x55;
	assert_true(look_at_all());
}

static void
reader__any_bytes__ends(void **state)
{
	struct rng rng;
	size_t nfine = 0;

	(void)state;
	rng_init(&rng, __func__);
	assert_true(look_at_all());
	for (unsigned round = 0; round < ROUNDS; round++) {
		uint64_t old[CHANGES], at[CHANGES];
		size_t changes = rng_between(&rng, 1, CHANGES);

		for (size_t i = 0; i < changes; i++) {
			at[i] = place(&rng, at_pool, at_table, at_registry);
			char *bytes = bytes_at(at[i]);
			uint64_t word;
			memcpy(&word, bytes, sizeof(word));
			old[i] = word;
			word = damaged(&rng, word, at_pool);
			memcpy(bytes, &word, sizeof(word));
		}
		nfine += look_at_all();
		for (size_t i = changes; i-- > 0;)
			memcpy(bytes_at(at[i]), &old[i], sizeof(old[i]));
	}
	/* some words are free memory, or statistics: most are not */
	print_message("%zu of %u changes did no harm\n", nfine, ROUNDS);
	assert_true(nfine < ROUNDS / 2);
	assert_true(look_at_all());
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reader__a_byte_of_the_table_is_12__ends),
		cmocka_unit_test(reader__any_bytes__ends),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
