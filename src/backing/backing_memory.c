/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * backing_memory.c -- pools in memory that has no place in the file tree
 *
 * A memfd is a file of tmpfs or of hugetlbfs; nothing else is different.
 */
#include <errno.h>
#include <linux/memfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "backing/backing.h"
#include "backing/backing_internal.h"
#include "base/arith.h"
#include "base/error.h"
#include "base/os.h"

#define DEFAULT_NAME "vmem"

/* by their numbers: older headers do not have them */
#define SET_VMA           0x53564d41
#define SET_VMA_ANON_NAME 0

static int
open_memfd(struct backing *ret, const struct backing_want *want)
{
	const char *name = want->name != NULL ? want->name : DEFAULT_NAME;
	unsigned flags = MFD_CLOEXEC;
	int fd, err;

	if (want->from == BACKING_NEW_HUGETLB)
		flags |= MFD_HUGETLB;
	fd = memfd_create(name, flags);
	if (fd < 0)
		return fail_sys(errno, "memfd_create");
	err = backing_file_open(ret, fd, want);
	(void)close(fd);
	return err;
}

static int
open_private(struct backing *ret, const struct backing_want *want)
{
	struct backing b = {.kind = BACKING_MEMORY,
		.granule = os_page_size(),
		.unit = os_page_size(),
		.zero = true,
		.give = BACKING_GIVE_MEMORY,
		.is_own = true,
		.most = os_memory_size(),
		.fd = -1};
	size_t most = max_size(want->size, want->max_size);
	bool grows = want->sparse || most > want->size;
	int err;

	if (most > PTRDIFF_MAX - b.granule)
		return fail(ENOMEM, "invalid size (%zu)", most);
	b.size = align_up(most, b.granule);
	b.reserved = align_up(want->size, b.granule);
	err = backing_map(&b.base, -1, b.size, b.granule, b.granule, !grows);
	if (err != 0)
		return err;
	if (want->name != NULL)
		/* only few kernels are built with it */
		(void)prctl(
			SET_VMA, SET_VMA_ANON_NAME, b.base, b.size, want->name);
	err = backing_place(&b, want);
	if (err == 0 && !backing_can_reserve(&b)) {
		b.give = BACKING_GIVE_NEVER;
		if (grows)
			err = fail(ENOTSUP, "a pool that grows: Linux 5.14");
	}
	if (err != 0) {
		(void)munmap(b.base, b.size);
		return err;
	}
	if (want->sparse)
		b.reserved = b.granule;
	*ret = b;
	return 0;
}

int
backing_memory_open(struct backing *ret, const struct backing_want *want)
{
	/*
	 * There is no file system whose size would say so, and all other
	 * programs would suffer before the end.
	 */
	if (!want->sparse && want->size > os_memory_size())
		return fail(ENOMEM, "%zu bytes: more than the machine has",
			want->size);
	return want->from == BACKING_NEW_PRIVATE ? open_private(ret, want)
						 : open_memfd(ret, want);
}
