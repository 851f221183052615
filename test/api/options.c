/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * options.c -- vmem_create_opts(): every source, and structs of other lengths
 *
 * ctest: timeout=120
 */
#include "harness/test.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "harness/options.h"
#include "harness/proc.h"

static void
init__default_options__are_as_told(void **state)
{
	struct vmem_options o;

	(void)state;
	memset(&o, 0xff, sizeof(o));
	errno = EDOM;
	assert_int_equal(vmem_options_init(&o, sizeof(o)), 0);
	assert_int_equal(errno, EDOM);
	assert_int_equal(o.struct_size, sizeof(o));
	assert_int_equal(o.source, VMEM_SOURCE_PATH);
	assert_int_equal(o.fd, -1);
	assert_null(o.path);
	assert_null(o.addr);
	assert_int_equal(o.size, 0);
	assert_int_equal(o.max_size, 0);
	assert_int_equal(o.sparse + o.prefault + o.huge_pages, 0);
	assert_int_equal(o.give_back, VMEM_GIVE_NONE);
	assert_int_equal(o.numa, VMEM_NUMA_DEFAULT);
	assert_int_equal(o.decay_ms, VMEM_DECAY_DEFAULT);
	assert_null(o.numa_nodes);
	assert_null(o.name);
	assert_int_equal(o.hardening, VMEM_HARDENING_DEFAULT);
	assert_int_equal(o.reserved, 0);
}

static void
create__path__is_as_vmem_create(void **state)
{
	struct proc_count before = proc_count();
	struct vmem_options o = options_of(VMEM_SOURCE_PATH);
	VMEM *vmp;

	(void)state;
	o.path = test_dir();
	vmp = create(&o);
	assert_int_equal((uintptr_t)vmp % POOL_ALIGNMENT, 0);
	assert_int_equal(proc_count().nfds, before.nfds);
	assert_int_equal(stats_of(vmp).mapped, POOL_BYTES);
	assert_true(use(vmp) > POOL_BYTES * 3 / 4);
	vmem_delete(vmp);
	assert_true(proc_is_unchanged(before));
}

static void
create__descriptor__stays_open_and_untouched(void **state)
{
	struct vmem_options o = options_of(VMEM_SOURCE_FD);
	int fd = temp_file(test_dir());
	struct proc_count before = proc_count();
	VMEM *vmp;

	(void)state;
	assert_int_equal(lseek(fd, 77, SEEK_SET), 77);
	o.fd = fd;
	vmp = create(&o);
	assert_int_equal(proc_count().nfds, before.nfds);
	assert_int_equal(file_bytes(fd), POOL_BYTES);
	assert_true(blocks_bytes(fd) >= POOL_BYTES);
	assert_int_equal(lseek(fd, 0, SEEK_CUR), 77);
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	assert_true(use(vmp) > POOL_BYTES * 3 / 4);
	vmem_delete(vmp);
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	assert_true(proc_is_unchanged(before));
	close(fd);
}

static void
create__descriptor_is_closed__pool_lives(void **state)
{
	struct vmem_options o = options_of(VMEM_SOURCE_FD);
	VMEM *vmp;

	(void)state;
	o.fd = temp_file(test_dir());
	vmp = create(&o);
	close(o.fd);
	assert_true(use(vmp) > POOL_BYTES * 3 / 4);
	vmem_delete(vmp);
}

static void
create__region__handle_is_its_address(void **state)
{
	struct vmem_options o = options_of(VMEM_SOURCE_REGION);
	VMEM *vmp;

	(void)state;
	o.addr = mmap(NULL, POOL_BYTES, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(o.addr, MAP_FAILED);
	vmp = create(&o);
	assert_ptr_equal(vmp, o.addr);
	assert_true(use(vmp) > POOL_BYTES * 3 / 4);
	/* nobody has allowed it */
	assert_int_equal(vmem_trim(vmp, 0), 0);
	vmem_delete(vmp);
	assert_int_equal(munmap(o.addr, POOL_BYTES), 0);
}

/* in a region of that mapping, given back like this */
static void
region_gives_back(int flags, int give)
{
	struct vmem_options o = options_of(VMEM_SOURCE_REGION);
	VMEM *vmp;

	o.addr = mmap(NULL, POOL_BYTES, PROT_READ | PROT_WRITE,
		flags | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(o.addr, MAP_FAILED);
	o.give_back = give;
	vmp = create(&o);
	(void)use(vmp);
	assert_int_equal(vmem_trim(vmp, 0), 1);
	assert_true(test_resident(o.addr, POOL_BYTES) <= POOL_BYTES / 50);
	assert_true(use(vmp) > POOL_BYTES * 3 / 4);
	vmem_delete(vmp);
	assert_int_equal(munmap(o.addr, POOL_BYTES), 0);
}

static void
create__region_that_gives_back__does(void **state)
{
	(void)state;
	region_gives_back(MAP_PRIVATE, VMEM_GIVE_DONTNEED);
	region_gives_back(MAP_SHARED, VMEM_GIVE_REMOVE);
}

static void
create__region_that_cannot_give_back_so__is_refused(void **state)
{
	struct vmem_options o = options_of(VMEM_SOURCE_REGION);
	char *p = mmap(NULL, POOL_BYTES, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)state;
	assert_ptr_not_equal(p, MAP_FAILED);
	memset(p, 'x', POOL_BYTES);
	o.addr = p;
	o.give_back = VMEM_GIVE_REMOVE;
	errno = 0;
	assert_null(vmem_create_opts(&o));
	assert_error(EINVAL, "madvise: Invalid argument");
	assert_int_equal(p[0], 'x');
	assert_memory_equal(p, p + 1, POOL_BYTES - 1);
	assert_int_equal(munmap(p, POOL_BYTES), 0);
	/* a shared mapping keeps what it holds when the page is dropped */
	p = mmap(NULL, POOL_BYTES, PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(p, MAP_FAILED);
	o.addr = p;
	o.give_back = VMEM_GIVE_DONTNEED;
	errno = 0;
	assert_null(vmem_create_opts(&o));
	assert_error(
		EINVAL, "the region's pages cannot be given back like this");
	assert_int_equal(munmap(p, POOL_BYTES), 0);
}

static void
create__memfd_and_private__are_there_and_go(void **state)
{
	static const int sources[] = {VMEM_SOURCE_MEMFD, VMEM_SOURCE_PRIVATE};

	(void)state;
	for (size_t i = 0; i < NELEM(sources); i++) {
		struct proc_count before = proc_count();
		struct vmem_options o = options_of(sources[i]);
		VMEM *vmp = create(&o);

		assert_int_equal((uintptr_t)vmp % POOL_ALIGNMENT, 0);
		assert_int_equal(proc_count().nfds, before.nfds);
		assert_true(use(vmp) > POOL_BYTES * 3 / 4);
		assert_int_equal(vmem_trim(vmp, 0), 1);
		assert_true(test_resident(vmp, POOL_BYTES) <= POOL_BYTES / 50);
		assert_true(use(vmp) > POOL_BYTES * 3 / 4);
		vmem_delete(vmp);
		assert_true(proc_is_unchanged(before));
	}
}

/* change -- in the child; what the parent sees of it is the question */
static int
change(void *arg)
{
	char **object = arg;
	VMEM *vmp = vmem_pool_of(object[0]);

	object[0][0] = 'c';
	vmem_free(vmp, object[1]);
	for (int i = 0; i < 1000; i++)
		must(vmem_malloc(vmp, 1000) != NULL);
	return vmem_check(vmp);
}

static void
create__fork__private_is_copied_and_memfd_shared(void **state)
{
	static const int sources[] = {VMEM_SOURCE_PRIVATE, VMEM_SOURCE_MEMFD};

	(void)state;
	for (size_t i = 0; i < NELEM(sources); i++) {
		struct vmem_options o = options_of(sources[i]);
		VMEM *vmp = create(&o);
		char *object[2] = {
			vmem_malloc(vmp, 100), vmem_malloc(vmp, 100)};

		assert_true(object[0] != NULL && object[1] != NULL);
		object[0][0] = 'p';
		assert_int_equal(test_child(change, object), 1);
		assert_int_equal(object[0][0], i == 0 ? 'p' : 'c');
		if (i == 0)
			assert_int_equal(stats_of(vmp).allocated, 2 * 112);
		assert_int_equal(vmem_check(vmp), 1);
		vmem_delete(vmp);
	}
}

static void
create__old_struct__gets_the_defaults(void **state)
{
	struct vmem_options o;
	size_t old = offsetof(struct vmem_options, max_size);
	VMEM *vmp;

	(void)state;
	memset(&o, 0xff, sizeof(o)); /* what is behind it is not read */
	assert_int_equal(vmem_options_init(&o, old), 0);
	assert_int_equal(o.struct_size, old);
	assert_int_equal((int)o.max_size, -1);
	o.source = VMEM_SOURCE_MEMFD;
	o.size = POOL_BYTES;
	vmp = create(&o);
	assert_int_equal(stats_of(vmp).size, POOL_BYTES);
	assert_int_equal(stats_of(vmp).hardening, 1);
	vmem_delete(vmp);
}

static void
create__newer_struct__may_hold_zeroes(void **state)
{
	struct {
		struct vmem_options o;
		uint64_t more[4];
	} newer;
	VMEM *vmp;

	(void)state;
	memset(&newer, 0xff, sizeof(newer));
	assert_int_equal(vmem_options_init(&newer.o, sizeof(newer)), 0);
	assert_int_equal(newer.more[3], 0);
	newer.o.source = VMEM_SOURCE_MEMFD;
	newer.o.size = POOL_BYTES;
	vmp = create(&newer.o);
	vmem_delete(vmp);
	newer.more[2] = 1;
	errno = 0;
	assert_null(vmem_create_opts(&newer.o));
	assert_error(EINVAL, "an option of a newer library");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(init__default_options__are_as_told),
		cmocka_unit_test(create__path__is_as_vmem_create),
		cmocka_unit_test(create__descriptor__stays_open_and_untouched),
		cmocka_unit_test(create__descriptor_is_closed__pool_lives),
		cmocka_unit_test(create__region__handle_is_its_address),
		cmocka_unit_test(create__region_that_gives_back__does),
		cmocka_unit_test(
			create__region_that_cannot_give_back_so__is_refused),
		cmocka_unit_test(create__memfd_and_private__are_there_and_go),
		cmocka_unit_test(
			create__fork__private_is_copied_and_memfd_shared),
		cmocka_unit_test(create__old_struct__gets_the_defaults),
		cmocka_unit_test(create__newer_struct__may_hold_zeroes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
