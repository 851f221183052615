/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * log_file.c -- VMEM_LOG_FILE in programs that close what they have open
 *
 * The environment is read when the library is loaded, so each case runs this
 * program anew, with the name of what to do as its argument.
 *
 * ctest: not-valgrind
 */
#include "harness/test.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/proc.h"

#define END_LINE   "--- End jemalloc statistics ---\n"
#define ALL_CLOSED 1024

static char log_path[4096 + 16];

static int
exec_self(void *arg)
{
	char name[] = "log_file";
	char *argv[] = {name, arg, NULL};

	setenv("VMEM_LOG_FILE", log_path, 1);
	/* of the debug flavour alone */
	setenv("VMEM_LOG_LEVEL", "3", 1);
	execv("/proc/self/exe", argv);
	return 100;
}

/* ends -- how many statistics have ended in the log */
static int
ends(void)
{
	static char text[1000000];
	int n = 0;

	test_read_file(log_path, text, sizeof(text));
	for (const char *at = text; (at = strstr(at, END_LINE)) != NULL; at++)
		n++;
	return n;
}

static void
run_self(const char *what, int nends)
{
	char out[256], arg[32];

	snprintf(log_path, sizeof(log_path), "%s/log", test_dir());
	snprintf(arg, sizeof(arg), "%s", what);
	assert_int_equal(
		test_child_output(exec_self, arg, out, sizeof(out)), 0);
	assert_string_equal(out, "");
	assert_int_equal(ends(), nends);
	assert_int_equal(unlink(log_path), 0);
}

/* what the programs that are run do */
static int
count(void)
{
	VMEM *vmp = test_pool(VMEM_MIN_POOL);
	struct proc_count before = proc_count();

	vmem_stats_print(vmp, "gmabl");
	return proc_is_unchanged(before) ? 0 : 1;
}

static int
become_daemon(void)
{
	VMEM *vmp = test_pool(VMEM_MIN_POOL);
	FILE *own;

	vmem_stats_print(vmp, "gmabl");
	for (int fd = 3; fd < ALL_CLOSED; fd++)
		(void)close(fd);
	own = tmpfile();
	must(own != NULL);
	/* it has all numbers that may have been ours */
	for (int fd = fileno(own); fd < ALL_CLOSED / 2;) {
		fd = dup(fd);
		must(fd >= 0);
	}
	vmem_stats_print(vmp, "gmabl");
	vmem_free(vmp, vmem_malloc(vmp, 100));
	must(fseek(own, 0, SEEK_END) == 0);
	return ftell(own) == 0 ? 0 : 1;
}

static int
close_stdout(void)
{
	VMEM *vmp = test_pool(VMEM_MIN_POOL);

	must(close(STDOUT_FILENO) == 0);
	vmem_stats_print(vmp, "gmabl");
	return write(STDOUT_FILENO, END_LINE, strlen(END_LINE)) < 0 ? 0 : 1;
}

static void
log_file__statistics__leave_no_descriptor(void **state)
{
	(void)state;
	run_self("count", 1);
}

static void
log_file__number_is_the_programs__stays_out_of_its_file(void **state)
{
	(void)state;
	run_self("daemon", 2);
}

static void
log_file__stdout_is_closed__is_not_its_successor(void **state)
{
	(void)state;
	run_self("stdout", 1);
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(log_file__statistics__leave_no_descriptor),
		cmocka_unit_test(
			log_file__number_is_the_programs__stays_out_of_its_file),
		cmocka_unit_test(
			log_file__stdout_is_closed__is_not_its_successor),
	};

	if (argc == 2 && strcmp(argv[1], "count") == 0)
		return count();
	if (argc == 2 && strcmp(argv[1], "daemon") == 0)
		return become_daemon();
	if (argc == 2)
		return close_stdout();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
