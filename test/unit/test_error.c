/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ctest: not-valgrind
 */
#include "base/error.h"

#include "harness/proc.h"
#include "harness/test.h"
#include "harness/threads.h"
#undef fail /* cmocka's; ours is meant here */

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#define ODD_ERRNO 12345
#define MOST      1023 /* bytes of a message without the NUL */

static void
text__before_the_first__is_empty(void **state)
{
	(void)state;
	assert_string_equal(error_text(), "");
}

static void
fail__any_error__gives_minus_it_and_the_text(void **state)
{
	(void)state;
	errno = ODD_ERRNO;
	assert_int_equal(
		fail(EINVAL, "size %zu under %d", (size_t)7, 9), -EINVAL);
	assert_string_equal(error_text(), "size 7 under 9");
	assert_int_equal(fail(ENOMEM, "no"), -ENOMEM);
	assert_string_equal(error_text(), "no");
	assert_int_equal(fail(0, "a finding"), 0);
	assert_string_equal(error_text(), "a finding");
	assert_int_equal(errno, ODD_ERRNO);
}

static void
fail_sys__any_error__appends_its_words(void **state)
{
	(void)state;
	errno = ODD_ERRNO;
	assert_int_equal(fail_sys(ENOENT, "open %s", "x"), -ENOENT);
	assert_string_equal(error_text(), "open x: No such file or directory");
	for (int err = 1; err < 134; err++) {
		char expected[256];

		if (strerrordesc_np(err) == NULL)
			continue;
		snprintf(expected, sizeof(expected), "f: %s",
			strerrordesc_np(err));
		assert_int_equal(fail_sys(err, "f"), -err);
		assert_string_equal(error_text(), expected);
	}
	assert_int_equal(errno, ODD_ERRNO);
}

static void
fail_sys__number_without_words__is_a_text(void **state)
{
	(void)state;
	assert_int_equal(fail_sys(ODD_ERRNO, "f"), -ODD_ERRNO);
	assert_int_equal(strncmp(error_text(), "f: ", 3), 0);
}

static void
fail__text_too_long__is_cut(void **state)
{
	static char longest[3000];

	(void)state;
	memset(longest, 'x', sizeof(longest) - 1);
	for (size_t n = MOST - 3; n <= MOST + 3; n++) {
		size_t kept = n < MOST ? n : MOST;

		(void)fail(EINVAL, "%.*s", (int)n, longest);
		assert_int_equal(strlen(error_text()), kept);
		(void)fail_sys(ENOENT, "%.*s", (int)n, longest);
		assert_int_equal(strlen(error_text()), MOST);
	}
	(void)fail_sys(ENOENT, "%s", longest);
	assert_int_equal(strlen(error_text()), MOST);
}

static void *
fail_elsewhere(void *arg)
{
	bool good = strcmp(error_text(), "") == 0;

	(void)fail(EINVAL, "thread %d", *(int *)arg);
	for (int i = 0; i < 1000; i++)
		(void)fail(EINVAL, "thread %d, %d", *(int *)arg, i);
	(void)fail(EINVAL, "thread %d", *(int *)arg);
	good = good && strncmp(error_text(), "thread ", 7) == 0 &&
	       error_text()[7] - '0' == *(int *)arg;
	return good ? arg : NULL;
}

static void
fail__in_other_threads__keeps_their_own(void **state)
{
	int ids[] = {0, 1, 2, 3, 4, 5, 6, 7};
	pthread_t threads[NELEM(ids)];

	(void)state;
	(void)fail(EINVAL, "mine");
	for (size_t i = 0; i < NELEM(ids); i++)
		must(pthread_create(
			     &threads[i], NULL, fail_elsewhere, &ids[i]) == 0);
	for (size_t i = 0; i < NELEM(ids); i++) {
		void *result;

		must(pthread_join(threads[i], &result) == 0);
		assert_ptr_equal(result, &ids[i]);
	}
	assert_string_equal(error_text(), "mine");
}

/* a thread's text is given back when it ends */
static void
fail__in_a_thousand_threads__leaves_nothing(void **state)
{
	size_t before = 0;

	(void)state;
	for (int i = 0; i < 1000; i++) {
		int id = i % 10;

		in_thread(fail_elsewhere, &id);
		if (i == 100)
			before = test_vm_size();
	}
	/* 900 pages would be 3.6 MiB */
	if (!TEST_SANITIZED && !proc_is_emulated())
		assert_true(test_vm_size() < before + MIB);
}

static pthread_key_t late_key;
static char late_first; /* an address that is not the key's */

static void
fail_late(void *arg)
{
	(void)fail(EINVAL, "late");
	must(strcmp(error_text(), "late") == 0);
	if (arg != &late_key)
		(void)pthread_setspecific(late_key, &late_key);
}

static void *
end_with_errors(void *arg)
{
	(void)fail(EINVAL, "early");
	(void)pthread_setspecific(late_key, arg);
	return NULL;
}

/* destructors that run after ours may fail too, and get a text anew */
static void
fail__while_the_thread_ends__has_a_text(void **state)
{
	(void)state;
	must(pthread_key_create(&late_key, fail_late) == 0);
	in_thread(end_with_errors, &late_first);
	must(pthread_key_delete(late_key) == 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text__before_the_first__is_empty),
		cmocka_unit_test(fail__any_error__gives_minus_it_and_the_text),
		cmocka_unit_test(fail_sys__any_error__appends_its_words),
		cmocka_unit_test(fail_sys__number_without_words__is_a_text),
		cmocka_unit_test(fail__text_too_long__is_cut),
		cmocka_unit_test(fail__in_other_threads__keeps_their_own),
		cmocka_unit_test(fail__in_a_thousand_threads__leaves_nothing),
		cmocka_unit_test(fail__while_the_thread_ends__has_a_text),
	};

	error_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
