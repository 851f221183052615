/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * proc.h -- what this process holds, to see that a call left nothing behind
 *
 *	struct proc_count before = proc_count();
 *
 *	... something that fails ...
 *	assert_true(proc_is_unchanged(before));
 *
 * Not for use while other threads open files or map memory.
 */
#ifndef HARNESS_PROC_H
#define HARNESS_PROC_H

#include <stdbool.h>
#include <stddef.h>

struct proc_count {
	size_t nfds;         /* open descriptors */
	size_t shared_bytes; /* in shared mappings */
	size_t none_bytes;   /* in those without access; 0 with sanitizers */
};

/* proc_count -- count now; leaves no descriptor or mapping of its own */
struct proc_count proc_count(void);

/* proc_is_unchanged -- whether it is as it was `before`; prints what differs */
bool proc_is_unchanged(struct proc_count before);

/*
 * proc_is_emulated -- run by an emulator of another processor, which maps no
 * huge pages, and has no limit of addresses
 */
bool proc_is_emulated(void);

/* proc_peak_memory -- the most that this process ever had, in bytes */
size_t proc_peak_memory(void);

/* proc_can_read -- whether a byte can be read there, without a signal */
bool proc_can_read(const void *addr);

/*
 * proc_run_child -- run a function in a forked child
 * Returns what the function returned, 0 to 127; 128 + the signal that ended it.
 */
int proc_run_child(int (*run)(void *arg), void *arg);

/*
 * proc_deny_syscall -- from now on and for good, this process and its children
 * get `err` from system call `nr` where argument `arg` has all bits of `mask`
 *
 * nr    as in __NR_fallocate
 * arg   0 to 5; its low 32 bits are looked at
 * mask  0: always
 * For use inside proc_run_child().  Returns false where it cannot be had.
 */
bool proc_deny_syscall(long nr, unsigned arg, unsigned mask, int err);

#endif
