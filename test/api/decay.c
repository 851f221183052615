/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * decay.c -- free pages go back by themselves after the time that was set, what
 * heaps keep for large objects too, and no more once two processes use the pool
 *
 * ctest: timeout=120 serial not-tsan
 */
#include "harness/test.h"

#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/fs.h"
#include "harness/threads.h"

#define POOL_BYTES (40 * MIB)
#define LARGE      (32 * MIB)
#define DECAY_MS   50
#define WAIT_MS    20000

/* reserved in advance and never used stays, and so does what others keep */
#define SLACK (8 * MIB)

/* for a decay that shall not come */
#define QUIET_MS 1000

/* use -- 32 MiB are touched, and free again */
static void
use(VMEM *vmp)
{
	char *p = vmem_malloc(vmp, LARGE);

	assert_non_null(p);
	memset(p, 1, LARGE);
	vmem_free(vmp, p);
}

/* breathe -- small work that never needs much; until less is resident */
static bool
breathe(VMEM *vmp, size_t resident, unsigned ms)
{
	struct deadline end = deadline_in(ms);

	do {
		void *p = vmem_malloc(vmp, 4 * MIB);

		must(p != NULL);
		vmem_free(vmp, p);
		(void)usleep(1000);
		if (test_resident(vmp, POOL_BYTES) <= resident)
			return true;
	} while (!deadline_is_over(end));
	return false;
}

static void
decay__on_a_file_system__space_goes_back(void **state)
{
	struct fs fs;
	size_t nfree;
	VMEM *vmp;

	fs_mount_or_skip(&fs, fs_kind_of(state), 64);
	vmp = vmem_create(fs.path, POOL_BYTES);
	assert_non_null(vmp);
	nfree = fs_free_bytes(fs.path);
	assert_int_equal(vmem_decay(vmp, DECAY_MS), 0);
	use(vmp);
	/* what was never used is not in memory, but held */
	assert_true(breathe(vmp, SLACK, WAIT_MS));
	assert_true(fs_free_bytes(fs.path) >= nfree + LARGE - SLACK);
	use(vmp);
	assert_int_equal(vmem_check(vmp), 1);
	vmem_delete(vmp);
	assert_true(fs_unmount(&fs));
}

static void
decay__never__all_stays(void **state)
{
	VMEM *vmp = vmem_create("/dev/shm", POOL_BYTES);

	(void)state;
	assert_non_null(vmp);
	assert_int_equal(vmem_decay(vmp, -1), 0);
	use(vmp);
	assert_false(breathe(vmp, LARGE - 1, QUIET_MS));
	vmem_delete(vmp);
}

/* a pool whose heaps may keep much more than they do keep */
#define WIDE_BYTES  (2 * GIB)
#define KEPT_BYTES  (14 * MIB)
#define PIECE       (256 * KIB)
#define FEW         12 /* looks at the clock */
#define KEPT_PIECES ((unsigned)(KEPT_BYTES / PIECE))

static VMEM *
wide_pool(int source, int decay_ms)
{
	struct vmem_options o;
	VMEM *vmp;

	must(vmem_options_init(&o, sizeof(o)) == 0);
	o.source = source;
	o.size = WIDE_BYTES;
	o.sparse = 1;
	o.decay_ms = decay_ms;
	vmp = vmem_create_opts(&o);
	assert_non_null(vmp);
	return vmp;
}

/* keep -- pieces are freed that the thread's heap has room for */
static void
keep(VMEM *vmp)
{
	char *p[KEPT_PIECES];

	for (size_t i = 0; i < NELEM(p); i++) {
		p[i] = vmem_malloc(vmp, PIECE);
		must(p[i] != NULL);
		memset(p[i], 1, PIECE);
	}
	for (size_t i = 0; i < NELEM(p); i++)
		vmem_free(vmp, p[i]);
}

/* small_work -- large objects, but one at a time; until less is resident */
static bool
small_work(VMEM *vmp, size_t resident, unsigned ms)
{
	struct deadline end = deadline_in(ms);

	do {
		/* only some of the calls look at the clock */
		for (int i = 0; i < 100; i++) {
			void *p = vmem_malloc(vmp, PIECE);

			must(p != NULL);
			vmem_free(vmp, p);
		}
		(void)usleep(1000);
		if (test_resident(vmp, WIDE_BYTES) <= resident)
			return true;
	} while (!deadline_is_over(end));
	return false;
}

static void
decay__kept_for_large_objects__goes_back(void **state)
{
	static const int sources[] = {VMEM_SOURCE_MEMFD, VMEM_SOURCE_PRIVATE};

	(void)state;
	for (size_t i = 0; i < NELEM(sources); i++) {
		VMEM *vmp = wide_pool(sources[i], DECAY_MS);
		size_t before;

		vmem_free(vmp, vmem_malloc(vmp, PIECE));
		before = test_resident(vmp, WIDE_BYTES);
		keep(vmp);
		assert_true(test_resident(vmp, WIDE_BYTES) >=
			    before + KEPT_BYTES - MIB);
		/* what is reserved ahead stays: it was never used */
		assert_true(small_work(vmp, before + 2 * MIB, WAIT_MS));
		assert_int_equal(vmem_check(vmp), 1);
		keep(vmp);
		assert_int_equal(vmem_check(vmp), 1);
		vmem_delete(vmp);
	}
}

/* two_objects -- the second one that is freed finds the first one kept */
static void
two_objects(VMEM *vmp)
{
	void *p = vmem_malloc(vmp, PIECE), *q = vmem_malloc(vmp, PIECE);

	must(p != NULL && q != NULL);
	vmem_free(vmp, p);
	vmem_free(vmp, q);
}

/* also of a pool that is seldom used: the clock is looked at each time */
static void
decay__few_large_objects__what_is_kept_goes_back(void **state)
{
	VMEM *vmp = wide_pool(VMEM_SOURCE_MEMFD, 1);
	size_t before;

	(void)state;
	two_objects(vmp);
	before = test_resident(vmp, WIDE_BYTES);
	keep(vmp);
	for (unsigned i = 0; i < FEW; i++) {
		/* longer than the decay time, and than a step of the clock */
		(void)usleep(10000);
		two_objects(vmp);
	}
	assert_true(test_resident(vmp, WIDE_BYTES) <= before + 2 * MIB);
	assert_int_equal(vmem_check(vmp), 1);
	vmem_delete(vmp);
}

static void
decay__at_once__large_objects_are_not_kept(void **state)
{
	VMEM *vmp = wide_pool(VMEM_SOURCE_MEMFD, 0);
	char *p = vmem_malloc(vmp, KEPT_BYTES);

	(void)state;
	assert_non_null(p);
	memset(p, 1, KEPT_BYTES);
	vmem_free(vmp, p);
	assert_true(test_resident(p, KEPT_BYTES) <= MIB);
	assert_int_equal(vmem_check(vmp), 1);
	vmem_delete(vmp);
}

static void
decay__never__what_heaps_keep_stays(void **state)
{
	VMEM *vmp = wide_pool(VMEM_SOURCE_MEMFD, VMEM_DECAY_NEVER);

	(void)state;
	keep(vmp);
	assert_false(small_work(vmp, KEPT_BYTES / 2, QUIET_MS / 2));
	vmem_delete(vmp);
}

/* share -- a child uses the pool too; returns whether it gave nothing back */
static bool
share(VMEM *vmp)
{
	int status;
	pid_t pid = fork();

	must(pid >= 0);
	if (pid == 0) {
		void *p = vmem_malloc(vmp, 100);

		vmem_free(vmp, p);
		_exit(p != NULL && vmem_trim(vmp, 0) == 0 ? 0 : 1);
	}
	must(waitpid(pid, &status, 0) == pid);
	return status == 0;
}

static void
decay__child_shares_the_pool__both_give_nothing_back(void **state)
{
	VMEM *vmp = vmem_create("/dev/shm", POOL_BYTES);

	(void)state;
	assert_non_null(vmp);
	assert_int_equal(vmem_decay(vmp, DECAY_MS), 0);
	use(vmp);
	assert_true(share(vmp));
	assert_int_equal(vmem_trim(vmp, 0), 0);
	assert_false(breathe(vmp, LARGE - 1, QUIET_MS));
	assert_int_equal(vmem_check(vmp), 1);
	vmem_delete(vmp);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		on_fs(FS_TMPFS, decay__on_a_file_system__space_goes_back),
		on_fs(FS_EXT4, decay__on_a_file_system__space_goes_back),
		cmocka_unit_test(decay__never__all_stays),
		cmocka_unit_test(decay__kept_for_large_objects__goes_back),
		cmocka_unit_test(
			decay__few_large_objects__what_is_kept_goes_back),
		cmocka_unit_test(decay__at_once__large_objects_are_not_kept),
		cmocka_unit_test(decay__never__what_heaps_keep_stays),
		cmocka_unit_test(
			decay__child_shares_the_pool__both_give_nothing_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
