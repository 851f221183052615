/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * free_exact.c -- level 2: what is no live object is refused at once, wherever
 * in its slab it lies
 */
#include "harness/test.h"

#include <string.h>

#include "harness/message.h"
#include "harness/options.h"
#include "harness/threads.h"

#define POOL (32 * MIB)
#define SIZE 64
#define N    200 /* objects, in more than one word of bits */

static VMEM *vmp;
static char *objects[N];

static int
setup(void **state)
{
	(void)state;
	vmp = create_level(2, POOL);
	for (size_t i = 0; i < N; i++) {
		objects[i] = vmem_malloc(vmp, SIZE);
		must(objects[i] != NULL);
		memset(objects[i], (int)i, SIZE);
	}
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	assert_int_equal(vmem_check(vmp), 1);
	vmem_delete(vmp);
	return 0;
}

static void
assert_refused(void *p)
{
	forget_message();
	vmem_free(vmp, p);
	assert_told();
}

static void
assert_taken(void *p)
{
	forget_message();
	vmem_free(vmp, p);
	assert_not_told();
}

static void *
free_all(void *arg)
{
	for (size_t i = 0; i < N; i++)
		vmem_free(vmp, objects[i]);
	return arg;
}

static void
exact__freed_once_more__is_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < N; i++)
		assert_taken(objects[i]);
	for (size_t i = 0; i < N; i++)
		assert_refused(objects[i]);
}

/* and nothing has been collected in between */
static void
exact__another_thread_has_freed_it__is_refused(void **state)
{
	(void)state;
	in_thread(free_all, NULL);
	for (size_t i = 0; i < N; i++)
		assert_refused(objects[i]);
}

static void
exact__not_its_start__is_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < N; i++)
		for (size_t at = 1; at < SIZE; at++)
			assert_refused(objects[i] + at);
	for (size_t i = 0; i < N; i++)
		assert_int_equal(objects[i][SIZE - 1], (char)i);
}

static void
exact__size_is_too_large__is_refused_and_lives(void **state)
{
	(void)state;
	for (size_t i = 0; i < N; i++) {
		forget_message();
		vmem_free_sized(vmp, objects[i], SIZE + 1);
		assert_told();
	}
	for (size_t i = 0; i < N; i++) {
		assert_int_equal(objects[i][0], (char)i);
		forget_message();
		vmem_free_sized(vmp, objects[i], SIZE);
		assert_not_told();
		assert_refused(objects[i]);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		CASE(exact__freed_once_more__is_refused),
		CASE(exact__another_thread_has_freed_it__is_refused),
		CASE(exact__not_its_start__is_refused),
		CASE(exact__size_is_too_large__is_refused_and_lives),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
