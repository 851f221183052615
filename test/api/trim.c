/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * trim.c -- what a pool does not need goes back to the system
 *
 * What the kernel counts (blocks of the file, pages in memory) is compared
 * with the promise: at most one page in a hundred stays.
 *
 * ctest: timeout=300 serial not-tsan
 */
#include "harness/test.h"

#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "harness/fs.h"
#include "harness/objects.h"
#include "harness/threads.h"

#define POOL_BYTES (48 * MIB)

/* where space comes in larger pieces, one is less than one in a hundred */
#define LARGE_BYTES (224 * MIB)

static size_t
size_on(enum fs_kind kind)
{
	bool large = kind == FS_HUGETLBFS || kind == FS_BTRFS;

	return large ? LARGE_BYTES : POOL_BYTES;
}

/* used_bytes -- of a file system, when it has written what it has to write */
static size_t
used_bytes(const struct fs *fs, size_t when_empty)
{
	int fd = open(fs->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	must(fd >= 0 && syncfs(fd) == 0);
	close(fd);
	return when_empty - fs_free_bytes(fs->path);
}

/* work -- objects of all sizes, some by other threads that are still there */
static pthread_barrier_t worked, ending;

static void *
work(void *arg)
{
	VMEM *vmp = arg;
	void *p[3000];

	for (size_t i = 0; i < NELEM(p); i++) {
		p[i] = vmem_malloc(vmp, 16 + i % 1000);
		must(p[i] != NULL);
	}
	for (size_t i = 0; i < NELEM(p); i++)
		vmem_free(vmp, p[i]);
	pthread_barrier_wait(&worked);
	pthread_barrier_wait(&ending);
	return NULL;
}

/* use -- fill the pool and free all; caches of two threads have some of it */
static void
use(VMEM *vmp, pthread_t thread[2])
{
	struct objects set;
	struct rng rng;

	rng_init(&rng, "trim");
	must(pthread_barrier_init(&worked, NULL, 3) == 0);
	must(pthread_barrier_init(&ending, NULL, 3) == 0);
	for (size_t i = 0; i < 2; i++)
		must(pthread_create(&thread[i], NULL, work, vmp) == 0);
	pthread_barrier_wait(&worked);
	objects_init(&set, vmp);
	objects_fill(&set, &rng, 1, 200 * KIB);
	objects_drop_half(&set, &rng);
	objects_fill(&set, &rng, 1, 2000);
	objects_fini(&set);
}

static void
end(pthread_t thread[2])
{
	pthread_barrier_wait(&ending);
	for (size_t i = 0; i < 2; i++)
		must(pthread_join(thread[i], NULL) == 0);
}

/* after -- zero where calloc says so, and everything can be had again */
static void
use_again(VMEM *vmp)
{
	struct objects set;
	struct rng rng;
	char *p = vmem_calloc(vmp, 1, 5 * MIB);

	assert_non_null(p);
	assert_int_equal(p[0], 0);
	assert_memory_equal(p, p + 1, 5 * MIB - 1);
	vmem_free(vmp, p);
	rng_init(&rng, "again");
	objects_init(&set, vmp);
	objects_fill(&set, &rng, 1, 100 * KIB);
	assert_true(set.bytes > 30 * MIB);
	objects_fini(&set);
	assert_int_equal(vmem_check(vmp), 1);
}

static void
trim__all_freed_on_a_file_system__one_percent_stays(void **state)
{
	struct fs fs;
	pthread_t thread[2];
	size_t size, empty;
	VMEM *vmp;

	fs_mount_or_skip(&fs, fs_kind_of(state), 400);
	size = size_on(fs.kind);
	empty = fs_free_bytes(fs.path);
	vmp = vmem_create(fs.path, size);
	assert_non_null(vmp);
	assert_true(used_bytes(&fs, empty) >= size);
	use(vmp, thread);
	assert_true(used_bytes(&fs, empty) >= size);
	errno = 0;
	assert_int_equal(vmem_trim(vmp, 0), 1);
	assert_int_equal(errno, 0);
	assert_int_equal(vmem_check(vmp), 1);
	print_message("%s: %zu of %zu bytes stay\n", fs_name(fs.kind),
		used_bytes(&fs, empty), size);
	assert_true(used_bytes(&fs, empty) <= size / 100);
	assert_true(test_resident(vmp, size) <= size / 100);
	assert_int_equal(vmem_trim(vmp, 0), 0);
	end(thread);
	use_again(vmp);
	vmem_delete(vmp);
	assert_true(fs_unmount(&fs));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		on_fs(FS_TMPFS,
			trim__all_freed_on_a_file_system__one_percent_stays),
		on_fs(FS_EXT4,
			trim__all_freed_on_a_file_system__one_percent_stays),
		on_fs(FS_XFS,
			trim__all_freed_on_a_file_system__one_percent_stays),
		on_fs(FS_BTRFS,
			trim__all_freed_on_a_file_system__one_percent_stays),
		on_fs(FS_HUGETLBFS,
			trim__all_freed_on_a_file_system__one_percent_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
