/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * options_each.c -- vmem_create_opts(): what each option does, as the kernel
 * and the statistics show it
 *
 * ctest: timeout=120
 */
#include "harness/test.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "harness/fs.h"
#include "harness/options.h"

#define LINE_BYTES 512

static void
create__sparse__takes_space_as_it_is_used(void **state)
{
	struct vmem_options o = options_of(VMEM_SOURCE_FD);
	VMEM *vmp;

	(void)state;
	o.fd = temp_file("/dev/shm");
	o.sparse = 1;
	vmp = create(&o);
	assert_int_equal(file_bytes(o.fd), POOL_BYTES);
	assert_true(blocks_bytes(o.fd) < MIB);
	assert_true(stats_of(vmp).mapped < MIB);
	assert_true(use(vmp) > POOL_BYTES * 3 / 4);
	assert_true(blocks_bytes(o.fd) > POOL_BYTES * 3 / 4);
	vmem_delete(vmp);
	close(o.fd);
}

static size_t
faults(void)
{
	struct rusage usage;

	must(getrusage(RUSAGE_SELF, &usage) == 0);
	return (size_t)usage.ru_minflt;
}

/* touch -- each page; a sanitizer's own memory would have faults as well */
__attribute__((no_sanitize("thread", "address"))) static void
touch(volatile char *p, size_t size)
{
	for (size_t at = 0; at < size; at += 4 * KIB)
		p[at] = 1;
}

/* faults_while_filling -- of a pool, every page of which is written */
static size_t
faults_while_filling(int source, int prefault)
{
	struct vmem_options o = options_of(source);
	size_t size = 12 * MIB, before, n;
	VMEM *vmp;
	char *p;

	o.prefault = prefault;
	vmp = create(&o);
	p = vmem_malloc(vmp, size);
	assert_non_null(p);
	before = faults();
	touch(p, size);
	n = faults() - before;
	vmem_delete(vmp);
	return n;
}

static void
create__prefault__no_faults_later(void **state)
{
	static const int sources[] = {VMEM_SOURCE_MEMFD, VMEM_SOURCE_PRIVATE};

	(void)state;
	for (size_t i = 0; i < NELEM(sources); i++) {
		size_t without = faults_while_filling(sources[i], 0);
		size_t with = faults_while_filling(sources[i], 1);

		print_message("faults: %zu, prefaulted %zu\n", without, with);
		assert_true(without >= 100);
		/* the test's own pages */
		assert_true(with <= 2);
	}
}

/* smaps_has -- a line of /proc/self/smaps of the mapping that holds addr */
static bool
smaps_has(const void *addr, const char *name, const char *what)
{
	FILE *f = fopen("/proc/self/smaps", "re");
	char line[LINE_BYTES];
	bool inside = false, found = false;

	must(f != NULL);
	while (!found && fgets(line, sizeof(line), f) != NULL) {
		uintptr_t from, to;
		int at = 0;

		if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " %n", &from, &to,
			    &at) == 2 &&
			at > 0)
			inside =
				(uintptr_t)addr >= from && (uintptr_t)addr < to;
		else if (inside && strncmp(line, name, strlen(name)) == 0)
			found = strstr(line, what) != NULL;
	}
	(void)fclose(f);
	return found;
}

/* asks_huge -- does a new pool ask for huge pages at that place? */
static bool
asks_huge(const struct vmem_options *o, size_t at)
{
	VMEM *vmp = create(o);
	bool asks = smaps_has((char *)vmp + at, "VmFlags:", " hg");

	vmem_delete(vmp);
	return asks;
}

static void
create__huge_pages__are_asked_for(void **state)
{
	struct vmem_options o = options_of(VMEM_SOURCE_PRIVATE);
	VMEM *vmp;

	(void)state;
	if (access("/sys/kernel/mm/transparent_hugepage/enabled", R_OK) != 0)
		test_skip("a kernel without transparent huge pages");
	/* by itself: in large pools, and not at their beginning */
	assert_false(asks_huge(&o, 8 * MIB));
	o.size = 64 * MIB;
	assert_true(asks_huge(&o, 8 * MIB));
	assert_false(asks_huge(&o, 2 * MIB));
	o.huge_pages = VMEM_HUGE_NEVER;
	assert_false(asks_huge(&o, 8 * MIB));
	o = options_of(VMEM_SOURCE_PRIVATE);
	o.huge_pages = VMEM_HUGE_ALL;
	assert_true(asks_huge(&o, 2 * MIB));
	vmp = create(&o);
	assert_true(use(vmp) > POOL_BYTES * 3 / 4);
	vmem_delete(vmp);
}

/* is_huge_on -- is a new pool on a tmpfs mapped in huge pages? */
static bool
is_huge_on(const char *path, int huge_pages)
{
	struct vmem_options o = options_of(VMEM_SOURCE_PATH);
	VMEM *vmp;
	bool is;

	o.path = path;
	o.huge_pages = huge_pages;
	vmp = create(&o);
	must(use(vmp) > POOL_BYTES * 3 / 4);
	/* the pool's first page is guarded, a mapping of its own */
	is = !smaps_has((char *)vmp + 8 * MIB, "ShmemPmdMapped:", " 0 kB");
	vmem_delete(vmp);
	return is;
}

static void
create__huge_pages_on_tmpfs__are_had_where_they_may_be_asked_for(void **state)
{
	struct fs fs;

	(void)state;
	fs_mount_or_skip(&fs, FS_TMPFS, 64);
	assert_false(is_huge_on(fs.path, VMEM_HUGE_ALL));
	if (mount(NULL, fs.path, NULL, MS_REMOUNT, "huge=advise") != 0)
		test_skip("a kernel without huge pages on tmpfs");
	assert_false(is_huge_on(fs.path, VMEM_HUGE_DEFAULT));
	assert_true(is_huge_on(fs.path, VMEM_HUGE_ALL));
	assert_true(fs_unmount(&fs));
}

/* has_policy -- as /proc/self/numa_maps has it: "bind:0" and so on */
static bool
has_policy(const void *addr, const char *policy)
{
	FILE *f = fopen("/proc/self/numa_maps", "re");
	char line[LINE_BYTES], wanted[64];
	bool found = false;

	must(f != NULL);
	snprintf(wanted, sizeof(wanted), "%" PRIxPTR " %s ", (uintptr_t)addr,
		policy);
	while (!found && fgets(line, sizeof(line), f) != NULL)
		found = strncmp(line, wanted, strlen(wanted)) == 0;
	(void)fclose(f);
	return found;
}

static void
create__numa_nodes__is_the_mapping_s_policy(void **state)
{
	static const struct {
		int numa;
		const char *policy;
	} cases[] = {
		{VMEM_NUMA_BIND, "bind:0"},
		{VMEM_NUMA_INTERLEAVE, "interleave:0"},
		{VMEM_NUMA_PREFERRED, "prefer:0"},
	};
	static const int sources[] = {VMEM_SOURCE_MEMFD, VMEM_SOURCE_PRIVATE};

	(void)state;
	if (access("/proc/self/numa_maps", R_OK) != 0)
		test_skip("a kernel without NUMA");
	for (size_t i = 0; i < NELEM(cases) * NELEM(sources); i++) {
		struct vmem_options o = options_of(sources[i % 2]);
		VMEM *vmp;

		o.numa = cases[i / 2].numa;
		o.numa_nodes = "0";
		vmp = vmem_create_opts(&o);
		if (vmp == NULL && errno == EPERM)
			test_skip("memory policies are forbidden here");
		assert_non_null(vmp);
		assert_true(
			has_policy((char *)vmp + 4 * KIB, cases[i / 2].policy));
		assert_true(use(vmp) > POOL_BYTES * 3 / 4);
		vmem_delete(vmp);
	}
}

static char printed[64 * KIB];

static void
print(const char *text)
{
	size_t n = strlen(printed);

	(void)snprintf(printed + n, sizeof(printed) - n, "%s", text);
}

static void
create__name_decay_hardening__are_seen(void **state)
{
	struct vmem_options o = options_of(VMEM_SOURCE_MEMFD);
	char line[LINE_BYTES];
	uintptr_t from, to;
	VMEM *vmp;

	(void)state;
	o.name = "sessions of shop";
	o.decay_ms = 250;
	o.hardening = 2;
	vmp = create(&o);
	vmem_set_funcs(NULL, NULL, NULL, NULL, print);
	printed[0] = '\0';
	vmem_stats_print(vmp, "mabl");
	assert_non_null(strstr(printed, "  opt.name: sessions of shop\n"));
	assert_non_null(strstr(printed, "  opt.hardening: 2\n"));
	assert_non_null(strstr(printed, "Decay time: 250 ms\n"));
	printed[0] = '\0';
	vmem_stats_print(vmp, "Jmabl");
	assert_non_null(strstr(printed, "\"name\": \"sessions of shop\""));
	vmem_set_funcs(NULL, NULL, NULL, NULL, NULL);
	assert_true(test_mapping(
		(char *)vmp + 8 * MIB, &from, &to, line, sizeof(line)));
	assert_non_null(strstr(line, "/memfd:sessions of shop"));
	assert_int_equal(stats_of(vmp).hardening, 2);
	vmem_delete(vmp);
	o.hardening = 0;
	o.decay_ms = VMEM_DECAY_NEVER;
	vmp = create(&o);
	assert_int_equal(stats_of(vmp).hardening, 0);
	vmem_delete(vmp);
}

/* prints -- is that in the statistics? */
static bool
prints(VMEM *vmp, const char *text)
{
	vmem_set_funcs(NULL, NULL, NULL, NULL, print);
	printed[0] = '\0';
	vmem_stats_print(vmp, "mabl");
	vmem_set_funcs(NULL, NULL, NULL, NULL, NULL);
	return strstr(printed, text) != NULL;
}

/* create_under -- with VMEM_OPTIONS in the environment */
static VMEM *
create_under(const char *text, const struct vmem_options *o)
{
	VMEM *vmp;

	must(setenv("VMEM_OPTIONS", text, 1) == 0);
	vmp = create(o);
	must(unsetenv("VMEM_OPTIONS") == 0);
	return vmp;
}

static void
create__environment__overrides(void **state)
{
	struct vmem_options o = options_of(VMEM_SOURCE_MEMFD);
	VMEM *vmp;

	(void)state;
	o.hardening = 2;
	o.decay_ms = 250;
	vmp = create_under("hardening=0,sparse=1,decay=125", &o);
	assert_int_equal(stats_of(vmp).hardening, 0);
	assert_true(prints(vmp, "Decay time: 125 ms\n"));
	assert_true(stats_of(vmp).mapped < MIB);
	vmem_delete(vmp);
	/* and the other way round */
	o.sparse = 1;
	o.source = VMEM_SOURCE_PRIVATE;
	vmp = create_under("sparse=0,prefault=1,huge=1,decay=-1", &o);
	assert_int_equal(stats_of(vmp).mapped, POOL_BYTES);
	assert_true(prints(vmp, "Decay time: none\n"));
	assert_true(test_resident((char *)vmp + 4 * KIB,
			    POOL_BYTES - 4 * KIB) == POOL_BYTES - 4 * KIB);
	if (access("/sys/kernel/mm/transparent_hugepage/enabled", R_OK) == 0)
		assert_true(
			smaps_has((char *)vmp + 8 * MIB, "VmFlags:", " hg"));
	vmem_delete(vmp);
	/* what is there stays as it is: only creation looks */
	o.sparse = 0;
	o.prefault = 1;
	o.huge_pages = 1;
	vmp = create_under("prefault=0,huge=0", &o);
	assert_false(smaps_has((char *)vmp + 8 * MIB, "VmFlags:", " hg"));
	assert_true(test_resident(vmp, POOL_BYTES) < 4 * MIB);
	vmem_delete(vmp);
}

/*
 * What the library asks the kernel for, which need not be built with it: our
 * prctl() comes before libc's.
 */
#define SET_VMA           0x53564d41UL
#define SET_VMA_ANON_NAME 0UL

static struct {
	uintptr_t addr, size;
	char name[64];
	unsigned n;
	bool done; /* the kernel has done it */
} named;

int prctl(int option, ...);

int
prctl(int option, ...)
{
	unsigned long arg[4];
	va_list ap;
	long rc;

	va_start(ap, option);
	for (size_t i = 0; i < NELEM(arg); i++)
		arg[i] = va_arg(ap, unsigned long);
	va_end(ap);
	rc = syscall(SYS_prctl, option, arg[0], arg[1], arg[2], arg[3]);
	if ((unsigned long)option == SET_VMA && arg[0] == SET_VMA_ANON_NAME) {
		named.addr = arg[1];
		named.size = arg[2];
		snprintf(named.name, sizeof(named.name), "%s",
			(const char *)arg[3]);
		named.n++;
		named.done = rc == 0;
	}
	return (int)rc;
}

static void
create__name_of_private_memory__is_asked_for(void **state)
{
	struct vmem_options o = options_of(VMEM_SOURCE_PRIVATE);
	char line[LINE_BYTES];
	uintptr_t from, to;
	VMEM *vmp = create(&o);

	(void)state;
	assert_int_equal(named.n, 0);
	vmem_delete(vmp);
	o.name = "sessions of shop";
	vmp = create(&o);
	assert_int_equal(named.n, 1);
	assert_int_equal(named.addr, (uintptr_t)vmp);
	assert_int_equal(named.size, POOL_BYTES);
	assert_string_equal(named.name, o.name);
	assert_true(test_mapping(
		(char *)vmp + 8 * MIB, &from, &to, line, sizeof(line)));
	if (named.done)
		assert_non_null(strstr(line, "[anon:sessions of shop]"));
	else
		print_message("this kernel lacks CONFIG_ANON_VMA_NAME\n");
	vmem_delete(vmp);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(create__sparse__takes_space_as_it_is_used),
		cmocka_unit_test(create__prefault__no_faults_later),
		cmocka_unit_test(create__huge_pages__are_asked_for),
		cmocka_unit_test(
			create__huge_pages_on_tmpfs__are_had_where_they_may_be_asked_for),
		cmocka_unit_test(create__numa_nodes__is_the_mapping_s_policy),
		cmocka_unit_test(create__name_decay_hardening__are_seen),
		cmocka_unit_test(create__environment__overrides),
		cmocka_unit_test(create__name_of_private_memory__is_asked_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
