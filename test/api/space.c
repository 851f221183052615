/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * space.c -- on a file system that somebody else fills meanwhile, an allocation
 * is refused, and nothing else happens
 *
 * A touched page without space behind it would end the test with SIGBUS.  The
 * environment's VMEM_SOAK_OPS says how many operations there are in all on each
 * file system: `make soak` has a million.
 *
 * ctest: timeout=300 serial not-tsan
 */
#include "harness/test.h"

#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/fs.h"
#include "harness/objects.h"
#include "harness/threads.h"

#define FS_MIB     64
#define BTRFS_MIB  400 /* a smaller one keeps much of its space for itself */
#define NOPS       (TEST_SANITIZED ? 4000 : 20000)
#define NROUNDS    4
#define HIGH       20000 /* bytes of the largest objects */
#define SLACK      (4 * MIB)
#define STEP       (2 * MIB) /* whole huge pages */
#define LEAST_FREE (64 * KIB)
#define POOL_MIN   (32 * MIB)
#define POOL_MOST  (48 * MIB)
#define WAIT_MS    20000

/* the other writer: a process, so that nothing of it is in the pool's */
struct other {
	char path[128];
	_Atomic int wish;
	_Atomic int done; /* the last wish that came true */
};

static pid_t other_pid;

enum wish { EMPTY, FULL, CHANGING, NWISHES };

/* change -- to full, and to less, after a while each */
static off_t
change(int fd, struct rng *rng, off_t size)
{
	size = fs_fill_file(fd, size);
	(void)usleep((unsigned)rng_between(rng, 0, 20000));
	size = (off_t)(rng_between(rng, 0, (size_t)size / STEP) * STEP);
	must(ftruncate(fd, size) == 0);
	(void)usleep((unsigned)rng_between(rng, 0, 20000));
	return size;
}

_Noreturn static void
write_what_is_wished(struct other *o, struct rng *rng)
{
	int fd = open(o->path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	off_t size = 0;

	must(fd >= 0 && prctl(PR_SET_PDEATHSIG, SIGKILL) == 0);
	for (;;) {
		int wish = atomic_load(&o->wish);

		if (wish == CHANGING) {
			size = change(fd, rng, size);
		} else if (wish == FULL) {
			/* asked in vain too often btrfs does nothing else */
			if (atomic_load(&o->done) != FULL ||
				fs_free_bytes(o->path) >= LEAST_FREE)
				size = fs_fill_file(fd, size);
		} else {
			must(ftruncate(fd, 0) == 0);
			size = 0;
		}
		atomic_store(&o->done, wish);
		(void)usleep(1000);
	}
}

static struct other *
other_start(const struct fs *fs, struct rng *rng)
{
	struct other *o = mmap(NULL, sizeof(*o), PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	must(o != MAP_FAILED);
	snprintf(o->path, sizeof(o->path), "%s/other", fs->path);
	other_pid = fork();
	must(other_pid >= 0);
	if (other_pid == 0)
		write_what_is_wished(o, rng);
	return o;
}

static void
other_wish(struct other *o, enum wish wish)
{
	struct deadline end = deadline_in(WAIT_MS);

	/* not one that came true before */
	atomic_store(&o->done, NWISHES);
	atomic_store(&o->wish, (int)wish);
	while (atomic_load(&o->done) != (int)wish) {
		must(!deadline_is_over(end));
		(void)usleep(1000);
	}
}

static void
other_end(struct other *o)
{
	must(kill(other_pid, SIGKILL) == 0);
	must(waitpid(other_pid, NULL, 0) == other_pid);
	must(unlink(o->path) == 0);
	must(munmap(o, sizeof(*o)) == 0);
}

/* churn -- so many operations, and how fast they were */
static void
churn(struct objects *set, struct rng *rng, size_t nops, const char *when)
{
	size_t nrefused = set->nrefused;
	uint64_t ms = test_ms();

	objects_churn(set, rng, nops, HIGH);
	ms = test_ms() - ms;
	print_message("  %-9s %8zu operations, %7zu refused, %8.0f a second\n",
		when, nops, set->nrefused - nrefused,
		(double)nops * 1000 / (double)(ms != 0 ? ms : 1));
}

/*
 * goes_on -- is what is free again had again?  xfs frees it only some time
 * after it was given back.
 */
static bool
goes_on(struct objects *set, struct rng *rng, size_t before)
{
	struct deadline end = deadline_in(WAIT_MS);

	do {
		objects_fill(set, rng, 1, HIGH);
		if (set->bytes > before + SLACK)
			return true;
		(void)usleep(1000);
	} while (!deadline_is_over(end));
	return false;
}

/*
 * leave -- of the objects only those in the first quarter, so that there are
 * whole huge pages to give back
 */
static void
leave(struct objects *set)
{
	const char *base = (const char *)set->vmp;

	for (size_t i = set->n; i > 0; i--)
		if ((char *)set->v[i - 1].ptr > base + POOL_MIN / 4)
			objects_drop(set, i - 1);
	must(vmem_trim(set->vmp, 0) >= 0);
}

/*
 * nfull -- operations of a round while it is full
 *
 * For each page that is written for the first time since it went to the disk,
 * a full btrfs first writes all that it has: 2 or 3 operations a second.
 */
static size_t
nfull(enum fs_kind kind, size_t nops)
{
	return kind == FS_BTRFS ? nops / 25000 : nops * 4 / 10;
}

static void
round_of(struct objects *set, struct rng *rng, struct other *o, size_t nops,
	size_t full)
{
	size_t before;

	churn(set, rng, nops / 10, "with room");
	objects_fill(set, rng, 1, HIGH);
	leave(set);
	other_wish(o, FULL);
	objects_fill(set, rng, 1, HIGH);
	churn(set, rng, full, "full");
	objects_verify(set);
	assert_int_equal(vmem_check(set->vmp), 1);
	leave(set);
	other_wish(o, CHANGING);
	objects_fill(set, rng, 1, HIGH);
	churn(set, rng, nops - nops / 10 - full, "changing");
	leave(set);
	other_wish(o, FULL);
	objects_fill(set, rng, 1, HIGH);
	objects_verify(set);
	before = set->bytes;
	other_wish(o, EMPTY);
	assert_true(goes_on(set, rng, before));
	objects_verify(set);
	assert_int_equal(vmem_check(set->vmp), 1);
	objects_drop_half(set, rng);
}

/* soak_ops -- in all; 0: not asked for */
static size_t
soak_ops(void)
{
	const char *text = getenv("VMEM_SOAK_OPS");

	return text != NULL ? strtoull(text, NULL, 10) : 0;
}

static size_t
pool_size(const struct fs *fs)
{
	size_t nfree = fs_free_bytes(fs->path);

	return nfree < POOL_MOST ? POOL_MIN : POOL_MOST;
}

static void
space__other_writer_fills_it__allocations_fail_and_go_on(void **state)
{
	enum fs_kind kind = fs_kind_of(state);
	struct other *other;
	struct objects set;
	struct rng rng;
	struct fs fs;
	size_t nops = soak_ops() != 0 ? soak_ops() / NROUNDS : NOPS / NROUNDS;
	VMEM *vmp;

	if (kind == FS_BTRFS && soak_ops() == 0)
		test_skip("a full btrfs takes minutes; VMEM_SOAK_OPS does it");
	fs_mount_or_skip(&fs, kind, kind == FS_BTRFS ? BTRFS_MIB : FS_MIB);
	print_message("%s:\n", fs_name(kind));
	rng_init(&rng, __func__);
	other = other_start(&fs, &rng);
	vmp = vmem_create(fs.path, pool_size(&fs));
	assert_non_null(vmp);
	objects_init(&set, vmp);
	for (unsigned round = 0; round < NROUNDS; round++)
		round_of(&set, &rng, other, nops, nfull(kind, nops));
	objects_fini(&set);
	assert_int_equal(vmem_check(vmp), 1);
	vmem_delete(vmp);
	other_end(other);
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
		on_fs(FS_BTRFS,
			space__other_writer_fills_it__allocations_fail_and_go_on),
		on_fs(FS_HUGETLBFS,
			space__other_writer_fills_it__allocations_fail_and_go_on),
	};

	if (getenv("VMEM_TEST_FILTER") != NULL)
		cmocka_set_test_filter(getenv("VMEM_TEST_FILTER"));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
