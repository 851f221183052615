/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_guard_stacks.c -- the same stack has one number, in all threads
 *
 * ctest: threads
 */
#include "pool/guard_stacks.h"

#include "harness/test.h"
#include "harness/threads.h"

#include <string.h>
#include <unistd.h>

#define NTHREADS ((size_t)4)
#define DEPTH    6u
#define NPATHS   (1u << DEPTH)

#define NOINLINE __attribute__((noinline))

/* left, right -- the way through them, bit by bit, is a stack of its own */
static struct guard_origin left(unsigned depth, unsigned way);
static struct guard_origin right(unsigned depth, unsigned way);

static struct guard_origin
go(unsigned depth, unsigned way)
{
	if (depth == 0)
		return guard_origin_here();
	return way & 1 ? right(depth - 1, way / 2) : left(depth - 1, way / 2);
}

static NOINLINE struct guard_origin
left(unsigned depth, unsigned way)
{
	struct guard_origin by = go(depth, way);
	__asm__ volatile("" ::: "memory"); /* no tail call */
	return by;
}

static NOINLINE struct guard_origin
right(unsigned depth, unsigned way)
{
	struct guard_origin by = go(depth, way);
	__asm__ volatile("nop" ::: "memory");
	return by;
}

static uint32_t numbers[NTHREADS][NPATHS];

static void
walk(size_t idx, struct rng *rng, void *arg)
{
	(void)arg;
	for (int i = 0; i < 20000; i++) {
		unsigned way = (unsigned)rng_between(rng, 0, NPATHS - 1);
		struct guard_origin by = left(DEPTH, way);
		must(by.thread == (uint32_t)gettid() && by.stack != 0);
		must(numbers[idx][way] == 0 || numbers[idx][way] == by.stack);
		numbers[idx][way] = by.stack;
	}
}

static void
here__in_many_threads__one_number_a_stack(void **state)
{
	(void)state;
	/* here libgcc may be loaded for it */
	must(profile_stack_init(true) && guard_stacks_init());
	threads_run(NTHREADS, walk, NULL, "guard_stacks");
	for (size_t i = 0; i < NPATHS; i++) {
		const struct guard_stack *k = guard_stack_at(numbers[0][i]);
		assert_non_null(k);
		assert_true(k->nframes > DEPTH);
		for (size_t t = 1; t < NTHREADS; t++)
			assert_int_equal(numbers[t][i], numbers[0][i]);
		for (size_t j = 0; j < i; j++)
			assert_int_not_equal(numbers[0][i], numbers[0][j]);
	}
	assert_null(guard_stack_at(0));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(here__in_many_threads__one_number_a_stack),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
