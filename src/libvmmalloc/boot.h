/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * boot.h -- when the pools cannot answer: before they are made, and while this
 * thread is in the middle of a fork
 *
 * Objects come from the arena then.  There are few of them: what the loader
 * takes before the first constructor, and, where another library has asked to
 * be the first one, what its constructor and its fork handlers take.
 */
#ifndef LIBVMMALLOC_BOOT_H
#define LIBVMMALLOC_BOOT_H

#include <stdbool.h>
#include <stddef.h>

/* own_malloc -- ours, also where a program has another malloc() */
extern void *own_malloc(size_t size);

/*
 * boot_ready -- make the pools if there are none, and say whether they may be
 * used by this thread now; if not, take arena_alloc()
 */
bool boot_ready(void);

/* boot_is_held -- is this thread in the middle of a fork? */
bool boot_is_held(void);

/* boot_defer -- free the object of a pool when this thread's fork is over */
void boot_defer(void *p);

/*
 * before a fork, and after it on both sides: the pools stand still meanwhile
 * stack  as pool_fork_prepare_on() has it; NULL: the parent's
 */
void boot_fork_prepare(const void *stack);
void boot_fork_parent(void);
void boot_fork_child(void);

/* boot_prints_stats -- shall this process print statistics, now, once? */
bool boot_prints_stats(void);

#endif
