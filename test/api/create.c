/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * create.c -- vmem_create() in a directory that can take a pool
 *
 * ctest: timeout=300
 */
#include "harness/test.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/fs.h"
#include "harness/objects.h"
#include "harness/proc.h"

#define LINE_BYTES  4352 /* of /proc/self/maps: a path and what is before it */
#define BLOCK_BYTES 512  /* the unit of st_blocks */
#define NPOOLS      8

static void
create__directory__gives_a_consistent_pool(void **state)
{
	VMEM *vmp;

	(void)state;
	errno = 0;
	vmp = vmem_create(test_dir(), VMEM_MIN_POOL);
	assert_non_null(vmp);
	assert_int_equal(errno, 0);
	assert_int_equal(vmem_check(vmp), 1);
	vmem_delete(vmp);
	assert_int_equal(errno, 0);
}

static void
create__any_errno_before__is_kept(void **state)
{
	VMEM *vmp;

	(void)state;
	errno = E2BIG;
	vmp = vmem_create(test_dir(), VMEM_MIN_POOL);
	assert_int_equal(errno, E2BIG);
	assert_non_null(vmp);
	vmem_delete(vmp);
	assert_int_equal(errno, E2BIG);
}

/* a size that is no multiple of anything is rounded up without a word */
static void
create__odd_sizes__are_aligned_and_hold_all_of_it(void **state)
{
	static const size_t extra[] = {
		0, 1, 7, 4095, 4096, 4097, MIB, 2 * MIB + 1, 3 * MIB - 1};

	(void)state;
	for (size_t i = 0; i < NELEM(extra); i++) {
		size_t size = VMEM_MIN_POOL + extra[i];
		char line[LINE_BYTES];
		uintptr_t start, end;
		VMEM *vmp = vmem_create(test_dir(), size);

		assert_non_null(vmp);
		assert_int_equal((uintptr_t)vmp % POOL_ALIGNMENT, 0);
		assert_true(test_mapping((char *)vmp + size - 1, &start, &end,
			line, sizeof(line)));
		assert_non_null(strstr(line, " rw-s "));
		assert_true(end >= (uintptr_t)vmp + size);
		assert_int_equal(vmem_check(vmp), 1);
		vmem_delete(vmp);
	}
}

static void
create__many_at_once__are_aligned_apart_and_their_own(void **state)
{
	VMEM *vmp[NPOOLS];
	unsigned char *ptr[NPOOLS];

	(void)state;
	for (size_t i = 0; i < NPOOLS; i++) {
		vmp[i] = vmem_create(test_dir(), VMEM_MIN_POOL + i * MIB);
		assert_non_null(vmp[i]);
		assert_int_equal((uintptr_t)vmp[i] % POOL_ALIGNMENT, 0);
		ptr[i] = vmem_malloc(vmp[i], MIB);
		assert_non_null(ptr[i]);
		assert_true((uintptr_t)ptr[i] > (uintptr_t)vmp[i]);
		assert_true((uintptr_t)ptr[i] + MIB <=
			    (uintptr_t)vmp[i] + VMEM_MIN_POOL + i * MIB);
		test_fill(ptr[i], MIB, i);
	}
	for (size_t i = 0; i < NPOOLS; i++) {
		assert_true(test_holds(ptr[i], MIB, i));
		assert_int_equal(vmem_check(vmp[i]), 1);
	}
	for (size_t i = 0; i < NPOOLS; i++)
		vmem_delete(vmp[i]);
}

static void
create__directory__shows_no_file_and_no_descriptor(void **state)
{
	struct proc_count before = proc_count();
	VMEM *vmp;
	void *ptr;

	(void)state;
	vmp = vmem_create(test_dir(), VMEM_MIN_POOL);
	assert_non_null(vmp);
	assert_int_equal(fs_nfiles(test_dir()), 0);
	assert_int_equal(proc_count().nfds, before.nfds);
	ptr = vmem_malloc(vmp, 5 * MIB);
	assert_non_null(ptr);
	memset(ptr, 1, 5 * MIB);
	vmem_free(vmp, ptr);
	assert_int_equal(proc_count().nfds, before.nfds);
	vmem_delete(vmp);
	assert_int_equal(fs_nfiles(test_dir()), 0);
	assert_true(proc_is_unchanged(before));
}

/* the file behind the mapping is an unnamed one in the directory */
static void
create__directory__maps_an_unlinked_file_in_it(void **state)
{
	char line[LINE_BYTES];
	char real[4096];
	uintptr_t start, end;
	VMEM *vmp = vmem_create(test_dir(), VMEM_MIN_POOL);

	(void)state;
	assert_non_null(vmp);
	assert_true(test_mapping(
		(char *)vmp + 2 * MIB, &start, &end, line, sizeof(line)));
	assert_non_null(realpath(test_dir(), real));
	assert_non_null(strstr(line, real));
	assert_non_null(strstr(line, "(deleted)"));
	vmem_delete(vmp);
}

/* blocks_behind -- the blocks of the file that is mapped at an address */
static bool
blocks_behind(const void *addr, size_t *ret_bytes)
{
	char line[LINE_BYTES], path[128];
	uintptr_t start, end;
	struct stat st;

	must(test_mapping(addr, &start, &end, line, sizeof(line)));
	snprintf(path, sizeof(path),
		"/proc/self/map_files/%" PRIxPTR "-%" PRIxPTR, start, end);
	if (stat(path, &st) != 0)
		return false;
	*ret_bytes = (size_t)st.st_blocks * BLOCK_BYTES;
	return true;
}

static void
create__directory__reserves_the_space(void **state)
{
	VMEM *vmp = vmem_create(test_dir(), 64 * MIB);
	size_t bytes;

	(void)state;
	assert_non_null(vmp);
	if (!blocks_behind((char *)vmp + 32 * MIB, &bytes)) {
		vmem_delete(vmp);
		test_skip("only root sees the file behind a mapping");
	}
	assert_true(bytes >= 64 * MIB);
	vmem_delete(vmp);
}

static void
create__path_buffer__is_not_kept(void **state)
{
	char path[4096];
	VMEM *vmp;
	void *ptr;

	(void)state;
	snprintf(path, sizeof(path), "%s", test_dir());
	vmp = vmem_create(path, VMEM_MIN_POOL);
	memset(path, 'x', sizeof(path) - 1);
	assert_non_null(vmp);
	ptr = vmem_malloc(vmp, 8 * MIB);
	assert_non_null(ptr);
	memset(ptr, 1, 8 * MIB);
	vmem_free(vmp, ptr);
	assert_int_equal(vmem_check(vmp), 1);
	vmem_delete(vmp);
}

static void
create__symlink_slashes_and_relative_path__work(void **state)
{
	char link[4096], slashes[4096 + 8], old[4096];
	VMEM *vmp;

	(void)state;
	snprintf(link, sizeof(link), "%s.link", test_dir());
	snprintf(slashes, sizeof(slashes), "%s///", test_dir());
	assert_int_equal(symlink(test_dir(), link), 0);
	vmp = vmem_create(link, VMEM_MIN_POOL);
	assert_int_equal(unlink(link), 0);
	assert_non_null(vmp);
	vmem_delete(vmp);

	vmp = vmem_create(slashes, VMEM_MIN_POOL);
	assert_non_null(vmp);
	vmem_delete(vmp);

	assert_non_null(getcwd(old, sizeof(old)));
	assert_int_equal(chdir(test_dir()), 0);
	vmp = vmem_create(".", VMEM_MIN_POOL);
	assert_int_equal(chdir(old), 0);
	assert_non_null(vmp);
	vmem_delete(vmp);
}

/* the directory may go as soon as the pool is there */
static void
create__directory_removed_afterwards__pool_goes_on(void **state)
{
	char dir[4096];
	struct objects set;
	struct rng rng;
	VMEM *vmp;

	(void)state;
	snprintf(dir, sizeof(dir), "%s.gone", test_dir());
	assert_int_equal(mkdir(dir, 0700), 0);
	vmp = vmem_create(dir, VMEM_MIN_POOL);
	assert_int_equal(rmdir(dir), 0);
	assert_non_null(vmp);
	rng_init(&rng, __func__);
	objects_init(&set, vmp);
	objects_fill(&set, &rng, 1, 64 * KIB);
	assert_int_equal(vmem_check(vmp), 1);
	objects_fini(&set);
	vmem_delete(vmp);
}

static int
die_with_a_pool(void *arg)
{
	VMEM *vmp = vmem_create(arg, VMEM_MIN_POOL);

	if (vmp == NULL || vmem_malloc(vmp, MIB) == NULL)
		return 1;
	(void)raise(SIGKILL);
	return 2;
}

static int
exit_with_a_pool(void *arg)
{
	VMEM *vmp = vmem_create(arg, VMEM_MIN_POOL);

	return vmp == NULL || vmem_malloc(vmp, MIB) == NULL;
}

static void
create__process_ends_without_delete__leaves_no_file(void **state)
{
	char dir[4096];

	(void)state;
	snprintf(dir, sizeof(dir), "%s", test_dir());
	assert_int_equal(
		test_child(die_with_a_pool, dir), TEST_SIGNAL(SIGKILL));
	assert_int_equal(fs_nfiles(dir), 0);
	assert_int_equal(test_child(exit_with_a_pool, dir), 0);
	assert_int_equal(fs_nfiles(dir), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(create__directory__gives_a_consistent_pool),
		cmocka_unit_test(create__any_errno_before__is_kept),
		cmocka_unit_test(
			create__odd_sizes__are_aligned_and_hold_all_of_it),
		cmocka_unit_test(
			create__many_at_once__are_aligned_apart_and_their_own),
		cmocka_unit_test(
			create__directory__shows_no_file_and_no_descriptor),
		cmocka_unit_test(
			create__directory__maps_an_unlinked_file_in_it),
		cmocka_unit_test(create__directory__reserves_the_space),
		cmocka_unit_test(create__path_buffer__is_not_kept),
		cmocka_unit_test(
			create__symlink_slashes_and_relative_path__work),
		cmocka_unit_test(
			create__directory_removed_afterwards__pool_goes_on),
		cmocka_unit_test(
			create__process_ends_without_delete__leaves_no_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
