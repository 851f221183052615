/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/log_file.h"

#include "harness/proc.h"
#include "harness/test.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#ifdef VMEM_DEBUG
#define STAYS_OPEN 1
#else
#define STAYS_OPEN 0
#endif

#define ODD_NUMBERS 600 /* more than any number that is kept */
#define LEAST_KEPT  200

/* the file of a case, and the folder it is in; each case is a child, since a
 * process has one log file only */
static char folder[300], file[400];

static void
run_case(int (*fn)(void *arg))
{
	snprintf(folder, sizeof(folder), "%s/folder", test_dir());
	snprintf(file, sizeof(file), "%s/log", folder);
	assert_int_equal(mkdir(folder, 0700), 0);
	assert_int_equal(test_child(fn, NULL), 0);
	(void)unlink(file);
	assert_int_equal(rmdir(folder), 0);
}

static bool
file_is(const char *path, const char *expected)
{
	char text[256];

	test_read_file(path, text, sizeof(text));
	return strcmp(text, expected) == 0;
}

static int
write_nowhere(void *arg)
{
	(void)arg;
	must(log_file_write("x") == -ENOENT);
	snprintf(file, sizeof(file), "%s/none/log", folder);
	must(log_file_set(file));
	must(log_file_write("x") == -ENOENT);
	must(log_file_write("") == -ENOENT);
	return 0;
}

static void
write__no_file__says_why(void **state)
{
	(void)state;
	run_case(write_nowhere);
}

static int
write_too_long(void *arg)
{
	static char name[5000];

	(void)arg;
	memset(name, 'x', sizeof(name) - 1);
	must(!log_file_set(name));
	must(log_file_write("x") == -ENOENT);
	return 0;
}

static void
set__name_too_long__is_refused(void **state)
{
	(void)state;
	run_case(write_too_long);
}

static int
count_descriptors(void *arg)
{
	struct proc_count before = proc_count();
	bool is_open[LEAST_KEPT];

	(void)arg;
	for (int fd = 0; fd < LEAST_KEPT; fd++)
		is_open[fd] = fcntl(fd, F_GETFD) >= 0;
	must(log_file_set(file));
	for (int i = 0; i < 3; i++) {
		must(log_file_write("x\n") == 0);
		must(proc_count().nfds == before.nfds + STAYS_OPEN);
	}
	for (int fd = 0; fd < LEAST_KEPT; fd++)
		must((fcntl(fd, F_GETFD) >= 0) == is_open[fd]);
	must(file_is(file, "x\nx\nx\n"));
	return 0;
}

/* traces are many, and have a high number */
static void
write__any_text__leaves_no_low_descriptor(void **state)
{
	(void)state;
	run_case(count_descriptors);
}

static int
take_all_numbers(void *arg)
{
	char own[400];

	(void)arg;
	must(log_file_set(file));
	must(log_file_write("first\n") == 0);
	for (int fd = 3; fd < ODD_NUMBERS; fd++)
		(void)close(fd);
	snprintf(own, sizeof(own), "%s/own", folder);
	int fd = open(own, O_RDWR | O_CREAT | O_APPEND, 0600);
	must(fd >= 0);
	while (fd < ODD_NUMBERS) {
		must(log_file_write("then\n") == 0);
		fd = dup(fd);
		must(fd >= 0);
	}
	must(file_is(own, ""));
	must(unlink(own) == 0);
	/* one that it has taken is not closed either */
	for (fd = 3; fd < ODD_NUMBERS; fd++)
		must(fcntl(fd, F_GETFD) >= 0);
	must(log_file_write("last\n") == 0);
	return 0;
}

static void
write__numbers_are_somebody_elses__stays_out_of_their_files(void **state)
{
	(void)state;
	run_case(take_all_numbers);
}

static int
close_streams(void *arg)
{
	(void)arg;
	must(log_file_set(file));
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		(void)close(fd);
	for (int i = 0; i < 2; i++) {
		bool good = log_file_write("ours\n") == 0;
		for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
			if (write(fd, "theirs\n", 7) >= 0 || errno != EBADF)
				good = false;
		if (!good)
			return 1;
	}
	return file_is(file, "ours\nours\n") ? 0 : 2;
}

static void
write__streams_are_closed__takes_none_of_their_numbers(void **state)
{
	(void)state;
	run_case(close_streams);
}

static int
lose_folder(void *arg)
{
	(void)arg;
	must(log_file_set(file));
	must(log_file_write("first\n") == 0);
	must(unlink(file) == 0);
	for (int fd = 3; fd < ODD_NUMBERS; fd++)
		(void)close(fd);
	must(log_file_write("anew\n") == 0);
	must(file_is(file, "anew\n"));
	must(unlink(file) == 0 && rmdir(folder) == 0);
	must(log_file_write("nowhere\n") == -ENOENT);
	must(mkdir(folder, 0700) == 0);
	must(log_file_write("back\n") == 0);
	return file_is(file, "back\n") ? 0 : 1;
}

static void
write__file_is_gone__makes_it_anew_or_says_why(void **state)
{
	(void)state;
	run_case(lose_folder);
}

static int
write_into_pipe(void *arg)
{
	static const struct rlimit few = {64, 64};
	char text[64];
	int in;

	(void)arg;
	must(setrlimit(RLIMIT_NOFILE, &few) == 0);
	must(mkfifo(file, 0600) == 0);
	in = open(file, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	must(in >= 0);
	must(log_file_set(file));
	for (int i = 0; i < 3; i++) {
		must(log_file_write("text\n") == 0);
		must(read(in, text, sizeof(text)) == 5);
		/* nothing more, and not the end: that would be a 0 */
		must(read(in, text, sizeof(text)) < 0 && errno == EAGAIN);
	}
	return 0;
}

static void
write__pipe__does_not_end_for_its_reader(void **state)
{
	(void)state;
	run_case(write_into_pipe);
}

#define NTHREADS 4
#define NTEXTS   200

static void *
write_many(void *arg)
{
	for (int i = 0; i < NTEXTS; i++)
		must(log_file_write("0123456\n") == 0);
	return arg;
}

static int
write_from_threads(void *arg)
{
	pthread_t threads[NTHREADS];
	struct stat st;

	(void)arg;
	must(log_file_set(file));
	for (int i = 0; i < NTHREADS; i++)
		must(pthread_create(&threads[i], NULL, write_many, NULL) == 0);
	/* as a daemon does; not what the harness and sanitizers have.  To the
	 * thread sanitizer to use and to close a descriptor is a race. */
	for (int fd = LEAST_KEPT; fd < ODD_NUMBERS && !TEST_TSAN; fd++)
		(void)close(fd);
	for (int i = 0; i < NTHREADS; i++)
		must(pthread_join(threads[i], NULL) == 0);
	must(stat(file, &st) == 0);
	/* a text whose descriptor was closed under it is lost */
	return st.st_size % 8 == 0 && st.st_size > 8 * NTEXTS ? 0 : 1;
}

static void
write__from_many_threads__is_there_in_whole_lines(void **state)
{
	(void)state;
	run_case(write_from_threads);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(write__no_file__says_why),
		cmocka_unit_test(set__name_too_long__is_refused),
		cmocka_unit_test(write__any_text__leaves_no_low_descriptor),
		cmocka_unit_test(
			write__numbers_are_somebody_elses__stays_out_of_their_files),
		cmocka_unit_test(
			write__streams_are_closed__takes_none_of_their_numbers),
		cmocka_unit_test(
			write__file_is_gone__makes_it_anew_or_says_why),
		cmocka_unit_test(write__pipe__does_not_end_for_its_reader),
		cmocka_unit_test(
			write__from_many_threads__is_there_in_whole_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
