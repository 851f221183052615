/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * filesystems.c -- pools on real file systems, with room and without
 *
 * ctest: timeout=300 serial not-tsan
 */
#include "harness/test.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/statvfs.h>
#include <sys/time.h>
#include <unistd.h>

#include "harness/fs.h"
#include "harness/objects.h"
#include "harness/proc.h"
#include "harness/threads.h"

#define FS_MIB 400

/* what a file system may need for itself while a file comes and goes */
#define FS_SLACK (4 * MIB)

/* how long it may take to free what is gone */
#define SETTLE_MS 10000

/* mount -- as the parameter of the test says, or skip */
static void
mount_or_skip(struct fs *fs, void **state, size_t size_mib)
{
	enum fs_kind kind = *(const enum fs_kind *)*state;

	fs_mount_or_skip(fs, kind, size_mib);
}

/* has_free -- whether so much is free, at the latest when the kernel is done */
static bool
has_free(const struct fs *fs, size_t bytes)
{
	struct deadline end = deadline_in(SETTLE_MS);
	int fd = open(fs->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	must(fd >= 0);
	do {
		must(syncfs(fd) == 0);
		if (fs_free_bytes(fs->path) + FS_SLACK >= bytes) {
			close(fd);
			return true;
		}
	} while (!deadline_is_over(end));
	close(fd);
	return false;
}

static size_t
pool_size_on(const struct fs *fs)
{
	return fs->kind == FS_HUGETLBFS ? 32 * MIB : 48 * MIB;
}

static void
create__on_each__fills_checks_frees_and_deletes(void **state)
{
	struct proc_count before;
	struct objects set;
	struct rng rng;
	struct fs fs;
	VMEM *vmp;

	mount_or_skip(&fs, state, FS_MIB);
	before = proc_count();
	rng_init(&rng, __func__);
	vmp = vmem_create(fs.path, pool_size_on(&fs));
	assert_non_null(vmp);
	assert_int_equal((uintptr_t)vmp % POOL_ALIGNMENT, 0);
	assert_int_equal(fs_nfiles(fs.path), 0);
	assert_int_equal(proc_count().nfds, before.nfds);
	assert_int_equal(vmem_check(vmp), 1);
	objects_init(&set, vmp);
	for (unsigned round = 0; round < 3; round++) {
		objects_fill(&set, &rng, 1, 100 * KIB);
		assert_true(set.bytes > pool_size_on(&fs) / 10 * 8);
		objects_verify(&set);
		assert_int_equal(vmem_check(vmp), 1);
		objects_drop_half(&set, &rng);
		objects_churn(&set, &rng, 2000, 20000);
		objects_drop_all(&set);
		assert_int_equal(vmem_check(vmp), 1);
	}
	objects_fini(&set);
	vmem_delete(vmp);
	assert_true(proc_is_unchanged(before));
	assert_true(fs_unmount(&fs));
}

static void
create__on_each__reserves_and_gives_back_the_space(void **state)
{
	struct fs fs;
	size_t before, during;
	VMEM *vmp;

	mount_or_skip(&fs, state, FS_MIB);
	before = fs_free_bytes(fs.path);
	vmp = vmem_create(fs.path, pool_size_on(&fs));
	assert_non_null(vmp);
	must(has_free(&fs, 0)); /* btrfs counts when it writes */
	during = fs_free_bytes(fs.path);
	if (fs.kind != FS_RAMFS) /* it does not count */
		assert_true(during + pool_size_on(&fs) <= before + FS_SLACK);
	vmem_delete(vmp);
	assert_true(has_free(&fs, before));
	assert_true(fs_unmount(&fs));
}

static void
calloc__on_each__is_zero_after_reuse(void **state)
{
	static const size_t sizes[] = {48, 5000, 100000, 3 * MIB};
	struct fs fs;
	VMEM *vmp;

	mount_or_skip(&fs, state, FS_MIB);
	vmp = vmem_create(fs.path, pool_size_on(&fs));
	assert_non_null(vmp);
	for (size_t i = 0; i < NELEM(sizes); i++) {
		for (unsigned round = 0; round < 10; round++) {
			char *ptr = vmem_calloc(vmp, 1, sizes[i]);

			assert_non_null(ptr);
			assert_int_equal(ptr[0], 0);
			assert_memory_equal(ptr, ptr + 1, sizes[i] - 1);
			memset(ptr, 0xff, sizes[i]);
			vmem_free(vmp, ptr);
		}
	}
	vmem_delete(vmp);
	assert_true(fs_unmount(&fs));
}

/* more than the file system has: refused, and nothing is left of the try */
static void
create__larger_than_the_room__gives_enospc(void **state)
{
	struct proc_count before;
	struct fs fs;
	size_t free_bytes, vm_size;

	mount_or_skip(&fs, state, 32);
	if (fs.kind == FS_RAMFS || fs.kind == FS_HUGETLBFS) {
		assert_true(fs_unmount(&fs));
		test_skip("has no limit, or another error");
	}
	free_bytes = fs_free_bytes(fs.path);
	before = proc_count();
	vm_size = test_vm_size();
	for (unsigned i = 0; i < 5; i++) {
		errno = 0;
		assert_null(vmem_create(fs.path, free_bytes + 64 * MIB));
		assert_error(
			ENOSPC, "posix_fallocate: No space left on device");
		assert_true(proc_is_unchanged(before));
	}
	assert_true(test_vm_size() < vm_size + MIB);
	assert_true(has_free(&fs, free_bytes));
	assert_int_equal(fs_nfiles(fs.path), 0);
	assert_true(fs_unmount(&fs));
}

/* pools until there is no room; the last that was made works to its end */
static void
create__until_there_is_no_room__pools_keep_theirs(void **state)
{
	VMEM *vmp[64];
	struct objects set;
	struct rng rng;
	struct fs fs;
	size_t n = 0;

	mount_or_skip(&fs, state, 100);
	if (fs.kind == FS_RAMFS) {
		assert_true(fs_unmount(&fs));
		test_skip("has no limit");
	}
	rng_init(&rng, __func__);
	while (n < NELEM(vmp)) {
		errno = 0;
		vmp[n] = vmem_create(fs.path, VMEM_MIN_POOL);
		if (vmp[n] == NULL)
			break;
		n++;
	}
	assert_true(n > 0 && n < NELEM(vmp));
	assert_true(errno == ENOSPC || errno == ENOMEM);
	for (size_t i = 0; i < n; i++) {
		objects_init(&set, vmp[i]);
		objects_fill(&set, &rng, 1, 64 * KIB);
		objects_verify(&set);
		assert_int_equal(vmem_check(vmp[i]), 1);
		objects_drop_all(&set);
		objects_fill(&set, &rng, 1, 3000);
		objects_fini(&set);
	}
	/* the room of one is enough for the next */
	vmem_delete(vmp[0]);
	vmp[0] = vmem_create(fs.path, VMEM_MIN_POOL);
	assert_non_null(vmp[0]);
	for (size_t i = 0; i < n; i++)
		vmem_delete(vmp[i]);
	assert_true(fs_unmount(&fs));
}

static int
die_with_a_pool(void *path)
{
	VMEM *vmp = vmem_create(path, VMEM_MIN_POOL);

	must(vmp != NULL);
	must(vmem_malloc(vmp, MIB) != NULL);
	(void)raise(SIGKILL);
	return 0;
}

static void
create__process_is_killed__gives_the_space_back(void **state)
{
	struct fs fs;
	size_t before;

	mount_or_skip(&fs, state, FS_MIB);
	before = fs_free_bytes(fs.path);
	assert_int_equal(
		test_child(die_with_a_pool, fs.path), TEST_SIGNAL(SIGKILL));
	assert_int_equal(fs_nfiles(fs.path), 0);
	assert_true(has_free(&fs, before));
	assert_true(fs_unmount(&fs));
}

static void
ignore_signal(int signum)
{
	(void)signum;
}

/* reserving takes long enough to be interrupted many times */
static int
create_under_alarms(void *arg)
{
	const struct fs *fs = arg;
	/* FAT writes all of it */
	size_t size = fs->kind == FS_VFAT ? 48 * MIB : 300 * MIB;

	struct sigaction action = {.sa_handler = ignore_signal}; /* EINTR */
	struct itimerval every_ms = {{0, 1000}, {0, 1000}};
	struct itimerval never = {{0, 0}, {0, 0}};

	must(sigaction(SIGALRM, &action, NULL) == 0);
	must(setitimer(ITIMER_REAL, &every_ms, NULL) == 0);
	for (unsigned i = 0; i < 5; i++) {
		VMEM *vmp = vmem_create(fs->path, size);

		must(vmp != NULL);
		must(vmem_check(vmp) == 1);
		vmem_delete(vmp);
	}
	must(setitimer(ITIMER_REAL, &never, NULL) == 0);
	return 0;
}

static void
create__interrupted_by_signals__succeeds(void **state)
{
	struct fs fs;

	mount_or_skip(&fs, state, 512);
	if (fs.kind == FS_HUGETLBFS || fs.kind == FS_RAMFS) {
		assert_true(fs_unmount(&fs));
		test_skip("memory that this machine may not have");
	}
	assert_int_equal(test_child(create_under_alarms, &fs), 0);
	assert_true(fs_unmount(&fs));
}

/* the state of a test is a file system */
#define ON_EACH(test)                                                          \
	on_fs(FS_TMPFS, test), on_fs(FS_TMPFS_HUGE, test),                     \
		on_fs(FS_RAMFS, test), on_fs(FS_EXT4, test),                   \
		on_fs(FS_XFS, test), on_fs(FS_BTRFS, test),                    \
		on_fs(FS_HUGETLBFS, test), on_fs(FS_VFAT, test),               \
		on_fs(FS_OVERLAY, test), on_fs(FS_EXT4_DAX, test),             \
		on_fs(FS_XFS_DAX, test)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		ON_EACH(create__on_each__fills_checks_frees_and_deletes),
		ON_EACH(create__on_each__reserves_and_gives_back_the_space),
		ON_EACH(calloc__on_each__is_zero_after_reuse),
		ON_EACH(create__larger_than_the_room__gives_enospc),
		ON_EACH(create__until_there_is_no_room__pools_keep_theirs),
		ON_EACH(create__process_is_killed__gives_the_space_back),
		ON_EACH(create__interrupted_by_signals__succeeds),
	};

	/* such as "*(FS_XFS)": where all others would be skipped */
	if (getenv("VMEM_TEST_FILTER") != NULL)
		cmocka_set_test_filter(getenv("VMEM_TEST_FILTER"));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
