/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * stats_output.c -- where vmem_stats_print() prints, and its JSON
 *
 * The environment is read when the library is loaded, so those cases run this
 * program anew, with the name of what to do as its argument.
 *
 * ctest: not-valgrind
 */
#include "harness/test.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/fs.h"
#include "harness/printed.h"

#define OUTPUT_BYTES 200000
#define BEGIN_LINE   "___ Begin jemalloc statistics ___\n"
#define END_LINE     "--- End jemalloc statistics ---\n"

/* one run of this program: its environment, and what came of it */
struct run {
	const char *log_file; /* VMEM_LOG_FILE; or NULL */
	const char *what;     /* the argument */
	char out[OUTPUT_BYTES];
	int code;
	pid_t pid;
};

static int
exec_self(void *arg)
{
	const struct run *run = arg;
	char *argv[] = {NULL, NULL, NULL};
	char name[] = "stats_output", what[32];

	unsetenv("VMEM_LOG_LEVEL");
	unsetenv("VMEM_LOG_FILE");
	if (run->log_file != NULL)
		setenv("VMEM_LOG_FILE", run->log_file, 1);
	snprintf(what, sizeof(what), "%s", run->what);
	argv[0] = name;
	argv[1] = what;
	execv("/proc/self/exe", argv);
	return 100;
}

static void
run_self(struct run *run)
{
	run->code =
		test_child_output(exec_self, run, run->out, sizeof(run->out));
}

/* what the program that is run does: statistics of a pool with an object */
static int
print_stats(const char *what)
{
	VMEM *vmp = test_pool(VMEM_MIN_POOL);
	void *ptr = vmem_malloc(vmp, 1234);

	if (strcmp(what, "pid") == 0)
		printf("%ld\n", (long)getpid());
	fflush(stdout);
	if (strcmp(what, "close-stdout") == 0)
		close(STDOUT_FILENO);
	vmem_stats_print(vmp, NULL);
	vmem_free(vmp, ptr);
	test_pool_delete(vmp, VMEM_MIN_POOL);
	return 0;
}

static void
assert_is_stats(const char *text)
{
	size_t length = strlen(text);

	assert_true(length > sizeof(BEGIN_LINE) + sizeof(END_LINE));
	assert_int_equal(strncmp(text, BEGIN_LINE, strlen(BEGIN_LINE)), 0);
	assert_string_equal(text + length - strlen(END_LINE), END_LINE);
}

static void
stats_print__default__goes_to_standard_error(void **state)
{
	static struct run run = {.what = "close-stdout"};

	(void)state;
	run_self(&run);
	assert_int_equal(run.code, 0);
	assert_is_stats(run.out);
}

static void
stats_print__log_file__gets_it_and_nothing_else_does(void **state)
{
	static struct run run = {.what = "print"};
	static char text[OUTPUT_BYTES];
	char path[4096 + 16];

	(void)state;
	snprintf(path, sizeof(path), "%s/log", test_dir());
	run.log_file = path;
	run_self(&run);
	assert_int_equal(run.code, 0);
	assert_string_equal(run.out, "");
	test_read_file(path, text, sizeof(text));
	assert_non_null(strstr(text, BEGIN_LINE));
	assert_non_null(strstr(text, END_LINE));
	assert_int_equal(unlink(path), 0);
}

static void
stats_print__log_file_ends_in_minus__gets_the_pid(void **state)
{
	static struct run run = {.what = "pid"};
	static char text[OUTPUT_BYTES];
	char name[4096 + 16], path[4096 + 64];
	long pid;

	(void)state;
	snprintf(name, sizeof(name), "%s/log-", test_dir());
	run.log_file = name;
	run_self(&run);
	assert_int_equal(run.code, 0);
	pid = strtol(run.out, NULL, 10);
	assert_true(pid > 0);
	assert_int_equal(fs_nfiles(test_dir()), 1);
	snprintf(path, sizeof(path), "%s%ld", name, pid);
	test_read_file(path, text, sizeof(text));
	assert_non_null(strstr(text, BEGIN_LINE));
	assert_int_equal(unlink(path), 0);
}

/* it may end the program, and then says why; it may not do so in silence */
static void
stats_print__log_file_cannot_be_opened__is_told(void **state)
{
	static struct run run = {
		.what = "print", .log_file = "/no/such/dir/log"};

	(void)state;
	run_self(&run);
	if (run.code == TEST_SIGNAL(SIGABRT)) {
		assert_non_null(strstr(run.out,
			"Error (libvmem): VMEM_LOG_FILE=/no/such/dir/log: "
			"No such file or directory"));
		return;
	}
	/* a build without logging falls back to where it prints by default */
	assert_int_equal(run.code, 0);
	assert_non_null(strstr(run.out, BEGIN_LINE));
}

static void
stats_print__print_func__goes_before_the_file(void **state)
{
	VMEM *vmp = test_pool(VMEM_MIN_POOL);

	(void)state;
	assert_is_stats(printed_stats(vmp, NULL));
	test_pool_delete(vmp, VMEM_MIN_POOL);
}

/* assert_json -- python reads it, and finds one object with something in it */
static void
assert_json(const char *text)
{
	FILE *python;
	int status;

	python = popen("python3 -c 'import json, sys; d = json.load(sys.stdin);"
		       " sys.exit(not (type(d) is dict and d))'",
		"we");
	assert_non_null(python);
	assert_true(fputs(text, python) >= 0);
	status = pclose(python);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
		test_skip("there is no python3 here");
	assert_int_equal(status, 0);
}

static void
stats_print__j__is_one_json_object(void **state)
{
	static const char *const opts[] = {
		"J", "Jg", "Jm", "Ja", "Jb", "Jl", "gmablJ", "xJ"};
	VMEM *vmp = test_pool(VMEM_MIN_POOL);

	(void)state;
	assert_json(printed_stats(vmp, "J"));
	for (size_t i = 0; i < 500; i++)
		assert_non_null(vmem_malloc(vmp, i * 41));
	for (size_t i = 0; i < NELEM(opts); i++) {
		const char *text = printed_stats(vmp, opts[i]);

		assert_null(strstr(text, "Begin jemalloc"));
		assert_null(strstr(text, "End jemalloc"));
		assert_json(text);
	}
	test_pool_delete(vmp, VMEM_MIN_POOL);
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stats_print__default__goes_to_standard_error),
		cmocka_unit_test(
			stats_print__log_file__gets_it_and_nothing_else_does),
		cmocka_unit_test(
			stats_print__log_file_ends_in_minus__gets_the_pid),
		cmocka_unit_test(
			stats_print__log_file_cannot_be_opened__is_told),
		cmocka_unit_test(stats_print__print_func__goes_before_the_file),
		cmocka_unit_test(stats_print__j__is_one_json_object),
	};

	if (argc == 2)
		return print_stats(argv[1]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
