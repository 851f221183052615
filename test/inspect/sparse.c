/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * sparse.c -- a large pool with little in it is read without a look at each of
 * its pages
 *
 * A child has the pool, since a snapshot lies at the pool's own addresses.
 *
 * ctest: serial not-asan not-tsan not-valgrind
 */
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/bitmap.h"
#include "inspect/snapshot.h"
#include "pool/pool_internal.h"

#include "harness/test.h"

#define POOL     (256 * GIB)
#define NPAGES   (POOL / RUN_PAGE)
#define NOBJECTS 100
/* over all pages: what takes less than these has not looked at each */
#define WALKS  3
#define US_A_S UINT64_C(1000000)

static VMEM *
make_pool(void)
{
	struct vmem_options o;

	must(vmem_options_init(&o, sizeof(o)) == 0);
	o.source = VMEM_SOURCE_MEMFD;
	o.size = POOL;
	o.sparse = 1;
	return vmem_create_opts(&o);
}

/* hold -- the pool, until the end; tells whether there is one */
static void __attribute__((noreturn)) hold(int ready)
{
	VMEM *vmp;
	char made;

	must(prctl(PR_SET_PDEATHSIG, SIGKILL) == 0);
	vmp = make_pool();
	made = vmp != NULL;
	for (unsigned i = 0; i < NOBJECTS && made != 0; i++)
		must(vmem_malloc(vmp, 1 + i * 37) != NULL);
	must(write(ready, &made, 1) == 1);
	for (;;)
		(void)pause();
}

/* what is looked into */
struct child {
	pid_t pid;
	struct source *s;
	struct pool_list list;
};

static bool
begin(struct child *c)
{
	int ends[2];
	char made;

	must(pipe(ends) == 0);
	c->pid = fork();
	must(c->pid >= 0);
	if (c->pid == 0)
		hold(ends[1]);
	must(read(ends[0], &made, 1) == 1);
	must(close(ends[0]) == 0 && close(ends[1]) == 0);
	must(source_open_process(&c->s, c->pid) == 0);
	must(pool_list_read(&c->list, c->s) == 0);
	return made != 0 && c->list.npools == 1;
}

static void
end(struct child *c)
{
	pool_list_free(&c->list);
	source_close(c->s);
	must(kill(c->pid, SIGKILL) == 0 && waitpid(c->pid, NULL, 0) == c->pid);
}

static void
begin_or_skip(struct child *c)
{
	if (begin(c))
		return;
	end(c);
	test_skip("no such pool here");
}

static struct rusage
usage(void)
{
	struct rusage u;

	must(getrusage(RUSAGE_SELF, &u) == 0);
	return u;
}

static uint64_t
user_us(const struct rusage *u)
{
	return (uint64_t)u->ru_utime.tv_sec * US_A_S +
	       (uint64_t)u->ru_utime.tv_usec;
}

/* one_by_one -- time that a look at each page of an empty pool takes */
static uint64_t
one_by_one(void)
{
	uint64_t *map = calloc(bitmap_words(NPAGES), sizeof(*map));
	struct rusage before = usage(), after;
	size_t n = 0;

	must(map != NULL);
	/* so that the compiler does not know that all of it is 0 */
	__asm__ volatile("" : : "r"(map) : "memory");
	for (size_t page = 0; page < NPAGES; page++)
		n += bitmap_test(map, page);
	after = usage();
	free(map);
	must(n == 0);
	return user_us(&after) - user_us(&before);
}

static void
snapshot_copy__large_sparse_pool__is_fast(void **state)
{
	struct child c;
	struct libraries libraries;
	struct registry registry;
	struct record rec;
	struct snapshot *snap;
	struct rusage before, after;

	(void)state;
	begin_or_skip(&c);
	must(finder_libraries(&libraries, c.s) == 0);
	must(finder_record(
		     c.s, &libraries, &c.list.pools[0], &registry, &rec) == 0);
	must(snapshot_open(&snap, &rec) == 0);
	before = usage();
	assert_int_equal(snapshot_copy(snap, c.s, &registry, true), 0);
	after = usage();
	snapshot_drop(snap);
	end(&c);
	assert_in_range(
		user_us(&after) - user_us(&before), 0, WALKS * one_by_one());
}

static void
snapshot_take__large_sparse_pool__leaves_its_map_alone(void **state)
{
	static struct figures f;
	struct child c;
	struct snapshot *snap;
	struct rusage before, after;

	(void)state;
	begin_or_skip(&c);
	before = usage();
	must(snapshot_take(&snap, c.s, &c.list.pools[0], SNAPSHOT_ONCE) == 0);
	must(figures_read(&f, snap) == 0);
	after = usage();
	snapshot_drop(snap);
	end(&c);
	assert_int_equal(f.nlive, NOBJECTS);
	assert_in_range(
		after.ru_minflt - before.ru_minflt, 0, NPAGES / MAP_ENTRIES);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(snapshot_copy__large_sparse_pool__is_fast),
		cmocka_unit_test(
			snapshot_take__large_sparse_pool__leaves_its_map_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
