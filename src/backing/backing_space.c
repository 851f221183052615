/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * backing_space.c -- memory behind pages: taken, and given back
 *
 * Apart from the rest, so that a test can put something else in its place.
 *
 * Source  madvise(2).  On a file system without room MADV_POPULATE_WRITE says
 *         EFAULT where a touch raises SIGBUS.
 */
#include <errno.h>
#include <stdint.h>
#include <sys/mman.h>

#include "backing/backing.h"
#include "base/arith.h"
#include "base/os.h"

/* by its number: older headers do not have it */
#define POPULATE_WRITE 23

/*
 * bytes, whole huge pages of 2 MiB: what one call populates.  The kernel holds
 * the lock of the address space meanwhile, and every mmap(2) of the process
 * waits.  Of a larger page the first call brings all, and the others nothing.
 */
#define STEP ((size_t)32 << 20)

/* advise -- madvise(2), as often as a signal interrupts it; keeps errno */
static int
advise(char *from, size_t size, int advice)
{
	int saved = errno, rc;

	do
		rc = madvise(from, size, advice) == 0 ? 0 : -errno;
	while (rc == -EINTR);
	errno = saved;
	return rc;
}

bool
backing_reserve(char *from, size_t size)
{
	char *end = from + size;

	/* to the next multiple of a step, so that no huge page is cut */
	while ((size_t)(end - from) > STEP) {
		size_t n = STEP - (uintptr_t)from % STEP;

		if (advise(from, n, POPULATE_WRITE) != 0)
			return false;
		from += n;
	}
	return advise(from, (size_t)(end - from), POPULATE_WRITE) == 0;
}

void
backing_touch(char *from, size_t size)
{
	size_t page = os_page_size();
	size_t before = (uintptr_t)from % page;

	(void)advise(
		from - before, align_up(size + before, page), POPULATE_WRITE);
}

bool
backing_can_reserve(const struct backing *b)
{
	/* of no bytes: only whether the kernel knows the word */
	return backing_reserve(b->base, 0);
}

int
backing_give_back(enum backing_give give, char *from, size_t size)
{
	switch (give) {
	case BACKING_GIVE_FILE:
		return advise(from, size, MADV_REMOVE);
	case BACKING_GIVE_MEMORY:
	case BACKING_GIVE_COPY:
		return advise(from, size, MADV_DONTNEED);
	case BACKING_GIVE_NEVER:
	case BACKING_NGIVES:
		break;
	}
	return -EOPNOTSUPP;
}
