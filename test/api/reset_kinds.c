/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * reset_kinds.c -- vmem_reset() of each kind of pool: what lies behind its
 * pages, what was chosen for it, and whose it is
 *
 * ctest: not-valgrind not-tsan
 */
#include "harness/test.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "harness/fs.h"
#include "harness/options.h"

static void
reset(VMEM *vmp)
{
	assert_int_equal(vmem_reset(vmp), 0);
	assert_int_equal(vmem_check(vmp), 1);
	assert_int_equal(stats_of(vmp).allocated, 0);
}

/* dirty -- fill it with objects that are not 0, and forget them */
static void
dirty(VMEM *vmp)
{
	void *p;

	for (size_t size = 3 * MIB; size >= 100; size /= 4)
		while ((p = vmem_malloc(vmp, size)) != NULL)
			memset(p, 0x5a, size);
}

/* clean -- all of it by calloc(), and it is 0 */
static void
clean(VMEM *vmp)
{
	static const unsigned char zero[MIB];
	size_t n = 0;
	void *p;

	for (; (p = vmem_calloc(vmp, 1, MIB)) != NULL; n++)
		assert_memory_equal(p, zero, MIB);
	assert_true(n >= 10);
}

/* what a kind of pool goes through */
static void
try_kind(const struct vmem_options *o)
{
	VMEM *vmp = create(o);

	for (unsigned i = 0; i < 2; i++) {
		dirty(vmp);
		reset(vmp);
		clean(vmp);
		reset(vmp);
		use(vmp);
		reset(vmp);
		assert_true(vmem_trim(vmp, 0) >= 0);
		clean(vmp);
		reset(vmp);
	}
	vmem_delete(vmp);
}

static void
reset__each_source__works(void **state)
{
	struct vmem_options o = options_of(VMEM_SOURCE_MEMFD);

	(void)state;
	try_kind(&o);
	o.sparse = 1;
	try_kind(&o);
	o = options_of(VMEM_SOURCE_PRIVATE);
	try_kind(&o);
	o.sparse = 1;
	try_kind(&o);
	o = options_of(VMEM_SOURCE_PATH);
	o.path = test_dir();
	try_kind(&o);
}

static void
reset__huge_pages__works(void **state)
{
	struct vmem_options o = options_of(VMEM_SOURCE_PATH);
	struct fs fs;

	(void)state;
	fs_mount_or_skip(&fs, FS_HUGETLBFS, 48);
	o.path = fs.path;
	o.size = 16 * MIB;
	try_kind(&o);
	o.sparse = 1;
	try_kind(&o);
	assert_true(fs_unmount(&fs));
}

/* what it has grown by stays until it is given back */
static void
reset__pool_that_has_grown__keeps_its_space(void **state)
{
	struct vmem_options o = options_of(VMEM_SOURCE_MEMFD);
	VMEM *vmp;
	uint64_t before;

	(void)state;
	o.max_size = 128 * MIB;
	vmp = create(&o);
	before = stats_of(vmp).mapped;
	assert_true(before < 20 * MIB);
	dirty(vmp);
	assert_true(stats_of(vmp).mapped > 120 * MIB);
	reset(vmp);
	assert_true(stats_of(vmp).mapped > 120 * MIB);
	assert_int_equal(stats_of(vmp).size, 128 * MIB);
	assert_int_equal(vmem_trim(vmp, 0), 1);
	assert_true(stats_of(vmp).mapped <= before);
	assert_int_equal(vmem_check(vmp), 1);
	clean(vmp);
	vmem_delete(vmp);
}

/* of a huge pool only what was used is looked at, and what is not stays so */
static void
reset__terabyte_that_is_hardly_used__touches_little(void **state)
{
	struct vmem_options o = options_of(VMEM_SOURCE_PRIVATE);
	uint64_t mapped;
	VMEM *vmp;
	void *p;

	(void)state;
	if (TEST_SANITIZED)
		test_skip("the sanitizer has no room for its shadow");
	o.sparse = 1;
	o.size = 1024 * GIB;
	vmp = vmem_create_opts(&o);
	if (vmp == NULL)
		test_skip("no such range of addresses here");
	p = vmem_malloc(vmp, 5 * MIB);
	memset(p, 1, 5 * MIB);
	mapped = stats_of(vmp).mapped;
	for (unsigned i = 0; i < 100; i++) {
		assert_int_equal(vmem_reset(vmp), 0);
		assert_ptr_equal(vmem_malloc(vmp, 5 * MIB), p);
	}
	assert_int_equal(stats_of(vmp).mapped, mapped);
	assert_int_equal(vmem_check(vmp), 1);
	vmem_delete(vmp);
}

static void
reset__decay_at_once__space_goes_back(void **state)
{
	struct vmem_options o = options_of(VMEM_SOURCE_MEMFD);
	VMEM *vmp;

	(void)state;
	o.size = 64 * MIB;
	o.decay_ms = 0;
	vmp = create(&o);
	dirty(vmp);
	assert_true(stats_of(vmp).mapped > 60 * MIB);
	reset(vmp);
	assert_true(stats_of(vmp).mapped < MIB);
	clean(vmp);
	vmem_delete(vmp);
}

/* there is no space for a page more, and none is needed */
static void
reset__file_system_that_is_full__works(void **state)
{
	struct vmem_options o = options_of(VMEM_SOURCE_PATH);
	off_t size = 0;
	struct fs fs;
	VMEM *vmp;
	int fd;

	(void)state;
	fs_mount_or_skip(&fs, FS_TMPFS, 64);
	o.path = fs.path;
	o.size = 48 * MIB;
	o.sparse = 1;
	vmp = create(&o);
	for (unsigned i = 0; i < 2000; i++)
		must(vmem_malloc(vmp, 5000) != NULL);
	fd = temp_file(fs.path);
	while (fallocate(fd, 0, size, 4096) == 0)
		size += 4096;
	assert_int_equal(errno, ENOSPC);
	for (unsigned i = 0; i < 5; i++) {
		size_t n = 0;
		void *p;

		reset(vmp);
		while ((p = vmem_malloc(vmp, 5000)) != NULL) {
			memset(p, 1, 5000);
			n++;
		}
		assert_true(n >= 1900 && n < 2300);
	}
	must(close(fd) == 0);
	reset(vmp);
	clean(vmp);
	vmem_delete(vmp);
	assert_true(fs_unmount(&fs));
}

static char printed[20000];

static void
print(const char *s)
{
	strncat(printed, s, sizeof(printed) - strlen(printed) - 1);
}

/* name, level and decay time are the pool's, whatever it holds */
static void
reset__options__stay(void **state)
{
	struct vmem_options o = options_of(VMEM_SOURCE_MEMFD);
	VMEM *vmp;

	(void)state;
	o.name = "requests";
	o.hardening = 2;
	o.decay_ms = 12345;
	vmp = create(&o);
	dirty(vmp);
	reset(vmp);
	assert_int_equal(stats_of(vmp).hardening, 2);
	vmem_set_funcs(NULL, NULL, NULL, NULL, print);
	vmem_stats_print(vmp, NULL);
	vmem_set_funcs(NULL, NULL, NULL, NULL, NULL);
	assert_non_null(strstr(printed, "requests"));
	assert_non_null(strstr(printed, "12345"));
	vmem_delete(vmp);
}

static size_t
live_samples(VMEM *vmp)
{
	static char text[20000];
	char name[200];

	(void)snprintf(name, sizeof(name), "%s/profile.txt", test_dir());
	assert_int_equal(vmem_profile_dump(vmp, name), 0);
	(void)test_read_file(name, text, sizeof(text));
	/* the first line tells the live bytes and objects */
	return strstr(text, "100000") != NULL;
}

/* the profile goes on, with none of the objects that are gone */
static void
reset__profile__forgets_the_objects_and_goes_on(void **state)
{
	VMEM *vmp = test_file_pool(VMEM_MIN_POOL);
	void *p;

	(void)state;
	assert_int_equal(vmem_profile_start(vmp, 1), 0);
	p = vmem_malloc(vmp, 100000);
	assert_non_null(p);
	assert_int_equal(live_samples(vmp), 1);
	reset(vmp);
	assert_int_equal(live_samples(vmp), 0);
	for (unsigned i = 0; i < 3; i++) {
		assert_ptr_equal(vmem_malloc(vmp, 100000), p);
		assert_int_equal(live_samples(vmp), 1);
		vmem_free(vmp, p);
		assert_int_equal(live_samples(vmp), 0);
	}
	assert_int_equal(vmem_profile_stop(vmp), 0);
	vmem_delete(vmp);
}

/* ask -- what a child may do: 0 it may, 1 it may not, and nothing happens */
static int
ask(void *arg)
{
	errno = 0;
	if (vmem_reset(arg) == 0)
		return 0;
	must(errno == EBUSY);
	must(strstr(vmem_errormsg(), "another process") != NULL);
	return 1;
}

static int
leave_alone(void *arg)
{
	(void)arg;
	return 0;
}

static void
reset__shared_with_a_child__is_refused_to_both(void **state)
{
	VMEM *vmp = test_file_pool(VMEM_MIN_POOL);
	char *text;

	(void)state;
	/* a child that does not use it does not count */
	assert_int_equal(test_child(leave_alone, vmp), 0);
	reset(vmp);
	text = vmem_strdup(vmp, "the parent's");
	assert_int_equal(test_child(ask, vmp), 1);
	assert_string_equal(text, "the parent's");
	assert_int_equal(ask(vmp), 1);
	assert_string_equal(text, "the parent's");
	vmem_free(vmp, text);
	assert_int_equal(vmem_check(vmp), 1);
	vmem_delete(vmp);
}

static int
reset_in_child(void *arg)
{
	VMEM *vmp = arg;

	must(ask(vmp) == 0);
	must(vmem_check(vmp) == 1);
	vmem_free(vmp, vmem_malloc(vmp, 100));
	return 0;
}

static void
reset__private_memory_in_a_child__is_the_childs(void **state)
{
	VMEM *vmp = test_pool(VMEM_MIN_POOL); /* a private region */
	char *text = vmem_strdup(vmp, "the parent's");

	(void)state;
	assert_int_equal(test_child(reset_in_child, vmp), 0);
	assert_string_equal(text, "the parent's");
	reset(vmp);
	test_pool_delete(vmp, VMEM_MIN_POOL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reset__each_source__works),
		cmocka_unit_test(reset__huge_pages__works),
		cmocka_unit_test(reset__pool_that_has_grown__keeps_its_space),
		cmocka_unit_test(
			reset__terabyte_that_is_hardly_used__touches_little),
		cmocka_unit_test(reset__decay_at_once__space_goes_back),
		cmocka_unit_test(reset__file_system_that_is_full__works),
		cmocka_unit_test(reset__options__stay),
		cmocka_unit_test(
			reset__profile__forgets_the_objects_and_goes_on),
		cmocka_unit_test(
			reset__shared_with_a_child__is_refused_to_both),
		cmocka_unit_test(
			reset__private_memory_in_a_child__is_the_childs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
