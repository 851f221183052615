/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * space_ahead.c -- a disk's pages that are read in advance, on a file system
 * that is full
 *
 * The kernel then has pages of the pool in large pieces, and the first write to
 * one of them needs space behind all of its pieces' pages.  So the whole pool
 * is read in order after it was written out, also what it has given back, and
 * then written to, while there is no space at all.  What is wrong ends the test
 * with SIGBUS.  The environment's VMEM_SOAK_OPS says how many operations there
 * are in all on each file system.
 *
 * ctest: timeout=300 serial not-tsan
 */
#include "harness/test.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "harness/fs.h"
#include "harness/objects.h"
#include "harness/threads.h"

#define FS_MIB     64
#define PAGE       (4 * KIB)
#define UNIT       (2 * MIB) /* what is given back together */
#define ODD        (68 * KIB)
#define POOL_BYTES (48 * MIB + ODD)
#define NOPS       (TEST_SANITIZED ? 1500 : 5000)
#define A_ROUND    500
#define ANSWER_MS  5000 /* the disk, while others use it */

struct disk {
	struct fs fs;
	int fd; /* of what the others have written */
	off_t size;
	size_t pool_bytes;
	VMEM *vmp;
	struct objects set;
	struct rng rng;
};

/* take_all -- of the file system's space */
static void
take_all(struct disk *d)
{
	d->size = fs_fill_file(d->fd, d->size);
}

/* leave_some -- the others have less */
static void
leave_some(struct disk *d)
{
	d->size =
		(off_t)(rng_between(&d->rng, 0, (size_t)d->size / PAGE) * PAGE);
	must(ftruncate(d->fd, d->size) == 0);
}

static void
disk_open(struct disk *d, void **state, const char *name)
{
	char path[128];

	if ((size_t)sysconf(_SC_PAGESIZE) != PAGE)
		test_skip("nothing is read ahead: no pages of 4 KiB");
	fs_mount_or_skip(&d->fs, fs_kind_of(state), FS_MIB);
	rng_init(&d->rng, name);
	(void)snprintf(path, sizeof(path), "%s/other", d->fs.path);
	d->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	must(d->fd >= 0);
	d->size = 0;
	d->pool_bytes = POOL_BYTES;
	must(setenv("VMEM_OPTIONS", "readahead=1", 1) == 0);
	d->vmp = vmem_create(d->fs.path, d->pool_bytes);
	must(unsetenv("VMEM_OPTIONS") == 0);
	assert_non_null(d->vmp);
	objects_init(&d->set, d->vmp);
}

static void
disk_close(struct disk *d)
{
	objects_fini(&d->set);
	assert_int_equal(vmem_check(d->vmp), 1);
	vmem_delete(d->vmp);
	must(close(d->fd) == 0);
	assert_true(fs_unmount(&d->fs));
}

/* write_out -- all of the pool, and out of memory */
static void
write_out(const struct disk *d)
{
	char *at = (char *)d->vmp + PAGE;

	must(msync(at, d->pool_bytes - PAGE, MS_SYNC) == 0);
	must(madvise(at, d->pool_bytes - PAGE, MADV_PAGEOUT) == 0);
}

/* read_in -- all of the pool, in order, so that the kernel reads ahead */
static void
read_in(const struct disk *d)
{
	const volatile char *at = (const volatile char *)d->vmp;

	for (size_t off = PAGE; off < d->pool_bytes; off += PAGE)
		(void)at[off];
}

/* write_some -- objects that are there, again */
static void
write_some(struct disk *d)
{
	for (size_t i = 0; i < d->set.n; i++)
		if (rng_between(&d->rng, 0, 3) == 0)
			(void)objects_resize(&d->set, i, d->set.v[i].size);
}

/* round_of -- any of what can happen to it, with the file system full or not */
static void
round_of(struct disk *d, size_t nops)
{
	size_t high = (size_t)1 << rng_between(&d->rng, 8, 21);

	objects_churn(&d->set, &d->rng, nops, high);
	if (rng_between(&d->rng, 0, 3) == 0)
		objects_drop_half(&d->set, &d->rng);
	if (rng_between(&d->rng, 0, 1) == 0)
		must(vmem_trim(d->vmp, rng_between(&d->rng, 0, 24) * MIB) >= 0);
	if (rng_between(&d->rng, 0, 1) == 0)
		leave_some(d);
	if (rng_between(&d->rng, 0, 1) == 0)
		objects_fill(&d->set, &d->rng, 1, high);
	take_all(d);
	write_out(d);
	read_in(d);
	write_some(d);
	if (rng_between(&d->rng, 0, 1) == 0)
		objects_fill(&d->set, &d->rng, 1, high);
}

static void
space__full_and_read_ahead__nothing_is_touched_in_vain(void **state)
{
	const char *text = getenv("VMEM_SOAK_OPS");
	size_t nops = text != NULL ? strtoull(text, NULL, 10) : NOPS;
	struct disk d;

	disk_open(&d, state, __func__);
	take_all(&d);
	for (size_t done = 0; done < nops; done += A_ROUND)
		round_of(&d, A_ROUND);
	assert_int_equal(vmem_check(d.vmp), 1);
	print_message("%s: %zu operations, %zu refused\n",
		fs_name(fs_kind_of(state)), nops, d.set.nrefused);
	disk_close(&d);
}

/* read_ahead -- have more pages come than the one that was read?  Those behind
 * it count once the disk has answered, which is not waited for */
static bool
read_ahead(const char *first)
{
	struct deadline end = deadline_in(ANSWER_MS);

	while (test_resident(first, UNIT) <= PAGE) {
		if (deadline_is_over(end))
			return false;
		must(usleep(1000) == 0);
	}
	return true;
}

/* the pool's pages that have been read from the disk with the first of many */
static void
space__read_ahead__is_done_and_gives_whole_pieces_back(void **state)
{
	struct disk d;
	size_t before;
	char *large, *first;

	disk_open(&d, state, __func__);
	large = vmem_malloc(d.vmp, 16 * MIB);
	assert_non_null(large);
	test_fill(large, 16 * MIB, 1);
	write_out(&d);
	first = (char *)(((uintptr_t)large + UNIT) & ~(uintptr_t)(UNIT - 1));
	assert_int_equal(test_resident(first, UNIT), 0);
	(void)*(volatile char *)first;
	assert_true(read_ahead(first));
	assert_true(test_holds(large, 16 * MIB, 1));
	/* what is given back is whole pieces, and can be had again */
	before = fs_free_bytes(d.fs.path);
	vmem_free(d.vmp, large);
	assert_true(vmem_trim(d.vmp, 0) > 0);
	assert_true(fs_free_bytes(d.fs.path) >= before + POOL_BYTES - 3 * UNIT);
	large = vmem_calloc(d.vmp, 1, 30 * MIB);
	assert_non_null(large);
	assert_int_equal(large[0], 0);
	assert_memory_equal(large, large + 1, 30 * MIB - 1);
	vmem_free(d.vmp, large);
	disk_close(&d);
}

/* less than a piece: that it was tried is not seen afterwards */
static void
space__less_than_a_piece__others_can_have_it(void **state)
{
	struct disk d;
	off_t all;

	disk_open(&d, state, __func__);
	assert_true(vmem_trim(d.vmp, 0) > 0);
	take_all(&d);
	all = d.size;
	d.size -= (off_t)MIB;
	must(ftruncate(d.fd, d.size) == 0);
	errno = 0;
	assert_null(vmem_malloc(d.vmp, UNIT - 64 * KIB));
	assert_int_equal(errno, ENOMEM);
	take_all(&d);
	assert_true(d.size >= all - (off_t)(64 * KIB));
	disk_close(&d);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		on_fs(FS_EXT4,
			space__full_and_read_ahead__nothing_is_touched_in_vain),
		on_fs(FS_XFS,
			space__full_and_read_ahead__nothing_is_touched_in_vain),
		on_fs(FS_EXT4, space__less_than_a_piece__others_can_have_it),
		on_fs(FS_EXT4,
			space__read_ahead__is_done_and_gives_whole_pieces_back),
		on_fs(FS_XFS,
			space__read_ahead__is_done_and_gives_whole_pieces_back),
	};

	if (getenv("VMEM_TEST_FILTER") != NULL)
		cmocka_set_test_filter(getenv("VMEM_TEST_FILTER"));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
