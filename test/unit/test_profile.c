/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_profile.c -- the table of samples against a model, and its numbers
 */
#include "harness/test.h"

#include <string.h>

#include "profile/profile.h"
#include "tcache/tcache.h"

#define POOL_BYTES (14 * MIB)
#define NOBJECTS   ((size_t)3000)

static void
interval__many_drawn__have_the_mean_and_the_spread(void **state)
{
	static const uint64_t means[] = {2, 1000, 524288};
	const double n = 200000;

	(void)state;
	for (size_t k = 0; k < NELEM(means); k++) {
		uint64_t random = k;
		double sum = 0, below = 0, mean = (double)means[k];

		for (size_t i = 0; i < (size_t)n; i++) {
			double x = (double)profile_interval(&random, means[k]);

			assert_true(x >= 1 && x < 60 * mean);
			sum += x;
			below += x <= mean;
		}
		/* 1/e of an exponential distribution lies above its mean */
		if (mean > 2)
			assert_true(below / n > 0.62 && below / n < 0.644);
		assert_true(sum / n > 0.98 * mean && sum / n < 1.02 * mean + 1);
	}
}

/* 1024 / (1 - exp(-size / mean)), computed elsewhere */
static void
weight__known_values__are_met(void **state)
{
	static const struct {
		uint64_t size, mean, weight;
	} known[] = {
		{1, 1, 1024},
		{8, 524288, 67109376},
		{524288, 524288, 1620},
		{1000, 1000, 1620},
		{100, 1000, 10761},
		{5000, 1000, 1031},
		{100000, 1000, 1024},
		{1, 1000, 1024512},
		{2000, 1000, 1184},
	};

	(void)state;
	for (size_t i = 0; i < NELEM(known); i++)
		assert_in_range(profile_weight(known[i].size, known[i].mean),
			known[i].weight - 1 - known[i].weight / 100000,
			known[i].weight + 1 + known[i].weight / 100000);
}

struct model {
	bool live;
	uint64_t size;
	unsigned stack;
};

/* addresses close together and far apart, as a heap gives them */
static void *
address(size_t i)
{
	return (void *)(0x7f0000000000 + i * 16 + (i % 7) * 4096 * 512);
}

static void *const frames[3][4] = {
	{(void *)0x1000, (void *)0x2000, (void *)0x3000, (void *)0x4000},
	{(void *)0x1000, (void *)0x2000, (void *)0x3000, (void *)0x4001},
	{(void *)0x1000, (void *)0x2000},
};
static const unsigned nframes[3] = {4, 4, 2};

static void
assert_matches(const struct profile *p, const struct model *m)
{
	uint64_t bytes[3] = {0}, objects[3] = {0}, n = 0;

	for (size_t i = 0; i < NOBJECTS; i++) {
		if (!m[i].live)
			continue;
		n++;
		objects[m[i].stack]++;
		bytes[m[i].stack] += m[i].size;
	}
	assert_int_equal(p->nobjects, n);
	for (size_t s = 0; s < p->nstacks; s++) {
		const struct profile_stack *k = &p->stacks[s];
		size_t which = k->nframes == 2         ? 2
			       : k->frame[3] == 0x4001 ? 1
						       : 0;

		assert_int_equal(k->nsamples, objects[which]);
		assert_int_equal(k->nlive, objects[which] << PROFILE_LG_POINT);
		assert_int_equal(
			k->live_bytes, bytes[which] << PROFILE_LG_POINT);
	}
}

static void
insert_and_remove__at_random__match_a_model(void **state)
{
	static struct model m[NOBJECTS];
	int number = profile_create(1, POOL_BYTES);
	struct profile *p = profile_at((unsigned)number);
	struct rng rng;

	(void)state;
	assert_true(number > 0);
	rng_init(&rng, __func__);
	for (size_t step = 0; step < 200000; step++) {
		size_t i = rng_between(&rng, 0, NOBJECTS - 1);
		struct model *one = &m[i];

		if (rng_between(&rng, 0, 2) == 0) {
			/* also where it is not freed first: it is another */
			one->live = true;
			one->size = rng_between(&rng, 1, 100000);
			one->stack = (unsigned)rng_between(&rng, 0, 2);
			profile_insert(p, address(i), one->size,
				frames[one->stack], nframes[one->stack]);
		} else {
			profile_remove(p, address(i));
			one->live = false;
		}
		if (step % 20000 == 0)
			assert_matches(p, m);
	}
	assert_matches(p, m);
	assert_int_equal(p->nstacks, 3);
	assert_int_equal(p->ndropped, 0);
	assert_int_equal(p->changes % 2, 0);
	for (size_t i = 0; i < NOBJECTS; i++)
		profile_remove(p, address(i));
	/* not a single slot is left used, so that searches stay short */
	for (size_t i = 0; i < (size_t)1 << p->lg_objects; i++)
		assert_int_equal(p->objects[i].address, 0);
	profile_delete((unsigned)number);
	assert_null(profile_at((unsigned)number));
}

static void
insert__more_than_there_is_room_for__is_counted(void **state)
{
	int number = profile_create(POOL_BYTES, POOL_BYTES);
	struct profile *p = profile_at((unsigned)number);
	size_t slots = (size_t)1 << p->lg_objects;

	(void)state;
	for (size_t i = 0; i < slots; i++)
		profile_insert(p, address(i), 1, frames[0], nframes[0]);
	assert_int_equal(p->nobjects, slots * 3 / 4);
	assert_int_equal(p->ndropped, slots / 4);
	for (size_t i = 0; i < slots; i++)
		profile_remove(p, address(i));
	assert_int_equal(p->nobjects, 0);
	/* stacks, too */
	for (size_t i = 0; i < PROFILE_STACKS + 10; i++) {
		void *frame = (void *)(i + 1);

		profile_insert(p, address(0), 1, &frame, 1);
		profile_remove(p, address(0));
	}
	assert_int_equal(p->nstacks, PROFILE_STACKS);
	assert_int_equal(p->ndropped, slots / 4 + 10 + 1);
	profile_delete((unsigned)number);
}

/* an entry with a profile is none for the fast path, whatever is done to it */
static void
thread_extra__set_and_unset__decides_on_the_fast_path(void **state)
{
	void *pool = (void *)((uintptr_t)1 << 30);
	struct heap *heap = (void *)((uintptr_t)1 << 31), *found;

	(void)state;
	thread_init();
	if (!thread_fast_allowed())
		test_skip("no membarrier here");
	must(thread_self() != NULL);
	must(thread_entry_set(pool, heap, false, 0) != NULL);
	assert_true(thread_heap_fast(pool, &found));
	assert_ptr_equal(found, heap);
	thread_busy_end();
	thread_mark(pool);
	thread_extra(pool, 7);
	thread_unmark(pool);
	assert_true(thread_heap_fast(pool, &found));
	assert_ptr_equal(found, &heap_inert);
	thread_busy_end();
	assert_int_equal(thread_entry(pool)->extra, 7);
	assert_int_equal(thread_entry(pool)->frozen, 0);
	thread_mark(pool);
	thread_extra(pool, 0);
	thread_unmark(pool);
	assert_true(thread_heap_fast(pool, &found));
	assert_ptr_equal(found, heap);
	thread_busy_end();
	thread_pool_gone(pool);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			interval__many_drawn__have_the_mean_and_the_spread),
		cmocka_unit_test(weight__known_values__are_met),
		cmocka_unit_test(insert_and_remove__at_random__match_a_model),
		cmocka_unit_test(
			insert__more_than_there_is_room_for__is_counted),
		cmocka_unit_test(
			thread_extra__set_and_unset__decides_on_the_fast_path),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
