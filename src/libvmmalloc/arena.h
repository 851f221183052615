/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * arena.h -- objects for when the pools cannot answer
 *
 * Two fixed pieces of memory that are taken from the front.  One is for the
 * loader and whoever else comes before the pools: these objects stay.  The
 * other is for fork handlers that run while the pools are locked: they come and
 * go, and once all of them are free the piece is used anew.
 *
 * Thread-safe, without locks.
 */
#ifndef LIBVMMALLOC_ARENA_H
#define LIBVMMALLOC_ARENA_H

#include <stdbool.h>
#include <stddef.h>

enum arena_use { ARENA_EARLY, ARENA_FORK, ARENA_USES };

/* arena_alloc -- zeroed; align 0: as malloc; NULL when there is no room */
void *arena_alloc(enum arena_use use, size_t size, size_t align);

/* arena_free -- an object that arena_owns() */
void arena_free(void *p);

/* arena_owns -- does it lie in one of them? */
bool arena_owns(const void *p);

/* arena_usable -- bytes of an object of these */
size_t arena_usable(const void *p);

#endif
