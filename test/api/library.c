/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * library.c -- what the library does to the process: nothing that is seen
 *
 * ctest: timeout=300
 */
#include "harness/test.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "harness/objects.h"
#include "harness/proc.h"

/* use_everything -- call every function, with success and without */
static void
use_everything(void)
{
	VMEM *region = test_pool(VMEM_MIN_POOL);
	VMEM *file = test_file_pool(VMEM_MIN_POOL);
	struct objects set;
	struct rng rng;
	void *ptr;

	rng_init_from(&rng, 1);
	objects_init(&set, file);
	objects_churn(&set, &rng, 5000, 100000);
	objects_fill(&set, &rng, 1, 10000);
	objects_fini(&set);
	ptr = vmem_aligned_alloc(region, 4096, 100);
	vmem_free(region, ptr);
	vmem_free(region, ptr);
	vmem_free(region, vmem_strdup(region, "text"));
	vmem_free(region, vmem_wcsdup(region, L"text"));
	vmem_free(region, vmem_calloc(region, SIZE_MAX, SIZE_MAX));
	(void)vmem_malloc_usable_size(region, &ptr);
	must(vmem_check(region) == 1);
	must(vmem_check(file) == 1);
	must(vmem_create(NULL, 1) == NULL);
	must(vmem_create("/none", VMEM_MIN_POOL) == NULL);
	must(vmem_check_version(9, 9) != NULL);
	vmem_delete(file);
	vmem_delete(file);
	vmem_delete(NULL);
	must(vmem_check(file) == -1);
	must(vmem_errormsg() != NULL);
	test_pool_delete(region, VMEM_MIN_POOL);
}

static int
use_in_child(void *arg)
{
	(void)arg;
	use_everything();
	must(rmdir(test_dir()) == 0); /* the child's own */
	return 0;
}

static void
library__every_call__prints_nothing(void **state)
{
	char out[4096];

	(void)state;
	if (getenv("VMEM_LOG_LEVEL") != NULL)
		test_skip("the environment asks for traces");
	assert_int_equal(
		test_child_output(use_in_child, NULL, out, sizeof(out)), 0);
	assert_string_equal(out, "");
}

static void
library__every_call__starts_no_thread(void **state)
{
	size_t nthreads = test_nthreads();

	(void)state;
	for (unsigned i = 0; i < 5; i++) {
		use_everything();
		assert_int_equal(test_nthreads(), nthreads);
	}
}

static void
get_actions(struct sigaction *actions)
{
	memset(actions, 0, NSIG * sizeof(*actions));
	for (int signum = 1; signum < NSIG; signum++)
		(void)sigaction(signum, NULL, &actions[signum]);
}

static void
library__every_call__leaves_signals_alone(void **state)
{
	static struct sigaction before[NSIG], after[NSIG];
	sigset_t mask_before, mask_after;

	(void)state;
	get_actions(before);
	assert_int_equal(sigprocmask(SIG_SETMASK, NULL, &mask_before), 0);
	use_everything();
	assert_int_equal(sigprocmask(SIG_SETMASK, NULL, &mask_after), 0);
	get_actions(after);
	for (int signum = 1; signum < NSIG; signum++) {
		assert_true(
			before[signum].sa_handler == after[signum].sa_handler);
		assert_int_equal(sigismember(&mask_before, signum),
			sigismember(&mask_after, signum));
	}
}

static void
library__every_call__holds_nothing_afterwards(void **state)
{
	struct proc_count before;
	size_t vm_size;

	(void)state;
	use_everything();
	before = proc_count();
	vm_size = test_vm_size();
	for (unsigned i = 0; i < 20; i++)
		use_everything();
	assert_true(proc_is_unchanged(before));
	assert_true(test_vm_size() <= vm_size + VMEM_MIN_POOL / 2);
	assert_int_equal(alarm(0), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(library__every_call__prints_nothing),
		cmocka_unit_test(library__every_call__starts_no_thread),
		cmocka_unit_test(library__every_call__leaves_signals_alone),
		cmocka_unit_test(library__every_call__holds_nothing_afterwards),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
