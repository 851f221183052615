/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * set_funcs.c -- vmem_set_funcs(), and what the library takes from the process
 *
 * ctest: timeout=300
 */
#include "harness/test.h"

#include <malloc.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "harness/objects.h"
#include "harness/threads.h"

static atomic_size_t nmalloc, nfree, nrealloc, nstrdup, nprint;

static void *
counting_malloc(size_t size)
{
	atomic_fetch_add(&nmalloc, 1);
	return malloc(size);
}

static void
counting_free(void *ptr)
{
	if (ptr != NULL)
		atomic_fetch_add(&nfree, 1);
	free(ptr);
}

static void *
counting_realloc(void *ptr, size_t size)
{
	atomic_fetch_add(&nrealloc, 1);
	return realloc(ptr, size);
}

static char *
counting_strdup(const char *s)
{
	atomic_fetch_add(&nstrdup, 1);
	return strdup(s);
}

static void
counting_print(const char *s)
{
	must(s != NULL);
	atomic_fetch_add(&nprint, 1);
}

static void
restore_defaults(void)
{
	vmem_set_funcs(NULL, NULL, NULL, NULL, NULL);
}

static void *
work_in_thread(void *arg)
{
	struct objects set;
	struct rng rng;

	rng_init_from(&rng, 1);
	objects_init(&set, arg);
	objects_churn(&set, &rng, 20000, 20000);
	objects_fini(&set);
	return NULL;
}

static void
set_funcs__work_in_pools__takes_little_heap(void **state)
{
	(void)state;
	vmem_set_funcs(counting_malloc, counting_free, counting_realloc,
		counting_strdup, NULL);
	for (unsigned i = 0; i < 10; i++) {
		VMEM *region = test_pool(VMEM_MIN_POOL);
		VMEM *file = test_file_pool(VMEM_MIN_POOL);
		size_t before = nmalloc + nrealloc + nstrdup;

		/* the first calls of a thread may take a little */
		vmem_free(region, vmem_malloc(region, 1));
		vmem_free(file, vmem_malloc(file, 1));
		assert_true(nmalloc + nrealloc + nstrdup <= before + 4);

		before = nmalloc + nrealloc + nstrdup;
		work_in_thread(region);
		work_in_thread(file);
		assert_int_equal(nmalloc + nrealloc + nstrdup, before);
		in_thread(work_in_thread, region);
		vmem_delete(file);
		test_pool_delete(region, VMEM_MIN_POOL);
	}
	assert_true(nmalloc + nrealloc + nstrdup <= nfree + 4);
	restore_defaults();
}

/* no ordinary heap memory for an allocation: the C library's heap is at rest */
static void
malloc__many_objects__take_nothing_from_libc(void **state)
{
	VMEM *vmp = test_pool(32 * MIB);
	struct mallinfo2 before, after;

	(void)state;
	vmem_free(vmp, vmem_malloc(vmp, 1));
	before = mallinfo2();
	for (size_t i = 0; i < 20000; i++)
		assert_non_null(vmem_malloc(vmp, i % 1000));
	after = mallinfo2();
	if (TEST_SANITIZED)
		test_skip("the sanitizer has its own heap");
	assert_int_equal(before.uordblks, after.uordblks);
	test_pool_delete(vmp, 32 * MIB);
}

static void
set_funcs__print_func__gets_the_statistics(void **state)
{
	VMEM *vmp = test_pool(VMEM_MIN_POOL);

	(void)state;
	nprint = 0;
	vmem_set_funcs(NULL, NULL, NULL, NULL, counting_print);
	vmem_stats_print(vmp, NULL);
	assert_true(nprint > 0);
	restore_defaults();
	test_pool_delete(vmp, VMEM_MIN_POOL);
}

static int
print_with_default(void *arg)
{
	VMEM *vmp = test_pool(VMEM_MIN_POOL);

	(void)arg;
	vmem_set_funcs(NULL, NULL, NULL, NULL, counting_print);
	vmem_set_funcs(NULL, NULL, NULL, NULL, NULL);
	nprint = 0;
	vmem_stats_print(vmp, NULL);
	must(nprint == 0);
	return 0;
}

static void
set_funcs__null_print_func__is_the_default_again(void **state)
{
	static char out[100000];

	(void)state;
	assert_int_equal(
		test_child_output(print_with_default, NULL, out, sizeof(out)),
		0);
	assert_non_null(strstr(out, "___ Begin jemalloc statistics ___"));
}

static void
set_funcs__null_for_all__is_the_default_again(void **state)
{
	VMEM *vmp;
	size_t before;

	(void)state;
	vmem_set_funcs(counting_malloc, counting_free, counting_realloc,
		counting_strdup, counting_print);
	restore_defaults();
	before = nmalloc + nfree + nrealloc + nstrdup + nprint;
	vmp = vmem_create(test_dir(), VMEM_MIN_POOL);
	assert_non_null(vmp);
	work_in_thread(vmp);
	assert_int_equal(vmem_check(vmp), 1);
	vmem_delete(vmp);
	vmem_delete(vmp);
	assert_int_equal(nmalloc + nfree + nrealloc + nstrdup + nprint, before);
}

/* a heap that has nothing left: an error or a success, but no crash */
static void *
refusing_malloc(size_t size)
{
	(void)size;
	errno = ENOMEM;
	return NULL;
}

static void *
refusing_realloc(void *ptr, size_t size)
{
	(void)ptr;
	return refusing_malloc(size);
}

static char *
refusing_strdup(const char *s)
{
	(void)s;
	return refusing_malloc(1);
}

static void *
use_without_heap(void *arg)
{
	VMEM *vmp = arg;
	void *ptr = vmem_malloc(vmp, 100);

	if (ptr != NULL)
		memset(ptr, 1, 100);
	else
		must(errno == ENOMEM);
	vmem_free(vmp, ptr);
	must(vmem_check(vmp) != 0);
	return NULL;
}

static void
set_funcs__malloc_func_gives_null__is_no_crash(void **state)
{
	VMEM *region = test_pool(VMEM_MIN_POOL), *file;

	(void)state;
	vmem_set_funcs(
		refusing_malloc, NULL, refusing_realloc, refusing_strdup, NULL);
	errno = 0;
	file = vmem_create(test_dir(), VMEM_MIN_POOL);
	assert_true(file != NULL || errno == ENOMEM);
	use_without_heap(region);
	if (file != NULL)
		use_without_heap(file);
	in_thread(use_without_heap, region);
	if (file != NULL)
		vmem_delete(file);
	restore_defaults();
	assert_int_equal(vmem_check(region), 1);
	assert_non_null(vmem_malloc(region, 100));
	test_pool_delete(region, VMEM_MIN_POOL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(set_funcs__work_in_pools__takes_little_heap),
		cmocka_unit_test(malloc__many_objects__take_nothing_from_libc),
		cmocka_unit_test(set_funcs__print_func__gets_the_statistics),
		cmocka_unit_test(
			set_funcs__null_print_func__is_the_default_again),
		cmocka_unit_test(set_funcs__null_for_all__is_the_default_again),
		cmocka_unit_test(
			set_funcs__malloc_func_gives_null__is_no_crash),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
