/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * behind.h -- a stand-in for what lies behind the pages, and for the clock
 *
 * For unit/ and model/ only.  A program that has this in one of its files has
 * backing_reserve() and the others of backing_space.c from here, and
 * clock_ms().  Memory without anything behind it cannot be touched; there is
 * as much of it as the test says; and the test may do something while the
 * kernel would be at work.
 */
#ifndef HARNESS_BEHIND_H
#define HARNESS_BEHIND_H

#include <string.h>
#include <sys/mman.h>

#include "backing/backing.h"
#include "harness/test.h"

#define BEHIND_PAGE ((size_t)4096)
#define BEHIND_MOST ((size_t)16384) /* pages */

static struct behind {
	char *base;
	size_t npages;
	bool has[BEHIND_MOST]; /* for each page */
	size_t nhas;
	size_t room;              /* pages that there may be */
	size_t granule;           /* pages */
	bool keeps;               /* contents stay when a page is given back */
	int give_error;           /* what giving back comes to */
	uint64_t now;             /* ms */
	size_t nreserves, ngives; /* calls */
	void (*meanwhile)(void *arg);
	void *arg;
} behind;

/* behind_open -- pages that all have memory behind them */
static inline void
behind_open(char *base, size_t size, size_t room, size_t granule)
{
	must(size / BEHIND_PAGE <= BEHIND_MOST);
	memset(&behind, 0, sizeof(behind));
	behind.base = base;
	behind.npages = size / BEHIND_PAGE;
	behind.room = room;
	behind.granule = granule;
	behind.now = 1;
	behind.nhas = behind.npages;
	memset(behind.has, true, behind.npages);
}

/* behind_drop -- pages [page, end) have none */
static inline void
behind_drop(size_t page, size_t end)
{
	char *at = behind.base + page * BEHIND_PAGE;

	for (size_t p = page; p < end; p++) {
		behind.nhas -= behind.has[p];
		behind.has[p] = false;
	}
	if (!behind.keeps)
		must(madvise(at, (end - page) * BEHIND_PAGE, MADV_DONTNEED) ==
			0);
	must(mprotect(at, (end - page) * BEHIND_PAGE, PROT_NONE) == 0);
}

static inline void
behind_interrupt(void)
{
	void (*meanwhile)(void *) = behind.meanwhile;

	if (meanwhile == NULL)
		return;
	behind.meanwhile = NULL; /* not while it is at it */
	meanwhile(behind.arg);
	behind.meanwhile = meanwhile;
}

static inline size_t
behind_page(const char *from, size_t size)
{
	size_t page = (size_t)(from - behind.base) / BEHIND_PAGE;

	must(from >= behind.base && size % BEHIND_PAGE == 0);
	must(page + size / BEHIND_PAGE <= behind.npages);
	must((uintptr_t)from % (behind.granule * BEHIND_PAGE) == 0);
	must(size % (behind.granule * BEHIND_PAGE) == 0);
	return page;
}

bool
backing_reserve(char *from, size_t size)
{
	size_t page = behind_page(from, size);
	size_t end = page + size / BEHIND_PAGE;

	behind.nreserves++;
	behind_interrupt();
	for (size_t p = page; p < end; p++) {
		char *at = behind.base + p * BEHIND_PAGE;

		if (behind.has[p])
			continue;
		if (behind.nhas >= behind.room)
			return false; /* halfway, as the kernel does */
		behind.has[p] = true;
		behind.nhas++;
		must(mprotect(at, BEHIND_PAGE, PROT_READ | PROT_WRITE) == 0);
	}
	return true;
}

/* what is touched has memory: without it a page has no access here */
void
backing_touch(char *from, size_t size)
{
	for (size_t i = 0; i < size; i += BEHIND_PAGE) {
		volatile char *at = from + i;

		*at = *at;
	}
}

bool
backing_can_reserve(const struct backing *b)
{
	(void)b;
	return true;
}

int
backing_give_back(enum backing_give give, char *from, size_t size)
{
	size_t page = behind_page(from, size);

	behind.ngives++;
	if (give == BACKING_GIVE_NEVER)
		return -EOPNOTSUPP;
	behind_interrupt();
	if (behind.give_error == 0)
		behind_drop(page, page + size / BEHIND_PAGE);
	return behind.give_error;
}

uint64_t clock_ms(void);

uint64_t
clock_ms(void)
{
	return behind.now;
}

#endif
