/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * log.c -- VMEM_LOG_LEVEL and VMEM_LOG_FILE
 *
 * Levels are for the debug flavour; the other one must not look at them.  Each
 * case runs this program anew, since the environment is read at load time.
 *
 * ctest: not-valgrind
 */
#include "harness/test.h"

#include <regex.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "harness/printed.h"

#define OUTPUT_BYTES 400000
#define TRACE_LINE                                                             \
	"^<libvmem>: <[0-9]+> \\[[A-Za-z0-9_.]+:[0-9]+ [A-Za-z0-9_]+\\] .*"

struct run {
	const char *level;
	const char *file;
	const char *what; /* the argument */
	char out[OUTPUT_BYTES];
	int code;
};

static int
exec_self(void *arg)
{
	const struct run *run = arg;
	char name[] = "log", what[16];
	char *argv[] = {name, what, NULL};

	snprintf(what, sizeof(what), "%s", run->what);
	unsetenv("VMEM_LOG_FILE");
	unsetenv("VMEM_LOG_LEVEL");
	if (run->level != NULL)
		setenv("VMEM_LOG_LEVEL", run->level, 1);
	if (run->file != NULL)
		setenv("VMEM_LOG_FILE", run->file, 1);
	execv("/proc/self/exe", argv);
	return 100;
}

static void
run_self(struct run *run)
{
	run->code =
		test_child_output(exec_self, run, run->out, sizeof(run->out));
}

/* what the program that is run does: every kind of event */
static int
cause_events(void)
{
	VMEM *vmp = test_pool(VMEM_MIN_POOL);

	must(vmem_create("/no/such/dir", VMEM_MIN_POOL) == NULL);
	for (unsigned i = 0; i < 10; i++)
		vmem_free(vmp, vmem_malloc(vmp, 4321987));
	must(vmem_check(vmp) == 1);
	test_pool_delete(vmp, VMEM_MIN_POOL);
	vmem_delete(vmp);
	return 0;
}

/* a pool whose metadata is damaged, and its check */
static int
cause_findings(void)
{
	VMEM *vmp = test_pool(VMEM_MIN_POOL);

	for (size_t i = 0; i < 100; i++)
		must(vmem_malloc(vmp, i) != NULL);
	memset((char *)vmp + 4096 + 256, 0xa5, 16 * KIB);
	must(vmem_check(vmp) != 1);
	return 0;
}

/* what each function is called with to be traced; most refuse it */
static int
call_all(void)
{
	VMEM *vmp = test_pool(VMEM_MIN_POOL);
	struct vmem_options options;
	struct vmem_stats stats;
	void *ptrs[2];
	size_t usable;

	(void)vmem_check_version(VMEM_MAJOR_VERSION, VMEM_MINOR_VERSION);
	vmem_set_funcs(NULL, NULL, NULL, NULL, NULL);
	(void)vmem_errormsg();
	(void)vmem_create(NULL, VMEM_MIN_POOL);
	(void)vmem_create_in_region(NULL, VMEM_MIN_POOL);
	(void)vmem_create_opts(NULL);
	(void)vmem_options_init(&options, sizeof(options));
	(void)vmem_check(vmp);
	vmem_stats_print(NULL, NULL);
	(void)vmem_stats_get(vmp, &stats, sizeof(stats));
	vmem_free(vmp, vmem_malloc(vmp, 1));
	vmem_free_sized(vmp, vmem_calloc(vmp, 1, 1), 1);
	vmem_free(vmp, vmem_realloc(vmp, NULL, 1));
	vmem_free(vmp, vmem_aligned_alloc(vmp, 1, 1));
	vmem_free(vmp, vmem_strdup(vmp, "text"));
	vmem_free(vmp, vmem_wcsdup(vmp, L"text"));
	vmem_free(vmp, vmem_malloc_at_least(vmp, 1, &usable));
	vmem_free_batch(vmp, ptrs, vmem_malloc_batch(vmp, 1, 2, ptrs));
	(void)vmem_malloc_usable_size(vmp, NULL);
	(void)vmem_move(vmp, vmp, NULL);
	(void)vmem_pool_of(NULL);
	(void)vmem_walk(vmp, NULL, NULL);
	(void)vmem_decay(vmp, 1);
	(void)vmem_thread_flush(vmp);
	(void)vmem_trim(vmp, 0);
	(void)vmem_profile_start(vmp, 1000);
	(void)vmem_profile_dump(vmp, NULL);
	(void)vmem_profile_stop(vmp);
	(void)vmem_reset(vmp);
	vmem_delete(vmp);
	return 0;
}

static const char *const exported[] = {"vmem_aligned_alloc", "vmem_calloc",
	"vmem_check", "vmem_check_version", "vmem_create",
	"vmem_create_in_region", "vmem_create_opts", "vmem_decay",
	"vmem_delete", "vmem_errormsg", "vmem_free", "vmem_free_batch",
	"vmem_free_sized", "vmem_malloc", "vmem_malloc_at_least",
	"vmem_malloc_batch", "vmem_malloc_usable_size", "vmem_move",
	"vmem_options_init", "vmem_pool_of", "vmem_profile_dump",
	"vmem_profile_start", "vmem_profile_stop", "vmem_realloc", "vmem_reset",
	"vmem_set_funcs", "vmem_stats_get", "vmem_stats_print", "vmem_strdup",
	"vmem_thread_flush", "vmem_trim", "vmem_walk", "vmem_wcsdup"};

static void
print_to_stdout(const char *text)
{
	fputs("print_func: ", stdout);
	fputs(text, stdout);
	fflush(stdout);
}

static bool
is_debug_flavour(void)
{
	VMEM *vmp = test_pool(VMEM_MIN_POOL);
	bool debug = printed_line(printed_stats(vmp, NULL),
			     "Assertions enabled") != NULL;

	test_pool_delete(vmp, VMEM_MIN_POOL);
	return debug;
}

static void
skip_without_levels(void)
{
	static struct run run = {.level = "4", .what = "events"};

	if (!is_debug_flavour())
		test_skip("not the debug flavour");
	run_self(&run);
	if (run.code == 0 && run.out[0] == '\0')
		test_skip("assertions, but no trace points in this build");
}

static void
log_level__other_flavour__is_ignored(void **state)
{
	static struct run run = {.level = "4", .what = "events"};

	(void)state;
	if (is_debug_flavour())
		test_skip("this is the debug flavour");
	run_self(&run);
	assert_int_equal(run.code, 0);
	assert_string_equal(run.out, "");
}

static void
log_level__0_or_none__is_silent(void **state)
{
	static struct run run = {.what = "events"};

	(void)state;
	run_self(&run);
	assert_int_equal(run.code, 0);
	assert_string_equal(run.out, "");
	run.level = "0";
	run_self(&run);
	assert_int_equal(run.code, 0);
	assert_string_equal(run.out, "");
}

static void
assert_all_trace_lines(const char *text, char max_level)
{
	regex_t regex;

	assert_int_equal(
		regcomp(&regex, TRACE_LINE, REG_EXTENDED | REG_NEWLINE), 0);
	for (const char *line = text; *line != '\0';
		line = printed_next_line(line)) {
		assert_int_equal(regexec(&regex, line, 0, NULL, 0), 0);
		assert_int_equal(strncmp(line, "<libvmem>: <", 12), 0);
		assert_true(line[12] >= '1' && line[12] <= max_level);
	}
	regfree(&regex);
}

/* each level has what the one below has, and its own */
static void
log_level__1_to_4__trace_more_and_more(void **state)
{
	static struct run run = {.what = "events"};
	static const char *const levels[] = {"1", "2", "3", "4"};
	size_t last = 0;

	(void)state;
	skip_without_levels();
	for (size_t i = 0; i < NELEM(levels); i++) {
		run.level = levels[i];
		run_self(&run);
		assert_int_equal(run.code, 0);
		assert_all_trace_lines(run.out, levels[i][0]);
		assert_true(strlen(run.out) >= last);
		last = strlen(run.out);
		/* 1: errors */
		assert_non_null(strstr(run.out, "No such file or directory"));
		assert_non_null(strstr(run.out, "invalid pool handle"));
		/* 2: pools come and go */
		assert_int_equal(
			strstr(run.out, "<2>") != NULL, levels[i][0] >= '2');
		assert_true(levels[i][0] < '2' ||
			    (strstr(run.out, "create") != NULL &&
				    strstr(run.out, "delete") != NULL));
		/* 3: every call with its arguments */
		assert_int_equal(strstr(run.out, "vmem_malloc") != NULL,
			levels[i][0] >= '3');
		assert_int_equal(strstr(run.out, "4321987") != NULL,
			levels[i][0] >= '3');
	}
}

static void
log_level__3__traces_each_function(void **state)
{
	static struct run run = {.level = "3", .what = "calls"};
	char wanted[64];

	(void)state;
	skip_without_levels();
	run_self(&run);
	assert_int_equal(run.code, 0);
	assert_all_trace_lines(run.out, '3');
	for (size_t i = 0; i < NELEM(exported); i++) {
		snprintf(wanted, sizeof(wanted), " %s] ", exported[i]);
		if (strstr(run.out, wanted) == NULL)
			fail_msg("no line of %s", exported[i]);
	}
}

/* details of what the check found are errors */
static void
log_level__1_and_a_damaged_pool__tells_the_findings(void **state)
{
	static struct run run = {.level = "1", .what = "findings"};

	(void)state;
	skip_without_levels();
	run_self(&run);
	assert_int_equal(run.code, 0);
	assert_all_trace_lines(run.out, '1');
	assert_true(strlen(run.out) > 0);
}

static void
log_level__print_func_is_set__it_gets_the_traces(void **state)
{
	static struct run run = {.level = "3", .what = "printed"};

	(void)state;
	skip_without_levels();
	run_self(&run);
	assert_int_equal(run.code, 0);
	assert_non_null(strstr(run.out, "print_func: <libvmem>: <"));
	assert_non_null(strstr(run.out, "vmem_malloc"));
}

static void
log_file__level_3__gets_the_traces(void **state)
{
	static struct run run = {.level = "3", .what = "events"};
	static char text[OUTPUT_BYTES];
	char path[4096 + 16];

	(void)state;
	skip_without_levels();
	snprintf(path, sizeof(path), "%s/log", test_dir());
	run.file = path;
	run_self(&run);
	assert_int_equal(run.code, 0);
	assert_string_equal(run.out, "");
	test_read_file(path, text, sizeof(text));
	assert_all_trace_lines(text, '3');
	assert_non_null(strstr(text, "vmem_malloc"));
	assert_int_equal(unlink(path), 0);
}

static void
log_file__cannot_be_opened__ends_the_program(void **state)
{
	static struct run run = {
		.level = "1", .file = "/no/such/dir/log", .what = "events"};

	(void)state;
	skip_without_levels();
	run_self(&run);
	assert_int_equal(run.code, TEST_SIGNAL(SIGABRT));
	assert_non_null(strstr(run.out,
		"Error (libvmem): VMEM_LOG_FILE=/no/such/dir/log: "
		"No such file or directory"));
}

static void
log_level__nonsense__is_no_crash(void **state)
{
	static const char *const levels[] = {
		"", "x", "-1", "99999999999999999999", "5", "3x"};
	static struct run run = {.what = "events"};

	(void)state;
	for (size_t i = 0; i < NELEM(levels); i++) {
		run.level = levels[i];
		run_self(&run);
		assert_int_equal(run.code, 0);
	}
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(log_level__other_flavour__is_ignored),
		cmocka_unit_test(log_level__0_or_none__is_silent),
		cmocka_unit_test(log_level__1_to_4__trace_more_and_more),
		cmocka_unit_test(log_level__3__traces_each_function),
		cmocka_unit_test(
			log_level__1_and_a_damaged_pool__tells_the_findings),
		cmocka_unit_test(
			log_level__print_func_is_set__it_gets_the_traces),
		cmocka_unit_test(log_file__level_3__gets_the_traces),
		cmocka_unit_test(log_file__cannot_be_opened__ends_the_program),
		cmocka_unit_test(log_level__nonsense__is_no_crash),
	};

	if (argc == 2 && strcmp(argv[1], "findings") == 0)
		return cause_findings();
	if (argc == 2 && strcmp(argv[1], "calls") == 0)
		return call_all();
	if (argc == 2 && strcmp(argv[1], "printed") == 0)
		vmem_set_funcs(NULL, NULL, NULL, NULL, print_to_stdout);
	if (argc == 2)
		return cause_events();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
