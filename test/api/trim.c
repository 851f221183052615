/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * trim.c -- what a pool does not need goes back to the system
 *
 * A table of each kind of memory.  What the kernel counts (blocks of the file,
 * space of the file system, pages in memory by mincore and by smaps) is
 * compared with the promise: at most one page in a hundred stays.
 *
 * ctest: timeout=300 serial not-tsan threads
 */
#include "harness/test.h"

#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/fs.h"
#include "harness/objects.h"
#include "harness/threads.h"

#define POOL_BYTES (48 * MIB)

/* where space comes in larger pieces, one is less than one in a hundred */
#define LARGE_BYTES (224 * MIB)

#define FS_MIB     400
#define LINE_BYTES 512

/* a kind of memory that a pool can be in */
struct kind {
	const char *name;
	int source;
	enum fs_kind fs; /* with VMEM_SOURCE_FD; FS_NKINDS: none */
	size_t size;
	int map_flags; /* with VMEM_SOURCE_REGION */
	int give_back;
	bool stays; /* all of it: what the others are compared with */
};

static struct kind kinds[] = {
	{"tmpfs", VMEM_SOURCE_FD, FS_TMPFS, POOL_BYTES, 0, 0, false},
	{"ext4", VMEM_SOURCE_FD, FS_EXT4, POOL_BYTES, 0, 0, false},
	{"xfs", VMEM_SOURCE_FD, FS_XFS, POOL_BYTES, 0, 0, false},
	{"btrfs", VMEM_SOURCE_FD, FS_BTRFS, LARGE_BYTES, 0, 0, false},
	{"hugetlbfs", VMEM_SOURCE_FD, FS_HUGETLBFS, LARGE_BYTES, 0, 0, false},
	{"memfd", VMEM_SOURCE_MEMFD, FS_NKINDS, POOL_BYTES, 0, 0, false},
	{"private memory", VMEM_SOURCE_PRIVATE, FS_NKINDS, POOL_BYTES, 0, 0,
		false},
	{"private region", VMEM_SOURCE_REGION, FS_NKINDS, POOL_BYTES,
		MAP_PRIVATE, VMEM_GIVE_DONTNEED, false},
	{"shared region", VMEM_SOURCE_REGION, FS_NKINDS, POOL_BYTES, MAP_SHARED,
		VMEM_GIVE_REMOVE, false},
	{"region, not allowed", VMEM_SOURCE_REGION, FS_NKINDS, POOL_BYTES,
		MAP_PRIVATE, VMEM_GIVE_NONE, true},
};

/* a pool of such a kind */
struct place {
	const struct kind *kind;
	struct fs fs;
	size_t empty; /* free bytes of the file system before */
	int fd;       /* of its file, or -1 */
	VMEM *vmp;
};

/* open_file -- without a name, on a fresh file system */
static int
open_file(const struct fs *fs)
{
	char path[128];
	int fd = open(fs->path, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	if (fd >= 0)
		return fd;
	/* hugetlbfs */
	snprintf(path, sizeof(path), "%s/file", fs->path);
	fd = open(path, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600);
	must(fd >= 0 && unlink(path) == 0);
	return fd;
}

/* open_mapped -- the file behind a mapping of ours; -1: not for us */
static int
open_mapped(const void *addr)
{
	char line[LINE_BYTES], path[128];
	uintptr_t from, to;

	if (!test_mapping(addr, &from, &to, line, sizeof(line)))
		return -1;
	snprintf(path, sizeof(path),
		"/proc/self/map_files/%" PRIxPTR "-%" PRIxPTR, from, to);
	return open(path, O_RDWR | O_CLOEXEC);
}

static void
place_open(struct place *at)
{
	const struct kind *kind = at->kind;
	struct vmem_options o;

	must(vmem_options_init(&o, sizeof(o)) == 0);
	at->fd = -1;
	o.source = kind->source;
	o.size = kind->size;
	o.give_back = kind->give_back;
	o.decay_ms = VMEM_DECAY_NEVER;
	if (kind->fs != FS_NKINDS) {
		at->empty = fs_free_bytes(at->fs.path);
		o.fd = at->fd = open_file(&at->fs);
	}
	if (kind->source == VMEM_SOURCE_REGION) {
		o.addr = mmap(NULL, kind->size, PROT_READ | PROT_WRITE,
			MAP_ANONYMOUS | kind->map_flags, -1, 0);
		must(o.addr != MAP_FAILED);
	}
	at->vmp = vmem_create_opts(&o);
	if (at->vmp == NULL)
		print_message("%s\n", vmem_errormsg());
	assert_non_null(at->vmp);
	/* another advice than neighbours have: it is a mapping of its own */
	must(madvise(at->vmp, kind->size, MADV_DONTDUMP) == 0);
	if (kind->source == VMEM_SOURCE_MEMFD)
		at->fd = open_mapped((char *)at->vmp + MIB);
}

static void
place_close(struct place *at)
{
	vmem_delete(at->vmp);
	if (at->kind->source == VMEM_SOURCE_REGION)
		must(munmap(at->vmp, at->kind->size) == 0);
	if (at->fd >= 0)
		close(at->fd);
	if (at->kind->fs != FS_NKINDS)
		assert_true(fs_unmount(&at->fs));
}

/* smaps_bytes -- in memory, of all mappings in a range, huge pages too */
static size_t
smaps_bytes(const void *addr, size_t size)
{
	FILE *f = fopen("/proc/self/smaps", "re");
	uintptr_t low = (uintptr_t)addr, from, to;
	char line[LINE_BYTES], word[64];
	bool inside = false;
	size_t sum = 0, kib;

	must(f != NULL);
	while (fgets(line, sizeof(line), f) != NULL) {
		if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " ", &from, &to) == 2)
			inside = from >= low && to <= low + size;
		else if (inside &&
			 sscanf(line, "%63[^:]: %zu kB", word, &kib) == 2 &&
			 (strcmp(word, "Rss") == 0 ||
				 strstr(word, "_Hugetlb") != NULL))
			sum += kib * KIB;
	}
	(void)fclose(f);
	return sum;
}

/* what is held, as the kernel counts it in four ways; 0 where it does not */
struct held {
	size_t blocks; /* of the file */
	size_t space;  /* of the file system */
	size_t mincore;
	size_t smaps;
};

static struct held
held_by(const struct place *at)
{
	struct held h = {0};
	struct stat st;

	if (at->fd >= 0) {
		/* btrfs counts what it has written */
		must(fsync(at->fd) == 0 || errno == EINVAL);
		must(fstat(at->fd, &st) == 0);
		h.blocks = (size_t)st.st_blocks * 512;
	}
	if (at->kind->fs != FS_NKINDS) {
		must(at->fd >= 0 && syncfs(at->fd) == 0);
		h.space = at->empty - fs_free_bytes(at->fs.path);
	}
	h.mincore = test_resident(at->vmp, at->kind->size);
	h.smaps = smaps_bytes(at->vmp, at->kind->size);
	print_message("%-20s %9zu in blocks, %9zu of the file system, %9zu by "
		      "mincore, %9zu by smaps\n",
		at->kind->name, h.blocks, h.space, h.mincore, h.smaps);
	return h;
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
trim__all_freed__one_percent_stays(void **state)
{
	struct place at = {.kind = *state};
	size_t size = at.kind->size, most = size / 100;
	pthread_t thread[2];
	struct held h;

	if (at.kind->fs != FS_NKINDS)
		fs_mount_or_skip(&at.fs, at.kind->fs, FS_MIB);
	place_open(&at);
	use(at.vmp, thread);
	h = held_by(&at);
	if (at.fd >= 0)
		assert_true(h.blocks >= size);
	if (at.kind->fs != FS_NKINDS)
		assert_true(h.space >= size);
	assert_true(h.mincore >= size / 10 * 9);
	assert_true(h.smaps >= size / 10 * 9);
	errno = 0;
	assert_int_equal(vmem_trim(at.vmp, 0), at.kind->stays ? 0 : 1);
	assert_int_equal(errno, 0);
	assert_int_equal(vmem_check(at.vmp), 1);
	h = held_by(&at);
	if (at.kind->stays) {
		assert_true(h.mincore >= size / 10 * 9);
	} else {
		assert_true(h.blocks <= most && h.space <= most);
		assert_true(h.mincore <= most && h.smaps <= most);
	}
	assert_int_equal(vmem_trim(at.vmp, 0), 0);
	end(thread);
	use_again(at.vmp);
	place_close(&at);
}

/* of_kind -- an entry of cmocka's table */
static struct CMUnitTest
of_kind(struct kind *kind)
{
	return (struct CMUnitTest){.name = kind->name,
		.test_func = trim__all_freed__one_percent_stays,
		.initial_state = kind};
}

int
main(void)
{
	struct CMUnitTest tests[NELEM(kinds)];

	for (size_t i = 0; i < NELEM(kinds); i++)
		tests[i] = of_kind(&kinds[i]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
