/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * signals.c -- signal handlers that interrupt an operation, and fork and exec
 *
 * Threads do nothing but allocate and free.  A signal comes at any moment, and
 * its handler forks: the child ends, or starts another program that makes
 * pools.
 *
 * The address sanitizer's allocator has a lock that a fork may leave held in
 * the child: there one run in twenty did not end, in its calloc().
 *
 * ctest: timeout=300 not-asan threads
 */
#include "harness/test.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "harness/objects.h"
#include "harness/threads.h"

#define NTHREADS  4
#define MOST      16   /* children at a time */
#define EXEC_EACH 8    /* each such one starts a program */
#define PAUSE_MAX 1000 /* microseconds between signals */
#define STARTED   "started"
#define CHILD_BAD 9

static VMEM *pools[2];
static atomic_bool stop;
static atomic_uint nforks, nalive;
static char *const started[] = {(char[]){"signals"}, (char[]){STARTED}, NULL};

/* only what is safe in a handler: no descriptor, no memory, no lock */
static void
fork_now(int signum)
{
	int saved = errno;
	unsigned i = atomic_fetch_add(&nforks, 1);
	pid_t pid;

	(void)signum;
	atomic_fetch_add(&nalive, 1);
	pid = fork();
	if (pid == 0) {
		if (i % EXEC_EACH == 0)
			(void)execv("/proc/self/exe", started);
		_exit(i % EXEC_EACH == 0 ? CHILD_BAD : 0);
	}
	if (pid < 0)
		atomic_fetch_sub(&nalive, 1);
	errno = saved;
}

/* a program that was started: it works as any other */
static int
use_pools(void)
{
	VMEM *vmp = test_pool(VMEM_MIN_POOL);
	struct objects set;
	struct rng rng;

	rng_init_from(&rng, (uint64_t)getpid());
	objects_init(&set, vmp);
	objects_churn(&set, &rng, 100, 5000);
	objects_fini(&set);
	return vmem_check(vmp) == 1 ? 0 : CHILD_BAD;
}

static void *
allocate(void *arg)
{
	VMEM *vmp = pools[*(const size_t *)arg % 2];
	void *held[64] = {NULL};
	struct rng rng;

	rng_init_from(&rng, *(const size_t *)arg);
	while (!atomic_load(&stop)) {
		size_t i = rng_between(&rng, 0, NELEM(held) - 1);
		size_t size = rng_between(&rng, 0, 99) == 0 ? 100000 : 2000;

		/* for realloc and large objects too */
		if (held[i] != NULL && rng_between(&rng, 0, 3) == 0) {
			held[i] = vmem_realloc(
				vmp, held[i], rng_between(&rng, 1, size));
			must(held[i] != NULL);
			continue;
		}
		vmem_free(vmp, held[i]);
		held[i] = vmem_malloc(vmp, rng_between(&rng, 1, size));
		must(held[i] != NULL);
	}
	for (size_t i = 0; i < NELEM(held); i++)
		vmem_free(vmp, held[i]);
	return NULL;
}

/* reap -- the children that have ended */
static void
reap(void)
{
	int status;

	while (waitpid(-1, &status, WNOHANG) > 0) {
		must(WIFEXITED(status) && WEXITSTATUS(status) == 0);
		atomic_fetch_sub(&nalive, 1);
	}
}

static void
pause_for(size_t us)
{
	struct timespec pause = {0, (long)us * 1000};

	(void)nanosleep(&pause, NULL);
}

static void
fork__in_a_handler_that_interrupts_anything__works(void **state)
{
	struct deadline end = deadline_in(STRESS_MS);
	size_t numbers[NTHREADS];
	pthread_t threads[NTHREADS];
	struct sigaction action;
	struct rng rng;

	(void)state;
	rng_init(&rng, __func__);
	pools[0] = test_pool(32 * MIB);
	pools[1] = test_file_pool(32 * MIB);
	memset(&action, 0, sizeof(action));
	action.sa_handler = fork_now;
	action.sa_flags = SA_RESTART;
	must(sigaction(SIGUSR1, &action, NULL) == 0);
	for (size_t i = 0; i < NTHREADS; i++) {
		numbers[i] = i;
		must(pthread_create(&threads[i], NULL, allocate, &numbers[i]) ==
			0);
	}
	while (!deadline_is_over(end)) {
		pause_for(rng_between(&rng, 0, PAUSE_MAX));
		if (atomic_load(&nalive) < MOST)
			must(pthread_kill(threads[rng_between(
						  &rng, 0, NTHREADS - 1)],
				     SIGUSR1) == 0);
		reap();
	}
	atomic_store(&stop, true);
	for (size_t i = 0; i < NTHREADS; i++)
		must(pthread_join(threads[i], NULL) == 0);
	while (atomic_load(&nalive) > 0) {
		reap();
		pause_for(PAUSE_MAX);
	}
	print_message("%u forks\n", atomic_load(&nforks));
	assert_true(atomic_load(&nforks) > 0);
	assert_int_equal(vmem_check(pools[0]), 1);
	assert_int_equal(vmem_check(pools[1]), 1);
	assert_non_null(vmem_malloc(pools[0], 27 * MIB));
	vmem_delete(pools[1]);
	test_pool_delete(pools[0], 32 * MIB);
}

int
main(int argc, char *argv[])
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			fork__in_a_handler_that_interrupts_anything__works),
	};

	if (argc == 2 && strcmp(argv[1], STARTED) == 0)
		return use_pools();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
