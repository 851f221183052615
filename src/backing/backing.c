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
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

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

/* flags_of -- how a mapping of a file, or of private memory (fd -1), is made */
static int
flags_of(int fd, bool account)
{
	int flags = fd < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED;

	return account ? flags : flags | MAP_NORESERVE;
}

/*
 * probe -- map and unmap one granule of the file
 *
 * Mapping over a reservation can fail after the kernel has taken that part of
 * the reservation away, and another thread may then own it: nobody could tell
 * what to clean up.  So faults of the file are found here.
 */
static int
probe(int fd, size_t granule, int flags)
{
	void *p = mmap(NULL, granule, PROT_READ | PROT_WRITE, flags, fd, 0);

	if (p == MAP_FAILED)
		return fail_sys(errno, "mmap");
	(void)munmap(p, granule); /* cannot fail: nothing is split */
	return 0;
}

int
backing_map(char **ret_base, int fd, size_t size, size_t granule, size_t align,
	bool account)
{
	char *hold = NULL, *base;
	int flags = flags_of(fd, account), err;

	ASSERT(is_pow2(align) && size > 0 && size % granule == 0);
	err = probe(fd, granule, flags);
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
	if (mmap(base, size, PROT_READ | PROT_WRITE, flags | MAP_FIXED, fd,
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

/*
 * check_device -- is nothing wanted that no device can do?  Closes it if so.
 * That it is a device is known only when it is open.
 */
static int
check_device(struct backing *b, const struct backing_want *want)
{
	int err = 0;

	if (want->max_size > want->size)
		err = fail(EINVAL, "a device cannot grow");
	else if (want->numa.policy != NUMA_DEFAULT)
		err = fail(EINVAL, "a device is on a node of its own");
	if (err != 0)
		backing_close(b);
	return err;
}

/* open_path -- a file of our own in a directory, or a device */
static int
open_path(struct backing *ret, const struct backing_want *want)
{
	int fd = file_open_temp(want->path), err;

	if (fd == -ENOTDIR) {
		err = backing_device_open(ret, want->path);
		return err == 0 ? check_device(ret, want) : err;
	}
	if (fd < 0)
		return fd;
	err = backing_file_open(ret, fd, want);
	close(fd);
	return err;
}

/* is_sealed -- could a file that a pool has failed in not be empty again? */
static bool
is_sealed(int fd)
{
	int seals = fcntl(fd, F_GET_SEALS);

	return seals > 0 && (seals & F_SEAL_SHRINK) != 0;
}

/* open_fd -- the caller's file or device */
static int
open_fd(struct backing *ret, const struct backing_want *want)
{
	struct stat st;
	int flags = fcntl(want->fd, F_GETFL), err;

	if (flags < 0)
		return fail_sys(errno, "fcntl");
	if (fstat(want->fd, &st) != 0)
		return fail_sys(errno, "fstat");
	if (S_ISCHR(st.st_mode)) {
		err = backing_device_open_fd(ret, want->fd);
		return err == 0 ? check_device(ret, want) : err;
	}
	if (!S_ISREG(st.st_mode))
		return fail(EINVAL, "descriptor %d is no file", want->fd);
	if (st.st_size != 0)
		return fail(EINVAL, "the file of descriptor %d is not empty",
			want->fd);
	if ((flags & O_APPEND) != 0)
		return fail(EACCES, "descriptor %d is open for appending",
			want->fd);
	if ((flags & O_ACCMODE) != O_RDWR)
		return fail(EACCES,
			"descriptor %d is not open for reading and writing",
			want->fd);
	if (is_sealed(want->fd))
		return fail(EINVAL,
			"the file of descriptor %d is sealed against shrinking",
			want->fd);
	return backing_file_open(ret, want->fd, want);
}

static int
open_any(struct backing *ret, const struct backing_want *want)
{
	switch (want->from) {
	case BACKING_AT_PATH:
		return open_path(ret, want);
	case BACKING_AT_FD:
		return open_fd(ret, want);
	case BACKING_AT_REGION:
		return backing_region_open(ret, want);
	case BACKING_NEW_MEMFD:
	case BACKING_NEW_HUGETLB:
	case BACKING_NEW_PRIVATE:
		break;
	}
	return backing_memory_open(ret, want);
}

int
backing_open(struct backing *ret, const struct backing_want *want)
{
	struct backing b;
	int saved = errno, cancel, err;
	unsigned held;

	/* open(2) and others are where a thread that was cancelled would end */
	(void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
	/* what looks at a region's memory sees to that itself, when it does */
	held = want->from == BACKING_AT_REGION ? 0 : os_streams_hold();
	err = open_any(&b, want);
	os_streams_let(held);
	if (err == 0) {
		err = backing_prefault(&b, want);
		if (err != 0)
			backing_undo(&b, want);
	}
	if (err == 0)
		*ret = b;
	(void)pthread_setcancelstate(cancel, NULL);
	errno = saved;
	return err;
}

int
backing_open_kept(struct backing *ret, const char *path, size_t size,
	enum backing_keep keep)
{
	struct backing_want want = {
		.from = BACKING_AT_PATH, .path = path, .size = size};

	want.keep = keep;
	return backing_open(ret, &want);
}

int
backing_open_path(struct backing *ret, const char *path, size_t size)
{
	return backing_open_kept(ret, path, size, BACKING_KEEP_NOTHING);
}

int
backing_open_region(struct backing *ret, void *addr, size_t size)
{
	struct backing_want want = {
		.from = BACKING_AT_REGION, .addr = addr, .size = size};

	return backing_open(ret, &want);
}

bool
backing_guard(const struct backing *b, bool on)
{
	int saved = errno;
	size_t page = os_page_size();
	int prot = on ? PROT_NONE : PROT_READ | PROT_WRITE;
	bool ok;

	if (b->granule != page || page > BACKING_GUARD_MAX)
		return false;
	/* fails on a region of huge pages, which cannot be split */
	ok = mprotect(b->base, page, prot) == 0;
	errno = saved;
	return ok == on;
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

void
backing_undo(struct backing *b, const struct backing_want *want)
{
	int saved = errno;

	backing_close(b);
	/* it was empty; a failure leaves the caller some zeroes */
	if (want->from == BACKING_AT_FD && b->kind == BACKING_FILE)
		(void)!ftruncate(want->fd, 0);
	errno = saved;
}
