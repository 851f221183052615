/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * backing_twin.c -- how a forked child gets memory that is not its parent's
 *
 * Two ways.  Either the mapping becomes private before the fork, and the kernel
 * copies what is written afterwards; this needs a file that can be mapped
 * private, and a second mapping of it that was made when there was a
 * descriptor.  Or the child takes a twin: a file of its own, or private memory
 * where the backing can be copied only byte by byte, as device DAX.  Huge pages
 * of hugetlbfs would allow a private mapping, but a child that finds none free
 * when it writes is killed.
 *
 * A kept descriptor is among the program's own, which may close all that it
 * does not know and open others: it is used only if it still is that file.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <pthread.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "backing/backing.h"
#include "backing/backing_internal.h"
#include "base/arith.h"
#include "base/error.h"
#include "base/os.h"

/* where descriptors are kept, if there are so many: out of the way of others */
#define FD_LOW ((rlim_t)512)

/* MADV_POPULATE_READ, which older headers do not have */
#define POPULATE_READ 22

/* keep_fd -- a duplicate with a number that programs do not count on */
static int
keep_fd(int fd)
{
	struct rlimit limit;
	rlim_t low = FD_LOW;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur <= low)
		low = limit.rlim_cur / 2;
	return fcntl(fd, F_DUPFD_CLOEXEC, (int)low);
}

/* keep_file -- the descriptor, and what tells whether it still is it */
static void
keep_file(struct backing *b, int fd)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return;
	b->fd = keep_fd(fd);
	b->ino = st.st_ino;
	b->dev = st.st_dev;
}

void
backing_keep_file(struct backing *b, int fd, enum backing_keep keep)
{
	void *shadow;

	if (b->granule != os_page_size())
		return;
	if ((keep & BACKING_KEEP_SHADOW) != 0) {
		shadow = mmap(NULL, b->size, PROT_NONE,
			MAP_PRIVATE | MAP_NORESERVE, fd, 0);
		b->shadow = shadow == MAP_FAILED ? NULL : shadow;
		if (b->shadow != NULL)
			(void)file_page_by_page(fd, b->shadow, b->size);
	}
	if ((keep & BACKING_KEEP_FILE) != 0)
		keep_file(b, fd);
}

/* has_file -- is the kept descriptor still that of the file? */
static bool
has_file(const struct backing *b)
{
	struct stat st;

	return b->fd >= 0 && fstat(b->fd, &st) == 0 && st.st_ino == b->ino &&
	       st.st_dev == b->dev;
}

void
backing_forget_file(struct backing *b)
{
	if (has_file(b))
		(void)close(b->fd);
	b->fd = -1;
}

int
backing_go_private(struct backing *b)
{
	int saved = errno, err = 0;

	if (b->shadow == NULL)
		return fail(ENOTSUP, "no private mapping of the pool's file");
	/* all of it, the guard page too: only one mapping can be moved */
	if (mprotect(b->shadow, b->size, PROT_READ | PROT_WRITE) != 0)
		err = fail_sys(errno, "mprotect");
	else if (mremap(b->shadow, b->size, b->size,
			 MREMAP_MAYMOVE | MREMAP_FIXED, b->base) == MAP_FAILED)
		err = fail_sys(errno, "mremap");
	if (err == 0) {
		b->shadow = NULL;
		b->is_own = true;
		if (b->give != BACKING_GIVE_NEVER)
			b->give = BACKING_GIVE_COPY;
	}
	errno = saved;
	return err;
}

int
backing_blank(const struct backing *b, size_t offset, size_t size)
{
	int saved = errno, err = 0;

	if (mmap(b->base + offset, size, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1,
		    0) == MAP_FAILED)
		err = fail_sys(errno, "mmap");
	errno = saved;
	return err;
}

/* share_blocks -- the file shares the blocks of the kept one; false: it does
 * not */
static bool
share_blocks(int fd, const struct backing *b)
{
	struct statvfs st;

	/*
	 * Blocks that are shared need new ones when they are written.  Where
	 * these may come to an end they are better copied now.
	 */
	if (!has_file(b) || fstatvfs(fd, &st) != 0 ||
		(uint64_t)st.f_bavail * st.f_frsize < 2 * (uint64_t)b->size)
		return false;
	if (ioctl(fd, FICLONE, b->fd) == 0)
		return true;
	/* it may have come halfway */
	(void)!ftruncate(fd, 0);
	return false;
}

/* open_file -- a file of the backing's size, with its contents if possible */
static int
open_file(struct backing_twin *t, const struct backing *b, const char *path)
{
	int err = 0;

	t->fd = file_open_temp(path);
	if (t->fd < 0)
		return t->fd == -ENOTDIR ? fail_sys(ENOTDIR, "open") : t->fd;
	if (file_prepare(t->fd) != b->granule)
		err = fail(ENOTSUP, "%s: pages of another size", path);
	if (err == 0) {
		t->whole = share_blocks(t->fd, b);
		err = file_extend(t->fd, b->size, 0);
	}
	/* what has pages of its own cannot be written, only mapped */
	if (err == 0 && b->granule != os_page_size())
		err = backing_map(&t->memory, t->fd, b->size, b->granule,
			b->granule, false);
	if (err != 0)
		backing_twin_drop(t, b);
	return err;
}

static int
open_memory(struct backing_twin *t, const struct backing *b)
{
	void *p = mmap(NULL, b->size, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED)
		return fail_sys(errno, "mmap");
	t->memory = p;
	return 0;
}

int
backing_twin_open(
	struct backing_twin *ret, const struct backing *b, const char *path)
{
	int saved = errno, cancel, err;
	unsigned held;

	*ret = (struct backing_twin){.fd = -1};
	(void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
	held = os_streams_hold();
	err = path == NULL ? open_memory(ret, b) : open_file(ret, b, path);
	os_streams_let(held);
	(void)pthread_setcancelstate(cancel, NULL);
	errno = saved;
	return err;
}

/*
 * see -- bytes of the backing that the program may have closed to itself, as
 * guard pages are; NULL where there is no way
 *
 * The way is another mapping of the same pages, which mremap(2) makes of no
 * bytes of a shared one.  `from` begins a page; unmapped by the caller.
 */
static char *
see(char *from, size_t size)
{
	char *p = mremap(from, 0, size, MREMAP_MAYMOVE);

	if (p == MAP_FAILED)
		return NULL;
	if (mprotect(p, size, PROT_READ) == 0)
		return p;
	os_unmap(p, size);
	return NULL;
}

/* write_at -- to the twin's file; 0 or a negative errno, and how far it came */
static int
write_at(int fd, const char *from, size_t size, size_t offset, size_t *ret_done)
{
	size_t done = 0;
	int err = 0;

	while (err == 0 && done < size) {
		ssize_t n = pwrite(
			fd, from + done, size - done, (off_t)(offset + done));

		if (n > 0)
			done += (size_t)n;
		else if (n == 0 || errno != EINTR)
			err = n == 0 ? -ENOSPC : -errno;
	}
	*ret_done = done;
	return err;
}

/* write_closed -- the rest of a page that may not be read, and no more */
static int
write_closed(int fd, const struct backing *b, size_t offset, size_t size,
	size_t *ret_done)
{
	size_t page = os_page_size(), before = offset % page;
	char *p = see(b->base + offset - before, page);
	int err;

	if (p == NULL)
		return -EFAULT;
	err = write_at(fd, p + before, min_size(size, page - before), offset,
		ret_done);
	os_unmap(p, page);
	return err;
}

/* copy_memory -- where a look says that it may be read, as it is */
static void
copy_memory(const struct backing_twin *twin, const struct backing *b,
	size_t offset, size_t size)
{
	size_t before = offset % os_page_size();
	size_t whole = align_up(size + before, os_page_size());
	char *from = b->base + offset - before, *p = NULL;

	if (madvise(from, whole, POPULATE_READ) != 0)
		p = see(from, whole);
	memcpy(twin->memory + offset, (p == NULL ? from : p) + before, size);
	if (p != NULL)
		os_unmap(p, whole);
}

int
backing_twin_copy(const struct backing_twin *twin, const struct backing *b,
	size_t offset, size_t size)
{
	int saved = errno, err = 0;
	size_t done;

	if (twin->memory != NULL) {
		copy_memory(twin, b, offset, size);
		size = 0;
	}
	for (; err == 0 && size > 0; offset += done, size -= done) {
		err = write_at(twin->fd, b->base + offset, size, offset, &done);
		if (err == -EFAULT && done == 0)
			err = write_closed(twin->fd, b, offset, size, &done);
		else if (err == -EFAULT)
			err = 0; /* from there */
	}
	errno = saved;
	return err == 0 ? 0 : fail_sys(-err, "pwrite");
}

/*
 * reserve_shared -- where fallocate(2) is not offered but blocks are shared:
 * what is written gets blocks of its own, and so the same is written again
 */
static int
reserve_shared(const struct backing_twin *twin, const struct backing *b,
	size_t offset, size_t size)
{
	/* the guard page cannot be read, and holds nothing */
	size_t from = max_size(offset, BACKING_GUARD_MAX);

	return from >= offset + size
		       ? 0
		       : backing_twin_copy(twin, b, from, offset + size - from);
}

int
backing_twin_reserve(const struct backing_twin *twin, const struct backing *b,
	size_t offset, size_t size)
{
	int saved = errno, err;

	if (twin->fd < 0)
		return 0;
	err = file_allocate(
		twin->fd, offset, offset + size, b->granule, !twin->whole);
	errno = saved;
	if (twin->whole && (err == -EOPNOTSUPP || err == -ENOSYS))
		return reserve_shared(twin, b, offset, size);
	return err == 0 ? 0 : fail_sys(-err, "posix_fallocate");
}

int
backing_twin_take(
	struct backing *b, struct backing_twin *twin, enum backing_keep keep)
{
	int saved = errno;
	void *p;

	/* as the backing's own: else huge pages are kept for all of it */
	if (twin->fd >= 0)
		p = mmap(b->base, b->size, PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_FIXED | MAP_NORESERVE, twin->fd, 0);
	else
		p = mremap(twin->memory, b->size, b->size,
			MREMAP_MAYMOVE | MREMAP_FIXED, b->base);
	if (p == MAP_FAILED)
		return fail_sys(errno, "mmap");
	/* the parent's file is of no more use here */
	if (b->shadow != NULL)
		os_unmap(b->shadow, b->size);
	b->shadow = NULL;
	backing_forget_file(b);
	if (twin->fd >= 0) {
		(void)file_page_by_page(twin->fd, b->base, b->size);
		/* what was written to it is in memory in larger pieces */
		if (!file_is_memory(twin->fd))
			b->give = BACKING_GIVE_NEVER;
		backing_keep_file(b, twin->fd, keep);
	} else {
		b->is_own = true;
		if (b->give != BACKING_GIVE_NEVER)
			b->give = BACKING_GIVE_MEMORY;
		twin->memory = NULL; /* it has moved */
	}
	backing_twin_drop(twin, b);
	errno = saved;
	return 0;
}

void
backing_twin_drop(struct backing_twin *twin, const struct backing *b)
{
	int saved = errno;

	if (twin->memory != NULL)
		os_unmap(twin->memory, b->size);
	if (twin->fd >= 0)
		(void)close(twin->fd);
	*twin = (struct backing_twin){.fd = -1};
	errno = saved;
}
