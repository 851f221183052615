/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_pool_twin.c -- what becomes of the hollow pages of a pool that is made
 * private before a fork
 *
 * ctest: not-valgrind
 */
#include "pool/pool_internal.h"

#include "harness/test.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define POOL_BYTES ((size_t)1 << 30)
#define NSMALL     1200u /* pieces of less than half a MiB between objects, */
#define NLARGE     100u  /* and of less than two, behind these */
#define NMORE      100u
#define TRIM_EACH  100u
#define MOST       (2 * 1024u + 50u) /* mappings of the pool */

/* nmappings -- of the bytes of the pool */
static size_t
nmappings(const struct backing *b)
{
	FILE *f = fopen("/proc/self/maps", "re");
	uintptr_t base = (uintptr_t)b->base, from;
	char line[1024];
	size_t n = 0;

	must(f != NULL);
	while (fgets(line, sizeof(line), f) != NULL)
		n += sscanf(line, "%lx-", &from) == 1 && from >= base &&
		     from - base < b->size;
	must(fclose(f) == 0);
	return n;
}

/* largest_hollow -- pages of the largest piece */
static size_t
largest_hollow(const struct run_space *rs)
{
	size_t first, n, most = 0;

	for (size_t page = 0; page < rs->npages; page = first + n) {
		n = run_next_held(rs, page, &first);
		most = first - page > most ? first - page : most;
	}
	return most;
}

/* scatter -- objects far from each other, and nothing is kept between them */
static void
scatter(VMEM *vmp, unsigned n, size_t apart)
{
	for (unsigned i = 0; i < n; i++) {
		must(vmem_aligned_alloc(vmp, apart, 2 * RUN_PAGE) != NULL);
		if (i % TRIM_EACH == 0 || i == n - 1)
			must(pool_trim(vmp, 0) >= 0);
	}
}

/* go_on -- new objects, in what was hollow too */
static int
go_on(void *vmp)
{
	for (unsigned i = 0; i < NMORE; i++) {
		char *p = vmem_malloc(vmp, 300 * KIB);

		if (p == NULL)
			return 1;
		memset(p, 'x', 300 * KIB);
	}
	return vmem_check(vmp) == 1 ? 0 : 2;
}

static void
fork__many_hollow_pieces__the_largest_get_memory(void **state)
{
	struct pool_want want;
	struct record *rec;
	int err = 0;

	(void)state;
	pool_want_init(&want, BACKING_AT_PATH, POOL_BYTES, VMEM_MIN_POOL);
	want.backing.path = want.fork_path = test_dir();
	want.backing.sparse = true;
	want.at_fork = POOL_FORK_PRIVATE;
	want.decay_ms = RUN_DECAY_NEVER;
	VMEM *vmp = pool_create(&want, &err);
	if (vmp == NULL || !run_is_bare(&pool_at(vmp)->runs)) {
		print_message("skipped: no sparse file of 1 GiB here\n");
		skip();
	}
	scatter(vmp, NSMALL, 512 * KIB);
	scatter(vmp, NLARGE, 2 * MIB);
	rec = registry_at(0);
	assert_int_equal(nmappings(&rec->backing), 2); /* and the guard page */
	assert_int_equal(test_child(go_on, vmp), 0);
	assert_true(rec->backing.is_own);
	assert_in_range(nmappings(&rec->backing), 1024, MOST);
	assert_true(largest_hollow(&pool_at(vmp)->runs) * RUN_PAGE < 512 * KIB);
	assert_int_equal(vmem_check(vmp), 1);
	assert_int_equal(go_on(vmp), 0);
	vmem_delete(vmp);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			fork__many_hollow_pieces__the_largest_get_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
