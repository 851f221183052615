/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * numa.c -- on which NUMA nodes the pages of pools are
 *
 * VMEM_TEST_NODES  nodes with memory, such as "0 1 2"
 * VMEM_TEST_BARE   a node without memory, or not set
 *
 * Where a page is, the kernel tells by move_pages(2) without nodes to move to.
 */
#include "harness/test.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "harness/objects.h"

#define POOL_BYTES (16 * MIB)
#define OBJECT     (8 * MIB)
#define PAGE       (4 * KIB)
#define NPAGES     (OBJECT / PAGE)
#define NODES_MAX  8
#define HUGE_PAGES (2 * MIB / PAGE)
#define LINE_BYTES 512

static const int sources[] = {
	VMEM_SOURCE_PATH, VMEM_SOURCE_MEMFD, VMEM_SOURCE_PRIVATE};

static size_t
nodes(int ret[NODES_MAX])
{
	const char *text = getenv("VMEM_TEST_NODES");
	size_t n = 0;
	char *end;

	must(text != NULL);
	while (*text != '\0' && n < NODES_MAX) {
		ret[n++] = (int)strtol(text, &end, 10);
		text = end + (*end == ' ');
	}
	must(n >= 2);
	return n;
}

static struct vmem_options
options_of(int source, int numa, const char *list)
{
	struct vmem_options o;

	must(vmem_options_init(&o, sizeof(o)) == 0);
	o.source = source;
	if (source == VMEM_SOURCE_PATH)
		o.path = "/dev/shm";
	o.size = POOL_BYTES;
	o.numa = numa;
	o.numa_nodes = list;
	return o;
}

/* least -- pages that each of n nodes has; private memory comes in huge ones */
static size_t
least(int source, size_t n)
{
	return source == VMEM_SOURCE_PRIVATE ? HUGE_PAGES / 4 : NPAGES / n - 8;
}

/* where -- how many pages of a large object in such a pool are on each node */
static void
where(size_t ret[NODES_MAX], int source, int numa, const char *list)
{
	static void *page[NPAGES];
	static int status[NPAGES];
	struct vmem_options o = options_of(source, numa, list);
	VMEM *vmp = vmem_create_opts(&o);
	char *p;

	if (vmp == NULL)
		print_message("%s\n", vmem_errormsg());
	assert_non_null(vmp);
	p = vmem_aligned_alloc(vmp, PAGE, OBJECT);
	assert_non_null(p);
	test_fill(p, OBJECT, 1);
	for (size_t i = 0; i < NPAGES; i++)
		page[i] = p + i * PAGE;
	must(syscall(SYS_move_pages, 0, NPAGES, page, NULL, status, 0) == 0);
	memset(ret, 0, NODES_MAX * sizeof(ret[0]));
	for (size_t i = 0; i < NPAGES; i++) {
		assert_in_range(status[i], 0, NODES_MAX - 1);
		ret[status[i]]++;
	}
	print_message("source %d, policy %d of %s: %zu %zu %zu pages\n", source,
		numa, list, ret[0], ret[1], ret[2]);
	assert_true(test_holds(p, OBJECT, 1));
	assert_int_equal(vmem_check(vmp), 1);
	vmem_delete(vmp);
}

/* one_node -- a policy that names each node in turn fills that one alone */
static void
one_node(int policy)
{
	size_t on[NODES_MAX];
	int node[NODES_MAX];
	size_t n = nodes(node);
	char list[16];

	for (size_t i = 0; i < n * NELEM(sources); i++) {
		snprintf(list, sizeof(list), "%d", node[i % n]);
		where(on, sources[i / n], policy, list);
		assert_int_equal(on[node[i % n]], NPAGES);
	}
}

static void
bind__one_node__has_every_page(void **state)
{
	(void)state;
	one_node(VMEM_NUMA_BIND);
}

static void
preferred__one_node_with_room__has_every_page(void **state)
{
	(void)state;
	one_node(VMEM_NUMA_PREFERRED);
}

static void
interleave__all_nodes__share_alike(void **state)
{
	size_t on[NODES_MAX];
	int node[NODES_MAX];
	size_t n = nodes(node);
	char list[16];

	(void)state;
	snprintf(list, sizeof(list), "0-%zu", n - 1);
	for (size_t i = 0; i < NELEM(sources); i++) {
		where(on, sources[i], VMEM_NUMA_INTERLEAVE, list);
		for (size_t k = 0; k < n; k++) {
			assert_int_equal(node[k], k);
			assert_true(on[k] >= least(sources[i], n));
		}
	}
}

/* bind of several: each page on one of them, and on no other */
static void
bind__the_last_two__others_have_none(void **state)
{
	size_t on[NODES_MAX];
	int node[NODES_MAX];
	size_t n = nodes(node), sum = 0;
	char list[32];

	(void)state;
	snprintf(list, sizeof(list), "%d,%d", node[n - 2], node[n - 1]);
	where(on, VMEM_SOURCE_MEMFD, VMEM_NUMA_BIND, list);
	for (size_t k = n - 2; k < n; k++)
		sum += on[node[k]];
	assert_int_equal(sum, NPAGES);
}

/* numa_maps_has -- the line of the mapping that begins there has the text */
static bool
numa_maps_has(const void *addr, const char *text)
{
	FILE *f = fopen("/proc/self/numa_maps", "re");
	char line[LINE_BYTES], begin[32];
	bool found = false;

	must(f != NULL);
	snprintf(begin, sizeof(begin), "%" PRIxPTR " ", (uintptr_t)addr);
	while (fgets(line, sizeof(line), f) != NULL)
		if (strncmp(line, begin, strlen(begin)) == 0) {
			print_message("%s", line);
			found = strstr(line, text) != NULL;
		}
	(void)fclose(f);
	return found;
}

static void
bind__the_last_node__is_in_numa_maps(void **state)
{
	int node[NODES_MAX];
	size_t n = nodes(node);
	char list[16], text[32];

	(void)state;
	snprintf(list, sizeof(list), "%d", node[n - 1]);
	snprintf(text, sizeof(text), "bind:%d ", node[n - 1]);
	for (size_t i = 0; i < NELEM(sources); i++) {
		struct vmem_options o =
			options_of(sources[i], VMEM_NUMA_BIND, list);
		VMEM *vmp = vmem_create_opts(&o);

		assert_non_null(vmp);
		/* behind the guard page */
		assert_true(numa_maps_has((char *)vmp + PAGE, text));
		vmem_delete(vmp);
	}
}

/* what is given back and taken again is where it was wanted */
static void
bind__trimmed_and_used_again__same_node(void **state)
{
	int node[NODES_MAX];
	size_t n = nodes(node);
	char list[16];
	struct vmem_options o;
	VMEM *vmp;

	(void)state;
	snprintf(list, sizeof(list), "%d", node[n - 1]);
	o = options_of(VMEM_SOURCE_MEMFD, VMEM_NUMA_BIND, list);
	vmp = vmem_create_opts(&o);
	assert_non_null(vmp);
	for (unsigned round = 0; round < 2; round++) {
		char *p = vmem_malloc(vmp, OBJECT);
		void *page = p + OBJECT / 2;
		int status;

		assert_non_null(p);
		test_fill(p, OBJECT, round);
		must(syscall(SYS_move_pages, 0, 1, &page, NULL, &status, 0) ==
			0);
		assert_int_equal(status, node[n - 1]);
		vmem_free(vmp, p);
		assert_int_equal(vmem_trim(vmp, 0), 1);
		must(syscall(SYS_move_pages, 0, 1, &page, NULL, &status, 0) ==
			0);
		assert_true(status < 0);
	}
	vmem_delete(vmp);
}

static void
create__nodes_that_have_no_memory__are_refused(void **state)
{
	const char *lists[] = {"63", getenv("VMEM_TEST_BARE")};

	(void)state;
	for (size_t i = 0; i < NELEM(lists) * NELEM(sources); i++) {
		const char *list = lists[i / NELEM(sources)];
		struct vmem_options o;

		if (list == NULL)
			continue;
		o = options_of(
			sources[i % NELEM(sources)], VMEM_NUMA_BIND, list);
		errno = 0;
		assert_null(vmem_create_opts(&o));
		assert_error(EINVAL, "mbind: Invalid argument");
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bind__one_node__has_every_page),
		cmocka_unit_test(preferred__one_node_with_room__has_every_page),
		cmocka_unit_test(interleave__all_nodes__share_alike),
		cmocka_unit_test(bind__the_last_two__others_have_none),
		cmocka_unit_test(bind__the_last_node__is_in_numa_maps),
		cmocka_unit_test(bind__trimmed_and_used_again__same_node),
		cmocka_unit_test(
			create__nodes_that_have_no_memory__are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
