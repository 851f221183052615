/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * options.c -- vmem_create_opts() on a real device DAX
 */
#include "dax/device.h"

#include "harness/objects.h"
#include "harness/proc.h"

static struct vmem_options
device_options(int source)
{
	struct vmem_options o;

	must(vmem_options_init(&o, sizeof(o)) == 0);
	o.source = source;
	o.size = VMEM_MIN_POOL;
	if (source == VMEM_SOURCE_PATH)
		o.path = device_node();
	else
		o.fd = open(device_node(), O_RDWR | O_CLOEXEC);
	return o;
}

static void
device_options_end(struct vmem_options *o)
{
	if (o->fd >= 0)
		close(o->fd);
}

/* create -- or say why not, and fail */
static VMEM *
create(const struct vmem_options *o)
{
	VMEM *vmp = vmem_create_opts(o);

	if (vmp == NULL)
		print_message("%s\n", vmem_errormsg());
	assert_non_null(vmp);
	return vmp;
}

static struct vmem_stats
stats_of(VMEM *vmp)
{
	struct vmem_stats s;

	must(vmem_stats_get(vmp, &s, sizeof(s)) == 0);
	return s;
}

/* all that there is, whatever is said of its size, by path or descriptor */
static void
create__path_or_descriptor__takes_the_whole_device(void **state)
{
	static const int sources[] = {VMEM_SOURCE_PATH, VMEM_SOURCE_FD};

	(void)state;
	for (size_t i = 0; i < NELEM(sources); i++) {
		struct vmem_options o = device_options(sources[i]);
		struct proc_count before = proc_count();
		VMEM *vmp;
		char *p;

		o.hardening = 2;
		o.decay_ms = 250;
		o.name = "on a device";
		o.sparse = (int)i;
		vmp = create(&o);
		assert_int_equal(stats_of(vmp).size, device_size());
		assert_int_equal(stats_of(vmp).mapped, device_size());
		assert_int_equal(stats_of(vmp).hardening, 2);
		/* nothing goes back, and that is no error */
		p = vmem_malloc(vmp, 4 * MIB);
		assert_non_null(p);
		test_fill(p, 64 * KIB, i);
		assert_true(test_holds(p, 64 * KIB, i));
		vmem_free(vmp, p);
		assert_int_equal(vmem_trim(vmp, 0), 0);
		assert_int_equal(vmem_check(vmp), 1);
		vmem_delete(vmp);
		assert_true(proc_is_unchanged(before));
		device_options_end(&o);
	}
}

static void
create__prefault__is_fine(void **state)
{
	struct vmem_options o = device_options(VMEM_SOURCE_PATH);
	VMEM *vmp;

	(void)state;
	if (device_is_slow() || device_size() > 512 * MIB)
		return; /* it would touch all of it */
	o.prefault = 1;
	vmp = create(&o);
	assert_non_null(vmem_malloc(vmp, 4 * MIB));
	vmem_delete(vmp);
}

/* what no device can do is said, and nothing is left of the try */
static void
create__growth_or_nodes__are_refused(void **state)
{
	static const int sources[] = {VMEM_SOURCE_PATH, VMEM_SOURCE_FD};

	(void)state;
	for (size_t i = 0; i < NELEM(sources); i++) {
		struct vmem_options o = device_options(sources[i]);
		struct proc_count before = proc_count();
		VMEM *vmp;

		o.max_size = 2 * o.size;
		errno = 0;
		assert_null(vmem_create_opts(&o));
		assert_error(EINVAL, "a device cannot grow");
		o.max_size = 0;
		o.numa = VMEM_NUMA_BIND;
		o.numa_nodes = "0";
		errno = 0;
		assert_null(vmem_create_opts(&o));
		assert_error(EINVAL, "a device is on a node of its own");
		assert_true(proc_is_unchanged(before));
		/* it is not taken */
		device_options_end(&o);
		vmp = device_open();
		vmem_delete(vmp);
	}
}

static void
create__device_in_use__gives_ebusy(void **state)
{
	struct vmem_options o = device_options(VMEM_SOURCE_FD);
	VMEM *vmp = device_open();

	(void)state;
	errno = 0;
	assert_null(vmem_create_opts(&o));
	assert_error(EBUSY, "flock: Device or resource busy");
	assert_int_equal(vmem_check(vmp), 1);
	vmem_delete(vmp);
	device_options_end(&o);
}

static void
create__descriptor_for_reading__is_refused(void **state)
{
	struct vmem_options o = device_options(VMEM_SOURCE_FD);

	(void)state;
	device_options_end(&o);
	o.fd = open(device_node(), O_RDONLY | O_CLOEXEC);
	must(o.fd >= 0);
	errno = 0;
	assert_null(vmem_create_opts(&o));
	assert_int_equal(errno, EACCES);
	device_options_end(&o);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			create__path_or_descriptor__takes_the_whole_device),
		cmocka_unit_test(create__prefault__is_fine),
		cmocka_unit_test(create__growth_or_nodes__are_refused),
		cmocka_unit_test(create__device_in_use__gives_ebusy),
		cmocka_unit_test(create__descriptor_for_reading__is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
