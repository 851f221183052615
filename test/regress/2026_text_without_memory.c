/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * 2026_text_without_memory.c -- a thread's first error, and no memory at all
 *
 * There was no text then: vmem_errormsg() was empty after a failure.
 */
#include "harness/test.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "harness/limit.h"

#define NTHREADS 2

static void
must_say(const char *path, size_t size, int err)
{
	errno = 0;
	must(vmem_create(path, size) == NULL);
	must(errno == err);
	must(strcmp(vmem_errormsg(), strerrordesc_np(err)) == 0);
}

static pthread_barrier_t limited, told;

/* fail_bare -- each thread has its own, with and without memory */
static void *
fail_bare(void *arg)
{
	const int err = arg == NULL ? EINVAL : ENOENT;
	const char *path = arg == NULL ? NULL : "/no/such/dir";

	must(vmem_errormsg()[0] == '\0');
	(void)pthread_barrier_wait(&limited);
	must_say(path, VMEM_MIN_POOL, err);
	(void)pthread_barrier_wait(&told);
	must(strcmp(vmem_errormsg(), strerrordesc_np(err)) == 0);
	(void)pthread_barrier_wait(&limited);
	must(vmem_create(NULL, 5) == NULL);
	must(strcmp(vmem_errormsg(), "size 5 smaller than 14680064") == 0);
	return NULL;
}

static int
fail_without_memory(void *arg)
{
	pthread_t threads[NTHREADS];

	must(vmem_errormsg()[0] == '\0');
	must(pthread_barrier_init(&limited, NULL, NTHREADS + 1) == 0);
	must(pthread_barrier_init(&told, NULL, NTHREADS + 1) == 0);
	for (size_t i = 0; i < NTHREADS; i++)
		must(pthread_create(&threads[i], NULL, fail_bare,
			     i == 0 ? NULL : &threads[i]) == 0);
	limit_to(RLIMIT_AS, 0);
	(void)pthread_barrier_wait(&limited);
	must_say(arg, 5, EINVAL);
	must_say(arg, VMEM_MIN_POOL, ENOENT);
	(void)pthread_barrier_wait(&told);
	limit_to(RLIMIT_AS, RLIM_INFINITY);
	(void)pthread_barrier_wait(&limited);
	for (size_t i = 0; i < NTHREADS; i++)
		must(pthread_join(threads[i], NULL) == 0);
	return 0;
}

static void
errormsg__no_memory_for_the_first_text__tells_errno(void **state)
{
	static char path[] = "/no/such/dir";

	(void)state;
	if (TEST_SANITIZED)
		test_skip("the sanitizer needs the address space");
	assert_int_equal(test_child(fail_without_memory, path), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			errormsg__no_memory_for_the_first_text__tells_errno),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
