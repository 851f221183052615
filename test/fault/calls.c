/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * calls.c -- each system call fails once, in all ways it may, and at random
 *
 * ctest: not-valgrind not-tsan timeout=120
 */
#include "fault/kit/scene.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fault/kit/fault.h"
#include "pool/pool.h"

static void
profile(VMEM *vmp)
{
	char path[128];
	snprintf(path, sizeof(path), "%s/profile", test_dir());
	errno = 0;
	if (vmem_profile_start(vmp, 1) != 0) {
		scene_told();
		return;
	}
	void *p = scene_take(vmp, 100);
	unsigned hits = fault_hits();
	errno = 0;
	if (vmem_profile_dump(vmp, path) != 0)
		scene_told();
	else if (fault_hits() == hits + 1 && fault_errno() != EINTR)
		hold(strcmp(fault_name(), "write") != 0);
	hold(vmem_profile_stop(vmp) == 0);
	vmem_free(vmp, p);
	fault_pause();
	(void)unlink(path);
	fault_resume();
}

static void
figures(VMEM *vmp)
{
	struct vmem_stats stats;
	errno = 0;
	int rc = vmem_check(vmp);
	hold(rc == 1 || (rc == -1 && errno == ENOMEM));
	errno = 0;
	if (vmem_stats_get(vmp, &stats, sizeof(stats)) != 0)
		scene_told();
	vmem_stats_print(vmp, "J");
}

static VMEM *
in_file(void)
{
	return vmem_create(test_dir(), SCENE_POOL_SIZE);
}

static char *region;

static VMEM *
in_region(void)
{
	return vmem_create_in_region(region, SCENE_POOL_SIZE);
}

static VMEM *
on_node(void)
{
	struct pool_want want;
	int err = 0;
	pool_want_init(
		&want, BACKING_AT_PATH, SCENE_POOL_SIZE, SCENE_POOL_SIZE);
	want.backing.path = test_dir();
	want.backing.numa.policy = NUMA_BIND;
	want.backing.numa.nodes[0] = 1;
	VMEM *vmp = pool_create(&want, &err);
	errno = err;
	return vmp;
}

static void
file__each_call_fails__nothing_is_lost(void **state)
{
	(void)state;
	scene_sweep(&(struct scene){.options = "", .create = in_file});
}

static void
sparse_file__each_call_fails__nothing_is_lost(void **state)
{
	(void)state;
	scene_sweep(&(struct scene){.options = "sparse=1,decay=0",
		.create = in_file,
		.then = scene_trim});
}

static void
prefaulted_file__each_call_fails__nothing_is_lost(void **state)
{
	(void)state;
	scene_sweep(&(struct scene){.options = "prefault=1,huge=1",
		.create = in_file,
		.then = scene_trim});
}

static void
region__each_call_fails__nothing_is_lost(void **state)
{
	(void)state;
	region = mmap(NULL, SCENE_POOL_SIZE, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	must(region != MAP_FAILED);
	scene_sweep(&(struct scene){.options = "sparse=1,hardening=2",
		.create = in_region,
		.then = scene_trim,
		.region = region});
	must(munmap(region, SCENE_POOL_SIZE) == 0);
	region = NULL;
}

static void
profile__each_call_fails__nothing_is_lost(void **state)
{
	(void)state;
	scene_sweep(&(struct scene){
		.options = "sparse=1", .create = in_file, .then = profile});
}

static void
figures__each_call_fails__nothing_is_lost(void **state)
{
	(void)state;
	scene_sweep(&(struct scene){
		.options = "sparse=1", .create = in_file, .then = figures});
}

static void
threads__each_call_fails__nothing_is_lost(void **state)
{
	(void)state;
	scene_sweep(&(struct scene){.options = "sparse=1",
		.create = in_file,
		.then = scene_trim,
		.in_thread = true});
}

static void
node__each_call_fails__nothing_is_lost(void **state)
{
	(void)state;
	scene_sweep(&(struct scene){.options = "sparse=1", .create = on_node});
}

static void
old_system__each_call_fails__nothing_is_lost(void **state)
{
	(void)state;
	fault_old_system(true);
	scene_sweep(&(struct scene){.options = "sparse=1", .create = in_file});
	fault_old_system(false);
}

#define HUGE_OBJECT (128 * MIB)
#define STEP        (32 * MIB)

/* the kernel holds the lock of the address space for all of a call */
static void
huge_object__memory_is_taken__by_steps(void **state)
{
	struct vmem_options o;

	(void)state;
	must(vmem_options_init(&o, sizeof(o)) == 0);
	o.source = VMEM_SOURCE_PRIVATE;
	o.size = SCENE_POOL_SIZE;
	o.max_size = 2 * HUGE_OBJECT;
	VMEM *vmp = vmem_create_opts(&o);
	must(vmp != NULL);
	fault_none();
	must(vmem_malloc(vmp, HUGE_OBJECT) != NULL);
	fault_pause();
	assert_true(fault_count() >= HUGE_OBJECT / STEP);
	fault_resume();
	vmem_delete(vmp);
}

/* again -- this program, in which every call of the name fails */
static int
again(void *name)
{
	must(setenv(FAULT_ALWAYS, name, 1) == 0);
	(void)execl("/proc/self/exe", "calls", (char *)NULL);
	return 1;
}

static void
start__calls_that_always_fail__works(void **state)
{
	(void)state;
	assert_int_equal(test_child(again, (char[]){"pthread_key_create"}), 0);
	assert_int_equal(test_child(again, (char[]){"syscall"}), 0);
	assert_int_equal(test_child(again, (char[]){"getrandom"}), 0);
}

/* without fork handlers a pool would be at the mercy of the next fork */
static int
play_unregistered(void)
{
	errno = 0;
	hold(vmem_create(test_dir(), SCENE_POOL_SIZE) == NULL);
	hold(errno == ENOMEM);
	hold(strcmp(vmem_errormsg(),
		     "pthread_atfork: Cannot allocate memory") == 0);
	hold(vmem_create(test_dir(), SCENE_POOL_SIZE) == NULL);
	must(unsetenv(FAULT_ALWAYS) == 0);
	VMEM *vmp = vmem_create(test_dir(), SCENE_POOL_SIZE);
	hold(vmp != NULL);
	pid_t pid = fork();
	if (pid == 0)
		_exit(vmem_malloc(vmp, 1) != NULL ? 0 : 1);
	int status;
	hold(waitpid(pid, &status, 0) == pid && status == 0);
	vmem_delete(vmp);
	return EXIT_SUCCESS;
}

static void
start__no_fork_handlers__no_pool(void **state)
{
	(void)state;
	assert_int_equal(test_child(again, (char[]){"pthread_atfork"}), 0);
}

/* play_all -- what that program does */
static int
play_all(void)
{
	const struct scene plain = {.options = "", .create = in_file};
	const struct scene threads = {.options = "sparse=1",
		.create = in_file,
		.then = scene_trim,
		.in_thread = true};
	fault_pause();
	(void)test_dir();
	fault_none();
	scene_play(&plain);
	must(setenv("VMEM_OPTIONS", threads.options, 1) == 0);
	fault_none();
	scene_play(&threads);
	return EXIT_SUCCESS;
}

static void
drop_text(const char *text)
{
	(void)text;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(file__each_call_fails__nothing_is_lost),
		cmocka_unit_test(sparse_file__each_call_fails__nothing_is_lost),
		cmocka_unit_test(
			prefaulted_file__each_call_fails__nothing_is_lost),
		cmocka_unit_test(region__each_call_fails__nothing_is_lost),
		cmocka_unit_test(profile__each_call_fails__nothing_is_lost),
		cmocka_unit_test(figures__each_call_fails__nothing_is_lost),
		cmocka_unit_test(threads__each_call_fails__nothing_is_lost),
		cmocka_unit_test(node__each_call_fails__nothing_is_lost),
		cmocka_unit_test(old_system__each_call_fails__nothing_is_lost),
		cmocka_unit_test(huge_object__memory_is_taken__by_steps),
		cmocka_unit_test(start__calls_that_always_fail__works),
		cmocka_unit_test(start__no_fork_handlers__no_pool),
	};

	vmem_set_funcs(NULL, NULL, NULL, NULL, drop_text);
	const char *always = getenv(FAULT_ALWAYS);
	if (always != NULL && strcmp(always, "pthread_atfork") == 0)
		return play_unregistered();
	if (always != NULL)
		return play_all();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
