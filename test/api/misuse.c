/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * misuse.c -- pointers that are no live object are refused, by one thread
 *
 * Refused means: a message in vmem_errormsg(), nothing printed, no object
 * harmed, and a heap that passes its check and goes on working.
 */
#include "harness/test.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "harness/message.h"
#include "harness/objects.h"
#include "harness/options.h"

static const size_t sizes[] = {1, 8, 16, 48, 64, 100, 500, 1024, 4096, 5000,
	9000, 16384, 33000, 100000, MIB, 3 * MIB};

/* a pool at work: live objects whose contents are compared at the end */
struct heap {
	VMEM *vmp;
	struct objects set;
	struct rng rng;
};

static void
heap_open(struct heap *heap, const char *name)
{
	rng_init(&heap->rng, name);
	heap->vmp = test_pool(32 * MIB);
	objects_init(&heap->set, heap->vmp);
	objects_churn(&heap->set, &heap->rng, 2000, 10000);
}

/* heap_open_exact -- of the level that finds every double free at once */
static void
heap_open_exact(struct heap *heap, const char *name)
{
	must(setenv("VMEM_OPTIONS", "hardening=2", 1) == 0);
	heap_open(heap, name);
	must(unsetenv("VMEM_OPTIONS") == 0);
}

/* heap_close -- nothing has happened to it, it works on, nothing is lost */
static void
heap_close(struct heap *heap)
{
	assert_int_equal(vmem_check(heap->vmp), 1);
	objects_verify(&heap->set);
	objects_churn(&heap->set, &heap->rng, 5000, 10000);
	objects_verify(&heap->set);
	assert_int_equal(vmem_check(heap->vmp), 1);
	objects_fini(&heap->set);
	assert_int_equal(vmem_check(heap->vmp), 1);
	assert_non_null(vmem_malloc(heap->vmp, 27 * MIB));
	test_pool_delete(heap->vmp, 32 * MIB);
}

static void
assert_free_refused(VMEM *vmp, void *ptr)
{
	forget_message();
	errno = E2BIG;
	vmem_free(vmp, ptr);
	assert_int_equal(errno, E2BIG);
	assert_told();
}

static void
assert_all_refused(VMEM *vmp, void *ptr)
{
	assert_free_refused(vmp, ptr);
	forget_message();
	errno = 0;
	assert_null(vmem_realloc(vmp, ptr, 100));
	assert_int_equal(errno, EINVAL);
	assert_told();
	forget_message();
	errno = 0;
	assert_null(vmem_realloc(vmp, ptr, 2 * MIB));
	assert_int_equal(errno, EINVAL);
	assert_told();
	forget_message();
	errno = 0;
	assert_null(vmem_realloc(vmp, ptr, 0));
	assert_told();
	forget_message();
	errno = 0;
	assert_int_equal(vmem_malloc_usable_size(vmp, ptr), 0);
	assert_int_equal(errno, EINVAL);
	assert_told();
}

static void
free__twice_at_once__second_is_refused(void **state)
{
	struct heap heap;

	(void)state;
	heap_open(&heap, __func__);
	for (size_t i = 0; i < NELEM(sizes); i++) {
		for (unsigned round = 0; round < 100; round++) {
			void *ptr = vmem_malloc(heap.vmp, sizes[i]);

			assert_non_null(ptr);
			vmem_free(heap.vmp, ptr);
			assert_all_refused(heap.vmp, ptr);
		}
		assert_int_equal(vmem_check(heap.vmp), 1);
	}
	heap_close(&heap);
}

/* what the default level does not see at once the check finds, until the slot
 * is given out again */
static void
free__again_after_four_others__check_finds_it(void **state)
{
	VMEM *vmp = test_pool(VMEM_MIN_POOL);
	void *ptrs[5];

	(void)state;
	for (size_t i = 0; i < NELEM(ptrs); i++)
		ptrs[i] = vmem_malloc(vmp, 64);
	for (size_t i = 0; i < NELEM(ptrs); i++)
		vmem_free(vmp, ptrs[i]);
	assert_int_equal(vmem_check(vmp), 1);
	vmem_free(vmp, ptrs[0]);
	assert_int_equal(vmem_check(vmp), 0);
	assert_non_null(strstr(vmem_errormsg(), "LIFO"));
	test_pool_delete(vmp, VMEM_MIN_POOL);
}

static void
free__a_b_a__third_is_refused(void **state)
{
	struct heap heap;

	(void)state;
	heap_open(&heap, __func__);
	for (size_t i = 0; i < NELEM(sizes); i++) {
		void *a = vmem_malloc(heap.vmp, sizes[i]);
		void *b = vmem_malloc(heap.vmp, sizes[i]);
		void *c, *d;

		assert_non_null(a);
		assert_non_null(b);
		vmem_free(heap.vmp, a);
		vmem_free(heap.vmp, b);
		assert_free_refused(heap.vmp, a);
		assert_free_refused(heap.vmp, b);
		c = vmem_malloc(heap.vmp, sizes[i]);
		d = vmem_malloc(heap.vmp, sizes[i]);
		assert_non_null(c);
		assert_non_null(d);
		assert_ptr_not_equal(c, d);
		assert_ptr_not_equal(d, vmem_malloc(heap.vmp, sizes[i]));
		assert_null(vmem_realloc(heap.vmp, c, 0));
		vmem_free(heap.vmp, d);
	}
	/* those that were taken for the last comparison are still there */
	objects_verify(&heap.set);
	assert_int_equal(vmem_check(heap.vmp), 1);
	objects_fini(&heap.set);
	test_pool_delete(heap.vmp, 32 * MIB);
}

static void
free__again_after_1024_others__is_refused(void **state)
{
	enum { OTHERS = 1024 };
	static void *others[OTHERS];
	struct heap heap;

	(void)state;
	heap_open_exact(&heap, __func__);
	for (size_t i = 0; i < NELEM(sizes) && sizes[i] <= 9000; i++) {
		void *ptr = vmem_malloc(heap.vmp, sizes[i]);

		assert_non_null(ptr);
		for (size_t j = 0; j < OTHERS; j++) {
			others[j] = vmem_malloc(heap.vmp, sizes[i]);
			assert_non_null(others[j]);
		}
		vmem_free(heap.vmp, ptr);
		for (size_t j = 0; j < OTHERS; j++)
			vmem_free(heap.vmp, others[j]);
		assert_free_refused(heap.vmp, ptr);
		assert_free_refused(heap.vmp, others[0]);
		assert_free_refused(heap.vmp, others[OTHERS / 2]);
		assert_free_refused(heap.vmp, others[OTHERS - 1]);
	}
	heap_close(&heap);
}

/* realloc away, then the old pointer: the object lives elsewhere */
static void
free__pointer_from_before_a_realloc__is_refused(void **state)
{
	struct heap heap;

	(void)state;
	heap_open(&heap, __func__);
	for (size_t i = 0; i < NELEM(sizes) && sizes[i] <= 100000; i++) {
		void *old = vmem_malloc(heap.vmp, sizes[i]);
		void *ptr = vmem_realloc(heap.vmp, old, 4 * MIB);

		assert_non_null(ptr);
		assert_true(ptr != old || sizes[i] > 8192);
		if (ptr != old) /* a large one may grow in place */
			assert_all_refused(heap.vmp, old);
		vmem_free(heap.vmp, ptr);
	}
	heap_close(&heap);
}

static void
free__interior_pointer__is_refused(void **state)
{
	struct heap heap;

	(void)state;
	heap_open(&heap, __func__);
	for (size_t i = 0; i < NELEM(sizes); i++) {
		char *ptr = vmem_malloc(heap.vmp, sizes[i]);
		size_t off[] = {1, 4, 7, 8, 16, 24, 64, 4096, 8192,
			sizes[i] / 2, sizes[i] - 1};

		assert_non_null(ptr);
		test_fill(ptr, sizes[i], i);
		for (size_t j = 0; j < NELEM(off); j++)
			if (off[j] > 0 && off[j] < sizes[i])
				assert_all_refused(heap.vmp, ptr + off[j]);
		assert_true(test_holds(ptr, sizes[i], i));
		assert_true(vmem_malloc_usable_size(heap.vmp, ptr) >= sizes[i]);
		vmem_free(heap.vmp, ptr);
	}
	heap_close(&heap);
}

/*
 * Where slabs begin, some bytes are no slot's: sizes of which that is so, and a
 * page of each kind of slab byte by byte.
 */
static void
free__any_byte_in_front_of_or_in_slots__is_refused(void **state)
{
	enum { PAGE = 4096, OBJECTS = 200 };
	static const size_t odd[] = {
		48, 80, 112, 144, 176, 208, 320, 448, 704, 1152, 1664, 5120};
	VMEM *vmp = test_pool(32 * MIB);

	(void)state;
	for (size_t i = 0; i < NELEM(odd); i++) {
		char *objects[OBJECTS];
		bool begins[PAGE] = {false};
		char *page;

		for (size_t j = 0; j < OBJECTS; j++) {
			objects[j] = vmem_malloc(vmp, odd[i]);
			assert_non_null(objects[j]);
		}
		page = objects[0] - (uintptr_t)objects[0] % PAGE;
		for (size_t j = 0; j < OBJECTS; j++)
			if ((uintptr_t)objects[j] - (uintptr_t)page < PAGE)
				begins[objects[j] - page] = true;
		/* sizes apart enough are the first of their slab */
		assert_int_equal(objects[0] - page < (ptrdiff_t)odd[i], 1);
		for (size_t off = 0; off < PAGE; off++)
			if (!begins[off])
				assert_free_refused(vmp, page + off);
		assert_int_equal(vmem_check(vmp), 1);
		for (size_t j = 0; j < OBJECTS; j++)
			vmem_free(vmp, objects[j]);
	}
	assert_int_equal(vmem_check(vmp), 1);
	test_pool_delete(vmp, 32 * MIB);
}

static char static_bytes[64];

static void
free__memory_of_no_pool__is_refused(void **state)
{
	struct heap heap;
	char on_stack[64];
	char *from_libc = malloc(64);

	(void)state;
	assert_non_null(from_libc);
	heap_open(&heap, __func__);
	memset(on_stack, 0, sizeof(on_stack));
	assert_all_refused(heap.vmp, on_stack);
	assert_all_refused(heap.vmp, on_stack + 16);
	assert_all_refused(heap.vmp, static_bytes);
	assert_all_refused(heap.vmp, from_libc);
	assert_all_refused(heap.vmp, (void *)(uintptr_t)8);
	assert_all_refused(heap.vmp, (void *)(uintptr_t)4096);
	assert_all_refused(heap.vmp, (void *)UINTPTR_MAX);
	assert_all_refused(heap.vmp, (void *)(UINTPTR_MAX - 4095));
	assert_all_refused(heap.vmp, (void *)((uintptr_t)1 << 63));
	assert_all_refused(heap.vmp, (char *)heap.vmp - 16);
	assert_all_refused(heap.vmp, (char *)heap.vmp - 4096);
	assert_all_refused(heap.vmp, (char *)heap.vmp + 32 * MIB);
	assert_all_refused(heap.vmp, (char *)heap.vmp + 32 * MIB + 16);
	heap_close(&heap);
	free(from_libc);
}

static bool
is_live(const struct objects *set, const void *ptr)
{
	for (size_t i = 0; i < set->n; i++)
		if (set->v[i].ptr == ptr)
			return true;
	return false;
}

/* the guard, the header and what comes behind it, and pages at random */
static void
free__no_object_of_the_pool__is_refused(void **state)
{
	struct heap heap;
	char *base;

	(void)state;
	heap_open_exact(&heap, __func__);
	base = (char *)heap.vmp;
	for (size_t off = 0; off < 16 * 4096; off += 16)
		if (!is_live(&heap.set, base + off))
			assert_free_refused(heap.vmp, base + off);
	for (unsigned i = 0; i < 20000; i++) {
		size_t off = rng_between(&heap.rng, 0, 32 * MIB - 1);

		if (i % 2 == 0)
			off &= ~(size_t)4095;
		else if (i % 4 == 1)
			off &= ~(size_t)15;
		if (!is_live(&heap.set, base + off))
			assert_free_refused(heap.vmp, base + off);
	}
	heap_close(&heap);
}

/* one in three calls is nonsense, while the model goes on */
static void
free__nonsense_among_good_calls__harms_nothing(void **state)
{
	struct heap heap;

	(void)state;
	heap_open(&heap, __func__);
	for (unsigned i = 0; i < (TEST_SANITIZED ? 3000 : 30000); i++) {
		struct objects *set = &heap.set;
		void *freed;
		size_t idx;

		objects_churn(set, &heap.rng, 3, 10000);
		if (set->n < 10)
			continue;
		idx = rng_between(&heap.rng, 0, set->n - 1);
		if (set->v[idx].size > 8)
			assert_free_refused(heap.vmp, set->v[idx].ptr + 8);
		freed = set->v[idx].ptr;
		objects_drop(set, idx);
		assert_free_refused(heap.vmp, freed);
	}
	heap_close(&heap);
}

/* once, in the pool that was named, also where no pool has the address */
static void
free__refused__is_counted(void **state)
{
	VMEM *vmp = test_pool(VMEM_MIN_POOL);
	char *large = vmem_malloc(vmp, 100000);
	char *freed = vmem_malloc(vmp, 100);
	void *bad[] = {freed, large + 4096, vmp, static_bytes};

	(void)state;
	vmem_free(vmp, freed);
	for (size_t i = 0; i < NELEM(bad); i++) {
		vmem_free(vmp, bad[i]);
		assert_int_equal(stats_of(vmp).refused, 2 * i + 1);
		vmem_free_sized(vmp, bad[i], 100);
		assert_int_equal(stats_of(vmp).refused, 2 * i + 2);
	}
	test_pool_delete(vmp, VMEM_MIN_POOL);
}

static int
misuse_in_silence(void *arg)
{
	VMEM *vmp = test_pool(VMEM_MIN_POOL);
	int on_stack = 0;
	char *ptr = vmem_malloc(vmp, 100);

	(void)arg;
	vmem_free(vmp, ptr + 1);
	vmem_free(vmp, ptr);
	vmem_free(vmp, ptr);
	vmem_free(vmp, &on_stack);
	vmem_free(NULL, &on_stack);
	vmem_delete(vmp);
	vmem_delete(vmp);
	vmem_delete(NULL);
	return 0;
}

static void
free__refused__prints_nothing(void **state)
{
	char out[1000];

	(void)state;
	if (getenv("VMEM_LOG_LEVEL") != NULL)
		test_skip("the environment asks for traces");
	assert_int_equal(
		test_child_output(misuse_in_silence, NULL, out, sizeof(out)),
		0);
	assert_string_equal(out, "");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(free__twice_at_once__second_is_refused),
		cmocka_unit_test(free__again_after_four_others__check_finds_it),
		cmocka_unit_test(free__a_b_a__third_is_refused),
		cmocka_unit_test(free__again_after_1024_others__is_refused),
		cmocka_unit_test(
			free__pointer_from_before_a_realloc__is_refused),
		cmocka_unit_test(free__interior_pointer__is_refused),
		cmocka_unit_test(
			free__any_byte_in_front_of_or_in_slots__is_refused),
		cmocka_unit_test(free__memory_of_no_pool__is_refused),
		cmocka_unit_test(free__no_object_of_the_pool__is_refused),
		cmocka_unit_test(
			free__nonsense_among_good_calls__harms_nothing),
		cmocka_unit_test(free__refused__is_counted),
		cmocka_unit_test(free__refused__prints_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
