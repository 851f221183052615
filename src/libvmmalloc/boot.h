/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * boot.h -- when the pools cannot answer: before they are made, and while this
 * thread is in the middle of a fork
 *
 * Objects come from a fixed arena then, and are never used again.  There are
 * few of them: what the system libraries take before the first constructor,
 * what making the pools itself takes, and what other libraries' fork handlers
 * take that were registered before ours.
 */
#ifndef LIBVMMALLOC_BOOT_H
#define LIBVMMALLOC_BOOT_H

#include <stdbool.h>
#include <stddef.h>

/*
 * boot_ready -- make the pools if there are none, and say whether they may be
 * used by this thread now; if not, take boot_alloc()
 */
bool boot_ready(void);

/* boot_is_held -- is this thread in the middle of a fork? */
bool boot_is_held(void);

/* boot_alloc -- from the arena, zeroed; align 0: as malloc; NULL when it is
 * used up */
void *boot_alloc(size_t size, size_t align);

/* boot_owns -- does it come from the arena? */
bool boot_owns(const void *p);

/* boot_usable -- bytes of an object of the arena */
size_t boot_usable(const void *p);

/*
 * boot_defer -- free the object of a pool when the fork is over; it stays
 * allocated when there are too many
 * boot_deferred -- one of them, or NULL
 */
void boot_defer(void *p);
void *boot_deferred(void);

/* boot_prints_stats -- shall this process print statistics, now, once? */
bool boot_prints_stats(void);

#endif
