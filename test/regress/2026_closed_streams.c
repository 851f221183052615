/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * 2026_closed_streams.c -- what goes to standard error while that is closed
 *
 * The file of a new pool had the lowest free number for as long as its space
 * was being reserved: in a program that has closed the first three, whatever
 * another thread printed meanwhile was written into the pool.
 *
 * To write to a number that is closed is a race by itself, for the thread
 * sanitizer.
 *
 * ctest: threads not-tsan
 */
#include "harness/test.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "harness/options.h"

#define NPOOLS 5

static char text[64 * KIB];
static unsigned nwritten; /* atomic; bytes that somebody took */
static bool ended;        /* atomic */

static void *
print(void *arg)
{
	(void)arg;
	while (!__atomic_load_n(&ended, __ATOMIC_RELAXED))
		for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
			ssize_t n = write(fd, text, sizeof(text));

			if (n > 0)
				__atomic_fetch_add(&nwritten, (unsigned)n,
					__ATOMIC_RELAXED);
		}
	return NULL;
}

static int
create_many(void *arg)
{
	const struct vmem_options *o = arg;
	pthread_t thread;
	unsigned nbad = 0;

	memset(text, 'x', sizeof(text));
	must(close(STDIN_FILENO) == 0 && close(STDOUT_FILENO) == 0 &&
		close(STDERR_FILENO) == 0);
	must(pthread_create(&thread, NULL, print, NULL) == 0);
	for (int i = 0; i < NPOOLS; i++) {
		VMEM *vmp = vmem_create_opts(o);

		nbad += vmp == NULL || vmem_check(vmp) != 1;
		vmem_delete(vmp);
	}
	__atomic_store_n(&ended, true, __ATOMIC_RELAXED);
	must(pthread_join(thread, NULL) == 0);
	return nbad > 0 || nwritten > 0;
}

static void
create__streams_are_closed__nobody_prints_into_the_pool(void **state)
{
	static const int sources[] = {VMEM_SOURCE_PATH, VMEM_SOURCE_MEMFD};

	(void)state;
	for (size_t i = 0; i < NELEM(sources); i++) {
		struct vmem_options o = options_of(sources[i]);

		o.size = 64 * MIB;
		if (o.source == VMEM_SOURCE_PATH)
			o.path = "/dev/shm";
		assert_int_equal(test_child(create_many, &o), 0);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			create__streams_are_closed__nobody_prints_into_the_pool),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
