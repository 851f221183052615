/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * backing.c -- what all kinds of backing have in common
 *
 * A shared mapping goes to an aligned address in two steps that no other
 * thread can come between: a reservation with room to spare, and the mapping
 * put over a part of it.
 */
#include "backing/backing.h"

#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <sys/mman.h>

#include "backing/backing_internal.h"
#include "base/arith.h"
#include "base/assert.h"
#include "base/error.h"
#include "base/os.h"

/* unmap -- an edge of a reservation; nothing to do when it is empty */
static void
unmap(char *from, char *to)
{
	/* fails only at the limit of mappings: address space stays taken */
	if (from < to)
		(void)munmap(from, (size_t)(to - from));
}

/* reserve -- addresses without memory; NULL when there are not so many */
static char *
reserve(size_t size)
{
	void *p = mmap(NULL, size, PROT_NONE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

/*
 * probe -- map and unmap one granule of the file
 *
 * Mapping over a reservation can fail after the kernel has taken that part of
 * the reservation away, and another thread may then own it: nobody could tell
 * what to clean up.  So faults of the file are found here.
 */
static int
probe(int fd, size_t granule)
{
	void *p =
		mmap(NULL, granule, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (p == MAP_FAILED)
		return fail_sys(errno, "mmap");
	(void)munmap(p, granule); /* cannot fail: nothing is split */
	return 0;
}

int
backing_map(char **ret_base, int fd, size_t size, size_t granule, size_t align)
{
	char *hold = NULL, *base;
	int err;

	ASSERT(is_pow2(align) && size > 0 && size % granule == 0);
	err = probe(fd, granule);
	if (err != 0)
		return err;
	align = max_size(align, BACKING_ALIGN);
	if (size > PTRDIFF_MAX - align - BACKING_ALIGN_LARGE)
		return fail_sys(ENOMEM, "mmap");
	if (size >= BACKING_ALIGN_LARGE && align < BACKING_ALIGN_LARGE) {
		hold = reserve(size + BACKING_ALIGN_LARGE);
		if (hold != NULL)
			align = BACKING_ALIGN_LARGE;
	}
	if (hold == NULL)
		hold = reserve(size + align);
	if (hold == NULL)
		return fail_sys(ENOMEM, "mmap");
	base = hold + (align_up((uintptr_t)hold, align) - (uintptr_t)hold);
	if (mmap(base, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd,
		    0) == MAP_FAILED) {
		err = errno;
		unmap(hold, hold + size + align);
		return fail_sys(err, "mmap");
	}
	unmap(hold, base);
	unmap(base + size, hold + size + align);
	*ret_base = base;
	return 0;
}

int
backing_open_path(struct backing *ret, const char *path, size_t size)
{
	return backing_open_kept(ret, path, size, BACKING_KEEP_NOTHING);
}

int
backing_open_kept(struct backing *ret, const char *path, size_t size,
	enum backing_keep keep)
{
	int saved = errno, cancel, fd, err;

	/* open(2) and others are where a thread that was cancelled would end */
	(void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
	fd = file_open_temp(path);
	if (fd >= 0)
		err = backing_file_open(ret, fd, size, keep);
	else if (fd == -ENOTDIR)
		err = backing_device_open(ret, path);
	else
		err = fd;
	(void)pthread_setcancelstate(cancel, NULL);
	errno = saved;
	return err;
}

bool
backing_guard(const struct backing *b, bool on)
{
	int saved = errno;
	size_t page = os_page_size();
	int prot = on ? PROT_NONE : PROT_READ | PROT_WRITE;
	bool ok;

	if (b->granule != page)
		return false;
	/* fails on a region of huge pages, which cannot be split */
	ok = mprotect(b->base, page, prot) == 0;
	errno = saved;
	return ok && on;
}

void
backing_close(struct backing *b)
{
	int saved = errno;

	if (b->kind != BACKING_REGION)
		unmap(b->base, b->base + b->size);
	if (b->shadow != NULL)
		unmap(b->shadow, b->shadow + b->size);
	backing_forget_file(b);
	errno = saved;
}
