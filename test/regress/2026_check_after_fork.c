/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * 2026_check_after_fork.c -- vmem_check() of a process that once has forked
 *
 * A pool that a forked child may use is verified in a copy.  In that no free
 * page was looked into, and bits of a slab that look like an address of the
 * pool were other bits there: a sound pool could be called damaged.  And where
 * there was no memory for a copy there was no check.
 *
 * The address space is limited here, of which the sanitizers take much.
 *
 * ctest: not-asan not-tsan not-valgrind
 */
#include "harness/test.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/limit.h"

#define POOL_SIZE  ((size_t)16 << 20)
#define PAGE       ((size_t)4096)
#define OBJECT     ((size_t)64)
#define NOBJECTS   2048 /* more than a slab has */
#define WORD_BITS  64
#define LONE_BIT   45
#define LONE_PLACE ((void *)((uintptr_t)1 << LONE_BIT))

/* fork_once -- a child that ends, and first uses the pool, if there is one */
static void
fork_once(VMEM *vmp)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		if (vmp != NULL)
			vmem_free(vmp, vmem_malloc(vmp, OBJECT));
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
}

static void
write_into_free_pages(VMEM *vmp)
{
	for (size_t at = POOL_SIZE / 2; at < POOL_SIZE; at += PAGE)
		((char *)vmp)[at] = 1;
}

static void
check_after_fork__write_into_a_free_page__is_found(void **state)
{
	VMEM *vmp = vmem_create(test_dir(), POOL_SIZE);

	(void)state;
	assert_non_null(vmp);
	fork_once(NULL);
	assert_int_equal(vmem_check(vmp), 1);
	write_into_free_pages(vmp);
	assert_int_equal(vmem_check(vmp), 0);
	vmem_delete(vmp);
}

static void
check_after_fork__write_beside_a_child__is_not_called_fine(void **state)
{
	VMEM *vmp = vmem_create(test_dir(), POOL_SIZE);

	(void)state;
	assert_non_null(vmp);
	fork_once(vmp);
	assert_int_equal(vmem_check(vmp), 1);
	write_into_free_pages(vmp);
	assert_int_equal(vmem_check(vmp), -1);
	assert_int_equal(errno, EBUSY);
	vmem_delete(vmp);
}

static void
check_after_fork__no_memory_for_a_copy__is_done_in_place(void **state)
{
	size_t size = (size_t)1 << 30;
	void *region = mmap(NULL, size, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	VMEM *vmp;

	(void)state;
	assert_true(region != MAP_FAILED);
	vmp = vmem_create_in_region(region, size);
	assert_non_null(vmp);
	fork_once(NULL);
	limit_to(RLIMIT_AS, size + size / 2);
	assert_int_equal(vmem_check(vmp), 1);
	limit_to(RLIMIT_AS, RLIM_INFINITY);
	vmem_delete(vmp);
	(void)munmap(region, size);
}

static void
check_after_fork__bits_like_an_address__are_no_damage(void **state)
{
	void *region = mmap(LONE_PLACE, POOL_SIZE, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	char *objects[NOBJECTS];
	VMEM *vmp;

	(void)state;
	if (region != LONE_PLACE)
		skip();
	vmp = vmem_create_in_region(region, POOL_SIZE);
	assert_non_null(vmp);
	for (size_t i = 0; i < NOBJECTS; i++)
		objects[i] = vmem_malloc(vmp, OBJECT);
	/* the one of each word of bits that says where the pool lies */
	for (size_t i = 0; i < NOBJECTS; i++)
		if ((uintptr_t)objects[i] / OBJECT % WORD_BITS == LONE_BIT)
			vmem_free(vmp, objects[i]);
	assert_int_equal(vmem_thread_flush(vmp), 0);
	fork_once(NULL);
	assert_int_equal(vmem_check(vmp), 1);
	vmem_delete(vmp);
	(void)munmap(region, POOL_SIZE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			check_after_fork__write_into_a_free_page__is_found),
		cmocka_unit_test(
			check_after_fork__write_beside_a_child__is_not_called_fine),
		cmocka_unit_test(
			check_after_fork__no_memory_for_a_copy__is_done_in_place),
		cmocka_unit_test(
			check_after_fork__bits_like_an_address__are_no_damage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
