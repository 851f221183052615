/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * small_stack.c -- the functions on the smallest stack that a thread can have
 *
 * All but vmem_check() and vmem_profile_dump(), of which the manual says that
 * they need more.  A sanitizer's frames and valgrind's own need more as well.
 *
 * ctest: not-asan not-tsan not-valgrind
 */
#include "harness/test.h"

#include <pthread.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/options.h"

/* what the calls work on */
static struct world {
	VMEM *vmp;
	void *region;
	struct vmem_options growing;
} world;

static void
create_and_delete(void)
{
	VMEM *vmp = vmem_create(test_dir(), POOL_BYTES);

	must(vmp != NULL);
	vmem_delete(vmp);
	vmp = vmem_create_in_region(world.region, POOL_BYTES);
	must(vmp != NULL);
	vmem_delete(vmp);
}

static void
create_and_grow(void)
{
	VMEM *vmp = vmem_create_opts(&world.growing);

	must(vmp != NULL);
	must(vmem_malloc(vmp, 2 * POOL_BYTES) != NULL);
	vmem_delete(vmp);
}

static void
refuse(void)
{
	must(vmem_create("/no/such/place", POOL_BYTES) == NULL);
	must(vmem_create("/dev/null", POOL_BYTES) == NULL);
	must(errno == ENODEV);
	vmem_free(world.vmp, &world);
}

static void
allocate(void)
{
	void *p = NULL;

	for (size_t size = 1; size < POOL_BYTES / 2; size *= 2) {
		p = vmem_realloc(world.vmp, p, size);
		must(p != NULL);
	}
	must(vmem_malloc(world.vmp, POOL_BYTES) == NULL);
	vmem_free(world.vmp, p);
	vmem_free(world.vmp, vmem_strdup(world.vmp, "text"));
}

static int
stop(void *ptr, size_t usable, void *arg)
{
	(void)ptr;
	(void)usable;
	(void)arg;
	return 1;
}

static void
look(void)
{
	struct vmem_stats stats;

	must(vmem_stats_get(world.vmp, &stats, sizeof(stats)) == 0);
	vmem_stats_print(world.vmp, NULL);
	vmem_stats_print(world.vmp, "J");
	must(vmem_walk(world.vmp, stop, NULL) == 1);
}

static void
tidy(void)
{
	must(vmem_trim(world.vmp, 0) >= 0);
	must(vmem_thread_flush(world.vmp) >= 0);
	must(vmem_reset(world.vmp) == 0);
}

static void
fork_child(void)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		allocate();
		_exit(0);
	}
	must(waitpid(pid, &status, 0) == pid && status == 0);
}

static void (*const calls[])(void) = {create_and_delete, create_and_grow,
	refuse, allocate, look, tidy, fork_child};

static void *
run(void *arg)
{
	void (*const *call)(void) = arg;

	(*call)();
	return NULL;
}

static void
print_nothing(const char *text)
{
	(void)text;
}

static int
run_on_small_stacks(void *arg)
{
	pthread_attr_t attr;
	pthread_t thread;

	(void)arg;
	vmem_set_funcs(NULL, NULL, NULL, NULL, print_nothing);
	world.vmp = test_file_pool(POOL_BYTES);
	world.region = mmap(NULL, POOL_BYTES, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	must(world.region != MAP_FAILED);
	must(vmem_malloc(world.vmp, 100) != NULL);
	must(pthread_attr_init(&attr) == 0);
	must(pthread_attr_setstacksize(
		     &attr, (size_t)sysconf(_SC_THREAD_STACK_MIN)) == 0);
	for (size_t i = 0; i < NELEM(calls); i++) {
		void (*call)(void) = calls[i];

		must(pthread_create(&thread, &attr, run, &call) == 0);
		must(pthread_join(thread, NULL) == 0);
	}
	return 0;
}

static void
calls__on_the_smallest_stack__work(void **state)
{
	(void)state;
	world.growing = options_of(VMEM_SOURCE_MEMFD);
	world.growing.max_size = 4 * POOL_BYTES;
	assert_int_equal(test_child(run_on_small_stacks, NULL), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(calls__on_the_smallest_stack__work),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
