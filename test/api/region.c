/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * region.c -- vmem_create_in_region(): the guard page, and nothing outside
 */
#include "harness/test.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "harness/objects.h"
#include "harness/proc.h"
#include "harness/region.h"

static size_t
page_size(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

/* work_in -- use a pool for a while; it is consistent and empty again */
static void
work_in(VMEM *vmp, const char *name)
{
	struct objects set;
	struct rng rng;

	rng_init(&rng, name);
	objects_init(&set, vmp);
	objects_churn(&set, &rng, 20000, 4096);
	objects_fill(&set, &rng, 1, 64 * KIB);
	objects_verify(&set);
	assert_int_equal(vmem_check(vmp), 1);
	objects_fini(&set);
	assert_int_equal(vmem_check(vmp), 1);
}

static void
in_region__page_aligned__handle_is_the_address(void **state)
{
	struct region region;
	VMEM *vmp;

	(void)state;
	region_open(&region, VMEM_MIN_POOL);
	errno = E2BIG;
	vmp = vmem_create_in_region(region.addr, region.size);
	assert_int_equal(errno, E2BIG);
	assert_ptr_equal(vmp, region.addr);
	assert_int_equal(vmem_check(vmp), 1);
	vmem_delete(vmp);
	region_close(&region);
}

static void
in_region__any_page_and_size__stays_inside(void **state)
{
	static const size_t extra[] = {
		0, 1, 100, 4095, 4096, 4097, MIB - 1, 2 * MIB, 50 * MIB + 5};

	(void)state;
	for (size_t i = 0; i < NELEM(extra); i++) {
		struct region region;
		VMEM *vmp;

		region_open(&region, VMEM_MIN_POOL + extra[i]);
		vmp = vmem_create_in_region(region.addr, region.size);
		assert_non_null(vmp);
		region_assert_untouched(&region);
		work_in(vmp, __func__);
		region_assert_untouched(&region);
		vmem_delete(vmp);
		region_close(&region);
	}
}

/* a pool that starts at each page of a 4 MiB range in turn, in big steps */
static void
in_region__every_offset_to_large_pages__works(void **state)
{
	size_t step = 37 * 4096;
	char *map = mmap(NULL, VMEM_MIN_POOL + 4 * MIB, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	(void)state;
	assert_true(map != MAP_FAILED);
	for (size_t off = 0; off < 4 * MIB; off += step) {
		VMEM *vmp = vmem_create_in_region(map + off, VMEM_MIN_POOL);
		char *ptr;

		assert_ptr_equal(vmp, map + off);
		ptr = vmem_malloc(vmp, 12 * MIB);
		assert_non_null(ptr);
		ptr[0] = ptr[12 * MIB - 1] = 1;
		assert_true(ptr + 12 * MIB <= map + off + VMEM_MIN_POOL);
		assert_int_equal(vmem_check(vmp), 1);
		vmem_delete(vmp);
	}
	munmap(map, VMEM_MIN_POOL + 4 * MIB);
}

static void
in_region__full_of_random_bytes__works(void **state)
{
	(void)state;
	for (unsigned seed = 0; seed < 4; seed++) {
		struct region region;
		VMEM *vmp;

		region_open(&region, VMEM_MIN_POOL + seed * 4097);
		region_dirty(&region, seed);
		vmp = vmem_create_in_region(region.addr, region.size);
		assert_non_null(vmp);
		assert_int_equal(vmem_check(vmp), 1);
		work_in(vmp, __func__);
		vmem_delete(vmp);
		region_close(&region);
	}
}

/* the image of a live pool is no more than bytes */
static void
in_region__full_of_an_old_pool__starts_empty(void **state)
{
	struct region region, copy;
	struct objects set;
	struct rng rng;
	VMEM *vmp;

	(void)state;
	rng_init(&rng, __func__);
	region_open(&region, VMEM_MIN_POOL);
	region_open(&copy, VMEM_MIN_POOL);
	vmp = vmem_create_in_region(region.addr, region.size);
	assert_non_null(vmp);
	objects_init(&set, vmp);
	objects_fill(&set, &rng, 1, 8000);
	memcpy(copy.addr + page_size(), region.addr + page_size(),
		region.size - page_size());
	objects_fini(&set);
	vmem_delete(vmp);

	vmp = vmem_create_in_region(copy.addr, copy.size);
	assert_non_null(vmp);
	assert_int_equal(vmem_check(vmp), 1);
	assert_non_null(vmem_malloc(vmp, 12 * MIB));
	vmem_delete(vmp);
	region_close(&copy);
	region_close(&region);
}

static int
read_byte(void *addr)
{
	return *(volatile char *)addr != 0; /* dies */
}

static int
write_byte(void *addr)
{
	*(volatile char *)addr = 1; /* dies */
	return 0;
}

static void
assert_is_guard(char *page)
{
	size_t off[] = {0, 1, 64, page_size() / 2, page_size() - 1};

	for (size_t i = 0; i < NELEM(off); i++) {
		assert_int_equal(test_child(read_byte, page + off[i]),
			TEST_SIGNAL(SIGSEGV));
		assert_int_equal(test_child(write_byte, page + off[i]),
			TEST_SIGNAL(SIGSEGV));
	}
}

static void
in_region__first_page__is_a_guard_until_delete(void **state)
{
	struct region region;
	VMEM *vmp;

	(void)state;
	region_open(&region, VMEM_MIN_POOL);
	vmp = vmem_create_in_region(region.addr, region.size);
	assert_non_null(vmp);
	assert_is_guard(region.addr);
	work_in(vmp, __func__);
	assert_is_guard(region.addr);
	vmem_delete(vmp);
	memset(region.addr, 0x5a, region.size);
	for (size_t i = 0; i < region.size; i += 509)
		assert_int_equal(region.addr[i], 0x5a);
	region_close(&region);
}

static void
create__first_page_of_a_file_pool__is_a_guard(void **state)
{
	VMEM *vmp = test_file_pool(VMEM_MIN_POOL);

	(void)state;
	assert_is_guard((char *)vmp);
	vmem_delete(vmp);
}

static void
in_region__heap_memory__is_handed_back_usable(void **state)
{
	size_t size = VMEM_MIN_POOL + 4096;
	char *mem = aligned_alloc(page_size(), size);

	(void)state;
	assert_non_null(mem);
	memset(mem, 0xee, size);
	for (unsigned i = 0; i < 3; i++) {
		VMEM *vmp = vmem_create_in_region(mem, size);

		assert_non_null(vmp);
		work_in(vmp, __func__);
		vmem_delete(vmp);
		memset(mem, 0xee, size);
	}
	free(mem);
}

static char static_memory[VMEM_MIN_POOL] __attribute__((aligned(65536)));

static void
in_region__static_memory__works(void **state)
{
	VMEM *vmp = vmem_create_in_region(static_memory, sizeof(static_memory));

	(void)state;
	assert_non_null(vmp);
	work_in(vmp, __func__);
	vmem_delete(vmp);
	memset(static_memory, 1, sizeof(static_memory));
}

static void
in_region__shared_memory__works(void **state)
{
	char *mem = mmap(NULL, VMEM_MIN_POOL, PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	VMEM *vmp;

	(void)state;
	assert_true(mem != MAP_FAILED);
	vmp = vmem_create_in_region(mem, VMEM_MIN_POOL);
	assert_non_null(vmp);
	work_in(vmp, __func__);
	vmem_delete(vmp);
	memset(mem, 1, VMEM_MIN_POOL);
	munmap(mem, VMEM_MIN_POOL);
}

/* what the caller wrote into objects is the caller's until they are freed */
static void
in_region__private_file_mapping__keeps_objects(void **state)
{
	char path[4096];
	char *mem;
	VMEM *vmp;
	int fd;

	(void)state;
	snprintf(path, sizeof(path), "%s/region", test_dir());
	fd = open(path, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(ftruncate(fd, (off_t)VMEM_MIN_POOL), 0);
	mem = mmap(NULL, VMEM_MIN_POOL, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd,
		0);
	close(fd);
	assert_true(mem != MAP_FAILED);
	vmp = vmem_create_in_region(mem, VMEM_MIN_POOL);
	assert_non_null(vmp);
	work_in(vmp, __func__);
	vmem_delete(vmp);
	memset(mem, 1, VMEM_MIN_POOL);
	munmap(mem, VMEM_MIN_POOL);
}

static void
in_region__deleted__is_not_unmapped(void **state)
{
	struct region region;
	struct proc_count before;
	VMEM *vmp;

	(void)state;
	region_open(&region, VMEM_MIN_POOL);
	before = proc_count();
	vmp = vmem_create_in_region(region.addr, region.size);
	assert_non_null(vmp);
	vmem_delete(vmp);
	assert_true(proc_is_unchanged(before));
	assert_int_equal(
		msync(region.addr, region.size, MS_ASYNC), 0); /* all mapped */
	region_close(&region);
}

/* in_memory -- pages of the first size bytes that have memory behind them */
static size_t
in_memory(char *addr, size_t size)
{
	static unsigned char pages[8192];
	size_t npages = size / page_size();
	size_t n = 0;

	assert_true(npages <= sizeof(pages));
	assert_int_equal(mincore(addr, size, pages), 0);
	for (size_t i = 0; i < npages; i++)
		n += pages[i] & 1;
	return n;
}

static bool
is_zero(const char *at, size_t size)
{
	return at[0] == 0 && memcmp(at, at + 1, size - 1) == 0;
}

static void
in_region__large_and_untouched__stays_so(void **state)
{
	size_t size = (size_t)8 << 30;
	char *addr = mmap(NULL, size, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	VMEM *vmp;
	char *object;

	(void)state;
	assert_true(addr != MAP_FAILED);
	vmp = vmem_create_in_region(addr, size);
	assert_non_null(vmp);
	/* the metadata alone have 8 MiB */
	assert_true(in_memory(addr, 16 * MIB) < MIB / page_size());
	object = vmem_calloc(vmp, 1, 16 * MIB);
	assert_non_null(object);
	assert_true(is_zero(object, 16 * MIB));
	memset(object, 1, 16 * MIB);
	vmem_free(vmp, object);
	assert_int_equal(vmem_check(vmp), 1);
	vmem_delete(vmp);

	/* now it is not untouched any more */
	vmp = vmem_create_in_region(addr, size);
	assert_non_null(vmp);
	object = vmem_calloc(vmp, 1, 16 * MIB);
	assert_non_null(object);
	assert_true(is_zero(object, 16 * MIB));
	assert_int_equal(vmem_check(vmp), 1);
	vmem_delete(vmp);
	assert_int_equal(munmap(addr, size), 0);
}

static void
in_region__no_memory_there__is_refused(void **state)
{
	size_t size = VMEM_MIN_POOL, page = page_size();
	char *map = mmap(NULL, 2 * size, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	(void)state;
	assert_true(map != MAP_FAILED);
	assert_int_equal(munmap(map + size, size), 0);
	assert_null(vmem_create_in_region(map + size, size));
	assert_error(EINVAL, "no memory at %p, or not all of %zu bytes",
		(void *)(map + size), size);
	/* it ends a page later than the memory does */
	memset(map, 'x', page);
	assert_null(vmem_create_in_region(map, size + page));
	assert_error(EINVAL, "no memory at %p, or not all of %zu bytes",
		(void *)map, size + page);
	assert_int_equal(map[0], 'x');
	vmem_delete(vmem_create_in_region(map, size));
	assert_int_equal(munmap(map, size), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			in_region__page_aligned__handle_is_the_address),
		cmocka_unit_test(in_region__any_page_and_size__stays_inside),
		cmocka_unit_test(in_region__every_offset_to_large_pages__works),
		cmocka_unit_test(in_region__full_of_random_bytes__works),
		cmocka_unit_test(in_region__full_of_an_old_pool__starts_empty),
		cmocka_unit_test(
			in_region__first_page__is_a_guard_until_delete),
		cmocka_unit_test(create__first_page_of_a_file_pool__is_a_guard),
		cmocka_unit_test(in_region__heap_memory__is_handed_back_usable),
		cmocka_unit_test(in_region__static_memory__works),
		cmocka_unit_test(in_region__shared_memory__works),
		cmocka_unit_test(
			in_region__private_file_mapping__keeps_objects),
		cmocka_unit_test(in_region__deleted__is_not_unmapped),
		cmocka_unit_test(in_region__no_memory_there__is_refused),
		cmocka_unit_test(in_region__large_and_untouched__stays_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
