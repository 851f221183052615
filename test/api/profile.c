/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * profile.c -- who allocated it: samples, their stacks, and what they stand for
 *
 * ctest: threads
 */
#include "harness/test.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "harness/objects.h"
#include "harness/threads.h"

#define POOL_BYTES (64 * MIB)

/* what the text form says of the whole */
struct totals {
	uint64_t bytes, objects, taken, lost;
};

static char text[1 << 20];

static const char *
dumped(VMEM *vmp, const char *suffix)
{
	char path[256];

	(void)snprintf(path, sizeof(path), "%s/profile%s", test_dir(), suffix);
	if (vmem_profile_dump(vmp, path) != 0)
		test_die(__FILE__, __LINE__, vmem_errormsg());
	must(test_read_file(path, text, sizeof(text)) > 0);
	must(remove(path) == 0);
	return text;
}

static struct totals
totals_of(VMEM *vmp)
{
	struct totals t;
	uint64_t mean;

	must(sscanf(dumped(vmp, ".txt"),
		     "live: %" SCNu64 " bytes in %" SCNu64
		     " objects, estimated from samples of one byte in %" SCNu64
		     " (%" SCNu64 " taken, %" SCNu64 " lost",
		     &t.bytes, &t.objects, &mean, &t.taken, &t.lost) == 5);
	return t;
}

/* two places to allocate at, which the stacks must tell apart */
static __attribute__((noinline)) void *
here(VMEM *vmp, size_t size)
{
	void *ptr = vmem_malloc(vmp, size);

	must(ptr != NULL);
	return ptr;
}

static __attribute__((noinline)) void *
there(VMEM *vmp, size_t size)
{
	void *ptr = vmem_calloc(vmp, 1, size);

	must(ptr != NULL);
	return ptr;
}

static void
profile__every_object_sampled__is_exact(void **state)
{
	VMEM *vmp = test_pool(POOL_BYTES);
	void *ptr[100], *before = here(vmp, 1000);
	struct totals t;

	(void)state;
	errno = E2BIG;
	assert_int_equal(vmem_profile_start(vmp, 1), 0);
	assert_int_equal(errno, E2BIG);
	for (size_t i = 0; i < NELEM(ptr); i++)
		ptr[i] = i % 2 == 0 ? here(vmp, 100) : there(vmp, 70000);
	t = totals_of(vmp);
	assert_int_equal(t.bytes, 50 * 100 + 50 * 70000);
	assert_int_equal(t.objects, 100);
	assert_int_equal(t.taken, 100);
	assert_int_equal(t.lost, 0);
	/* one line for each of the two places: the largest is the first */
	assert_non_null(
		strstr(text, "3500000 bytes in 50 objects (50 samples)"));
	assert_non_null(
		strstr(text, "\n5000 bytes in 50 objects (50 samples)"));
	vmem_free(vmp, before);
	for (size_t i = 0; i < NELEM(ptr); i += 2)
		vmem_free(vmp, ptr[i]);
	t = totals_of(vmp);
	assert_int_equal(t.bytes, 50 * 70000);
	assert_int_equal(t.objects, 50);
	/* what is refused changes nothing */
	vmem_free(vmp, ptr[0]);
	vmem_free(vmp, (char *)ptr[1] + 16);
	assert_int_equal(totals_of(vmp).objects, 50);
	for (size_t i = 1; i < NELEM(ptr); i += 2)
		vmem_free(vmp, ptr[i]);
	t = totals_of(vmp);
	assert_int_equal(t.bytes, 0);
	assert_int_equal(t.objects, 0);
	assert_int_equal(t.taken, 100);
	assert_int_equal(vmem_check(vmp), 1);
	test_pool_delete(vmp, POOL_BYTES);
}

static void
profile__every_other_call__is_counted_too(void **state)
{
	VMEM *vmp = test_pool(POOL_BYTES);
	void *ptr, *aligned;

	(void)state;
	assert_int_equal(vmem_profile_start(vmp, 1), 0);
	ptr = vmem_malloc(vmp, 0);
	assert_int_equal(totals_of(vmp).bytes, 1);
	vmem_free(vmp, ptr);
	ptr = vmem_realloc(vmp, NULL, 300);
	assert_int_equal(totals_of(vmp).bytes, 300);
	ptr = vmem_realloc(vmp, ptr, 200000);
	assert_int_equal(totals_of(vmp).bytes, 200000);
	/* in place, both ways */
	ptr = vmem_realloc(vmp, ptr, 100000);
	assert_int_equal(totals_of(vmp).bytes, 100000);
	ptr = vmem_realloc(vmp, ptr, 150000);
	assert_int_equal(totals_of(vmp).bytes, 150000);
	aligned = vmem_aligned_alloc(vmp, 1 << 16, 10);
	assert_int_equal(totals_of(vmp).bytes, 150010);
	assert_non_null(vmem_strdup(vmp, "four"));
	assert_int_equal(totals_of(vmp).bytes, 150015);
	vmem_free(vmp, aligned);
	vmem_free(vmp, ptr);
	assert_int_equal(totals_of(vmp).bytes, 5);
	assert_null(vmem_malloc(vmp, 2 * POOL_BYTES));
	assert_int_equal(totals_of(vmp).bytes, 5);
	test_pool_delete(vmp, POOL_BYTES);
}

/* a sample stands for what it was drawn from: within 9 standard deviations */
static void
profile__some_objects_sampled__estimate_the_whole(void **state)
{
	static const size_t sizes[] = {16, 500, 5000, 100000};
	VMEM *vmp = test_pool(POOL_BYTES);

	(void)state;
	for (size_t i = 0; i < NELEM(sizes); i++) {
		double bytes = 0, objects = 0;
		struct totals t;
		void *first = NULL;

		assert_int_equal(vmem_profile_start(vmp, 16 * KIB), 0);
		while (bytes < 32.0 * (double)MIB) {
			void *ptr = here(vmp, sizes[i]);

			memcpy(ptr, &first, sizeof(first));
			first = ptr;
			bytes += (double)sizes[i];
			objects += 1;
		}
		t = totals_of(vmp);
		print_message("  %zu bytes: %" PRIu64 " samples, estimate %.3f "
			      "of the bytes, %.3f of the objects\n",
			sizes[i], t.taken, (double)t.bytes / bytes,
			(double)t.objects / objects);
		assert_true((double)t.bytes > bytes * 0.8);
		assert_true((double)t.bytes < bytes * 1.2);
		assert_true((double)t.objects > objects * 0.8);
		assert_true((double)t.objects < objects * 1.2);
		while (first != NULL) {
			void *ptr = first;

			memcpy(&first, ptr, sizeof(first));
			vmem_free(vmp, ptr);
		}
		assert_int_equal(totals_of(vmp).bytes, 0);
		assert_int_equal(vmem_profile_stop(vmp), 0);
	}
	test_pool_delete(vmp, POOL_BYTES);
}

/* threads that allocate, free each other's objects, dump, and end it */
static struct {
	VMEM *vmp;
	void *slot[256]; /* atomic */
} shared;

static void
exchange(size_t idx, struct rng *rng, void *arg)
{
	(void)arg;
	for (size_t i = 0; i < (TEST_SANITIZED ? 5000u : 50000u); i++) {
		size_t at = rng_between(rng, 0, NELEM(shared.slot) - 1);
		void *ptr = here(shared.vmp, rng_between(rng, 0, 2000));

		ptr = __atomic_exchange_n(
			&shared.slot[at], ptr, __ATOMIC_ACQ_REL);
		vmem_free(shared.vmp, ptr);
		if (idx == 0 && i % 5000 == 0) {
			must(vmem_profile_stop(shared.vmp) == 0);
			must(vmem_check(shared.vmp) == 1);
			must(vmem_profile_start(shared.vmp, 1000) == 0);
		}
	}
}

static void
profile__threads_that_exchange_objects__are_followed(void **state)
{
	struct totals t;

	(void)state;
	shared.vmp = test_pool(POOL_BYTES);
	assert_int_equal(vmem_profile_start(shared.vmp, 1), 0);
	threads_run(4, exchange, NULL, __func__);
	assert_int_equal(totals_of(shared.vmp).lost, 0);
	for (size_t i = 0; i < NELEM(shared.slot); i++)
		vmem_free(shared.vmp, shared.slot[i]);
	/* those from before the last start are not in it */
	t = totals_of(shared.vmp);
	assert_int_equal(t.bytes, 0);
	assert_int_equal(t.objects, 0);
	test_pool_delete(shared.vmp, POOL_BYTES);
}

static void
profile__folded__has_a_line_a_stack(void **state)
{
	VMEM *vmp = test_pool(POOL_BYTES);
	size_t nlines = 0;

	(void)state;
	assert_int_equal(vmem_profile_start(vmp, 1), 0);
	(void)here(vmp, 100);
	(void)there(vmp, 4000);
	vmem_free(vmp, here(vmp, 77));
	for (const char *p = dumped(vmp, ".folded"); *p != '\0'; p++)
		nlines += *p == '\n';
	assert_int_equal(nlines, 2);
	assert_non_null(strstr(text, " 100\n"));
	assert_non_null(strstr(text, " 4000\n"));
	assert_non_null(strchr(text, ';'));
	/* from the outermost frame to the innermost, none of them ours */
	assert_null(strstr(text, "vmem_malloc"));
	test_pool_delete(vmp, POOL_BYTES);
}

static int
in_child(void *arg)
{
	VMEM *vmp = arg;

	for (size_t i = 0; i < 100; i++)
		vmem_free(vmp, here(vmp, 64));
	return totals_of(vmp).bytes == 1000 ? 0 : 1;
}

static void
profile__forked_child__has_a_copy(void **state)
{
	VMEM *vmp = test_pool(POOL_BYTES);

	(void)state;
	assert_int_equal(vmem_profile_start(vmp, 1), 0);
	(void)here(vmp, 1000);
	assert_int_equal(test_child(in_child, vmp), 0);
	assert_int_equal(totals_of(vmp).bytes, 1000);
	test_pool_delete(vmp, POOL_BYTES);
}

static void
profile__what_is_wrong__is_refused(void **state)
{
	VMEM *vmp = test_pool(POOL_BYTES), *none = (VMEM *)(uintptr_t)0x1000;

	(void)state;
	assert_int_equal(vmem_profile_start(none, 1), -1);
	assert_bad_handle(none);
	assert_int_equal(vmem_profile_start(vmp, 0), -1);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(vmem_profile_stop(vmp), -1);
	assert_int_equal(errno, ENOENT);
	assert_int_equal(vmem_profile_dump(vmp, "/tmp/x"), -1);
	assert_int_equal(errno, ENOENT);
	assert_int_equal(vmem_profile_start(vmp, 1000), 0);
	assert_int_equal(vmem_profile_start(vmp, 1000), -1);
	assert_int_equal(errno, EBUSY);
	assert_int_equal(vmem_profile_dump(vmp, NULL), -1);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(vmem_profile_dump(vmp, "/nowhere/x"), -1);
	assert_error(ENOENT, "open /nowhere/x: No such file or directory");
	assert_int_equal(vmem_profile_dump(vmp, "/dev/full"), -1);
	assert_int_equal(errno, ENOSPC);
	assert_int_equal(vmem_profile_stop(vmp), 0);
	test_pool_delete(vmp, POOL_BYTES);
}

/* more than there are numbers for, and all come back */
static void
profile__many_pools__have_one_each(void **state)
{
	enum { MOST = 255 };
	static VMEM *pools[MOST + 1];

	(void)state;
	for (size_t i = 0; i < NELEM(pools); i++)
		pools[i] = test_pool(VMEM_MIN_POOL);
	for (unsigned round = 0; round < 2; round++) {
		for (size_t i = 0; i < MOST; i++)
			assert_int_equal(vmem_profile_start(pools[i], 4096), 0);
		assert_int_equal(vmem_profile_start(pools[MOST], 4096), -1);
		assert_int_equal(errno, EMFILE);
		for (size_t i = 0; round == 0 && i < MOST; i++)
			assert_int_equal(vmem_profile_stop(pools[i]), 0);
	}
	/* deleting a pool ends its profile */
	for (size_t i = 0; i < NELEM(pools); i++)
		test_pool_delete(pools[i], VMEM_MIN_POOL);
	pools[0] = test_pool(VMEM_MIN_POOL);
	assert_int_equal(vmem_profile_start(pools[0], 4096), 0);
	test_pool_delete(pools[0], VMEM_MIN_POOL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(profile__every_object_sampled__is_exact),
		cmocka_unit_test(profile__every_other_call__is_counted_too),
		cmocka_unit_test(
			profile__some_objects_sampled__estimate_the_whole),
		cmocka_unit_test(
			profile__threads_that_exchange_objects__are_followed),
		cmocka_unit_test(profile__folded__has_a_line_a_stack),
		cmocka_unit_test(profile__forked_child__has_a_copy),
		cmocka_unit_test(profile__what_is_wrong__is_refused),
		cmocka_unit_test(profile__many_pools__have_one_each),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
