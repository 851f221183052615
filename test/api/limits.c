/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * limits.c -- a process that may have no more: files, memory, descriptors
 *
 * Each case runs in a child that sets the limit, and none may end by a signal.
 *
 * ctest: timeout=300
 */
#include "harness/test.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "harness/fs.h"
#include "harness/limit.h"
#include "harness/objects.h"
#include "harness/proc.h"

/* must_refuse -- ten times the same error, and nothing is left behind */
static void
must_refuse(const char *dir, size_t size, int err)
{
	for (unsigned i = 0; i < 10; i++) {
		errno = 0;
		must(vmem_create(dir, size) == NULL);
		must(errno == err);
		must(strlen(vmem_errormsg()) > 0);
		must(strstr(vmem_errormsg(), strerror(err)) != NULL);
	}
}

static void
must_work(VMEM *vmp)
{
	struct objects set;
	struct rng rng;

	must(vmp != NULL);
	rng_init_from(&rng, 1);
	objects_init(&set, vmp);
	objects_churn(&set, &rng, 3000, 20000);
	objects_verify(&set);
	must(vmem_check(vmp) == 1);
	objects_fini(&set);
	vmem_delete(vmp);
}

static int
run_with_file_size_limit(void *dir)
{
	struct proc_count before = proc_count();

	limit_to(RLIMIT_FSIZE, MIB);
	must_refuse(dir, VMEM_MIN_POOL, EFBIG);
	must(proc_is_unchanged(before));
	must_work(test_pool(VMEM_MIN_POOL)); /* needs no file */
	limit_to(RLIMIT_FSIZE, VMEM_MIN_POOL);
	must_refuse(dir, VMEM_MIN_POOL + 4096, EFBIG);
	must_work(vmem_create(dir, VMEM_MIN_POOL));
	return 0;
}

/* run_in_dir -- run the child with a directory of the parent's */
static void
run_in_dir(int (*fn)(void *dir))
{
	char dir[4096];

	snprintf(dir, sizeof(dir), "%s", test_dir());
	assert_int_equal(test_child(fn, dir), 0);
	assert_int_equal(fs_nfiles(dir), 0);
}

static void
create__beyond_the_file_size_limit__gives_efbig(void **state)
{
	(void)state;
	run_in_dir(run_with_file_size_limit);
}

static int
run_with_address_space_limit(void *dir)
{
	struct proc_count before = proc_count();
	size_t vm_size = test_vm_size();

	limit_to(RLIMIT_AS, vm_size + VMEM_MIN_POOL / 2);
	must_refuse(dir, VMEM_MIN_POOL, ENOMEM);
	must_refuse(dir, 64 * MIB, ENOMEM);
	must(proc_is_unchanged(before));
	limit_to(RLIMIT_AS, RLIM_INFINITY);
	must(test_vm_size() <= vm_size + MIB);
	must_work(vmem_create(dir, VMEM_MIN_POOL));
	return 0;
}

static void
create__beyond_the_address_space_limit__gives_enomem(void **state)
{
	(void)state;
	if (TEST_SANITIZED)
		test_skip("the sanitizer needs the address space");
	run_in_dir(run_with_address_space_limit);
}

/* what is there goes on under the limit: nothing is mapped for an object */
static int
allocate_with_no_address_space(void *arg)
{
	VMEM *vmp = test_pool(32 * MIB);
	void *ptr[1000];

	(void)arg;
	vmem_free(vmp, vmem_malloc(vmp, 1));
	limit_to(RLIMIT_AS, 0);
	for (size_t i = 0; i < NELEM(ptr); i++) {
		ptr[i] = vmem_malloc(vmp, i * 16);
		must(ptr[i] != NULL);
		memset(ptr[i], 1, i * 16);
	}
	for (size_t i = 0; i < NELEM(ptr); i++)
		vmem_free(vmp, ptr[i]);
	must(vmem_malloc(vmp, 27 * MIB) != NULL);
	/* the check may want memory of its own, and says so then */
	errno = 0;
	must(vmem_check(vmp) == 1 || errno == ENOMEM);
	vmem_delete(vmp);
	return 0;
}

static void
malloc__no_address_space_left__goes_on(void **state)
{
	(void)state;
	if (TEST_SANITIZED)
		test_skip("the sanitizer needs the address space");
	assert_int_equal(test_child(allocate_with_no_address_space, NULL), 0);
}

static int
run_without_descriptors(void *dir)
{
	struct rlimit limit;
	int fd, last = -1;

	must(getrlimit(RLIMIT_NOFILE, &limit) == 0);
	limit_to(RLIMIT_NOFILE, 64);
	while ((fd = open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0)
		last = fd;
	must(errno == EMFILE && last >= 0);
	must_refuse(dir, VMEM_MIN_POOL, EMFILE);
	must_work(test_pool(VMEM_MIN_POOL)); /* needs none */
	close(last);
	must_work(vmem_create(dir, VMEM_MIN_POOL)); /* needs one */
	return 0;
}

static void
create__no_descriptor_left__gives_emfile(void **state)
{
	(void)state;
	run_in_dir(run_without_descriptors);
}

/* locked memory is nothing that a pool asks for */
static int
run_without_locked_memory(void *dir)
{
	limit_to(RLIMIT_MEMLOCK, 0);
	must_work(vmem_create(dir, VMEM_MIN_POOL));
	must_work(test_pool(VMEM_MIN_POOL));
	return 0;
}

static void
create__no_locked_memory_allowed__works(void **state)
{
	(void)state;
	run_in_dir(run_without_locked_memory);
}

/* no new mappings at all: the guard page of a region would split one */
static int
run_at_the_mapping_limit(void *arg)
{
	size_t page = 4096, n = 0;
	char *addr = mmap(NULL, VMEM_MIN_POOL, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *many = mmap(NULL, 200000 * page, PROT_NONE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	VMEM *vmp;

	must(addr != MAP_FAILED && many != MAP_FAILED);
	while (n < 200000 && mprotect(many + n * page, page, PROT_READ) == 0)
		n += 2;
	if (n >= 200000)
		return TEST_EXIT_SKIPPED;
	errno = 0;
	vmp = vmem_create_in_region(addr, VMEM_MIN_POOL);
	must(vmp != NULL || errno == ENOMEM);
	if (vmp != NULL) {
		must(vmem_malloc(vmp, 12 * MIB) != NULL);
		vmem_delete(vmp);
	}
	errno = 0;
	must(vmem_create(arg, VMEM_MIN_POOL) == NULL || errno == 0);
	must(errno == 0 || errno == ENOMEM);
	addr[0] = addr[VMEM_MIN_POOL - 1] = 1;
	return 0;
}

static void
create__no_mapping_left__is_no_crash(void **state)
{
	char dir[4096];
	int code;

	(void)state;
	if (TEST_SANITIZED)
		test_skip("the sanitizer needs mappings");
	snprintf(dir, sizeof(dir), "%s", test_dir());
	code = test_child(run_at_the_mapping_limit, dir);
	if (code == TEST_EXIT_SKIPPED)
		test_skip("this system has no limit of mappings in reach");
	assert_int_equal(code, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			create__beyond_the_file_size_limit__gives_efbig),
		cmocka_unit_test(
			create__beyond_the_address_space_limit__gives_enomem),
		cmocka_unit_test(malloc__no_address_space_left__goes_on),
		cmocka_unit_test(create__no_descriptor_left__gives_emfile),
		cmocka_unit_test(create__no_locked_memory_allowed__works),
		cmocka_unit_test(create__no_mapping_left__is_no_crash),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
