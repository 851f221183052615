/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * options_growth.c -- pools that begin small: on each kind of memory they are
 * filled to their largest size, emptied and trimmed, and a file system that is
 * full while they grow is an ENOMEM
 *
 * What is counted is the space of the file system, and the blocks of the file.
 *
 * ctest: timeout=300 serial
 */
#include "harness/test.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include "harness/fs.h"
#include "harness/objects.h"
#include "harness/proc.h"

#define FIRST_BYTES (16 * MIB)
#define MOST_BYTES  (64 * MIB)
#define HUGE_POOL   "/proc/sys/vm/nr_hugepages"

static struct vmem_options
options_of(int source)
{
	struct vmem_options o;

	assert_int_equal(vmem_options_init(&o, sizeof(o)), 0);
	o.source = source;
	o.size = FIRST_BYTES;
	o.max_size = MOST_BYTES;
	return o;
}

static struct vmem_stats
stats_of(VMEM *vmp)
{
	struct vmem_stats s;

	assert_int_equal(vmem_stats_get(vmp, &s, sizeof(s)), 0);
	return s;
}

static size_t
blocks_bytes(int fd)
{
	struct stat st;

	must(fstat(fd, &st) == 0);
	return (size_t)st.st_blocks * 512;
}

/* fill -- with objects of all sizes; the bytes of them */
static void
fill(struct objects *set, VMEM *vmp)
{
	struct rng rng;

	rng_init(&rng, "growth");
	objects_init(set, vmp);
	objects_fill(set, &rng, 1, 200 * KIB);
	objects_fill(set, &rng, 1, 2000);
}

/*
 * grow -- fill to the largest size, free, trim; twice
 * fd  of its file, or -1
 */
static void
grow(VMEM *vmp, int fd)
{
	struct objects set;

	assert_int_equal(stats_of(vmp).size, MOST_BYTES);
	assert_true(stats_of(vmp).mapped >= FIRST_BYTES);
	assert_true(stats_of(vmp).mapped < FIRST_BYTES + 4 * MIB);
	for (int i = 0; i < 2; i++) {
		fill(&set, vmp);
		assert_true(set.bytes > MOST_BYTES * 3 / 4);
		assert_true(stats_of(vmp).mapped > MOST_BYTES * 9 / 10);
		if (fd >= 0)
			assert_true(blocks_bytes(fd) > MOST_BYTES * 9 / 10);
		objects_fini(&set);
		assert_int_equal(vmem_check(vmp), 1);
		assert_int_equal(vmem_trim(vmp, 0), 1);
		assert_true(stats_of(vmp).mapped <= 4 * MIB);
		if (fd >= 0)
			assert_true(blocks_bytes(fd) <= 4 * MIB);
		assert_int_equal(vmem_check(vmp), 1);
	}
}

static void
grow__file_system__to_max_size_and_back(void **state)
{
	struct vmem_options o = options_of(VMEM_SOURCE_FD);
	struct proc_count before;
	struct fs fs;
	VMEM *vmp;
	int fd;

	/* a small btrfs keeps much of its space for itself */
	fs_mount_or_skip(&fs, fs_kind_of(state),
		fs_kind_of(state) == FS_BTRFS ? 400 : 100);
	fd = open(fs.path, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (fd < 0) { /* hugetlbfs */
		char path[128];

		snprintf(path, sizeof(path), "%s/file", fs.path);
		fd = open(path, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600);
		assert_true(fd >= 0);
		assert_int_equal(unlink(path), 0);
	}
	before = proc_count();
	o.fd = fd;
	vmp = vmem_create_opts(&o);
	if (vmp == NULL)
		print_message("%s\n", vmem_errormsg());
	assert_non_null(vmp);
	assert_true(blocks_bytes(fd) < FIRST_BYTES + 4 * MIB);
	grow(vmp, fd);
	vmem_delete(vmp);
	assert_true(proc_is_unchanged(before));
	close(fd);
	assert_true(fs_unmount(&fs));
}

static void
grow__directory__to_max_size_and_back(void **state)
{
	struct vmem_options o = options_of(VMEM_SOURCE_PATH);
	struct fs fs;
	size_t empty;
	VMEM *vmp;

	fs_mount_or_skip(&fs, fs_kind_of(state), 100);
	empty = fs_free_bytes(fs.path);
	o.path = fs.path;
	vmp = vmem_create_opts(&o);
	assert_non_null(vmp);
	assert_true(empty - fs_free_bytes(fs.path) < FIRST_BYTES + 4 * MIB);
	grow(vmp, -1);
	assert_true(empty - fs_free_bytes(fs.path) <= 4 * MIB);
	vmem_delete(vmp);
	assert_int_equal(fs_free_bytes(fs.path), empty);
	assert_true(fs_unmount(&fs));
}

static void
grow__memory__to_max_size_and_back(void **state)
{
	static const int sources[] = {VMEM_SOURCE_MEMFD, VMEM_SOURCE_PRIVATE};

	(void)state;
	for (size_t i = 0; i < NELEM(sources); i++) {
		struct proc_count before = proc_count();
		struct vmem_options o = options_of(sources[i]);
		VMEM *vmp = vmem_create_opts(&o);

		assert_non_null(vmp);
		assert_true(test_resident((char *)vmp, MOST_BYTES) <
			    FIRST_BYTES + 4 * MIB);
		grow(vmp, -1);
		assert_true(test_resident((char *)vmp, MOST_BYTES) <= MIB);
		vmem_delete(vmp);
		assert_true(proc_is_unchanged(before));
	}
}

static size_t
huge_pages(void)
{
	char text[32];

	if (test_read_file(HUGE_POOL, text, sizeof(text)) == 0)
		return 0;
	return strtoul(text, NULL, 10);
}

static bool
set_huge_pages(size_t n)
{
	FILE *f = fopen(HUGE_POOL, "we");
	bool done;

	if (f == NULL)
		return false;
	done = fprintf(f, "%zu", n) > 0;
	done = fclose(f) == 0 && done;
	return done && huge_pages() == n;
}

static void
grow__hugetlb_memory__to_max_size_and_back(void **state)
{
	struct vmem_options o = options_of(VMEM_SOURCE_HUGETLB);
	size_t there = huge_pages();
	VMEM *vmp;

	(void)state;
	if (!set_huge_pages(there + MOST_BYTES / (2 * MIB))) {
		(void)set_huge_pages(there);
		test_skip("no huge pages to have");
	}
	vmp = vmem_create_opts(&o);
	if (vmp != NULL) {
		grow(vmp, -1);
		vmem_delete(vmp);
	}
	/* one that is reserved at once, and one that there is no room for */
	o.max_size = 0;
	o.name = "huge";
	VMEM *fixed = vmem_create_opts(&o);
	bool fits = fixed != NULL && vmem_malloc(fixed, 10 * MIB) != NULL &&
		    vmem_check(fixed) == 1;
	if (fixed != NULL)
		vmem_delete(fixed);
	must(set_huge_pages(there));
	assert_non_null(vmp);
	assert_true(fits);
}

static void
create__no_huge_pages__leaves_nothing_behind(void **state)
{
	struct vmem_options o = options_of(VMEM_SOURCE_HUGETLB);
	struct proc_count before = proc_count();

	(void)state;
	if (huge_pages() != 0)
		test_skip("there are huge pages");
	errno = 0;
	assert_null(vmem_create_opts(&o));
	assert_true(errno == ENOMEM || errno == ENOSPC);
	assert_true(proc_is_unchanged(before));
}

/* take_all -- of the file system's space, by another file */
static int
take_all(const struct fs *fs)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/other", fs->path);
	fd = open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
	must(fd >= 0 && unlink(path) == 0);
	for (size_t piece = MIB; piece >= 4 * KIB; piece /= 2)
		while (fallocate(fd, 0, (off_t)blocks_bytes(fd),
			       (off_t)piece) == 0)
			;
	return fd;
}

static void
grow__file_system_is_full__gives_enomem_and_lives(void **state)
{
	struct vmem_options o = options_of(VMEM_SOURCE_PATH);
	struct objects set;
	struct fs fs;
	VMEM *vmp;
	int fd;

	fs_mount_or_skip(&fs, fs_kind_of(state), 100);
	o.path = fs.path;
	vmp = vmem_create_opts(&o);
	assert_non_null(vmp);
	fd = take_all(&fs);
	fill(&set, vmp); /* asserts that ENOMEM is what ends it */
	print_message("%zu bytes before it is full\n", set.bytes);
	assert_true(set.bytes > FIRST_BYTES * 3 / 4);
	assert_true(set.bytes < FIRST_BYTES + 4 * MIB);
	assert_true(stats_of(vmp).no_memory > 0);
	objects_verify(&set);
	assert_int_equal(vmem_check(vmp), 1);
	/* there is space again; xfs frees what was closed some time later */
	assert_int_equal(ftruncate(fd, 0), 0);
	assert_int_equal(syncfs(fd), 0);
	close(fd);
	for (size_t i = 0; i < 100; i++)
		assert_true(objects_add(&set, 200 * KIB));
	objects_fini(&set);
	assert_int_equal(vmem_check(vmp), 1);
	vmem_delete(vmp);
	assert_true(fs_unmount(&fs));
}

static void
create__max_size_beyond_the_file_system__is_fine(void **state)
{
	struct vmem_options o = options_of(VMEM_SOURCE_PATH);
	struct fs fs;
	VMEM *vmp;

	fs_mount_or_skip(&fs, fs_kind_of(state), 100);
	o.path = fs.path;
	o.max_size = 8 * GIB;
	vmp = vmem_create_opts(&o);
	assert_non_null(vmp);
	assert_int_equal(stats_of(vmp).size, 8 * GIB);
	assert_non_null(vmem_malloc(vmp, 30 * MIB));
	assert_null(vmem_malloc(vmp, GIB));
	assert_int_equal(errno, ENOMEM);
	assert_int_equal(vmem_check(vmp), 1);
	vmem_delete(vmp);
	assert_true(fs_unmount(&fs));
}

static size_t
machine_memory(void)
{
	struct sysinfo info;

	must(sysinfo(&info) == 0);
	return (info.totalram + info.totalswap) * info.mem_unit;
}

/* the kernel would take all that there is first, and end programs for it */
static void
malloc__more_than_the_machine_has__is_enomem_at_once(void **state)
{
	static const int sources[] = {VMEM_SOURCE_PRIVATE, VMEM_SOURCE_MEMFD};
	size_t much = machine_memory() + 16 * MIB;

	(void)state;
	for (size_t i = 0; i < NELEM(sources); i++) {
		struct vmem_options o = options_of(sources[i]);
		size_t before;
		VMEM *vmp;
		void *p;

		o.max_size = 4 * much;
		vmp = vmem_create_opts(&o);
		assert_non_null(vmp);
		p = vmem_malloc(vmp, 30 * MIB);
		assert_non_null(p);
		memset(p, 'x', 30 * MIB);
		before = proc_peak_memory();
		errno = 0;
		assert_null(vmem_malloc(vmp, much));
		assert_int_equal(errno, ENOMEM);
		assert_null(vmem_calloc(vmp, 1, much));
		assert_null(vmem_aligned_alloc(vmp, 2 * MIB, much));
		assert_null(vmem_realloc(vmp, p, much + 30 * MIB));
		/* some tables of the pool apart */
		assert_true(proc_peak_memory() < before + 8 * MIB);
		assert_int_equal(((char *)p)[30 * MIB - 1], 'x');
		/* what there is room for is to be had as before */
		assert_non_null(vmem_malloc(vmp, 30 * MIB));
		assert_int_equal(vmem_check(vmp), 1);
		vmem_delete(vmp);
	}
}

static size_t
faults(void)
{
	struct rusage usage;

	must(getrusage(RUSAGE_SELF, &usage) == 0);
	return (size_t)usage.ru_minflt;
}

/* what was never used is not looked at: its notes alone would be 256 MiB */
static void
check__small_pool_that_may_grow__touches_little(void **state)
{
	struct vmem_options o = options_of(VMEM_SOURCE_MEMFD);
	size_t before;
	VMEM *vmp;

	(void)state;
	if (TEST_SANITIZED)
		test_skip("a sanitizer's own memory has faults too");
	o.max_size = 64 * GIB;
	vmp = vmem_create_opts(&o);
	assert_non_null(vmp);
	assert_non_null(vmem_malloc(vmp, 100));
	before = faults();
	assert_int_equal(vmem_check(vmp), 1);
	print_message("%zu page faults\n", faults() - before);
	assert_true(faults() - before < 4000);
	vmem_delete(vmp);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		on_fs(FS_TMPFS, grow__file_system__to_max_size_and_back),
		on_fs(FS_XFS, grow__file_system__to_max_size_and_back),
		on_fs(FS_EXT4, grow__file_system__to_max_size_and_back),
		on_fs(FS_BTRFS, grow__file_system__to_max_size_and_back),
		on_fs(FS_HUGETLBFS, grow__file_system__to_max_size_and_back),
		on_fs(FS_TMPFS, grow__directory__to_max_size_and_back),
		cmocka_unit_test(grow__memory__to_max_size_and_back),
		cmocka_unit_test(grow__hugetlb_memory__to_max_size_and_back),
		cmocka_unit_test(create__no_huge_pages__leaves_nothing_behind),
		on_fs(FS_TMPFS,
			grow__file_system_is_full__gives_enomem_and_lives),
		on_fs(FS_XFS,
			grow__file_system_is_full__gives_enomem_and_lives),
		on_fs(FS_TMPFS,
			create__max_size_beyond_the_file_system__is_fine),
		cmocka_unit_test(
			malloc__more_than_the_machine_has__is_enomem_at_once),
		cmocka_unit_test(
			check__small_pool_that_may_grow__touches_little),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
