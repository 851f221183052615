/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * check.c -- vmem_check() on pools at rest, sound and damaged
 *
 * ctest: timeout=300 not-tsan
 */
#include "harness/test.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "harness/objects.h"
#include "harness/proc.h"

#define PAGE ((size_t)4096)
/* the page of the header, behind the largest guard page there may be */
#if defined(__aarch64__)
#define HEADER 16
#else
#define HEADER 1
#endif
#define NPAGES (VMEM_MIN_POOL / PAGE)

/* the longest that a check of a damaged pool may take */
#define CHECK_SECONDS 20

static void
check__fresh_used_full_and_emptied_pool__gives_1(void **state)
{
	VMEM *vmp = test_pool(32 * MIB);
	struct objects set;
	struct rng rng;

	(void)state;
	rng_init(&rng, __func__);
	objects_init(&set, vmp);
	assert_int_equal(vmem_check(vmp), 1);
	for (unsigned i = 0; i < 10; i++) {
		objects_churn(&set, &rng, 2000, 64 * KIB);
		errno = E2BIG;
		assert_int_equal(vmem_check(vmp), 1);
		assert_int_equal(errno, E2BIG);
	}
	objects_fill(&set, &rng, 1, 5000);
	assert_int_equal(vmem_check(vmp), 1);
	objects_verify(&set);
	objects_fini(&set);
	assert_int_equal(vmem_check(vmp), 1);
	test_pool_delete(vmp, 32 * MIB);
}

static void
check__after_each_kind_of_call__gives_1(void **state)
{
	VMEM *vmp = test_pool(VMEM_MIN_POOL);
	void *ptr;

	(void)state;
	for (size_t size = 0; size < 6 * MIB; size = size * 3 / 2 + 1) {
		ptr = vmem_malloc(vmp, size);
		assert_non_null(ptr);
		assert_int_equal(vmem_check(vmp), 1);
		ptr = vmem_realloc(vmp, ptr, size + 1000);
		assert_non_null(ptr);
		assert_int_equal(vmem_check(vmp), 1);
		vmem_free(vmp, ptr);
		assert_int_equal(vmem_check(vmp), 1);
		ptr = vmem_aligned_alloc(vmp, 65536, size);
		assert_non_null(ptr);
		assert_int_equal(vmem_check(vmp), 1);
		vmem_free(vmp, ptr);
		assert_null(vmem_malloc(vmp, VMEM_MIN_POOL));
		assert_int_equal(vmem_check(vmp), 1);
	}
	test_pool_delete(vmp, VMEM_MIN_POOL);
}

/* check_read_only -- the check of a pool whose pages cannot be written */
static void
assert_checks_read_only(VMEM *vmp, size_t size)
{
	char *body = (char *)vmp + PAGE;

	assert_int_equal(mprotect(body, size - PAGE, PROT_READ), 0);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(vmem_check(vmp), 1);
	assert_int_equal(
		mprotect(body, size - PAGE, PROT_READ | PROT_WRITE), 0);
}

static void
check__pool_mapped_read_only__still_checks(void **state)
{
	VMEM *pools[] = {
		test_pool(VMEM_MIN_POOL), test_file_pool(VMEM_MIN_POOL)};
	struct rng rng;

	(void)state;
	rng_init(&rng, __func__);
	for (size_t i = 0; i < NELEM(pools); i++) {
		struct objects set;

		objects_init(&set, pools[i]);
		assert_checks_read_only(pools[i], VMEM_MIN_POOL);
		objects_churn(&set, &rng, 5000, 20000);
		assert_checks_read_only(pools[i], VMEM_MIN_POOL);
		objects_fini(&set);
		assert_checks_read_only(pools[i], VMEM_MIN_POOL);
	}
	test_pool_delete(pools[0], VMEM_MIN_POOL);
	vmem_delete(pools[1]);
}

/* what the check needs for itself is gone when it ends */
static void
check__many_times__holds_nothing(void **state)
{
	VMEM *vmp = test_pool(64 * MIB);
	struct proc_count before;
	size_t vm_size;

	(void)state;
	for (unsigned i = 0; i < 20000; i++)
		assert_non_null(vmem_malloc(vmp, i % 3000));
	assert_int_equal(vmem_check(vmp), 1);
	before = proc_count();
	vm_size = test_vm_size();
	for (unsigned i = 0; i < 200; i++)
		assert_int_equal(vmem_check(vmp), 1);
	assert_true(proc_is_unchanged(before));
	assert_true(test_vm_size() <= vm_size + MIB);
	test_pool_delete(vmp, 64 * MIB);
}

/* a pool full of objects, and which of its pages hold one */
struct full_pool {
	VMEM *vmp;
	bool holds_object[NPAGES];
};

static void
full_pool_open(struct full_pool *pool, size_t object_size)
{
	char *ptr;

	memset(pool, 0, sizeof(*pool));
	pool->vmp = test_pool(VMEM_MIN_POOL);
	while ((ptr = vmem_malloc(pool->vmp, object_size)) != NULL) {
		size_t off = (size_t)(ptr - (char *)pool->vmp);

		for (size_t i = off; i < off + object_size; i++)
			pool->holds_object[i / PAGE] = true;
	}
	pool->holds_object[0] = true; /* the guard */
}

static void
full_pool_close(struct full_pool *pool)
{
	test_pool_delete(pool->vmp, VMEM_MIN_POOL);
}

/*
 * Pages without an object hold metadata or nothing: some of them must matter,
 * that behind the guard in any case, and each is as good as ever when its
 * bytes are back.
 */
static void
assert_damage_is_found(const struct full_pool *pool, int byte)
{
	char *base = (char *)pool->vmp;
	size_t nfound = 0, ntried = 0;

	for (size_t i = 0; i < NPAGES; i++) {
		char saved[PAGE], damaged[PAGE];
		int result;

		if (pool->holds_object[i])
			continue;
		memcpy(saved, base + i * PAGE, PAGE);
		memset(damaged, byte, PAGE);
		memcpy(base + i * PAGE, damaged, PAGE);
		alarm(CHECK_SECONDS);
		result = vmem_check(pool->vmp);
		alarm(0);
		must(result <= 1 && result >= -1);
		must(memcmp(base + i * PAGE, damaged, PAGE) == 0);
		must(i != HEADER || result != 1);
		must(result == 1 || strlen(vmem_errormsg()) > 0);
		memcpy(base + i * PAGE, saved, PAGE);
		must(vmem_check(pool->vmp) == 1);
		nfound += result == 0;
		ntried++;
	}
	must(ntried >= 2);
	must(nfound >= 1);
}

static int
damage_whole_pages(void *arg)
{
	static const size_t sizes[] = {64, 4096};
	static const int bytes[] = {0, 0xff, 0x5a};
	static struct full_pool pool;

	(void)arg;
	for (size_t i = 0; i < NELEM(sizes); i++) {
		full_pool_open(&pool, sizes[i]);
		must(vmem_check(pool.vmp) == 1);
		for (size_t j = 0; j < NELEM(bytes); j++)
			assert_damage_is_found(&pool, bytes[j]);
		full_pool_close(&pool);
	}
	return 0;
}

static void
check__metadata_page_overwritten__is_found(void **state)
{
	(void)state;
	assert_int_equal(test_child(damage_whole_pages, NULL), 0);
}

/*
 * A single bit, in a page without an object.  Most such bits may be unused, but
 * many must matter.
 */
static int
damage_single_bits(void *arg)
{
	static struct full_pool pool;
	struct rng *rng = arg;
	size_t nfound = 0;

	full_pool_open(&pool, 64);
	for (unsigned i = 0; i < (TEST_SANITIZED ? 500 : 5000);) {
		size_t page = rng_between(rng, 1, NPAGES - 1);
		char *p = (char *)pool.vmp + page * PAGE +
			  rng_between(rng, 0, PAGE - 1);
		char bit = (char)(1u << rng_between(rng, 0, 6));

		if (pool.holds_object[page])
			continue;
		*p = (char)(*p ^ bit);
		alarm(CHECK_SECONDS);
		nfound += vmem_check(pool.vmp) == 0;
		alarm(0);
		*p = (char)(*p ^ bit);
		i++;
	}
	must(vmem_check(pool.vmp) == 1);
	must(nfound >= 10);
	full_pool_close(&pool);
	return 0;
}

static void
check__single_bits_flipped__ends_without_a_crash(void **state)
{
	struct rng rng;

	(void)state;
	rng_init(&rng, __func__);
	assert_int_equal(test_child(damage_single_bits, &rng), 0);
}

/* random bytes over random parts of everything, cumulative */
static int
damage_everything(void *arg)
{
	struct rng *rng = arg;
	struct objects set;

	for (unsigned round = 0; round < (TEST_SANITIZED ? 5 : 30); round++) {
		VMEM *vmp = test_pool(VMEM_MIN_POOL);
		char *body = (char *)vmp + PAGE;

		objects_init(&set, vmp);
		objects_churn(&set, rng, 3000, 20000);
		objects_abandon(&set);
		for (unsigned i = 0; i < 30; i++) {
			size_t size = (size_t)1 << rng_between(rng, 0, 16);
			size_t limit = (size_t)1 << rng_between(rng, 17, 23);

			rng_fill(rng, body + rng_between(rng, 0, limit), size);
			alarm(CHECK_SECONDS);
			(void)vmem_check(vmp);
			alarm(0);
		}
		rng_fill(rng, (char *)vmp + HEADER * PAGE, PAGE);
		must(vmem_check(vmp) != 1);
		munmap((void *)vmp, VMEM_MIN_POOL);
	}
	return 0;
}

static void
check__random_bytes_everywhere__ends_without_a_crash(void **state)
{
	struct rng rng;

	(void)state;
	rng_init(&rng, __func__);
	assert_int_equal(test_child(damage_everything, &rng), 0);
}

static int
damage_and_delete(void *arg)
{
	struct rng *rng = arg;
	VMEM *vmp = test_pool(VMEM_MIN_POOL);
	VMEM *other = test_pool(VMEM_MIN_POOL);

	for (unsigned i = 0; i < 1000; i++)
		must(vmem_malloc(vmp, i) != NULL);
	rng_fill(rng, (char *)vmp + PAGE, VMEM_MIN_POOL - PAGE);
	must(vmem_check(vmp) != 1);
	vmem_delete(vmp);
	must(vmem_check(vmp) == -1);
	must(vmem_check(other) == 1);
	vmem_delete(other);
	return 0;
}

static void
delete__pool_of_random_bytes__does_not_crash(void **state)
{
	struct rng rng;

	(void)state;
	rng_init(&rng, __func__);
	for (unsigned i = 0; i < 10; i++)
		assert_int_equal(test_child(damage_and_delete, &rng), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			check__fresh_used_full_and_emptied_pool__gives_1),
		cmocka_unit_test(check__after_each_kind_of_call__gives_1),
		cmocka_unit_test(check__pool_mapped_read_only__still_checks),
		cmocka_unit_test(check__many_times__holds_nothing),
		cmocka_unit_test(check__metadata_page_overwritten__is_found),
		cmocka_unit_test(
			check__single_bits_flipped__ends_without_a_crash),
		cmocka_unit_test(
			check__random_bytes_everywhere__ends_without_a_crash),
		cmocka_unit_test(delete__pool_of_random_bytes__does_not_crash),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
