/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * stack.c -- the calling thread's call stack
 *
 * By the tables for exceptions, because most programs and libraries are
 * compiled without frame pointers.  Where libgcc is in the process from the
 * beginning (programs in C++, and those that `vmem run --profile` starts) its
 * own function does it, which allocates nothing.  Otherwise backtrace(3) does,
 * whose first call loads libgcc: it is made where memory may be allocated and
 * the dynamic linker may be called.
 *
 * With glibc 2.35 and later neither takes a lock; before that, the dynamic
 * linker's, so stacks are taken outside of our own.
 */
#include <execinfo.h>
#include <link.h>
#include <string.h>
#include <unwind.h>

#include "profile/profile.h"

#define OURS 16u /* at most so many of the innermost frames are our own */

/* NULL where libgcc was not there when the library was loaded */
#pragma weak _Unwind_Backtrace
#pragma weak _Unwind_GetIP

/* the library's own code; nothing where it is a part of the program */
static uintptr_t own_first, own_end; /* set once, before `ready` */
static bool ready;                   /* atomic */

struct trace {
	void **frame;
	unsigned n, most;
};

static _Unwind_Reason_Code
trace_frame(struct _Unwind_Context *context, void *arg)
{
	struct trace *t = arg;
	if (t->n == t->most)
		return _URC_END_OF_STACK;
	/* an address of the program, or 0 at the outermost frame */
	uintptr_t pc = (uintptr_t)_Unwind_GetIP(context);
	if (pc != 0)
		t->frame[t->n++] = (void *)pc;
	return _URC_NO_REASON;
}

static bool
have_unwinder(void)
{
	return _Unwind_Backtrace != NULL && _Unwind_GetIP != NULL;
}

static unsigned
trace(void **frame, unsigned most)
{
	struct trace t = {frame, 0, most};
	int n;
	if (have_unwinder()) {
		(void)_Unwind_Backtrace(trace_frame, &t);
		return t.n;
	}
	n = backtrace(frame, (int)most);
	return n < 0 ? 0 : (unsigned)n;
}

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

bool
profile_stack_init(bool may_load)
{
	void *frame[1];
	/* acquire: pairs with the release below */
	if (load_acquire(&ready))
		return true;
	if (!may_load && !have_unwinder())
		return false;
	profile_clock.busy = true;
	(void)dl_iterate_phdr(find_own, NULL);
	(void)trace(frame, 1);
	profile_clock.busy = false;
	/* release: whoever sees it finds the rest, and libgcc loaded */
	store_release(&ready, true);
	return true;
}

unsigned
profile_stack(void **ret_frames)
{
	void *frame[PROFILE_DEPTH + OURS];
	/* acquire: pairs with the release above */
	if (!load_acquire(&ready))
		return 0;
	profile_clock.busy = true;
	unsigned n = trace(frame, PROFILE_DEPTH + OURS), first = 0;
	profile_clock.busy = false;
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
