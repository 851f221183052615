/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * free_last.c -- free of what the thread has allocated just before, when other
 * threads have meanwhile done what a pool allows
 */
#include "harness/test.h"
#include "harness/threads.h"

#include <string.h>

#define POOL  (16 * MIB)
#define SIZE  64
#define OTHER 16     /* of another class */
#define NFILL 900000 /* more than there is room for */

static VMEM *vmp;
static void *p;
static void *fill[NFILL];

/* take -- the only object of its class, out of the LIFO, which it leaves empty
 */
static void
take(void)
{
	p = vmem_malloc(vmp, SIZE);
	must(p != NULL);
	vmem_free(vmp, p);
	must(vmem_malloc(vmp, SIZE) == p);
}

/* free it, give its slab back, and get its address as one of another class */
static void *
recycle(void *arg)
{
	vmem_free(vmp, p);
	must(vmem_trim(vmp, 0) == 0);
	for (size_t i = 0; i == 0 || fill[i - 1] != p; i++) {
		must(i < NFILL);
		fill[i] = vmem_malloc(vmp, OTHER);
		must(fill[i] != NULL);
		memset(fill[i], 0x5a, OTHER);
	}
	return arg;
}

static void
free_last__address_is_of_another_class_meanwhile__goes_there(void **state)
{
	void *q;
	size_t n = 0;

	(void)state;
	vmp = test_pool(POOL);
	take();
	in_thread(recycle, NULL);
	vmem_free(vmp, p);
	while (fill[n] != p)
		n++;
	/* the next one of the old class lies in no object of the new one */
	q = vmem_malloc(vmp, SIZE);
	must(q != NULL);
	memset(q, 0, SIZE);
	for (size_t i = 0; i < n; i++)
		for (size_t at = 0; at < OTHER; at++)
			assert_int_equal(((char *)fill[i])[at], 0x5a);
	assert_int_equal(vmem_check(vmp), 1);
	vmem_free(vmp, q);
	for (size_t i = 0; i < n; i++)
		vmem_free(vmp, fill[i]);
	assert_int_equal(vmem_check(vmp), 1);
	test_pool_delete(vmp, POOL);
}

static void *
reset(void *arg)
{
	must(vmem_reset(vmp) == 0);
	return arg;
}

static void
free_last__pool_is_reset_meanwhile__is_refused(void **state)
{
	(void)state;
	vmp = test_pool(POOL);
	take();
	in_thread(reset, NULL);
	vmem_free(vmp, p);
	assert_true(strlen(vmem_errormsg()) > 0);
	assert_int_equal(vmem_check(vmp), 1);
	test_pool_delete(vmp, POOL);
}

static void
free_last__given_to_another_pool__goes_where_it_belongs(void **state)
{
	VMEM *other = test_pool(POOL);
	void *q;

	(void)state;
	vmp = test_pool(POOL);
	vmem_free(other, vmem_malloc(other, SIZE));
	take();
	vmem_free(other, p);
	assert_int_equal(vmem_check(vmp), 1);
	assert_int_equal(vmem_check(other), 1);
	q = vmem_malloc(other, SIZE);
	assert_non_null(q);
	assert_ptr_not_equal(q, p);
	assert_ptr_equal(vmem_malloc(vmp, SIZE), p);
	vmem_free(vmp, p);
	vmem_free(other, q);
	assert_int_equal(vmem_check(vmp), 1);
	assert_int_equal(vmem_check(other), 1);
	test_pool_delete(other, POOL);
	test_pool_delete(vmp, POOL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			free_last__address_is_of_another_class_meanwhile__goes_there),
		cmocka_unit_test(
			free_last__pool_is_reset_meanwhile__is_refused),
		cmocka_unit_test(
			free_last__given_to_another_pool__goes_where_it_belongs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
