/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_pool_fork.c -- fork handlers that begin before those of another fork of
 * the same thread have ended, as when a signal handler forks
 *
 * ctest: threads
 */
#include "pool/pool_internal.h"

#include "harness/test.h"

#include <pthread.h>
#include <unistd.h>

#define SECONDS 20 /* nothing here waits, unless for ever */

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
	};

	alarm(SECONDS);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
