/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * fork_check.c -- the check of a pool that another process works in meanwhile,
 * which cannot be stopped: what it does is no damage
 *
 * ctest: timeout=120 not-valgrind
 */
#include "harness/test.h"

#include <stdatomic.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/objects.h"
#include "harness/proc.h"

#define POOL_BYTES (64 * MIB)
#define HIGH       20000
#define NCHECKS    500

/* the page of the header, behind the largest guard page there may be */
#if defined(__aarch64__)
#define HEADER ((size_t)64 * KIB)
#else
#define HEADER ((size_t)4 * KIB)
#endif

/* what parent and child tell each other */
struct shared {
	VMEM *vmp;
	uint64_t seed;
	_Atomic int works, ended;
};

static struct shared *
shared_new(void)
{
	struct vmem_options o;
	struct shared *s = mmap(NULL, sizeof(*s), PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct rng rng;

	must(s != MAP_FAILED);
	rng_init(&rng, __func__);
	s->seed = rng_next(&rng);
	must(vmem_options_init(&o, sizeof(o)) == 0);
	o.size = POOL_BYTES;
	o.source = VMEM_SOURCE_MEMFD;
	s->vmp = vmem_create_opts(&o);
	must(s->vmp != NULL);
	vmem_free(s->vmp, vmem_malloc(s->vmp, 100));
	return s;
}

static void
shared_end(struct shared *s)
{
	/* alone again */
	assert_int_equal(vmem_check(s->vmp), 1);
	vmem_delete(s->vmp);
	must(munmap(s, sizeof(*s)) == 0);
}

/* check_often -- returns an exit status */
static int
check_often(struct shared *s)
{
	unsigned nsound = 0;

	/* it counts as used by both from then on */
	vmem_free(s->vmp, vmem_malloc(s->vmp, 100));
	for (unsigned i = 0; i < NCHECKS; i++) {
		int rc = vmem_check(s->vmp);

		if (rc != 1 && (rc != -1 || errno != EBUSY)) {
			(void)fprintf(stderr, "%d: %s\n", rc, vmem_errormsg());
			return 1;
		}
		nsound += rc == 1;
	}
	atomic_store(&s->ended, 1);
	print_message("%u of %d could be checked\n", nsound, NCHECKS);
	return 0;
}

/* work_meanwhile -- until the checks are done, or `other` has ended too early
 */
static void
work_meanwhile(struct shared *s, pid_t other)
{
	struct objects set;
	struct rng rng;

	rng_init_from(&rng, s->seed);
	objects_init(&set, s->vmp);
	while (atomic_load(&s->ended) == 0 &&
		(other == 0 || waitpid(other, NULL, WNOHANG) == 0)) {
		for (unsigned i = 0; i < 100; i++)
			objects_churn(&set, &rng, 1, HIGH);
		if (set.n > 500)
			objects_drop_half(&set, &rng);
		atomic_store(&s->works, 1);
	}
	objects_fini(&set);
}

/* fork_limited -- a child that ends in the end */
static pid_t
fork_limited(void)
{
	pid_t pid = fork();

	must(pid >= 0);
	if (pid == 0)
		(void)alarm(TEST_CHILD_SECONDS);
	return pid;
}

static void
check__in_a_child_while_the_parent_works__finds_no_damage(void **state)
{
	struct shared *s = shared_new();
	pid_t pid = fork_limited();

	(void)state;
	if (pid == 0)
		_exit(check_often(s));
	work_meanwhile(s, pid);
	assert_int_equal(atomic_load(&s->ended), 1);
	shared_end(s);
}

static void
check__in_a_parent_while_the_child_works__finds_no_damage(void **state)
{
	struct shared *s = shared_new();
	pid_t pid = fork_limited();
	int status;

	(void)state;
	if (pid == 0) {
		work_meanwhile(s, 0);
		_exit(0);
	}
	while (atomic_load(&s->works) == 0)
		(void)usleep(100);
	status = check_often(s);
	atomic_store(&s->ended, 1);
	assert_int_equal(status, 0);
	must(waitpid(pid, &status, 0) == pid);
	assert_int_equal(status, 0);
	shared_end(s);
}

/* nobody else uses a private region's copy: what is wrong there is damage */
static void
check__first_call_in_a_child_on_its_damaged_copy__gives_0(void **state)
{
	char *mem = mmap(NULL, VMEM_MIN_POOL, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	VMEM *vmp;
	pid_t pid;
	int status;

	(void)state;
	must(mem != MAP_FAILED);
	vmp = vmem_create_in_region(mem, VMEM_MIN_POOL);
	must(vmp != NULL && vmem_malloc(vmp, 100) != NULL);
	pid = fork_limited();
	if (pid == 0) {
		must(vmem_check(vmp) == 1);
		mem[HEADER + sizeof(uint64_t)] ^= 1; /* the checksum */
		_exit(vmem_check(vmp) == 0 ? 0 : 1);
	}
	must(waitpid(pid, &status, 0) == pid);
	assert_int_equal(status, 0);
	assert_int_equal(vmem_check(vmp), 1);
	vmem_delete(vmp);
	must(munmap(mem, VMEM_MIN_POOL) == 0);
}

/* the check's copy is as long as the pool, but little of it is used */
static void
check__after_a_fork_and_mlockall__takes_little_memory(void **state)
{
	size_t size = 256 * MIB, before;
	char *mem = mmap(NULL, size, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	VMEM *vmp;
	pid_t pid;

	(void)state;
	must(mem != MAP_FAILED);
	vmp = vmem_create_in_region(mem, size);
	must(vmp != NULL && vmem_malloc(vmp, 100) != NULL);
	if (mlockall(MCL_FUTURE) != 0)
		test_skip("memory cannot be locked");
	pid = fork_limited();
	if (pid == 0)
		_exit(0);
	must(waitpid(pid, NULL, 0) == pid);
	before = proc_peak_memory();
	assert_int_equal(vmem_check(vmp), 1);
	assert_true(proc_peak_memory() < before + 32 * MIB);
	must(munlockall() == 0);
	vmem_delete(vmp);
	must(munmap(mem, size) == 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			check__in_a_child_while_the_parent_works__finds_no_damage),
		cmocka_unit_test(
			check__in_a_parent_while_the_child_works__finds_no_damage),
		cmocka_unit_test(
			check__first_call_in_a_child_on_its_damaged_copy__gives_0),
		cmocka_unit_test(
			check__after_a_fork_and_mlockall__takes_little_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
