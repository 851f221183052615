/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * fork_left_out.c -- pools whose memory a forked child does not get, or gets
 * without what was in it, as memory that a device works on: MADV_DONTFORK and
 * MADV_WIPEONFORK.  They are no pools to the child.
 */
#include "harness/test.h"

#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define POOL_BYTES (16 * MIB)

static VMEM *
pool_open(int source)
{
	struct vmem_options o;
	VMEM *vmp;

	must(vmem_options_init(&o, sizeof(o)) == 0);
	o.size = POOL_BYTES;
	o.source = source;
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
	VMEM *vmp = pool_open(source), *other = pool_open(VMEM_SOURCE_PRIVATE);
	void *ptr = vmem_malloc(vmp, 100);
	pid_t pid;

	must(ptr != NULL);
	if (madvise(vmp, POOL_BYTES, advice) != 0)
		test_skip("the kernel does not offer that for this memory");
	pid = fork();
	must(pid >= 0);
	if (pid == 0) {
		use_none(vmp, ptr);
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

/* what the child may do does not depend on a descriptor that is free */
static void
fork__private_region_without_a_descriptor__is_the_childs(void **state)
{
	VMEM *vmp = pool_open(VMEM_SOURCE_REGION);
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
			fork__private_region_without_a_descriptor__is_the_childs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
