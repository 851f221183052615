/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * stack.c -- the calling thread's call stack
 *
 * By the tables for exceptions, as backtrace(3) reads them, because most
 * programs and libraries are compiled without frame pointers.  Its first call
 * loads libgcc, which allocates memory; all later ones allocate nothing, and
 * with glibc 2.35 and later they take no lock.  So the first one is made when
 * a profile begins, and samples are taken outside of our locks.
 */
#include <execinfo.h>
#include <link.h>
#include <string.h>

#include "profile/profile.h"

#define OURS 16u /* at most so many of the innermost frames are our own */

/* the library's own code; nothing where it is a part of the program */
static uintptr_t own_first, own_end; /* set once, before `ready` */
static bool ready;                   /* atomic */

/* find_own -- is this the object that we are in? */
static int
find_own(struct dl_phdr_info *info, size_t size, void *arg)
{
	uintptr_t here = (uintptr_t)&profile_stack_init;
	(void)size;
	(void)arg;
	for (unsigned i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *ph = &info->dlpi_phdr[i];
		uintptr_t first = info->dlpi_addr + ph->p_vaddr;
		if (ph->p_type != PT_LOAD || here - first >= ph->p_memsz)
			continue;
		/* the program itself has no name */
		if (info->dlpi_name != NULL && info->dlpi_name[0] != '\0') {
			own_first = first;
			own_end = first + ph->p_memsz;
		}
		return 1;
	}
	return 0;
}

void
profile_stack_init(void)
{
	void *frame[1];
	if (load_acquire(&ready))
		return;
	profile_clock.busy = true;
	(void)dl_iterate_phdr(find_own, NULL);
	(void)backtrace(frame, 1);
	profile_clock.busy = false;
	/* release: whoever sees it finds the rest, and libgcc loaded */
	store_release(&ready, true);
}

unsigned
profile_stack(void **ret_frames)
{
	void *frame[PROFILE_DEPTH + OURS];
	/* acquire: pairs with the release above */
	if (!load_acquire(&ready))
		return 0;
	profile_clock.busy = true;
	int got = backtrace(frame, (int)(PROFILE_DEPTH + OURS));
	profile_clock.busy = false;
	unsigned n = got < 0 ? 0 : (unsigned)got, first = 0;
	/* others may be in front of ours: what watches backtrace() */
	for (unsigned i = 0; i < n && i < OURS; i++)
		if ((uintptr_t)frame[i] - own_first < own_end - own_first)
			first = i + 1;
	/* without a place of our own: at least this function */
	first += first == 0 && n > 0;
	n -= first;
	n = n > PROFILE_DEPTH ? PROFILE_DEPTH : n;
	memcpy(ret_frames, frame + first, n * sizeof(frame[0]));
	return n;
}
