/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * preload.c -- each system call of the preload library fails, from the start on
 *
 * A program runs under libvmmalloc_faulty.so, which is libvmmalloc but for
 * that. Whatever fails, it either does all that it would, or ends with one of
 * the contract's lines; it does not hang or crash, no object is lost, and no
 * file or descriptor is left.
 *
 * ctest: timeout=480 not-asan not-tsan not-valgrind not-coverage not-aarch64
 */
#include "harness/test.h"

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fault/kit/fault.h"
#include "harness/fs.h"

#define LIBRARY     "bin/test/libvmmalloc_faulty.so"
#define PROGRAM     "bin/test/vmmalloc_forked"
#define THREADS     "bin/test/vmmalloc_threads"
#define RANDOM_RUNS 10u
#define RANDOM_MEAN 8u
#define TEXT_MOST   65536
#define PATH_MOST   256
#define NVARIABLES  4u

/* exit statuses of the program, see vmmalloc/forked.c */
#define CHILD_ENDED 3
#define LEFT        4
#define NO_CHILD    5

#define MUST_END "getcwd pthread_atfork"

struct scene {
	const char *variables[NVARIABLES]; /* NAME=VALUE */
	/* calls of which one that fails may end the parent, or a child; words
	 */
	const char *parent, *child;
};

static char build[PATH_MAX], home[PATH_MOST], pools[PATH_MOST],
	report[PATH_MOST];
static char preload[PATH_MAX + PATH_MOST];

/* what the contract lets a process end with */
static const char *const lines[] = {
	"Error (libvmmalloc): pool cloning failed\n",
	"Error (libvmmalloc): remapping failed\n",
};
static const char no_pool[] =
	"Error (libvmmalloc): vmem pool creation failed: ";

struct start {
	const struct scene *scene;
	const char *plan;       /* FAULT_PLAN=... or FAULT_ALWAYS=... */
	const char *name, *arg; /* of the program, and its argument */
};

static int
start(void *arg)
{
	const struct start *s = arg;
	char in[PATH_MOST + 32], out[PATH_MOST + 32];
	char record[PATH_MOST] = "NONE=";
	const char *path = getenv(FAULT_RECORD);
	if (path != NULL)
		snprintf(record, sizeof(record), FAULT_RECORD "=%s", path);
	snprintf(in, sizeof(in), "VMMALLOC_POOL_DIR=pools");
	snprintf(out, sizeof(out), FAULT_REPORT "=%s", report);
	char program[PATH_MAX + PATH_MOST];
	snprintf(program, sizeof(program), "%s/%s", build, s->name);
	char *argv[] = {program, (char *)(uintptr_t)s->arg, NULL};
	char *envp[8 + NVARIABLES] = {in, out, record,
		(char *)(uintptr_t)s->plan, preload,
		(char[]){"VMMALLOC_POOL_SIZE=32M"}};
	for (unsigned i = 0; i < NVARIABLES; i++)
		envp[6 + i] = (char *)(uintptr_t)s->scene->variables[i];
	must(chdir(home) == 0);
	(void)execve(program, argv, envp);
	return 1;
}

/* is_reason -- the right one, when it was one call that failed? */
static bool
is_reason(const char *text, size_t n)
{
	const int others[] = {fault_errno(), ENOMEM, ENOSPC};
	if (fault_hits() != 1)
		return true;
	for (size_t i = 0; i < NELEM(others); i++)
		if (strlen(strerror(others[i])) == n &&
			strncmp(text, strerror(others[i]), n) == 0)
			return true;
	return false;
}

/* are_last_lines -- one for each process that has ended itself */
static bool
are_last_lines(const char *text)
{
	bool any = *text != '\0';
	while (*text != '\0') {
		const char *end = strchr(text, '\n');
		size_t n = sizeof(no_pool) - 1;
		bool is = false;
		if (end == NULL)
			return false;
		if (strncmp(text, no_pool, n) == 0)
			is = is_reason(text + n, (size_t)(end - text) - n);
		for (size_t i = 0; i < NELEM(lines); i++)
			is |= strncmp(text, lines[i], strlen(lines[i])) == 0;
		if (!is)
			return false;
		text = end + 1;
	}
	return any;
}

/* is_fine -- what has become of a run */
static bool
is_fine(const struct scene *s, int status, const char *text)
{
	bool all_there =
		*text == '\0' ||
		/* the statistics, as their file cannot be had, or any of the
		 * parts in which they are written, each by an open of its own
		 */
		(fault_was("open") && strstr(text, "Error") == NULL);
	bool ended = status == TEST_SIGNAL(SIGABRT) || status == CHILD_ENDED;
	bool told = are_last_lines(text) || fault_was("write");
	bool allowed = fault_hits() != 1 || fault_is_of(s->parent) ||
		       fault_is_of(s->child);
	/* with which nothing is as it was asked for */
	bool must_end = fault_hits() == 1 && fault_is_of(MUST_END);
	if (ended)
		return told && allowed;
	/* what is not known to be the pool's descriptor is left as it is */
	if (status == LEFT && fault_was("fstat"))
		status = 0;
	return status == 0 && all_there && !must_end;
}

static void
play(const struct scene *s, const char *plan)
{
	static char text[TEXT_MOST];
	struct start arg = {s, plan, PROGRAM, NULL};
	fault_pause();
	must(fault_make_report(report));
	int status = test_child_output(start, &arg, text, sizeof(text));
	must(fault_read_report(report));
	if (!is_fine(s, status, text))
		fail_msg("%s: status %d, %u calls, %u failed, last %s: %s; %s",
			plan, status, fault_count(), fault_hits(), fault_name(),
			fault_hits() == 0 ? "" : strerrorname_np(fault_errno()),
			text);
	/* those whose names could not be taken away */
	if (fault_was("unlinkat"))
		must(fs_remove_files(pools));
	assert_int_equal(fs_nfiles(pools), 0);
}

static void
sweep(const struct scene *s, enum fault_side side)
{
	char plan[64];
	unsigned nruns = 0;
	snprintf(plan, sizeof(plan), FAULT_PLAN "=%d 0 0", side);
	play(s, plan);
	unsigned ncalls = fault_count();
	assert_true(ncalls > 0);
	for (unsigned at = 1; at <= ncalls; at++) {
		unsigned which = 0, nerrnos;
		do {
			snprintf(plan, sizeof(plan), FAULT_PLAN "=%d %u %u",
				side, at, which);
			play(s, plan);
			nerrnos = fault_nerrnos();
			nruns++;
		} while (++which < nerrnos);
	}
	print_message("%u calls, %u runs\n", ncalls, nruns);
}

static void
at_random(const struct scene *s)
{
	char plan[64];
	for (unsigned seed = 1; seed <= RANDOM_RUNS; seed++) {
		snprintf(plan, sizeof(plan), FAULT_PLAN "=%d 0 0 %u %u",
			FAULT_EVERYWHERE, RANDOM_MEAN + seed % 16, seed);
		play(s, plan);
	}
}

static void
all(const struct scene *s)
{
	sweep(s, FAULT_HERE);
	sweep(s, FAULT_CHILDREN);
	at_random(s);
}

/* what cannot be made up for: at the start, and at a fork in each way */
#define START  "open ftruncate mmap fallocate madvise getcwd pthread_atfork"
#define REMAPS " mprotect mremap"
#define CLONES " pwrite"

static void
shared__each_call_fails__goes_on_or_ends(void **state)
{
	(void)state;
	sweep(&(struct scene){.variables = {"VMMALLOC_FORK=0"},
		      .parent = START},
		FAULT_HERE);
}

static void
private__each_call_fails__goes_on_or_ends(void **state)
{
	(void)state;
	all(&(struct scene){
		.variables = {"VMMALLOC_FORK=1"}, .parent = START REMAPS});
}

static void
copied__each_call_fails__goes_on_or_ends(void **state)
{
	(void)state;
	/* children are parents too */
	all(&(struct scene){.variables = {"VMMALLOC_FORK=2"},
		.parent = START CLONES,
		.child = START CLONES});
}

static void
copied_or_private__each_call_fails__goes_on_or_ends(void **state)
{
	(void)state;
	all(&(struct scene){.variables = {"VMMALLOC_FORK=3"},
		.parent = START,
		.child = "mmap"});
}

static void
all_settings__each_call_fails__goes_on_or_ends(void **state)
{
	(void)state;
	const struct scene s = {
		.variables = {"VMMALLOC_TIERS=a:anon:32M,b:pools:32M,"
			      "threshold=5000",
			"VMMALLOC_LOG_STATS=1", "VMMALLOC_LOG_FILE=log",
			"VMMALLOC_PROFILE=1000:profile"},
		.parent = START REMAPS};
	sweep(&s, FAULT_HERE);
	at_random(&s);
}

/* at the start and later, and so at each try to make up for it */
static void
every_call_of_a_name_fails__goes_on_or_ends(void **state)
{
	const struct scene s = {
		.variables = {"VMMALLOC_FORK=3", "VMMALLOC_LOG_STATS=1",
			"VMMALLOC_LOG_FILE=log"}};
	const char *name;
	(void)state;
	for (unsigned i = 0; (name = fault_call(i)) != NULL; i++) {
		char always[64];
		/* not even the last words can be written then */
		if (strcmp(name, "write") == 0)
			continue;
		snprintf(always, sizeof(always), FAULT_ALWAYS "=%s", name);
		play(&s, always);
	}
}

/* no barrier, and no sleep for a lock: threads take turns all the same */
static void
threads__syscall_never_works__goes_on(void **state)
{
	static char text[TEXT_MOST];
	const struct scene s = {.variables = {"VMMALLOC_FORK=1"}};
	struct start arg = {&s, FAULT_ALWAYS "=syscall", THREADS, "many"};
	(void)state;
	int status = test_child_output(start, &arg, text, sizeof(text));
	assert_string_equal(text, "");
	assert_int_equal(status, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shared__each_call_fails__goes_on_or_ends),
		cmocka_unit_test(private__each_call_fails__goes_on_or_ends),
		cmocka_unit_test(copied__each_call_fails__goes_on_or_ends),
		cmocka_unit_test(
			copied_or_private__each_call_fails__goes_on_or_ends),
		cmocka_unit_test(
			all_settings__each_call_fails__goes_on_or_ends),
		cmocka_unit_test(every_call_of_a_name_fails__goes_on_or_ends),
		cmocka_unit_test(threads__syscall_never_works__goes_on),
	};
	const char *from = getenv("BUILD");

	fault_pause();
	must(realpath(from != NULL ? from : ".", build) != NULL);
	snprintf(preload, sizeof(preload), "LD_PRELOAD=%s/%s", build, LIBRARY);
	if (access(strchr(preload, '/'), R_OK) != 0) {
		print_message("skipped: libvmmalloc is not built here\n");
		return TEST_EXIT_SKIPPED;
	}
	/* a child would get another one from test_dir() */
	const char *dir = test_dir();
	snprintf(home, sizeof(home), "%s", dir);
	snprintf(pools, sizeof(pools), "%s/pools", dir);
	snprintf(report, sizeof(report), "%s/report", dir);
	must(mkdir(pools, 0700) == 0);
	int rc = cmocka_run_group_tests(tests, NULL, NULL);
	must(chdir(home) == 0);
	(void)unlink("log");
	(void)unlink("profile");
	(void)unlink("report");
	(void)rmdir("pools");
	return rc;
}
