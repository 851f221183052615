/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * options_errors.c -- what vmem_create_opts() refuses, with which text, and
 * that nothing is left behind
 */
#include "harness/test.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "harness/fs.h"
#include "harness/proc.h"

#define LONG_NAME                                                              \
	"0123456789012345678901234567890123456789012345678901234567890123"

/* one change of sound options, and what it comes to */
struct refusal {
	void (*change)(struct vmem_options *o);
	const char *text;
};

static struct vmem_options
sound(void)
{
	struct vmem_options o;

	assert_int_equal(vmem_options_init(&o, sizeof(o)), 0);
	o.source = VMEM_SOURCE_MEMFD;
	o.size = VMEM_MIN_POOL;
	return o;
}

#define CHANGE(name, ...)                                                      \
	static void name(struct vmem_options *o)                               \
	{                                                                      \
		__VA_ARGS__;                                                   \
	}

CHANGE(small, o->size = VMEM_MIN_POOL - 1)
CHANGE(small_first, o->size = 1; o->source = 99)
CHANGE(less, o->size = 20 * MIB; o->max_size = 19 * MIB)
CHANGE(no_source, o->source = 6)
CHANGE(negative_source, o->source = -1)
CHANGE(no_path, o->source = VMEM_SOURCE_PATH)
CHANGE(two_sources, o->path = "/tmp")
CHANGE(no_fd, o->source = VMEM_SOURCE_FD)
CHANGE(path_and_fd, o->source = VMEM_SOURCE_PATH; o->path = "/tmp"; o->fd = 0)
CHANGE(no_addr, o->source = VMEM_SOURCE_REGION)
CHANGE(odd_addr, o->source = VMEM_SOURCE_REGION;
	o->addr = (void *)(uintptr_t)4097)
CHANGE(over_the_end, o->source = VMEM_SOURCE_REGION;
	o->addr = (void *)(UINTPTR_MAX - 4095))
CHANGE(addr_and_memfd, o->addr = (void *)(uintptr_t)4096)
CHANGE(growing_region, o->source = VMEM_SOURCE_REGION;
	o->addr = (void *)(uintptr_t)4096; o->max_size = 2 * o->size)
CHANGE(sparse_region, o->source = VMEM_SOURCE_REGION;
	o->addr = (void *)(uintptr_t)4096; o->sparse = 1)
CHANGE(sparse_and_prefault, o->sparse = o->prefault = 1)
CHANGE(half_sparse, o->sparse = 2)
CHANGE(half_prefault, o->prefault = -1)
CHANGE(half_huge, o->huge_pages = 7)
CHANGE(no_give, o->source = VMEM_SOURCE_REGION; o->give_back = 3)
CHANGE(give_memfd, o->give_back = VMEM_GIVE_REMOVE)
CHANGE(no_numa, o->numa = 4)
CHANGE(numa_without, o->numa = VMEM_NUMA_BIND)
CHANGE(nodes_without, o->numa_nodes = "0")
CHANGE(nodes_no_list, o->numa = VMEM_NUMA_BIND; o->numa_nodes = "0,x")
CHANGE(nodes_empty, o->numa = VMEM_NUMA_BIND; o->numa_nodes = "")
CHANGE(nodes_turned, o->numa = VMEM_NUMA_BIND; o->numa_nodes = "3-1")
CHANGE(nodes_many, o->numa = VMEM_NUMA_BIND; o->numa_nodes = "1024")
CHANGE(no_decay, o->decay_ms = -2)
CHANGE(hard, o->hardening = 4)
CHANGE(soft, o->hardening = -2)
CHANGE(empty_name, o->name = "")
CHANGE(long_name, o->name = LONG_NAME)
CHANGE(quoted_name, o->name = "a\"b")
CHANGE(lined_name, o->name = "a\nb")
CHANGE(more, o->reserved = 1)
CHANGE(no_size, o->struct_size = 0)
CHANGE(short_struct, o->struct_size = offsetof(struct vmem_options, size))
CHANGE(odd_struct, o->struct_size = sizeof(*o) - 1)
CHANGE(long_struct, o->struct_size = SIZE_MAX / 8 * 8)

static const struct refusal refusals[] = {
	{small, "size 14680063 smaller than 14680064"},
	{small_first, "size 1 smaller than 14680064"},
	{less, "max_size 19922944 smaller than size 20971520"},
	{no_source, "invalid source (6)"},
	{negative_source, "invalid source (-1)"},
	{no_path, "invalid (NULL) path"},
	{two_sources, "a path with source 3"},
	{no_fd, "invalid descriptor (-1)"},
	{path_and_fd, "a descriptor with source 0"},
	{no_addr, "addr 0x0 not aligned to pagesize 4096"},
	{odd_addr, "addr 0x1001 not aligned to pagesize 4096"},
	{over_the_end,
		"region at 0xfffffffffffff000 of 14680064 bytes: no memory"},
	{addr_and_memfd, "an address with source 3"},
	{growing_region, "a region cannot grow"},
	{sparse_region, "a region cannot be sparse"},
	{sparse_and_prefault, "both sparse and prefault"},
	{half_sparse, "invalid sparse (2)"},
	{half_prefault, "invalid prefault (-1)"},
	{half_huge, "invalid huge_pages (7)"},
	{no_give, "invalid give_back (3)"},
	{give_memfd, "give_back with source 3"},
	{no_numa, "invalid numa (4)"},
	{numa_without, "numa without numa_nodes"},
	{nodes_without, "numa_nodes without numa"},
	{nodes_no_list, "no list of nodes: \"0,x\""},
	{nodes_empty, "no list of nodes: \"\""},
	{nodes_turned, "no list of nodes: \"3-1\""},
	{nodes_many, "no list of nodes: \"1024\""},
	{no_decay, "decay time -2 under -1"},
	{hard, "invalid hardening (4)"},
	{soft, "invalid hardening (-2)"},
	{empty_name, "invalid name"},
	{long_name, "invalid name"},
	{quoted_name, "invalid name"},
	{lined_name, "invalid name"},
	{more, "invalid reserved (1)"},
	{no_size, "options of 0 bytes"},
	{short_struct, "options of 32 bytes"},
	{odd_struct, "options of 95 bytes"},
	{long_struct, "options of 18446744073709551608 bytes"},
};

static void
create__contradictions__are_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < NELEM(refusals); i++) {
		struct proc_count before = proc_count();
		struct vmem_options o = sound();

		refusals[i].change(&o);
		errno = 0;
		if (vmem_create_opts(&o) != NULL)
			fail_msg("no refusal: %s", refusals[i].text);
		assert_error(EINVAL, "%s", refusals[i].text);
		assert_true(proc_is_unchanged(before));
	}
	errno = 0;
	assert_null(vmem_create_opts(NULL));
	assert_error(EINVAL, "invalid (NULL) options");
}

static void
init__no_struct__is_refused(void **state)
{
	struct vmem_options o;

	(void)state;
	memset(&o, 'x', sizeof(o));
	errno = 0;
	assert_int_equal(vmem_options_init(NULL, sizeof(o)), -1);
	assert_error(EINVAL, "invalid (NULL) options");
	errno = 0;
	assert_int_equal(vmem_options_init(&o, 8), -1);
	assert_error(EINVAL, "options of 8 bytes");
	assert_int_equal(o.struct_size & 0xff, 'x');
}

static void
create__node_that_is_not_there__is_refused(void **state)
{
	static const int sources[] = {VMEM_SOURCE_MEMFD, VMEM_SOURCE_PRIVATE};

	(void)state;
	if (access("/proc/self/numa_maps", R_OK) != 0)
		test_skip("a kernel without NUMA");
	for (size_t i = 0; i < NELEM(sources); i++) {
		struct vmem_options o = sound();
		struct proc_count before = proc_count();

		o.source = sources[i];
		o.numa = VMEM_NUMA_BIND;
		o.numa_nodes = "1023";
		errno = 0;
		assert_null(vmem_create_opts(&o));
		if (errno == EPERM)
			test_skip("memory policies are forbidden here");
		assert_error(EINVAL, "mbind: Invalid argument");
		assert_true(proc_is_unchanged(before));
	}
}

/* refuses_fd -- a descriptor, which stays as it is */
static void
refuses_fd(int fd, int err)
{
	struct vmem_options o = sound();
	struct proc_count before = proc_count();
	struct stat was, is;

	o.source = VMEM_SOURCE_FD;
	o.fd = fd;
	must(fstat(fd, &was) == 0);
	errno = 0;
	assert_null(vmem_create_opts(&o));
	assert_int_equal(errno, err);
	assert_true(vmem_errormsg()[0] != '\0');
	assert_true(proc_is_unchanged(before));
	must(fstat(fd, &is) == 0);
	assert_int_equal(was.st_size, is.st_size);
	assert_int_equal(was.st_blocks, is.st_blocks);
	close(fd);
}

static void
create__bad_descriptors__are_refused(void **state)
{
	struct vmem_options o = sound();
	char path[128];
	int fd, ends[2];

	(void)state;
	refuses_fd(open(test_dir(), O_RDONLY | O_CLOEXEC), EINVAL);
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	refuses_fd(ends[0], EINVAL);
	close(ends[1]);
	fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	refuses_fd(fd, ENODEV);
	snprintf(path, sizeof(path), "%s/file", test_dir());
	fd = open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
	assert_int_equal(write(fd, "text", 4), 4);
	refuses_fd(fd, EINVAL);
	assert_int_equal(truncate(path, 0), 0);
	refuses_fd(open(path, O_RDONLY | O_CLOEXEC), EACCES);
	refuses_fd(open(path, O_WRONLY | O_CLOEXEC), EACCES);
	refuses_fd(open(path, O_RDWR | O_APPEND | O_CLOEXEC), EACCES);
	assert_int_equal(unlink(path), 0);
	/* it could not be empty again when something fails later */
	fd = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK), 0);
	refuses_fd(fd, EINVAL);
	o.source = VMEM_SOURCE_FD;
	o.fd = 12345;
	errno = 0;
	assert_null(vmem_create_opts(&o));
	assert_error(EBADF, "fcntl: Bad file descriptor");
}

/* what fails late: the file is there, and then the pool is not to be had */
static int
without_prefault(void *arg)
{
	int fd = *(int *)arg;
	struct vmem_options o;
	struct stat st;

	/* MADV_POPULATE_WRITE says 0 bytes may be populated, and no more */
	must(vmem_options_init(&o, sizeof(o)) == 0);
	o.source = VMEM_SOURCE_FD;
	o.fd = fd;
	o.size = VMEM_MIN_POOL;
	o.prefault = 1;
	must(proc_deny_syscall(__NR_madvise, 2, 23, EFAULT));
	errno = 0;
	must(vmem_create_opts(&o) == NULL && errno == ENOMEM);
	must(fstat(fd, &st) == 0 && st.st_size == 0 && st.st_blocks == 0);
	return 0;
}

static void
create__fails_late__file_is_empty_again(void **state)
{
	int fd = open(test_dir(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(proc_run_child(without_prefault, &fd), 0);
	close(fd);
}

static void
create__full_file_system__file_is_empty_again(void **state)
{
	struct vmem_options o = sound();
	struct stat st;
	struct fs fs;

	(void)state;
	fs_mount_or_skip(&fs, FS_TMPFS, 16);
	o.source = VMEM_SOURCE_FD;
	o.fd = open(fs.path, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	assert_true(o.fd >= 0);
	o.size = 20 * MIB;
	o.max_size = 40 * MIB;
	errno = 0;
	assert_null(vmem_create_opts(&o));
	assert_error(ENOSPC, "posix_fallocate: No space left on device");
	assert_int_equal(fstat(o.fd, &st), 0);
	assert_int_equal(st.st_size, 0);
	assert_int_equal(st.st_blocks, 0);
	close(o.fd);
	assert_true(fs_unmount(&fs));
}

static void
create__more_memory_than_there_is__is_refused(void **state)
{
	static const int sources[] = {
		VMEM_SOURCE_MEMFD, VMEM_SOURCE_HUGETLB, VMEM_SOURCE_PRIVATE};

	(void)state;
	for (size_t i = 0; i < NELEM(sources); i++) {
		struct vmem_options o = sound();
		struct proc_count before = proc_count();

		o.source = sources[i];
		o.size = (size_t)1 << 43;
		errno = 0;
		assert_null(vmem_create_opts(&o));
		assert_error(ENOMEM,
			"8796093022208 bytes: more than the machine has");
		o.size = SIZE_MAX;
		errno = 0;
		assert_null(vmem_create_opts(&o));
		assert_int_equal(errno, ENOMEM);
		o.size = VMEM_MIN_POOL;
		o.max_size = SIZE_MAX;
		errno = 0;
		assert_null(vmem_create_opts(&o));
		assert_true(errno == ENOMEM || errno == EFBIG);
		assert_true(proc_is_unchanged(before));
	}
}

/* no_limit -- a file or a directory (fd) in memory that is without one */
static int
no_limit(void *arg)
{
	struct vmem_options o;
	struct stat st;
	char path[64];
	int fd = *(int *)arg;

	must(fstat(fd, &st) == 0);
	must(vmem_options_init(&o, sizeof(o)) == 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	o.size = (size_t)1 << 43;
	if (S_ISDIR(st.st_mode)) {
		o.path = path;
	} else {
		o.source = VMEM_SOURCE_FD;
		o.fd = fd;
	}
	/* were it to begin, it would not end well */
	must(proc_deny_syscall(__NR_fallocate, 0, 0, EDQUOT));
	errno = 0;
	must(vmem_create_opts(&o) == NULL && errno == ENOSPC);
	must(strcmp(vmem_errormsg(),
		     "posix_fallocate: No space left on device") == 0);
	must(fstat(fd, &st) == 0 && (S_ISDIR(st.st_mode) || st.st_size == 0));
	return 0;
}

static void
create__more_than_memory_without_a_limit__is_refused(void **state)
{
	static const enum fs_kind kinds[] = {FS_TMPFS, FS_RAMFS};
	int fd = memfd_create("test", MFD_CLOEXEC);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(proc_run_child(no_limit, &fd), 0);
	close(fd);
	for (size_t i = 0; i < NELEM(kinds); i++) {
		struct fs fs;

		fs_mount_or_skip(&fs, kinds[i], 16);
		must(kinds[i] != FS_TMPFS ||
			mount(NULL, fs.path, NULL, MS_REMOUNT, "size=0") == 0);
		fd = open(fs.path, O_DIRECTORY | O_RDONLY | O_CLOEXEC);
		assert_true(fd >= 0);
		assert_int_equal(proc_run_child(no_limit, &fd), 0);
		close(fd);
		assert_true(fs_unmount(&fs));
	}
}

/* grows_not -- before Linux 5.14 */
static int
grows_not(void *arg)
{
	int source = *(int *)arg;
	struct vmem_options o;

	must(vmem_options_init(&o, sizeof(o)) == 0);
	o.source = source;
	o.size = VMEM_MIN_POOL;
	o.max_size = 2 * VMEM_MIN_POOL;
	must(proc_deny_syscall(__NR_madvise, 2, 23, EINVAL));
	errno = 0;
	must(vmem_create_opts(&o) == NULL && errno == ENOTSUP);
	o.max_size = 0;
	must(vmem_create_opts(&o) != NULL);
	return 0;
}

static void
create__old_kernel__cannot_grow(void **state)
{
	static int sources[] = {VMEM_SOURCE_MEMFD, VMEM_SOURCE_PRIVATE};

	(void)state;
	for (size_t i = 0; i < NELEM(sources); i++)
		assert_int_equal(proc_run_child(grows_not, &sources[i]), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(create__contradictions__are_refused),
		cmocka_unit_test(init__no_struct__is_refused),
		cmocka_unit_test(create__node_that_is_not_there__is_refused),
		cmocka_unit_test(create__bad_descriptors__are_refused),
		cmocka_unit_test(create__fails_late__file_is_empty_again),
		cmocka_unit_test(create__full_file_system__file_is_empty_again),
		cmocka_unit_test(create__more_memory_than_there_is__is_refused),
		cmocka_unit_test(
			create__more_than_memory_without_a_limit__is_refused),
		cmocka_unit_test(create__old_kernel__cannot_grow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
