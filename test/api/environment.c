/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * environment.c -- variables that are not for this library or this process
 *
 * The environment is read when the library is loaded, so each case runs this
 * program anew.
 *
 * ctest: not-valgrind
 */
#include "harness/test.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#define NOBODY     65534
#define BEGIN_LINE "___ Begin jemalloc statistics ___\n"

/* one run of this program */
struct run {
	const char *variable, *value;
	const char *program;
	uid_t uid;
	char out[100000];
	int code;
};

static int
exec_program(void *arg)
{
	const struct run *run = arg;
	char name[] = "environment", what[] = "run";
	char *argv[] = {name, what, NULL};

	unsetenv("VMEM_LOG_LEVEL");
	unsetenv("VMEM_LOG_FILE");
	setenv(run->variable, run->value, 1);
	if (run->uid != 0 && setuid(run->uid) != 0)
		return TEST_EXIT_SKIPPED;
	execv(run->program, argv);
	return 100;
}

/* what the program that is run does */
static int
use_and_print(void)
{
	VMEM *vmp = test_pool(VMEM_MIN_POOL);

	if (getuid() != geteuid())
		printf("secure %lu\n", getauxval(AT_SECURE));
	fflush(stdout);
	for (size_t size = 0; size < 3 * MIB; size = size * 2 + 1)
		vmem_free(vmp, vmem_malloc(vmp, size));
	must(vmem_check(vmp) == 1);
	vmem_stats_print(vmp, NULL);
	test_pool_delete(vmp, VMEM_MIN_POOL);
	return 0;
}

static void
environment__knobs_of_the_original__are_ignored(void **state)
{
	static const char *const knobs[][2] = {
		{"JE_VMEM_MALLOC_CONF", "abort:true,lg_chunk:99,nonsense:1"},
		{"MALLOC_CONF", "nonsense:1"},
		{"PMEM_MMAP_HINT", "0x10000000000"},
		{"PMEM_MMAP_HINT", "garbage"},
	};
	static struct run run = {.program = "/proc/self/exe"};

	(void)state;
	for (size_t i = 0; i < NELEM(knobs); i++) {
		run.variable = knobs[i][0];
		run.value = knobs[i][1];
		run.code = test_child_output(
			exec_program, &run, run.out, sizeof(run.out));
		assert_int_equal(run.code, 0);
		assert_int_equal(
			strncmp(run.out, BEGIN_LINE, strlen(BEGIN_LINE)), 0);
	}
}

/* copy_self -- this program as one that runs with the rights of its owner */
static bool
copy_self(const char *path)
{
	int in = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	int out = open(path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0700);
	ssize_t n;

	must(in >= 0 && out >= 0);
	while ((n = sendfile(out, in, NULL, MIB)) > 0)
		continue;
	must(n == 0);
	must(fchmod(out, 04755) == 0);
	close(out);
	close(in);
	return geteuid() == 0;
}

/* a program with borrowed rights writes no file that its caller names */
static void
environment__program_with_borrowed_rights__is_not_read(void **state)
{
	static struct run run = {.variable = "VMEM_LOG_FILE", .uid = NOBODY};
	char program[4096 + 16], log[4096 + 16];
	bool is_root;

	(void)state;
	snprintf(program, sizeof(program), "%s/program", test_dir());
	snprintf(log, sizeof(log), "%s/log", test_dir());
	is_root = copy_self(program);
	assert_int_equal(chmod(test_dir(), 0755), 0);
	run.program = program;
	run.value = log;
	run.code =
		test_child_output(exec_program, &run, run.out, sizeof(run.out));
	assert_int_equal(unlink(program), 0);
	if (!is_root || strstr(run.out, "secure 1\n") == NULL) {
		(void)unlink(log);
		test_skip("no program with borrowed rights can be had here");
	}
	assert_int_equal(run.code, 0);
	assert_non_null(strstr(run.out, BEGIN_LINE));
	assert_int_equal(access(log, F_OK), -1);
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			environment__knobs_of_the_original__are_ignored),
		cmocka_unit_test(
			environment__program_with_borrowed_rights__is_not_read),
	};

	(void)argv;
	if (argc == 2)
		return use_and_print();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
