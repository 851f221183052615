/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_pool_fork.c -- fork handlers that begin before those of another fork of
 * the same thread have ended, as when a signal handler forks; and who may
 * freeze a pool while a fork waits
 *
 * ctest: threads
 */
#include "pool/pool_internal.h"

#include "harness/test.h"

#include <pthread.h>
#include <unistd.h>

#define SECONDS 20    /* nothing here waits, unless for ever */
#define SOON_US 30000 /* until a thread waits, most often */

static void *
use_pool(void *vmp)
{
	void *p = vmem_malloc(vmp, 100);

	vmem_free(vmp, p);
	/* 0 is for pools that lie over each other */
	return vmem_check(vmp) >= 0 ? p : NULL;
}

/* others_get_in -- nothing is left frozen or locked */
static void
others_get_in(VMEM *vmp)
{
	pthread_t thread;
	void *p;

	assert_int_equal(pthread_create(&thread, NULL, use_pool, vmp), 0);
	assert_int_equal(pthread_join(thread, &p), 0);
	assert_non_null(p);
	assert_non_null(use_pool(vmp));
}

static void
fork_handlers__within_those_of_a_fork__do_nothing(void **state)
{
	VMEM *vmp = test_pool(VMEM_MIN_POOL);

	(void)state;
	pool_fork_prepare();
	pool_fork_prepare();
	pool_fork_prepare();
	assert_true(registry_forking());
	pool_fork_parent();
	pool_fork_parent();
	assert_true(registry_forking());
	pool_fork_parent();
	assert_false(registry_forking());
	others_get_in(vmp);
	test_pool_delete(vmp, VMEM_MIN_POOL);
}

static void
fork_handlers__within_an_operation__do_nothing(void **state)
{
	VMEM *vmp = test_pool(VMEM_MIN_POOL);
	struct visit v;

	(void)state;
	assert_int_equal(pool_enter(&v, vmp), 0);
	pool_fork_prepare();
	assert_false(registry_forking());
	/* and again, in a handler that interrupts that one */
	pool_fork_prepare();
	pool_fork_parent();
	pool_fork_parent();
	pool_leave(&v);
	/* the next one is a real one */
	pool_fork_prepare();
	assert_true(registry_forking());
	pool_fork_parent();
	others_get_in(vmp);
	test_pool_delete(vmp, VMEM_MIN_POOL);
}

/* another pool is made over one that is frozen: the thaw finds the new one */
static void
fork_handlers__after_a_pool_was_made_over_a_frozen_one__go_on(void **state)
{
	VMEM *vmp = test_pool(VMEM_MIN_POOL);

	(void)state;
	assert_int_equal(pool_freeze(vmp, NULL), 0);
	assert_ptr_equal(vmem_create_in_region(vmp, VMEM_MIN_POOL), vmp);
	pool_thaw(vmp);
	pool_fork_prepare();
	pool_fork_parent();
	others_get_in(vmp);
	vmem_delete(vmp);
	test_pool_delete(vmp, VMEM_MIN_POOL);
}

/* the fork handlers in a thread, and one that freezes, while the test waits */
struct other {
	VMEM *vmp;
	bool walk;
	bool done; /* atomic */
	pthread_t thread;
};

static void *
run_fork_handlers(void *arg)
{
	struct other *o = arg;

	pool_fork_prepare();
	store_seq_cst(&o->done, true);
	pool_fork_parent();
	return NULL;
}

static void *
freeze_and_thaw(void *arg)
{
	struct other *o = arg;
	struct record rec;

	if (o->walk) {
		must(pool_freeze_walk(o->vmp, false, &rec) == 0);
		pool_thaw_walk(o->vmp);
	} else {
		must(pool_freeze(o->vmp, NULL) == 0);
		pool_thaw(o->vmp);
	}
	store_seq_cst(&o->done, true);
	return NULL;
}

static bool
fork_waits(void)
{
	registry_lock();
	bool waits = pool_fork_waits();
	registry_unlock();
	return waits;
}

static void
start_fork(struct other *forker)
{
	must(pthread_create(&forker->thread, NULL, run_fork_handlers, forker) ==
		0);
	while (!fork_waits())
		usleep(100);
}

/* must_wait -- until now; what it waits for ends afterwards */
static void
must_wait(const struct other *o)
{
	usleep(SOON_US);
	must(!load_seq_cst(&o->done));
}

static void
join(const struct other *o)
{
	must(pthread_join(o->thread, NULL) == 0);
	must(load_seq_cst(&o->done));
}

/* while a fork waits for a freeze that is no walk's, none begins */
static void
fork__waits_for_a_freeze__holds_back_others(void **state)
{
	VMEM *vmp = test_pool(VMEM_MIN_POOL), *more = test_pool(VMEM_MIN_POOL);

	(void)state;
	for (int walk = 0; walk < 2; walk++) {
		struct other forker = {0},
			     freezer = {.vmp = more, .walk = walk != 0};

		assert_int_equal(pool_freeze(vmp, NULL), 0);
		start_fork(&forker);
		must(pthread_create(&freezer.thread, NULL, freeze_and_thaw,
			     &freezer) == 0);
		must_wait(&freezer);
		must_wait(&forker);
		assert_false(registry_forking());
		/* but to enter one is open to all */
		vmem_free(more, vmem_malloc(more, 10));
		pool_thaw(vmp);
		join(&forker);
		join(&freezer);
		assert_false(fork_waits());
		others_get_in(more);
	}
	test_pool_delete(vmp, VMEM_MIN_POOL);
	test_pool_delete(more, VMEM_MIN_POOL);
}

/* while it waits for a walk, only a walk of another thread does not begin */
static void
fork__waits_for_a_walk__holds_back_other_walks(void **state)
{
	VMEM *vmp = test_pool(VMEM_MIN_POOL), *more = test_pool(VMEM_MIN_POOL);
	struct other forker = {0}, freezer = {.vmp = more},
		     walker = {.vmp = more, .walk = true};
	struct record rec;

	(void)state;
	assert_int_equal(pool_freeze_walk(vmp, false, &rec), 0);
	start_fork(&forker);
	must(pthread_create(&walker.thread, NULL, freeze_and_thaw, &walker) ==
		0);
	must_wait(&walker);
	must(pthread_create(&freezer.thread, NULL, freeze_and_thaw, &freezer) ==
		0);
	join(&freezer);
	assert_int_equal(pool_freeze_walk(more, true, &rec), 0);
	pool_thaw_walk(more);
	assert_int_equal(pool_freeze(more, NULL), 0);
	pool_thaw_walk(vmp);
	/* no walk any more, but a freeze */
	freezer = (struct other){.vmp = vmp};
	must(pthread_create(&freezer.thread, NULL, freeze_and_thaw, &freezer) ==
		0);
	must_wait(&freezer);
	must_wait(&forker);
	pool_thaw(more);
	join(&forker);
	join(&freezer);
	join(&walker);
	others_get_in(vmp);
	test_pool_delete(vmp, VMEM_MIN_POOL);
	test_pool_delete(more, VMEM_MIN_POOL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			fork_handlers__within_those_of_a_fork__do_nothing),
		cmocka_unit_test(
			fork_handlers__within_an_operation__do_nothing),
		cmocka_unit_test(
			fork_handlers__after_a_pool_was_made_over_a_frozen_one__go_on),
		cmocka_unit_test(fork__waits_for_a_freeze__holds_back_others),
		cmocka_unit_test(
			fork__waits_for_a_walk__holds_back_other_walks),
	};

	alarm(SECONDS);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
