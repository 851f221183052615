/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * heap_idle.h -- what was freed in the heaps of threads that sleep
 */
#ifndef TCACHE_HEAP_IDLE_H
#define TCACHE_HEAP_IDLE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/atomic.h"
#include "base/compiler.h"
#include "tcache/heap.h"

/*
 * idle_is_due -- is the pool to be frozen for idle_collect(), before h
 * allocates?  Private heaps alone are asked: threads of another process, which
 * could not stop ours, have none.  Holder.
 */
static ALWAYS_INLINE bool
idle_is_due(const struct heap *h)
{
	/* relaxed: a hint */
	return unlikely(load_relaxed(&h->dir->idle_due) != 0) &&
	       h->state == HEAP_PRIVATE;
}

/*
 * idle_look -- the same, with a look at all heaps where the pool has
 * grown since the last; for who would make it grow more
 * Locks  holder; takes the admin lock.
 */
bool idle_look(const struct heap *h);

/*
 * idle_age -- a look at all heaps once in a period of the decay
 * Returns whether this call was the one.
 * Locks  holder; takes the admin lock.
 */
bool idle_age(const struct heap *h);

/*
 * idle_done -- everything has been collected: nothing is due
 * The pool is frozen.
 */
void idle_done(struct heap_dir *dir);

/*
 * idle_collect -- empty slabs in the inboxes of idle heaps become free pages;
 * returns how many
 * Nothing is done if nothing was due, and nothing is due then.
 * The pool is frozen, and the shared heap's lock held.
 */
unsigned idle_collect(struct heap_dir *dir);

#endif
