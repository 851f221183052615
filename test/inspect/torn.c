/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * torn.c -- a bin that was copied while it changed does not falsify the figures
 *
 * A child has the pool, since a snapshot lies at the pool's own addresses.
 *
 * ctest: not-tsan not-valgrind
 */
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "inspect/inspect.h"
#include "pool/pool_internal.h"
#include "tcache/heap_deep.h"

#include "harness/test.h"

#define POOL   ((size_t)256 << 20)
#define SIZE   ((size_t)64)
#define NLIVE  60000
#define BURST  1000
#define ROUNDS 24 /* bursts after which a bin has a deep LIFO */

/* how the bin is torn */
enum torn {
	HOLDS,        /* not at all */
	NDEEP_BEFORE, /* the top is of later than what lies below the NULL */
	TOP_BEFORE,   /* that of the bin's own LIFO, when it has a deep one */
	NDEEP_ANY,    /* what was there before in the heap's memory */
	DEEP_ANY,
	NTORN
};

static struct bin *
bin_of(VMEM *vmp)
{
	struct heap *h = thread_entry(vmp)->heap;

	return heap_bin(h, h->table, class_of(h->table, SIZE));
}

/* fill -- so that NLIVE objects live, and the bin has a deep LIFO */
static void
fill(VMEM *vmp)
{
	static void *objects[NLIVE + BURST];

	for (unsigned round = 0; round < ROUNDS; round++) {
		for (size_t i = 0; i < BURST; i++)
			objects[i] = vmem_malloc(vmp, SIZE);
		for (size_t i = 0; i < BURST; i++)
			vmem_free(vmp, objects[i]);
	}
	for (size_t i = 0; i < NLIVE + BURST; i++)
		must((objects[i] = vmem_malloc(vmp, SIZE)) != NULL);
	for (size_t i = NLIVE; i < NLIVE + BURST; i++)
		vmem_free(vmp, objects[i]);
}

static void
tear(struct bin *b, enum torn how)
{
	switch (how) {
	case NDEEP_BEFORE:
		b->top = b->deep + 20;
		break;
	case TOP_BEFORE:
		b->ndeep = 0;
		b->top = (void **)(void *)(b + 1) + 5;
		break;
	case NDEEP_ANY:
		b->ndeep = NLIVE;
		break;
	case DEEP_ANY:
		b->deep = (void **)(void *)b;
		break;
	default:
		break;
	}
}

static void __attribute__((noreturn)) hold(enum torn how, int ready)
{
	VMEM *vmp = test_file_pool(POOL);
	struct bin *b;

	fill(vmp);
	b = bin_of(vmp);
	must(b->deep != NULL && bin_held(b) == BURST);
	deep_decay(thread_entry(vmp)->heap);
	must(b->ndeep > BURST / 2);
	tear(b, how);
	must(write(ready, "", 1) == 1);
	for (;;)
		pause();
}

/* live -- objects, as the figures of the child's pool say */
static uint64_t
live(pid_t child)
{
	static struct figures f;
	struct snapshot *snap;
	struct pool_list list;
	struct source *s;

	must(source_open_process(&s, child) == 0);
	must(pool_list_read(&list, s) == 0);
	must(list.npools == 1);
	must(snapshot_take(&snap, s, &list.pools[0], SNAPSHOT_ONCE) == 0);
	must(figures_read(&f, snap) == 0);
	snapshot_drop(snap);
	pool_list_free(&list);
	source_close(s);
	return f.nlive;
}

static uint64_t
live_when(enum torn how)
{
	int ends[2];
	char byte;
	pid_t child;
	uint64_t n;

	must(pipe(ends) == 0);
	child = fork();
	must(child >= 0);
	if (child == 0)
		hold(how, ends[1]);
	must(close(ends[1]) == 0);
	must(read(ends[0], &byte, 1) == 1);
	n = live(child);
	must(kill(child, SIGKILL) == 0 && waitpid(child, NULL, 0) == child);
	must(close(ends[0]) == 0);
	return n;
}

static void
figures__bin_is_torn__are_off_by_no_more_than_its_lifo(void **state)
{
	(void)state;
	if (!thread_fast_allowed())
		test_skip("no private heaps on this kernel");
	assert_int_equal(live_when(HOLDS), NLIVE);
	for (int how = HOLDS + 1; how < NTORN; how++) {
		print_message("torn %d\n", how);
		assert_in_range(
			live_when((enum torn)how), NLIVE, NLIVE + DEEP_SLOTS);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			figures__bin_is_torn__are_off_by_no_more_than_its_lifo),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
