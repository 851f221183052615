/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * fork_shared.c -- pools that a parent and its children use at the same time
 *
 * A pool of a file, of a memfd or in a shared region stays one pool after a
 * fork: what one allocates any other may free, and no page of it goes back.
 *
 * ctest: timeout=120 not-valgrind
 */
#include "harness/test.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/objects.h"
#include "harness/threads.h"

#define POOL_BYTES (64 * MIB)
#define NCHILDREN  3
#define NSTEPS     (TEST_TSAN ? 500 : TEST_SANITIZED ? 1000 : 10000)
#define HIGH       20000
#define NPASSED    200

enum how { A_DIRECTORY, A_MEMFD, A_REGION, A_SPARSE_MEMFD, NHOW };
static enum how hows[NHOW] = {A_DIRECTORY, A_MEMFD, A_REGION, A_SPARSE_MEMFD};

static VMEM *
pool_open(enum how how)
{
	struct vmem_options o;
	VMEM *vmp;

	must(vmem_options_init(&o, sizeof(o)) == 0);
	o.size = POOL_BYTES;
	o.source = VMEM_SOURCE_MEMFD;
	o.sparse = how == A_SPARSE_MEMFD;
	if (how == A_DIRECTORY) {
		o.source = VMEM_SOURCE_PATH;
		o.path = test_dir();
	} else if (how == A_REGION) {
		o.source = VMEM_SOURCE_REGION;
		o.addr = mmap(NULL, POOL_BYTES, PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_ANONYMOUS, -1, 0);
		must(o.addr != MAP_FAILED);
	}
	vmp = vmem_create_opts(&o);
	must(vmp != NULL);
	return vmp;
}

static void
pool_end(VMEM *vmp, enum how how)
{
	vmem_delete(vmp);
	if (how == A_REGION)
		must(munmap(vmp, POOL_BYTES) == 0);
}

/* what parent and children tell each other, and where objects change hands */
struct shared {
	VMEM *vmp;
	uint64_t seed;
	_Atomic(char *) passed[NPASSED];
	_Atomic int nready, go;
};

static struct shared *
shared_new(VMEM *vmp)
{
	struct shared *s = mmap(NULL, sizeof(*s), PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	must(s != MAP_FAILED);
	s->vmp = vmp;
	return s;
}

static void
shared_end(struct shared *s)
{
	must(munmap(s, sizeof(*s)) == 0);
}

/* pass -- put an object into a random place, and free what was there */
static void
pass(struct shared *s, struct rng *rng)
{
	char *p = vmem_malloc(s->vmp, rng_between(rng, 16, HIGH));

	if (p == NULL)
		return;
	strcpy(p, "passed on");
	p = atomic_exchange(&s->passed[rng_between(rng, 0, NPASSED - 1)], p);
	if (p == NULL)
		return;
	must(strcmp(p, "passed on") == 0);
	vmem_free(s->vmp, p);
}

/* work -- objects of one's own, and such that change hands */
static int
work(void *arg)
{
	struct shared *s = arg;
	struct objects set;
	struct rng rng;

	rng_init_from(&rng, s->seed + (uint64_t)getpid());
	(void)atomic_fetch_add(&s->nready, 1);
	while (atomic_load(&s->go) == 0)
		(void)usleep(100);
	objects_init(&set, s->vmp);
	for (unsigned i = 0; i < NSTEPS; i++) {
		objects_churn(&set, &rng, 1, HIGH);
		pass(s, &rng);
		if (set.n > 500)
			objects_drop_half(&set, &rng);
	}
	objects_fini(&set);
	return 0;
}

static pid_t
start(int (*fn)(void *arg), void *arg)
{
	pid_t pid = fork();

	must(pid >= 0);
	if (pid == 0) {
		(void)alarm(TEST_CHILD_SECONDS);
		_exit(fn(arg));
	}
	return pid;
}

static bool
ends_well(pid_t pid)
{
	int status;

	must(waitpid(pid, &status, 0) == pid);
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static void
fork__all_work_at_the_same_time__lose_nothing(void **state)
{
	enum how how = *(const enum how *)*state;
	VMEM *vmp = pool_open(how);
	struct shared *s = shared_new(vmp);
	pid_t pid[NCHILDREN];
	struct rng rng;

	rng_init(&rng, __func__);
	s->seed = rng_next(&rng);
	/* the parent has a heap of its own before */
	vmem_free(vmp, vmem_malloc(vmp, 100));
	for (size_t i = 0; i < NCHILDREN; i++)
		pid[i] = start(work, s);
	while (atomic_load(&s->nready) < NCHILDREN)
		(void)usleep(100);
	atomic_store(&s->go, 1);
	assert_int_equal(work(s), 0);
	for (size_t i = 0; i < NCHILDREN; i++)
		assert_true(ends_well(pid[i]));
	assert_int_equal(vmem_check(vmp), 1);
	for (size_t i = 0; i < NPASSED; i++)
		vmem_free(vmp, s->passed[i]);
	assert_int_equal(vmem_check(vmp), 1);
	/* nothing is lost: a large part can be had at once */
	assert_non_null(vmem_malloc(vmp, POOL_BYTES / 2));
	shared_end(s);
	pool_end(vmp, how);
}

/* fill_and_leave -- until the child has no more room; all of it is the parent's
 */
static int
fill_and_leave(void *arg)
{
	struct shared *s = arg;
	size_t n = 0;
	char *p;

	while ((p = vmem_malloc(s->vmp, MIB)) != NULL && n < NPASSED) {
		memset(p, (int)n, MIB);
		s->passed[n++] = p;
	}
	must(errno == ENOMEM);
	return n > POOL_BYTES / MIB / 2 ? 0 : 1;
}

static void
fork__child_fills_the_pool_and_ends__parent_frees_it(void **state)
{
	enum how how = *(const enum how *)*state;
	VMEM *vmp = pool_open(how);
	struct shared *s = shared_new(vmp);

	for (unsigned round = 0; round < 2; round++) {
		assert_true(ends_well(start(fill_and_leave, s)));
		assert_int_equal(vmem_check(vmp), 1);
		for (size_t i = 0; i < NPASSED && s->passed[i] != NULL; i++) {
			char *p = s->passed[i];

			assert_true(p[0] == (char)i && p[MIB - 1] == (char)i);
			vmem_free(vmp, p);
			s->passed[i] = NULL;
		}
		assert_int_equal(vmem_check(vmp), 1);
	}
	shared_end(s);
	pool_end(vmp, how);
}

/* the delete of one is not the other's */
static int
use_and_delete(void *arg)
{
	struct shared *s = arg;
	char *p = vmem_malloc(s->vmp, 100);

	must(p != NULL);
	s->passed[0] = p;
	strcpy(p, "left by the child");
	vmem_delete(s->vmp);
	errno = 0;
	must(vmem_malloc(s->vmp, 1) == NULL && errno == EINVAL);
	must(vmem_check(s->vmp) == -1);
	return 0;
}

static void
fork__child_deletes_it__parent_keeps_it(void **state)
{
	enum how how = *(const enum how *)*state;
	VMEM *vmp = pool_open(how);
	struct shared *s = shared_new(vmp);

	assert_true(ends_well(start(use_and_delete, s)));
	assert_string_equal(s->passed[0], "left by the child");
	vmem_free(vmp, s->passed[0]);
	assert_int_equal(vmem_check(vmp), 1);
	assert_non_null(vmem_malloc(vmp, MIB));
	shared_end(s);
	pool_end(vmp, how);
}

/* use_until_it_is_gone -- that is seen by a check, and nothing worse happens */
static int
use_until_it_is_gone(void *arg)
{
	struct shared *s = arg;
	void *p = vmem_malloc(s->vmp, 100);

	must(p != NULL);
	vmem_free(s->vmp, p);
	(void)atomic_fetch_add(&s->nready, 1);
	while (atomic_load(&s->go) == 0)
		(void)usleep(100);
	must(vmem_check(s->vmp) == 0);
	vmem_delete(s->vmp);
	return 0;
}

static void
fork__parent_deletes_it__child_fails_its_check(void **state)
{
	enum how how = *(const enum how *)*state;
	VMEM *vmp = pool_open(how);
	struct shared *s = shared_new(vmp);
	pid_t pid = start(use_until_it_is_gone, s);

	while (atomic_load(&s->nready) == 0)
		(void)usleep(100);
	pool_end(vmp, how);
	atomic_store(&s->go, 1);
	assert_true(ends_well(pid));
	shared_end(s);
}

static int
do_nothing(void *arg)
{
	(void)arg;
	return 0;
}

/* a child that never calls us does not take the decay away */
static void
fork__child_does_not_use_it__pages_still_go_back(void **state)
{
	VMEM *vmp = pool_open(A_MEMFD);
	char *p;

	(void)state;
	p = vmem_malloc(vmp, 32 * MIB);
	assert_non_null(p);
	memset(p, 1, 32 * MIB);
	assert_true(ends_well(start(do_nothing, NULL)));
	vmem_free(vmp, p);
	assert_int_equal(vmem_trim(vmp, 0), 1);
	assert_true(test_resident(vmp, POOL_BYTES) <= MIB);
	pool_end(vmp, A_MEMFD);
}

/* come_and_go -- no object for long, so that no heap has any at times */
static int
come_and_go(void *arg)
{
	struct shared *s = arg;
	struct rng rng;

	rng_init_from(&rng, s->seed + (uint64_t)getpid());
	while (atomic_load(&s->go) == 0) {
		size_t size = rng_between(&rng, 1, 5 * HIGH);
		char *p = vmem_malloc(s->vmp, size);

		if (p == NULL)
			continue;
		test_fill(p, size, size);
		if (size % 3 == 0)
			(void)usleep((useconds_t)(size % 32));
		if (!test_holds(p, size, size))
			return 1;
		vmem_free(s->vmp, p);
	}
	return 0;
}

/* collect -- what only a freeze can: all but a little at once */
static void *
collect(void *arg)
{
	struct shared *s = arg;

	for (unsigned i = 0; atomic_load(&s->go) == 0; i++) {
		vmem_free(s->vmp, vmem_malloc(s->vmp, VMEM_MIN_POOL - MIB));
		if (i % 4 == 0)
			vmem_free(s->vmp, vmem_malloc(s->vmp, 100));
	}
	return NULL;
}

/* what is frozen are the threads of one process, not those of another */
static void
fork__parent_collects_while_children_work__pool_is_sound(void **state)
{
	struct vmem_options o;
	struct vmem_stats stats;
	struct shared *s;
	pid_t pid[NCHILDREN];
	pthread_t thread[2];
	struct rng rng;
	VMEM *vmp;

	(void)state;
	rng_init(&rng, __func__);
	must(vmem_options_init(&o, sizeof(o)) == 0);
	o.size = VMEM_MIN_POOL;
	o.source = VMEM_SOURCE_MEMFD;
	vmp = vmem_create_opts(&o);
	must(vmp != NULL);
	s = shared_new(vmp);
	s->seed = rng_next(&rng);
	vmem_free(vmp, vmem_malloc(vmp, 100));
	for (size_t i = 0; i < NCHILDREN; i++)
		pid[i] = start(come_and_go, s);
	for (size_t i = 0; i < 2; i++)
		must(pthread_create(&thread[i], NULL, collect, s) == 0);
	(void)usleep((useconds_t)(STRESS_MS * 1000));
	atomic_store(&s->go, 1);
	for (size_t i = 0; i < 2; i++)
		must(pthread_join(thread[i], NULL) == 0);
	for (size_t i = 0; i < NCHILDREN; i++)
		assert_true(ends_well(pid[i]));
	if (vmem_check(vmp) != 1)
		fail_msg("%s", vmem_errormsg());
	must(vmem_stats_get(vmp, &stats, sizeof(stats)) == 0);
	assert_int_equal(stats.allocated, 0);
	shared_end(s);
	vmem_delete(vmp);
}

#define FOR_EACH(test)                                                         \
	{#test " (directory)", (test), NULL, NULL, &hows[A_DIRECTORY]},        \
		{#test " (memfd)", (test), NULL, NULL, &hows[A_MEMFD]},        \
		{#test " (region)", (test), NULL, NULL, &hows[A_REGION]},      \
	{                                                                      \
#test " (sparse memfd)", (test), NULL, NULL,                   \
			&hows[A_SPARSE_MEMFD]                                  \
	}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		FOR_EACH(fork__all_work_at_the_same_time__lose_nothing),
		FOR_EACH(fork__child_fills_the_pool_and_ends__parent_frees_it),
		FOR_EACH(fork__child_deletes_it__parent_keeps_it),
		FOR_EACH(fork__parent_deletes_it__child_fails_its_check),
		cmocka_unit_test(
			fork__child_does_not_use_it__pages_still_go_back),
		cmocka_unit_test(
			fork__parent_collects_while_children_work__pool_is_sound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
