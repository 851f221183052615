/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * errormsg.c -- vmem_errormsg()
 */
#include "harness/test.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#define NTHREADS 16

/* comes first: there was no error yet */
static void
errormsg__before_any_error__is_empty(void **state)
{
	VMEM *vmp;

	(void)state;
	assert_non_null(vmem_errormsg());
	assert_string_equal(vmem_errormsg(), "");
	vmp = test_pool(VMEM_MIN_POOL);
	vmem_free(vmp, vmem_malloc(vmp, 100));
	assert_int_equal(vmem_check(vmp), 1);
	assert_null(vmem_check_version(1, 0));
	test_pool_delete(vmp, VMEM_MIN_POOL);
	assert_string_equal(vmem_errormsg(), "");
}

static void
errormsg__after_a_success__is_not_cleared(void **state)
{
	VMEM *vmp;
	void *ptr;

	(void)state;
	assert_null(vmem_create("/no/such/dir", VMEM_MIN_POOL));
	assert_string_equal(vmem_errormsg(), "open: No such file or directory");
	vmp = vmem_create(test_dir(), VMEM_MIN_POOL);
	assert_non_null(vmp);
	ptr = vmem_malloc(vmp, 100);
	ptr = vmem_realloc(vmp, ptr, 10000);
	assert_non_null(ptr);
	vmem_free(vmp, ptr);
	assert_int_equal(vmem_check(vmp), 1);
	vmem_delete(vmp);
	assert_string_equal(vmem_errormsg(), "open: No such file or directory");
}

static void
errormsg__every_error__replaces_the_text(void **state)
{
	VMEM *vmp = test_pool(VMEM_MIN_POOL);

	(void)state;
	assert_null(vmem_create(NULL, 5));
	assert_string_equal(vmem_errormsg(), "size 5 smaller than 14680064");
	assert_null(vmem_create(NULL, VMEM_MIN_POOL));
	assert_string_equal(vmem_errormsg(), "invalid (NULL) path");
	assert_null(vmem_create("/dev/null/x", VMEM_MIN_POOL));
	assert_string_equal(vmem_errormsg(), "open: Not a directory");
	assert_int_equal(vmem_check(NULL), -1);
	assert_string_equal(vmem_errormsg(), "invalid pool handle: 0x0");

	/* what is no room is an error like the others */
	assert_null(vmem_malloc(vmp, VMEM_MIN_POOL));
	assert_string_not_equal(vmem_errormsg(), "invalid pool handle: 0x0");
	assert_true(strlen(vmem_errormsg()) > 0);
	test_pool_delete(vmp, VMEM_MIN_POOL);
}

/* a very long path does not go past the end of the text's room */
static void
errormsg__very_long_argument__ends(void **state)
{
	static char path[100000];

	(void)state;
	memset(path, 'a', sizeof(path) - 1);
	assert_null(vmem_create(path, VMEM_MIN_POOL));
	assert_int_equal(errno, ENAMETOOLONG);
	assert_true(strlen(vmem_errormsg()) > 0);
	assert_true(strlen(vmem_errormsg()) < 8192);
}

struct thread {
	pthread_t id;
	pthread_barrier_t *barrier;
	size_t size;
};

static void *
fail_in_thread(void *arg)
{
	struct thread *thread = arg;
	char expected[100];
	const char *text;

	must(vmem_errormsg() != NULL);
	must(vmem_errormsg()[0] == '\0');
	pthread_barrier_wait(thread->barrier);
	snprintf(expected, sizeof(expected), "size %zu smaller than 14680064",
		thread->size);
	for (unsigned i = 0; i < 1000; i++) {
		must(vmem_create(NULL, thread->size) == NULL);
		text = vmem_errormsg();
		must(strcmp(text, expected) == 0);
	}
	pthread_barrier_wait(thread->barrier);
	must(strcmp(vmem_errormsg(), expected) == 0);
	return NULL;
}

static void
errormsg__many_threads__each_has_its_own(void **state)
{
	struct thread threads[NTHREADS];
	pthread_barrier_t barrier;

	(void)state;
	assert_null(vmem_create(NULL, 7));
	assert_int_equal(pthread_barrier_init(&barrier, NULL, NTHREADS), 0);
	for (size_t i = 0; i < NTHREADS; i++) {
		threads[i].barrier = &barrier;
		threads[i].size = 100 + i;
		assert_int_equal(pthread_create(&threads[i].id, NULL,
					 fail_in_thread, &threads[i]),
			0);
	}
	for (size_t i = 0; i < NTHREADS; i++)
		assert_int_equal(pthread_join(threads[i].id, NULL), 0);
	assert_string_equal(vmem_errormsg(), "size 7 smaller than 14680064");
	pthread_barrier_destroy(&barrier);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(errormsg__before_any_error__is_empty),
		cmocka_unit_test(errormsg__after_a_success__is_not_cleared),
		cmocka_unit_test(errormsg__every_error__replaces_the_text),
		cmocka_unit_test(errormsg__very_long_argument__ends),
		cmocka_unit_test(errormsg__many_threads__each_has_its_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
