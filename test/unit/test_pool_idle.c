/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_pool_idle.c -- what allocates while heaps of threads that sleep are to
 * be looked through first
 */
#include "pool/pool_internal.h"

#include "harness/test.h"

#include <string.h>

#define POOL     (64 * MIB)
#define NOBJECTS 20000
#define SIZE     ((size_t)100)

static VMEM *vmp;
static struct heap *sleeper; /* private, and no thread has it */
static void *objects[NOBJECTS];

static struct heap_dir *
dir(void)
{
	return &pool_at(vmp)->dir;
}

static bool
open_pool(int level)
{
	struct vmem_options o;

	must(vmem_options_init(&o, sizeof(o)) == 0);
	o.source = VMEM_SOURCE_MEMFD;
	o.size = POOL;
	o.hardening = level;
	vmp = vmem_create_opts(&o);
	must(vmp != NULL);
	vmem_free(vmp, vmem_malloc(vmp, SIZE));
	if (!thread_fast_allowed())
		return false; /* there are no private heaps on this kernel */
	must(thread_entry(vmp)->heap != NULL);
	sleeper = dir_attach(dir(), false);
	must(sleeper != NULL);
	return true;
}

static void
close_pool(void)
{
	assert_int_equal(vmem_check(vmp), 1);
	vmem_delete(vmp);
}

/* not_due -- an allocation while a look is due, which is over then */
static void
not_due(void *p, size_t size)
{
	assert_non_null(p);
	assert_false(idle_is_due(thread_entry(vmp)->heap));
	memset(p, 1, size);
	vmem_free(vmp, p);
	dir()->idle_due = 1;
}

static void
alloc__heaps_are_to_be_looked_through__is_done_after_it(void **state)
{
	(void)state;
	for (int level = 0; level <= 3; level++) {
		void *p, *q;

		if (!open_pool(level))
			test_skip("no private heaps on this kernel");
		dir()->idle_due = 1;
		/* of a class that has no slab */
		not_due(vmem_malloc(vmp, 2000), 2000);
		not_due(vmem_malloc(vmp, MIB), MIB);
		not_due(vmem_calloc(vmp, 3, 1000), 3000);
		not_due(vmem_aligned_alloc(vmp, 4096, 4096), 4096);
		not_due(vmem_malloc_batch(vmp, 5000, 1, &p) == 1 ? p : NULL,
			5000);
		q = vmem_malloc(vmp, 10);
		assert_non_null(q);
		strcpy(q, "contents");
		dir()->idle_due = 1;
		p = vmem_realloc(vmp, q, 7000);
		assert_non_null(p);
		assert_string_equal(p, "contents");
		not_due(p, 7000);
		p = vmem_strdup(vmp, "words");
		assert_string_equal(p, "words");
		vmem_free(vmp, p);
		close_pool();
	}
}

/* what level 3 holds back is only used again when nothing else is there */
static void
malloc__guarded_pool__holds_freed_objects_back_meanwhile(void **state)
{
	void *p;

	(void)state;
	if (!open_pool(3))
		test_skip("no private heaps on this kernel");
	for (size_t i = 0; i < NOBJECTS; i++) {
		objects[i] = heap_alloc_class(
			sleeper, class_of(sleeper->table, 200));
		must(objects[i] != NULL);
	}
	for (size_t i = 0; i < NOBJECTS; i++)
		must(heap_free(thread_entry(vmp)->heap, objects[i]) ==
			FREE_DONE);
	p = vmem_malloc(vmp, SIZE);
	vmem_free(vmp, p);
	for (int i = 0; i < 200; i++) {
		dir()->idle_look = 0;
		must(vmem_malloc(vmp, 2000) != NULL);
	}
	/* it was looked through */
	assert_int_equal(
		heap_bin(sleeper, sleeper->table, class_of(sleeper->table, 200))
			->nslabs,
		1);
	for (int i = 0; i < 10; i++)
		assert_ptr_not_equal(vmem_malloc(vmp, SIZE), p);
	close_pool();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			alloc__heaps_are_to_be_looked_through__is_done_after_it),
		cmocka_unit_test(
			malloc__guarded_pool__holds_freed_objects_back_meanwhile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
