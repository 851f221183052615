/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * backing_file.c -- an unnamed temporary file whose space is all reserved
 *
 * A page of a shared mapping that has no space behind it raises SIGBUS when it
 * is touched and the file system is full by then.  So a pool's space is
 * allocated here, byte for byte, or the pool is refused.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "backing/backing.h"
#include "backing/backing_internal.h"
#include "base/arith.h"
#include "base/atomic.h"
#include "base/error.h"
#include "base/log.h"
#include "base/os.h"

#define TEMP_MODE      0600
#define TEMP_NTRIES    100
#define TEMP_NAME_SIZE 32

/* bytes that one fallocate(2) is asked for, and at least when interrupted */
#define PIECE_MAX ((size_t)256 << 20)
#define PIECE_MIN ((size_t)1 << 20)

/*
 * On btrfs: what one call has allocated is one extent, of which nothing is free
 * again before all of it was given back.
 */
#define PIECE_BTRFS ((size_t)1 << 20)

/* larger pages cannot come and go one by one */
#define GRANULE_MAX ((size_t)2 << 20)

/*
 * The largest folio that the kernel makes of pages of a file, where system
 * pages have 4 KiB.  It lies at a multiple of its size in the file.
 */
#define FOLIO_MAX      ((size_t)2 << 20)
#define PAGE_OF_FOLIOS ((size_t)4 << 10)

/* bytes of zeroes that one write(2) is given */
#define ZEROES_SIZE ((size_t)64 << 10)

/* is_unsupported -- what file systems say that know nothing of O_TMPFILE */
static bool
is_unsupported(int err)
{
	return err == EOPNOTSUPP || err == EISDIR || err == ENOENT ||
	       err == EINVAL;
}

int
file_open_temp(const char *path)
{
	int fd = open(path, O_TMPFILE | O_RDWR | O_EXCL | O_CLOEXEC, TEMP_MODE);
	int err = errno;

	if (fd >= 0)
		return fd;
	if (err == ENOTDIR)
		return -ENOTDIR;
	if (!is_unsupported(err))
		return fail_sys(err, "open");
	LOG(4, "no O_TMPFILE in %s", path);
	return file_open_named(path);
}

/* create_unlinked -- a file of this name in the directory, and the name gone */
static int
create_unlinked(int dir_fd, const char *name)
{
	int fd = openat(
		dir_fd, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, TEMP_MODE);
	int err = errno;

	if (fd < 0)
		return -err;
	if (unlinkat(dir_fd, name, 0) != 0) {
		err = errno;
		close(fd);
		return -err;
	}
	return fd;
}

/* create_temp -- create_unlinked() of a name that is not taken */
static int
create_temp(int dir_fd)
{
	static unsigned serial; /* atomic; relaxed: only differs */
	int fd = -EEXIST;

	for (int i = 0; i < TEMP_NTRIES && fd == -EEXIST; i++) {
		char name[TEMP_NAME_SIZE];
		uint64_t salt = (uint64_t)getpid();

		/* without it the serial number alone has to be new */
		if (getrandom(&salt, sizeof(salt), GRND_NONBLOCK) < 0)
			salt = (uint64_t)getpid();
		salt += fetch_add_relaxed(&serial, 1u);
		(void)snprintf(name, sizeof(name), ".vmem.%016llx",
			(unsigned long long)salt);
		fd = create_unlinked(dir_fd, name);
	}
	return fd;
}

int
file_open_named(const char *path)
{
	sigset_t all, old;
	int dir_fd, fd;

	/* one directory from here on, whatever is renamed meanwhile */
	dir_fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dir_fd < 0)
		return fail_sys(errno, "open");
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &old);
	fd = create_temp(dir_fd);
	(void)pthread_sigmask(SIG_SETMASK, &old, NULL);
	close(dir_fd);
	return fd < 0 ? fail_sys(-fd, "open") : fd;
}

/* write_zeroes -- allocate [off, size) where fallocate(2) is not offered */
static int
write_zeroes(int fd, size_t off, size_t size)
{
	static const char zeroes[ZEROES_SIZE];

	while (off < size) {
		size_t n = min_size(size - off, sizeof(zeroes));
		ssize_t done = pwrite(fd, zeroes, n, (off_t)off);

		if (done > 0)
			off += (size_t)done;
		else if (done == 0)
			return -ENOSPC;
		else if (errno != EINTR)
			return -errno;
	}
	return 0;
}

static bool
is_on(int fd, unsigned long magic)
{
	struct statfs st;

	return fstatfs(fd, &st) == 0 && (unsigned long)st.f_type == magic;
}

/*
 * In pieces: tmpfs undoes a call that a signal interrupts, so with
 * a timer running a large one would never end.  Smaller and smaller ones do.
 */
int
file_allocate(int fd, size_t from, size_t to, size_t granule, bool is_empty)
{
	const size_t piece_min = max_size(PIECE_MIN, granule);
	const size_t piece_max = is_on(fd, BTRFS_SUPER_MAGIC)
					 ? PIECE_BTRFS
					 : max_size(PIECE_MAX, granule);
	size_t piece = piece_max, off = from;

	while (off < to) {
		size_t n = min_size(to - off, piece);

		if (fallocate(fd, 0, (off_t)off, (off_t)n) == 0) {
			off += n;
			piece = min_size(piece * 2, piece_max);
		} else if (errno == EINTR) {
			piece = max_size(piece / 2, piece_min);
		} else if (is_empty &&
			   (errno == EOPNOTSUPP || errno == ENOSYS)) {
			LOG(4, "no fallocate: writing %zu bytes", to - off);
			return write_zeroes(fd, off, to);
		} else {
			return -errno;
		}
	}
	return 0;
}

/* is_over_limit -- growing the file so far would raise SIGXFSZ */
static bool
is_over_limit(size_t size)
{
	struct rlimit limit;

	return getrlimit(RLIMIT_FSIZE, &limit) == 0 &&
	       limit.rlim_cur != RLIM_INFINITY && size > limit.rlim_cur;
}

/*
 * is_over -- more than so many blocks of the file system
 *
 * All that it has: else a request that is a slip would fill it up first, to
 * everyone's harm.  Of the two block sizes the one that is meant is not agreed
 * upon.
 */
static bool
is_over(const struct statfs *st, uint64_t nblocks, size_t size)
{
	uint64_t block =
		(uint64_t)max_size((size_t)st->f_bsize, (size_t)st->f_frsize);

	return st->f_blocks != 0 && block != 0 && size / block > nblocks;
}

/*
 * is_over_memory -- more than the machine has, where there is no limit: of a
 * memfd, ramfs, and a tmpfs that was mounted so
 *
 * The kernel would end all other programs first.
 */
static bool
is_over_memory(int fd, size_t size)
{
	struct statfs st;

	return size > os_memory_size() && fstatfs(fd, &st) == 0 &&
	       st.f_blocks == 0;
}

int
file_extend(int fd, size_t size, size_t reserve)
{
	struct statfs st;

	if (is_over_limit(size))
		return fail_sys(EFBIG, "posix_fallocate");
	if (fstatfs(fd, &st) == 0 && is_over(&st, st.f_blocks, reserve))
		return fail_sys(ENOSPC, "posix_fallocate");
	/* says at once when the file system has no files so large */
	if (ftruncate(fd, (off_t)size) != 0)
		return fail_sys(errno, "ftruncate");
	return 0;
}

int
file_reserve(int fd, size_t size, size_t granule)
{
	int err = file_allocate(fd, 0, size, granule, true);

	if (err == 0)
		return 0;
	/*
	 * What was allocated is kept until the file is truncated or really
	 * gone, which some file systems put off.
	 */
	(void)!ftruncate(fd, 0);
	if (err == -ENOMEM) /* no huge pages, or a memory limit on tmpfs */
		err = -ENOSPC;
	return fail_sys(-err, "posix_fallocate");
}

/* has_room -- are so many bytes free now, where that can be told? */
static bool
has_room(int fd, size_t size)
{
	struct statfs st;

	return fstatfs(fd, &st) != 0 || !is_over(&st, st.f_bavail, size);
}

/*
 * btrfs writes changed blocks to new places, and so can run out of space under
 * a file that has all of its own.  An empty file can be taken out of that.
 */
size_t
file_prepare(int fd)
{
	size_t page = os_page_size();
	struct statfs st;
	int flags;

	if (fstatfs(fd, &st) != 0)
		return page;
	if (st.f_type == HUGETLBFS_MAGIC && is_pow2((size_t)st.f_bsize))
		return max_size(page, (size_t)st.f_bsize);
	if (st.f_type == BTRFS_SUPER_MAGIC &&
		ioctl(fd, FS_IOC_GETFLAGS, &flags) == 0) {
		flags |= FS_NOCOW_FL;
		/* refused: a small risk stays */
		(void)ioctl(fd, FS_IOC_SETFLAGS, &flags);
	}
	return page;
}

bool
file_is_memory(int fd)
{
	return is_on(fd, TMPFS_MAGIC) || is_on(fd, HUGETLBFS_MAGIC);
}

/*
 * Read ahead of a fault, the kernel makes folios of up to 2 MiB.  The first
 * write to a page of one needs space behind all its pages.  So a page that has
 * its own raised SIGBUS on a full ext4 when others of the folio had been
 * punched out, which leaves a dirty folio whole.  Where nothing is read ahead,
 * each page is a folio.  The price: under memory pressure the kernel does not
 * count these pages' recent use.
 */
bool
file_page_by_page(int fd, char *from, size_t size)
{
	if (file_is_memory(fd))
		return true;
	/* the wish for huge pages is stronger; kernels without refuse it */
	(void)madvise(from, size, MADV_NOHUGEPAGE);
	return madvise(from, size, MADV_RANDOM) == 0;
}

/*
 * may_read_ahead -- without an end in SIGBUS
 *
 * What is wrong with large folios is holes beside what is in use.  There are
 * none where all space is reserved, and given back in pieces no folio can be
 * larger than.  That is known of two file systems.
 */
static bool
may_read_ahead(const struct backing *b, int fd, const struct backing_want *want)
{
	return want->ahead && !want->sparse && b->reserved == b->size &&
	       b->granule == PAGE_OF_FOLIOS &&
	       (is_on(fd, EXT4_SUPER_MAGIC) || is_on(fd, XFS_SUPER_MAGIC));
}

/*
 * begin_huge -- the first page of each huge one, where the mapping has asked
 * for them: fallocate(2) knows of no wish, and takes small ones
 *
 * What comes of it is allocated; what does not is so later.
 */
static void
begin_huge(const struct backing *b)
{
	for (size_t off = HUGE_PAGE; off <= b->reserved; off += HUGE_PAGE)
		backing_touch(b->base + off - HUGE_PAGE, b->granule);
}

/*
 * take_space -- behind the mapped file, as much as is wanted now
 * A sparse one gets none but its first granule.
 */
static int
take_space(struct backing *b, int fd, const struct backing_want *want)
{
	bool sparse = want->sparse && has_room(fd, b->size);

	if (!backing_can_reserve(b) || b->granule > GRANULE_MAX) {
		b->give = BACKING_GIVE_NEVER;
		if (want->max_size > want->size)
			return fail(ENOTSUP, "a pool that grows: Linux 5.14, "
					     "pages of 2 MiB");
		sparse = false;
	}
	if (may_read_ahead(b, fd, want))
		b->unit = FOLIO_MAX;
	else if (!file_page_by_page(fd, b->base, b->size))
		b->give = BACKING_GIVE_NEVER;
	if (sparse)
		b->reserved = b->granule;
	else if (want->huge > 0 && is_on(fd, TMPFS_MAGIC))
		begin_huge(b);
	/* a memfd's too, and most mounts allow less */
	b->most = is_on(fd, TMPFS_MAGIC) ? os_memory_size() : 0;
	b->touch = b->give != BACKING_GIVE_NEVER && !want->prefault &&
		   b->reserved == b->size && is_on(fd, TMPFS_MAGIC);
	return file_reserve(fd, b->reserved, b->granule);
}

/* map_file -- the file has its length */
static int
map_file(struct backing *b, int fd, const struct backing_want *want)
{
	int err = backing_map(
		&b->base, fd, b->size, b->granule, b->granule, false);

	if (err != 0)
		return err;
	err = backing_place(b, want);
	if (err == 0)
		err = take_space(b, fd, want);
	if (err != 0)
		(void)munmap(b->base, b->size);
	return err;
}

int
backing_file_open(struct backing *ret, int fd, const struct backing_want *want)
{
	struct backing b = {.kind = BACKING_FILE,
		.zero = true,
		.give = BACKING_GIVE_FILE,
		.fd = -1};
	size_t most = max_size(want->size, want->max_size);
	int err;

	b.granule = b.unit = file_prepare(fd);
	if (most > PTRDIFF_MAX)
		return fail(EFBIG, "invalid size (%zu) for off_t", most);
	if (most > PTRDIFF_MAX - b.granule)
		return fail(EFBIG, "size %zu cannot be mapped", most);
	b.size = align_up(most, b.granule);
	b.reserved = align_up(want->size, b.granule);
	if (!want->sparse && is_over_memory(fd, b.reserved))
		return fail_sys(ENOSPC, "posix_fallocate");
	err = file_extend(fd, b.size, b.reserved);
	if (err == 0)
		err = map_file(&b, fd, want);
	if (err != 0) {
		(void)!ftruncate(fd, 0); /* as in file_reserve() */
		return err;
	}
	backing_keep_file(&b, fd, want->keep);
	*ret = b;
	return 0;
}
