/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * device.c -- pools on a real device DAX
 */
#include "dax/device.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "harness/objects.h"
#include "harness/proc.h"

#define OLD_BYTE 0xa5

/* of a slow device only its beginning is given old contents, and filled */
#define SLOW_BYTES (1 * MIB)

static void
create__any_size__takes_the_whole_device(void **state)
{
	static const size_t sizes[] = {
		VMEM_MIN_POOL, VMEM_MIN_POOL + 1, 32 * MIB, (size_t)1 << 50};
	size_t size = device_size(), align = device_value("align");

	(void)state;
	for (size_t i = 0; i < NELEM(sizes); i++) {
		struct proc_count before = proc_count();
		uintptr_t start, end, last;
		char line[256];
		VMEM *vmp = vmem_create(device_node(), sizes[i]);

		assert_non_null(vmp);
		assert_int_equal((uintptr_t)vmp % align, 0);
		assert_int_equal((uintptr_t)vmp % POOL_ALIGNMENT, 0);
		assert_true(
			test_mapping(vmp, &start, &last, line, sizeof(line)));
		assert_int_equal(start, (uintptr_t)vmp);
		/* where pages can be split the first one is a guard */
		if (align == (size_t)sysconf(_SC_PAGESIZE)) {
			assert_int_equal(last - start, align);
			assert_false(proc_can_read(vmp));
		} else {
			assert_true(proc_can_read(vmp));
		}
		assert_true(test_mapping((char *)vmp + size - 1, &start, &end,
			line, sizeof(line)));
		assert_int_equal(end - (uintptr_t)vmp, size);
		assert_non_null(strstr(line, device_node()));
		assert_int_equal(vmem_check(vmp), 1);
		vmem_delete(vmp);
		assert_true(proc_is_unchanged(before));
	}
}

/* fill_slow -- as objects_fill(), of a device of which little is touched */
static void
fill_slow(struct objects *set, struct rng *rng)
{
	while (set->bytes < SLOW_BYTES)
		assert_true(objects_add(set, rng_between(rng, 1, 20 * KIB)));
}

static void
create__filled__keeps_all_objects(void **state)
{
	struct objects set;
	struct rng rng;
	VMEM *vmp = device_open();
	/* of the smallest pool a large object may be the first without room */
	size_t high = device_size() < 32 * MIB ? 10 * KIB : 100 * KIB;

	(void)state;
	rng_init(&rng, __func__);
	objects_init(&set, vmp);
	set.sparse = device_size() > 512 * MIB;
	for (unsigned round = 0; round < 2; round++) {
		if (device_is_slow()) {
			fill_slow(&set, &rng);
		} else if (set.sparse) {
			objects_fill(&set, &rng, 64 * KIB, 4 * MIB);
			assert_true(set.bytes > device_size() / 10 * 9);
		} else {
			objects_fill(&set, &rng, 1, high);
			assert_true(set.bytes > device_size() / 10 * 8);
		}
		objects_verify(&set);
		assert_int_equal(vmem_check(vmp), 1);
		objects_drop_half(&set, &rng);
		objects_churn(&set, &rng, device_is_slow() ? 50 : 500, 20000);
		objects_drop_all(&set);
		assert_int_equal(vmem_check(vmp), 1);
	}
	objects_fini(&set);
	vmem_delete(vmp);
}

/* is_zero -- and no more, so that the next one finds it as it was written */
static bool
is_zero(const unsigned char *p, size_t size)
{
	return p[0] == 0 && memcmp(p, p + 1, size - 1) == 0;
}

/* whatever the device holds: of an unknown user, or of a pool before */
static void
calloc__over_old_contents__is_zero(void **state)
{
	static const size_t sizes[] = {1, 48, 5000, 100000, 3 * MIB};
	size_t size = device_is_slow() ? SLOW_BYTES : device_size();
	size_t most = size < 64 * MIB ? size / 2 : 32 * MIB;
	unsigned char *map = device_map();

	(void)state;
	if (size > 512 * MIB)
		size = 64 * MIB;
	memset(map, OLD_BYTE, size);
	assert_int_equal(munmap(map, device_size()), 0);
	for (unsigned round = 0; round < 2; round++) {
		VMEM *vmp = device_open();
		size_t bytes = 0;

		assert_int_equal(vmem_check(vmp), 1);
		for (size_t i = 0; bytes < most; i++) {
			size_t n = sizes[i % NELEM(sizes)];
			unsigned char *p = vmem_calloc(vmp, 1, n);

			assert_non_null(p);
			assert_true(is_zero(p, n));
			memset(p, OLD_BYTE, n);
			bytes += n;
			if (i % 3 == 0)
				vmem_free(vmp, p);
		}
		assert_int_equal(vmem_check(vmp), 1);
		vmem_delete(vmp);
	}
}

static int
expect_busy(void *arg)
{
	struct proc_count before = proc_count();

	(void)arg;
	errno = 0;
	if (vmem_create(device_node(), VMEM_MIN_POOL) != NULL)
		return 1;
	if (errno != EBUSY)
		return 2;
	if (strcmp(vmem_errormsg(), "flock: Device or resource busy") != 0)
		return 3;
	return proc_is_unchanged(before) ? 0 : 4;
}

static int
expect_free(void *arg)
{
	VMEM *vmp = vmem_create(device_node(), VMEM_MIN_POOL);

	(void)arg;
	if (vmp == NULL)
		return 1;
	vmem_delete(vmp);
	return 0;
}

static void
create__device_in_use__gives_ebusy(void **state)
{
	VMEM *vmp = device_open();
	char *text = vmem_strdup(vmp, "untouched");

	(void)state;
	assert_int_equal(test_child(expect_busy, NULL), 0);
	assert_int_equal(expect_busy(NULL), 0);
	assert_string_equal(text, "untouched");
	assert_int_equal(vmem_check(vmp), 1);
	vmem_delete(vmp);
	assert_int_equal(test_child(expect_free, NULL), 0);
}

static int
die_with_a_pool(void *arg)
{
	VMEM *vmp = device_open();

	(void)arg;
	memset(vmem_malloc(vmp, MIB), OLD_BYTE, MIB);
	(void)raise(SIGKILL);
	return 0;
}

static void
create__user_was_killed__is_free_again(void **state)
{
	(void)state;
	assert_int_equal(
		test_child(die_with_a_pool, NULL), TEST_SIGNAL(SIGKILL));
	assert_int_equal(expect_free(NULL), 0);
}

struct exchange {
	VMEM *vmp;
	char *from_parent;
	char **from_child; /* in the pool */
};

static int
use_as_child(void *arg)
{
	struct exchange *x = arg;

	if (strcmp(x->from_parent, "parent") != 0)
		return 1;
	vmem_free(x->vmp, x->from_parent);
	*x->from_child = vmem_strdup(x->vmp, "child");
	return *x->from_child == NULL;
}

/* a device cannot be mapped private: an inherited pool is the parent's */
static void
fork__pool_of_libvmem__is_shared_with_the_child(void **state)
{
	struct exchange x = {.vmp = device_open()};

	(void)state;
	x.from_parent = vmem_strdup(x.vmp, "parent");
	x.from_child = vmem_calloc(x.vmp, 1, sizeof(char *));
	assert_non_null(x.from_child);
	assert_int_equal(test_child(use_as_child, &x), 0);
	assert_non_null(*x.from_child);
	assert_string_equal(*x.from_child, "child");
	vmem_free(x.vmp, *x.from_child);
	assert_int_equal(vmem_check(x.vmp), 1);
	vmem_delete(x.vmp);
}

/* the lock is the pool's, and ends with the last process that has it */
static void
fork__child_outlives_the_pool__keeps_the_device(void **state)
{
	VMEM *vmp = device_open();
	int fd[2], status;
	char byte;
	pid_t pid;

	(void)state;
	assert_int_equal(pipe(fd), 0);
	pid = fork();
	if (pid == 0) {
		close(fd[1]);
		_exit(read(fd[0], &byte, 1) == 0 ? 0 : 1);
	}
	assert_true(pid > 0);
	vmem_delete(vmp);
	assert_int_equal(expect_busy(NULL), 0);
	close(fd[0]);
	close(fd[1]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(expect_free(NULL), 0);
}

/* memory of the caller that happens to be a device */
static void
create_in_region__on_a_mapped_device__works(void **state)
{
	size_t size = device_size();
	unsigned char *map = device_map();
	VMEM *vmp;

	(void)state;
	memset(map, OLD_BYTE, MIB);
	vmp = vmem_create_in_region(map, size);
	assert_ptr_equal(vmp, map);
	assert_true(is_zero(vmem_calloc(vmp, 1, MIB), MIB));
	assert_int_equal(vmem_check(vmp), 1);
	vmem_delete(vmp);
	memset(map, OLD_BYTE, MIB);
	assert_int_equal(munmap(map, size), 0);
}

static int
create_without_huge_pages(void *arg)
{
	struct proc_count before = proc_count();

	(void)arg;
	must(prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0) == 0);
	errno = 0;
	if (vmem_create(device_node(), VMEM_MIN_POOL) != NULL)
		return 1;
	if (errno != ENOMEM)
		return 2;
	if (strcmp(vmem_errormsg(), "device DAX: this process gets no pages") !=
		0)
		return 4;
	return proc_is_unchanged(before) ? 0 : 3;
}

/* the kernel would raise SIGBUS in such a process */
static void
create__huge_pages_denied__is_refused(void **state)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	(void)state;
	assert_int_equal(test_child(create_without_huge_pages, NULL),
		device_value("align") == page ? 1 : 0);
	assert_int_equal(expect_free(NULL), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(create__any_size__takes_the_whole_device),
		cmocka_unit_test(create__filled__keeps_all_objects),
		cmocka_unit_test(calloc__over_old_contents__is_zero),
		cmocka_unit_test(create__device_in_use__gives_ebusy),
		cmocka_unit_test(create__user_was_killed__is_free_again),
		cmocka_unit_test(
			fork__pool_of_libvmem__is_shared_with_the_child),
		cmocka_unit_test(
			fork__child_outlives_the_pool__keeps_the_device),
		cmocka_unit_test(create_in_region__on_a_mapped_device__works),
		cmocka_unit_test(create__huge_pages_denied__is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
