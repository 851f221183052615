/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * space.c -- on a file system that somebody else fills meanwhile, an allocation
 * is refused, and nothing else happens
 *
 * A touched page without space behind it would end the test with SIGBUS.
 *
 * ctest: timeout=300 serial not-tsan
 */
#include "harness/test.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "harness/fs.h"
#include "harness/objects.h"

#define FS_MIB 64
#define NSTEPS (TEST_SANITIZED ? 1000 : 5000)
#define HIGH   20000 /* bytes of the largest objects */
#define SLACK  (4 * MIB)

/* the other writer: a file that takes what there is, or nothing */
static void
fill(int fd, bool full)
{
	size_t step = 2 * MIB;
	off_t size = 0;

	must(ftruncate(fd, 0) == 0);
	while (full && step >= 4096) {
		if (fallocate(fd, 0, size, (off_t)step) == 0)
			size += (off_t)step;
		else
			step /= 2;
	}
}

static size_t
pool_size(const struct fs *fs)
{
	size_t nfree = fs_free_bytes(fs->path);

	return nfree / 2 > 48 * MIB ? 48 * MIB : nfree / 2;
}

static void
space__other_writer_fills_it__allocations_fail_and_go_on(void **state)
{
	struct objects set;
	struct rng rng;
	struct fs fs;
	char name[128];
	size_t before;
	VMEM *vmp;
	int fd;

	fs_mount_or_skip(&fs, fs_kind_of(state), FS_MIB);
	snprintf(name, sizeof(name), "%s/other", fs.path);
	fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	vmp = vmem_create(fs.path, pool_size(&fs));
	assert_non_null(vmp);
	rng_init(&rng, __func__);
	objects_init(&set, vmp);
	for (unsigned round = 0; round < 4; round++) {
		/* it is full from the trim on, and has room again later */
		objects_churn(&set, &rng, NSTEPS, HIGH);
		objects_drop_half(&set, &rng);
		assert_int_equal(vmem_trim(vmp, 0), 1);
		fill(fd, true);
		objects_churn(&set, &rng, NSTEPS, HIGH);
		objects_fill(&set, &rng, 1, HIGH);
		objects_verify(&set);
		assert_int_equal(vmem_check(vmp), 1);
		before = set.bytes;
		fill(fd, false);
		objects_fill(&set, &rng, 1, HIGH);
		assert_true(set.bytes > before + SLACK);
		objects_verify(&set);
		objects_drop_half(&set, &rng);
	}
	objects_fini(&set);
	assert_int_equal(vmem_check(vmp), 1);
	vmem_delete(vmp);
	close(fd);
	unlink(name);
	assert_true(fs_unmount(&fs));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		on_fs(FS_TMPFS,
			space__other_writer_fills_it__allocations_fail_and_go_on),
		on_fs(FS_EXT4,
			space__other_writer_fills_it__allocations_fail_and_go_on),
		on_fs(FS_XFS,
			space__other_writer_fills_it__allocations_fail_and_go_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
