/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * refused.c -- nodes on which there can be no pool
 *
 * VMEM_TEST_NODE is a device DAX, VMEM_TEST_BLOCK a block device, and
 * VMEM_TEST_SMALL a device DAX that is smaller than the smallest pool.
 */
#include "dax/device.h"

#include <string.h>

#include "harness/proc.h"

#define NOBODY 65534

static const char *
named(const char *variable)
{
	const char *node = getenv(variable);

	must(node != NULL);
	return node;
}

/* assert_refused -- with this errno, and nothing is left */
#define assert_refused(node, err, ...)                                         \
	do {                                                                   \
		struct proc_count before_ = proc_count();                      \
		errno = 0;                                                     \
		assert_null(vmem_create((node), VMEM_MIN_POOL));               \
		assert_error((err), __VA_ARGS__);                              \
		assert_true(proc_is_unchanged(before_));                       \
	} while (0)

static void
create__other_character_device__gives_enodev(void **state)
{
	(void)state;
	assert_refused(
		"/dev/null", ENODEV, "character device 1:3 is no device DAX");
	assert_refused(
		"/dev/zero", ENODEV, "character device 1:5 is no device DAX");
	assert_refused("/dev/console", ENODEV,
		"character device 5:1 is no device DAX");
}

static void
create__block_device__gives_enotdir(void **state)
{
	(void)state;
	assert_refused(
		named("VMEM_TEST_BLOCK"), ENOTDIR, "open: Not a directory");
}

static void
create__no_such_node__gives_enoent(void **state)
{
	(void)state;
	assert_refused(
		"/dev/dax99.0", ENOENT, "open: No such file or directory");
}

static void
create__size_under_minimum__is_refused(void **state)
{
	(void)state;
	errno = 0;
	assert_null(vmem_create(device_node(), VMEM_MIN_POOL - 1));
	assert_error(EINVAL, "size 14680063 smaller than 14680064");
}

static void
create__device_under_minimum__is_refused(void **state)
{
	const char *node = named("VMEM_TEST_SMALL");

	(void)state;
	assert_refused(node, EINVAL,
		"%s: device of 10485760 bytes smaller than 14680064", node);
}

static int
create_as_nobody(void *arg)
{
	(void)arg;
	must(setuid(NOBODY) == 0);
	errno = 0;
	if (vmem_create(device_node(), VMEM_MIN_POOL) != NULL)
		return 1;
	if (errno != EACCES)
		return 2;
	return strcmp(vmem_errormsg(), "open: Permission denied") != 0;
}

static void
create__without_permission__gives_eacces(void **state)
{
	(void)state;
	assert_int_equal(test_child(create_as_nobody, NULL), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(create__other_character_device__gives_enodev),
		cmocka_unit_test(create__block_device__gives_enotdir),
		cmocka_unit_test(create__no_such_node__gives_enoent),
		cmocka_unit_test(create__size_under_minimum__is_refused),
		cmocka_unit_test(create__device_under_minimum__is_refused),
		cmocka_unit_test(create__without_permission__gives_eacces),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
