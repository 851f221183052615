/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * fork_left_out.c -- pools whose memory a forked child does not get, or gets
 * without what was in it, as memory that a device works on: MADV_DONTFORK and
 * MADV_WIPEONFORK.  They are no pools to the child.
 */
#include "harness/test.h"

#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define POOL_BYTES (16 * MIB)

static VMEM *
pool_open(int source, int level)
{
	struct vmem_options o;
	VMEM *vmp;

	must(vmem_options_init(&o, sizeof(o)) == 0);
	o.size = POOL_BYTES;
	o.source = source;
	o.hardening = level;
	if (source == VMEM_SOURCE_REGION) {
		o.addr = mmap(NULL, POOL_BYTES, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		must(o.addr != MAP_FAILED);
	}
	vmp = vmem_create_opts(&o);
	must(vmp != NULL);
	return vmp;
}

static int
visit(void *ptr, size_t usable, void *arg)
{
	(void)ptr;
	(void)usable;
	(void)arg;
	return 0;
}

/* use_none -- every call says that there is no such pool */
static void
use_none(VMEM *vmp, void *ptr)
{
	struct vmem_stats stats;

	errno = 0;
	must(vmem_malloc(vmp, 100) == NULL && errno == EINVAL);
	vmem_free(vmp, ptr);
	errno = 0;
	must(vmem_realloc(vmp, ptr, 1000) == NULL && errno == EINVAL);
	must(vmem_check(vmp) == -1 && errno == EINVAL);
	must(vmem_stats_get(vmp, &stats, sizeof(stats)) == -1);
	must(vmem_walk(vmp, visit, NULL) == -1);
	must(vmem_trim(vmp, 0) == -1);
	must(vmem_reset(vmp) == -1);
	must(vmem_pool_of(ptr) == NULL);
	vmem_stats_print(vmp, NULL);
	vmem_delete(vmp);
}

/* end -- the child has ended well, and the parent's pool is as it was */
static void
end(VMEM *vmp, void *ptr, pid_t pid)
{
	int status;

	must(waitpid(pid, &status, 0) == pid);
	assert_int_equal(status, 0);
	assert_int_equal(vmem_check(vmp), 1);
	vmem_free(vmp, ptr);
	vmem_delete(vmp);
}

static void
leave_out(int source, int advice)
{
	VMEM *vmp = pool_open(source, 1),
	     *other = pool_open(VMEM_SOURCE_PRIVATE, 1);
	void *ptr = vmem_malloc(vmp, 100);
	pid_t pid;

	must(ptr != NULL);
	if (madvise(vmp, POOL_BYTES, advice) != 0)
		test_skip("the kernel does not offer that for this memory");
	pid = fork();
	must(pid >= 0);
	if (pid == 0) {
		use_none(vmp, ptr);
		/* what is there is the program's, the first page too */
		if (source == VMEM_SOURCE_REGION && advice == MADV_WIPEONFORK)
			*(volatile char *)vmp = 1;
		/* others are as they were */
		must(vmem_malloc(other, 100) != NULL);
		must(vmem_check(other) == 1);
		_exit(0);
	}
	end(vmp, ptr, pid);
	vmem_delete(other);
}

static void
fork__pools_left_out__are_none_to_the_child(void **state)
{
	static const int sources[] = {
		VMEM_SOURCE_PRIVATE, VMEM_SOURCE_MEMFD, VMEM_SOURCE_REGION};

	(void)state;
	for (size_t i = 0; i < NELEM(sources); i++)
		leave_out(sources[i], MADV_DONTFORK);
}

static void
fork__pools_wiped__are_none_to_the_child(void **state)
{
	(void)state;
	leave_out(VMEM_SOURCE_PRIVATE, MADV_WIPEONFORK);
	leave_out(VMEM_SOURCE_REGION, MADV_WIPEONFORK);
}

/* leave_out_twice -- a child that has the pool from its parent leaves it out */
static void
leave_out_twice(int source, bool used)
{
	VMEM *vmp = pool_open(source, 1);
	void *ptr = vmem_malloc(vmp, 100);
	pid_t pid = fork();
	int status;

	must(ptr != NULL && pid >= 0);
	if (pid == 0) {
		if (used)
			must(vmem_malloc(vmp, 100) != NULL);
		must(madvise(vmp, POOL_BYTES, MADV_DONTFORK) == 0);
		pid = fork();
		must(pid >= 0);
		if (pid == 0) {
			use_none(vmp, ptr);
			_exit(0);
		}
		must(waitpid(pid, &status, 0) == pid && status == 0);
		_exit(0);
	}
	end(vmp, ptr, pid);
}

static void
fork__pools_a_child_leaves_out__are_none_to_its_child(void **state)
{
	static const int sources[] = {
		VMEM_SOURCE_PRIVATE, VMEM_SOURCE_MEMFD, VMEM_SOURCE_REGION};

	(void)state;
	for (size_t i = 0; i < NELEM(sources); i++) {
		leave_out_twice(sources[i], false);
		leave_out_twice(sources[i], true);
	}
}

/* count -- a live object of the walk */
static int
count(void *ptr, size_t usable, void *arg)
{
	size_t *n = arg;

	must(ptr != NULL && usable > 0);
	(*n)++;
	return 0;
}

enum { NSMALL = 3000, NLARGE = 4 };

/* fill -- some are free again, and wait where the pool lets them wait */
static void
fill(VMEM *vmp, char *small[NSMALL], char *large[NLARGE])
{
	for (size_t i = 0; i < NSMALL; i++)
		must((small[i] = vmem_malloc(vmp, 100)) != NULL);
	for (size_t i = 0; i < NLARGE; i++)
		must((large[i] = vmem_malloc(vmp, 100000)) != NULL);
	for (size_t i = 0; i < NSMALL; i += 2)
		vmem_free(vmp, small[i]);
	vmem_free(vmp, large[1]);
}

/* keep_from_child -- of all pages of these objects */
static void
keep_from_child(char *p, size_t size)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t into = (uintptr_t)p % page;

	must(madvise(p - into, into + size, MADV_DONTFORK) == 0);
}

/* use_rest -- the child's pool but for the first objects of each kind */
static void
use_rest(VMEM *vmp, char *small[NSMALL], char *large[NLARGE])
{
	size_t n = 0;
	void *ptr;

	must(vmem_check(vmp) == 1);
	/* what waits and is not there cannot be told from live objects */
	must(vmem_walk(vmp, count, &n) == 0);
	must(n >= NSMALL / 2 + NLARGE - 1);
	must(vmem_malloc_usable_size(vmp, small[1]) >= 100);
	must(vmem_malloc_usable_size(vmp, large[0]) >= 100000);
	/* enough for all that waits to have its turn */
	for (size_t i = 3 * NSMALL / 4 + 1; i < NSMALL - 3; i += 2)
		vmem_free(vmp, small[i]);
	vmem_free(vmp, large[NLARGE - 1]);
	for (size_t i = 0; i < NSMALL; i++)
		vmem_free(vmp, vmem_malloc(vmp, 100));
	ptr = vmem_malloc(vmp, 200000);
	must(ptr != NULL);
	memset(ptr, 1, 200000);
	must(vmem_check(vmp) == 1);
	/* what is there is still looked at */
	small[NSMALL - 3][100]++;
	must(vmem_check(vmp) == 0);
}

/* at the level at which objects are looked at, not only what leads to them */
static void
fork__objects_left_out__are_passed_by(void **state)
{
	static const int sources[] = {VMEM_SOURCE_PRIVATE, VMEM_SOURCE_REGION};
	char *small[NSMALL], *large[NLARGE];

	(void)state;
	for (size_t i = 0; i < NELEM(sources); i++) {
		VMEM *vmp = pool_open(sources[i], 3);
		pid_t pid;

		fill(vmp, small, large);
		/* live ones, and some that wait */
		keep_from_child(small[1], 100);
		keep_from_child(small[NSMALL / 2], 100);
		keep_from_child(large[0], 100000);
		keep_from_child(large[1], 100000);
		pid = fork();
		must(pid >= 0);
		if (pid == 0) {
			use_rest(vmp, small, large);
			_exit(0);
		}
		end(vmp, large[0], pid);
	}
}

/* what the child may do does not depend on a descriptor that is free */
static void
fork__private_region_without_a_descriptor__is_the_childs(void **state)
{
	VMEM *vmp = pool_open(VMEM_SOURCE_REGION, 1);
	void *ptr = vmem_malloc(vmp, 100);
	pid_t pid;

	(void)state;
	must(ptr != NULL);
	pid = fork();
	must(pid >= 0);
	if (pid == 0) {
		must(setrlimit(RLIMIT_NOFILE, &(struct rlimit){0, 0}) == 0);
		must(vmem_malloc(vmp, 100) != NULL);
		must(vmem_walk(vmp, visit, NULL) == 0);
		must(vmem_reset(vmp) == 0);
		_exit(0);
	}
	end(vmp, ptr, pid);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fork__pools_left_out__are_none_to_the_child),
		cmocka_unit_test(fork__pools_wiped__are_none_to_the_child),
		cmocka_unit_test(
			fork__pools_a_child_leaves_out__are_none_to_its_child),
		cmocka_unit_test(fork__objects_left_out__are_passed_by),
		cmocka_unit_test(
			fork__private_region_without_a_descriptor__is_the_childs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
