/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * old_kernel.c -- kernels and containers that refuse a system call
 *
 * Each case denies the call to a child by a seccomp filter, and then makes
 * pools and uses them.
 *
 * ctest: timeout=300 not-tsan
 */
#include "harness/test.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "harness/fs.h"
#include "harness/objects.h"
#include "harness/proc.h"

/* the bits of O_TMPFILE that no other flag has */
#define TMPFILE_BIT ((unsigned)(O_TMPFILE & ~O_DIRECTORY))

struct denial {
	const char *dir;
	long nr;
	unsigned arg;
	unsigned mask;
	int err;
};

static void
use(VMEM *vmp)
{
	struct objects set;
	struct rng rng;

	must(vmp != NULL);
	must(vmem_check(vmp) == 1);
	rng_init_from(&rng, 1);
	objects_init(&set, vmp);
	objects_churn(&set, &rng, 3000, 100000);
	objects_fill(&set, &rng, 1, 10000);
	objects_verify(&set);
	must(vmem_check(vmp) == 1);
	objects_fini(&set);
	must(vmem_check(vmp) == 1);
	must(vmem_malloc(vmp, 12 * MIB) != NULL);
	vmem_delete(vmp);
}

static int
use_pools_denied(void *arg)
{
	const struct denial *denial = arg;
	struct proc_count before = proc_count();

	if (!proc_deny_syscall(
		    denial->nr, denial->arg, denial->mask, denial->err))
		return TEST_EXIT_SKIPPED;
	for (unsigned i = 0; i < 3; i++) {
		VMEM *vmp = vmem_create(denial->dir, VMEM_MIN_POOL);

		must(vmp != NULL);
		must(fs_nfiles(denial->dir) == 0);
		must(proc_count().nfds == before.nfds);
		use(vmp);
	}
	use(test_pool(VMEM_MIN_POOL));
	return 0;
}

static void
assert_works_without(long nr, unsigned arg, unsigned mask, int err)
{
	struct denial denial = {test_dir(), nr, arg, mask, err};
	int code = test_child(use_pools_denied, &denial);

	if (code == TEST_EXIT_SKIPPED)
		test_skip("system calls cannot be filtered here");
	assert_int_equal(code, 0);
	assert_int_equal(fs_nfiles(test_dir()), 0);
}

/* the fallback has a name for a moment; it goes when there is no room, too */
static int
fail_denied(void *arg)
{
	struct denial *denial = arg;
	struct proc_count before = proc_count();

	if (!proc_deny_syscall(__NR_fallocate, 0, 0, ENOSPC) ||
		!proc_deny_syscall(
			denial->nr, denial->arg, denial->mask, denial->err))
		return TEST_EXIT_SKIPPED;
	for (unsigned i = 0; i < 10; i++) {
		errno = 0;
		must(vmem_create(denial->dir, VMEM_MIN_POOL) == NULL);
		must(errno == ENOSPC);
		must(strcmp(vmem_errormsg(), "posix_fallocate: No space left "
					     "on device") == 0);
		must(fs_nfiles(denial->dir) == 0);
	}
	must(proc_is_unchanged(before));
	return 0;
}

static void
create__no_unnamed_files_and_no_room__leaves_no_file(void **state)
{
	struct denial denial = {
		test_dir(), __NR_openat, 2, TMPFILE_BIT, EOPNOTSUPP};
	int code = test_child(fail_denied, &denial);

	(void)state;
	if (code == TEST_EXIT_SKIPPED)
		test_skip("system calls cannot be filtered here");
	assert_int_equal(code, 0);
}

/* before 3.11 the flag is O_DIRECTORY for writing: EISDIR */
static void
create__no_unnamed_files__unlinks_at_once(void **state)
{
	static const int errs[] = {EOPNOTSUPP, EISDIR, EINVAL};

	(void)state;
	for (size_t i = 0; i < NELEM(errs); i++)
		assert_works_without(__NR_openat, 2, TMPFILE_BIT, errs[i]);
}

static void
create__no_fallocate__writes_or_refuses(void **state)
{
	(void)state;
	assert_works_without(__NR_fallocate, 0, 0, EOPNOTSUPP);
}

static void
create__no_populate_write__works(void **state)
{
	(void)state;
#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif
	assert_works_without(__NR_madvise, 2, MADV_POPULATE_WRITE, EINVAL);
}

static void
create__no_madvise_at_all__works(void **state)
{
	(void)state;
	assert_works_without(__NR_madvise, 0, 0, EINVAL);
	assert_works_without(__NR_madvise, 0, 0, EPERM);
}

static void
create__no_membarrier__works(void **state)
{
	(void)state;
	assert_works_without(__NR_membarrier, 0, 0, ENOSYS);
	assert_works_without(__NR_membarrier, 0, 0, EPERM);
}

static void
create__no_mincore__works(void **state)
{
	(void)state;
	assert_works_without(__NR_mincore, 0, 0, ENOSYS);
}

static void
create__no_mremap_or_getrandom__works(void **state)
{
	(void)state;
	assert_works_without(__NR_mremap, 0, 0, ENOSYS);
	assert_works_without(__NR_getrandom, 0, 0, ENOSYS);
}

static void
create__no_newer_calls__works(void **state)
{
	(void)state;
#ifdef __NR_statx
	assert_works_without(__NR_statx, 0, 0, ENOSYS);
#endif
#ifdef __NR_rseq
	assert_works_without(__NR_rseq, 0, 0, ENOSYS);
#endif
#ifdef __NR_openat2
	assert_works_without(__NR_openat2, 0, 0, ENOSYS);
#endif
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(create__no_unnamed_files__unlinks_at_once),
		cmocka_unit_test(
			create__no_unnamed_files_and_no_room__leaves_no_file),
		cmocka_unit_test(create__no_fallocate__writes_or_refuses),
		cmocka_unit_test(create__no_populate_write__works),
		cmocka_unit_test(create__no_madvise_at_all__works),
		cmocka_unit_test(create__no_membarrier__works),
		cmocka_unit_test(create__no_mincore__works),
		cmocka_unit_test(create__no_mremap_or_getrandom__works),
		cmocka_unit_test(create__no_newer_calls__works),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
