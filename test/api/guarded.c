/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * guarded.c -- hardening level 3: what it finds, and when
 */
#include "harness/test.h"

#include <string.h>

#include "harness/guarded.h"
#include "harness/threads.h"

/* twice -- what is said of a second free; what did not wait may be no more */
static const char *
twice(size_t size)
{
	return size <= MOST_WAITS ? "freed already" : "vmem_free: ";
}

static void
free__written_behind__is_told(void **state)
{
	VMEM *vmp = guarded_pool();

	(void)state;
	for (size_t i = 0; i < NELEM(guarded_sizes); i++) {
		uint64_t before = stats_of(vmp).refused;
		void *p = object(vmp, guarded_sizes[i]);

		assert_int_equal(vmem_check(vmp), 1);
		poke(p, (ptrdiff_t)guarded_sizes[i]);
		assert_int_equal(vmem_check(vmp), 0);
		assert_non_null(strstr(vmem_errormsg(), "written behind"));
		vmem_free(vmp, p);
		assert_found(vmp, before, "written behind its end");
		/* it is free, and nothing else is damaged */
		assert_int_equal(vmem_check(vmp), 1);
		vmem_free(vmp, p);
		assert_found(vmp, before + 1, twice(guarded_sizes[i]));
	}
	vmem_delete(vmp);
}

/* neighbours -- two objects in slots of one slab, one behind the other */
static void
neighbours(VMEM *vmp, size_t size, char **first, char **second)
{
	char *p[64];

	for (size_t i = 0; i < NELEM(p); i++)
		p[i] = object(vmp, size);
	*first = *second = NULL;
	for (size_t i = 1; i < NELEM(p) && *first == NULL; i++)
		if (p[i] > p[i - 1] &&
			(size_t)(p[i] - p[i - 1]) <= 2 * size + 64) {
			*first = p[i - 1];
			*second = p[i];
		}
	assert_non_null(*first);
}

static void
free__written_before__is_told_once(void **state)
{
	static const size_t small[] = {8, 64, 100, 1000, 4096, 9000};
	VMEM *vmp = guarded_pool();
	char *first, *second;

	(void)state;
	for (size_t i = 0; i < NELEM(small); i++) {
		uint64_t before = stats_of(vmp).refused;

		neighbours(vmp, small[i], &first, &second);
		poke(second, -1);
		assert_int_equal(vmem_check(vmp), 0);
		vmem_free(vmp, second);
		assert_found(vmp, before, "written before its beginning");
		/* of the one in front nobody knows any more whether it is live:
		 * it stays, and can be moved */
		vmem_free(vmp, first);
		assert_found(vmp, before + 1, "its end is overwritten");
		assert_int_equal(first[small[i] - 1], 'o');
		assert_int_equal(vmem_check(vmp), 0);
	}
	vmem_delete(vmp);
}

/* in front of a slab's first object lies nobody's; there it is seen as well */
static void
free__written_before_the_first__is_told_once(void **state)
{
	static const size_t odd[] = {400, 600, 700, 1100, 1500, 2300};
	size_t ntried = 0;

	(void)state;
	for (size_t i = 0; i < NELEM(odd) * 3; i++) {
		VMEM *vmp = guarded_pool();
		uint64_t before = stats_of(vmp).refused;
		char *p = object(vmp, odd[i / 3]);
		/* slots end where pages do, so the first one begins so far */
		ptrdiff_t front = (ptrdiff_t)((uintptr_t)p % 4096);
		ptrdiff_t back[] = {1, 8, front};

		if (front >= 8) {
			poke(p, -back[i % 3]);
			assert_int_equal(vmem_check(vmp), 0);
			assert_non_null(strstr(vmem_errormsg(),
				"written before its beginning"));
			vmem_free(vmp, p);
			assert_found(
				vmp, before, "written before its beginning");
			assert_int_equal(vmem_check(vmp), 1);
			ntried++;
		}
		vmem_delete(vmp);
	}
	assert_true(ntried >= 6);
}

static void
realloc__lost_seal__gives_a_copy(void **state)
{
	VMEM *vmp = guarded_pool();
	char *first, *second, *moved;

	(void)state;
	neighbours(vmp, 100, &first, &second);
	poke(second, -1);
	moved = vmem_realloc(vmp, first, 200);
	assert_non_null(moved);
	assert_ptr_not_equal(moved, first);
	for (size_t i = 0; i < 96; i++)
		assert_int_equal(moved[i], 'o');
	vmem_delete(vmp);
}

static void
write_after_free__waits__check_finds_it(void **state)
{
	VMEM *vmp = guarded_pool();

	(void)state;
	for (size_t i = 0; i < NELEM(guarded_sizes); i++) {
		void *p = object(vmp, guarded_sizes[i]);
		vmem_free(vmp, p);
		assert_int_equal(vmem_check(vmp), 1);
		if (guarded_sizes[i] > MOST_WAITS || guarded_sizes[i] == 0)
			continue;
		poke(p, (ptrdiff_t)guarded_sizes[i] / 2);
		assert_int_equal(vmem_check(vmp), 0);
		assert_non_null(strstr(vmem_errormsg(), "after it was freed"));
		poke(p, (ptrdiff_t)guarded_sizes[i] / 2);
		assert_int_equal(vmem_check(vmp), 1);
	}
	vmem_delete(vmp);
}

static void
write_after_free__leaves_the_quarantine__is_told(void **state)
{
	VMEM *vmp = guarded_pool();
	uint64_t before = stats_of(vmp).refused;
	void *p = object(vmp, 500);

	(void)state;
	vmem_free(vmp, p);
	poke(p, 77);
	forget_message();
	for (size_t i = 0; i < 5000; i++)
		vmem_free(vmp, vmem_malloc(vmp, 24));
	assert_found(vmp, before, "written after it was freed");
	assert_int_equal(vmem_check(vmp), 1);
	vmem_delete(vmp);
}

static void
write_after_free__left_the_quarantine__reuse_tells(void **state)
{
	VMEM *vmp = guarded_pool();
	uint64_t before = stats_of(vmp).refused;
	/* one that stays, so that the slab does */
	void *stays = object(vmp, 500), *p = object(vmp, 500);
	void *again = NULL;

	(void)state;
	vmem_free(vmp, p);
	assert_int_equal(vmem_thread_flush(vmp), 0);
	assert_int_equal(vmem_check(vmp), 1);
	poke(p, 0);
	assert_int_equal(vmem_check(vmp), 0);
	forget_message();
	for (size_t i = 0; i < 100 && again != p; i++)
		again = vmem_malloc(vmp, 500);
	assert_ptr_equal(again, p);
	assert_found(vmp, before, "written after it was freed");
	vmem_free(vmp, stays);
	vmem_delete(vmp);
}

static void *
free_in_thread(void *arg)
{
	void **job = arg;

	vmem_free(job[0], job[1]);
	must((strstr(vmem_errormsg(), "vmem_free: ") != NULL) ==
		(job[2] != NULL));
	return NULL;
}

static void
free_elsewhere(VMEM *vmp, void *p, bool again)
{
	void *job[] = {vmp, p, again ? vmp : NULL};

	in_thread(free_in_thread, job);
}

static void
free__twice__is_refused_at_once(void **state)
{
	VMEM *vmp = guarded_pool();

	(void)state;
	for (size_t i = 0; i < NELEM(guarded_sizes); i++) {
		uint64_t before = stats_of(vmp).refused;
		void *p = object(vmp, guarded_sizes[i]);

		vmem_free(vmp, p);
		vmem_free(vmp, p);
		assert_found(vmp, before, twice(guarded_sizes[i]));
		for (size_t n = 0; n < 200; n++)
			vmem_free(
				vmp, vmem_malloc(vmp, guarded_sizes[i] % 5000));
		vmem_free(vmp, p);
		assert_found(vmp, before + 1, "vmem_free");
		p = object(vmp, guarded_sizes[i]);
		vmem_free(vmp, p);
		free_elsewhere(vmp, p, true);
		assert_int_equal(stats_of(vmp).refused, before + 3);
		p = object(vmp, guarded_sizes[i]);
		free_elsewhere(vmp, p, false);
		vmem_free(vmp, p);
		assert_found(vmp, before + 3, "vmem_free");
		errno = 0;
		assert_int_equal(vmem_malloc_usable_size(vmp, p), 0);
		assert_int_equal(errno, EINVAL);
		assert_null(vmem_realloc(vmp, p, 10));
		assert_int_equal(errno, EINVAL);
	}
	assert_int_equal(vmem_check(vmp), 1);
	vmem_delete(vmp);
}

static void
free__no_object__is_refused(void **state)
{
	VMEM *vmp = guarded_pool();
	char *p = object(vmp, 100), local[32] = {0};

	(void)state;
	for (size_t i = 1; i <= 100; i++) {
		uint64_t before = stats_of(vmp).refused;

		vmem_free(vmp, p + i);
		assert_found(vmp, before, "no object");
	}
	vmem_free(vmp, local + 16);
	assert_non_null(strstr(vmem_errormsg(), "no object"));
	vmem_free(vmp, p);
	assert_int_equal(vmem_check(vmp), 1);
	vmem_delete(vmp);
}

static void
free_sized__only_the_exact_size__is_taken(void **state)
{
	VMEM *vmp = guarded_pool();

	(void)state;
	for (size_t i = 0; i < NELEM(guarded_sizes); i++) {
		uint64_t before = stats_of(vmp).refused;
		void *p = object(vmp, guarded_sizes[i]);

		vmem_free_sized(vmp, p, guarded_sizes[i] + 2);
		assert_found(vmp, before, "another size");
		if (guarded_sizes[i] > 1) {
			vmem_free_sized(vmp, p, guarded_sizes[i] - 1);
			assert_found(vmp, before + 1, "another size");
		}
		before = stats_of(vmp).refused;
		vmem_free_sized(vmp, p, guarded_sizes[i]);
		assert_int_equal(stats_of(vmp).refused, before);
	}
	vmem_delete(vmp);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(free__written_behind__is_told),
		cmocka_unit_test(free__written_before__is_told_once),
		cmocka_unit_test(free__written_before_the_first__is_told_once),
		cmocka_unit_test(realloc__lost_seal__gives_a_copy),
		cmocka_unit_test(write_after_free__waits__check_finds_it),
		cmocka_unit_test(
			write_after_free__leaves_the_quarantine__is_told),
		cmocka_unit_test(
			write_after_free__left_the_quarantine__reuse_tells),
		cmocka_unit_test(free__twice__is_refused_at_once),
		cmocka_unit_test(free__no_object__is_refused),
		cmocka_unit_test(free_sized__only_the_exact_size__is_taken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
