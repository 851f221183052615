/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * 2026_lost_inner.c -- a region in an object of a pool that is deleted first
 *
 * The outer pool's memory is unmapped by its deletion.  The deletion of the
 * inner one then failed with ENOMEM for good, or made a page writable that was
 * somebody else's by then.
 */
#include "harness/test.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#define INNER_BYTES (VMEM_MIN_POOL + MIB)

/* lose -- an inner pool whose memory is unmapped */
static VMEM *
lose(void)
{
	VMEM *outer = test_file_pool(4 * VMEM_MIN_POOL), *inner;
	void *mem = vmem_aligned_alloc(
		outer, (size_t)sysconf(_SC_PAGESIZE), INNER_BYTES);

	must(mem != NULL);
	inner = vmem_create_in_region(mem, INNER_BYTES);
	must(inner != NULL);
	vmem_delete(outer);
	return inner;
}

static int
delete_the_inner_one(void *arg)
{
	VMEM *inner = lose();

	(void)arg;
	errno = 0;
	vmem_delete(inner);
	must(errno == 0);
	vmem_delete(inner);
	must(errno == EINVAL);
	return 0;
}

static void
delete__of_a_region_in_a_deleted_pool__forgets_it(void **state)
{
	(void)state;
	assert_int_equal(test_child(delete_the_inner_one, NULL), 0);
}

static int
its_first_page_is_anothers(void *arg)
{
	VMEM *inner = lose();
	char *page = mmap(inner, INNER_BYTES, PROT_READ,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	int fds[2];

	(void)arg;
	must(page == (char *)inner && pipe(fds) == 0);
	vmem_delete(inner);
	/* the kernel is asked to write there */
	must(write(fds[1], "x", 1) == 1);
	must(read(fds[0], page, 1) == -1 && errno == EFAULT);
	return 0;
}

static void
delete__others_have_the_first_page__leaves_it_alone(void **state)
{
	(void)state;
	assert_int_equal(test_child(its_first_page_is_anothers, NULL), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			delete__of_a_region_in_a_deleted_pool__forgets_it),
		cmocka_unit_test(
			delete__others_have_the_first_page__leaves_it_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
