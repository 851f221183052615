/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * streams.h -- libc's streams, and fork
 *
 * fork() of glibc runs the prepare handlers and takes the lock of the list of
 * all streams then.  Others take it first: fflush(NULL) holds it while it waits
 * for a stream, whose thread may be about to allocate, or allocates itself, in
 * a stream of fopencookie().  With the pools closed by our handler, and this
 * lock waited for, none of them would ever go on.  So it is taken before the
 * pools are closed.
 *
 * In the child glibc opens the locks of all streams on the list, before any
 * handler.  Those that lie in a pool's shared file are the parent's at that
 * time, whose threads may hold them; and what the child gets instead, a copy,
 * has them locked.  So the list is empty meanwhile, and the child does it here.
 */
#ifndef LIBVMMALLOC_STREAMS_H
#define LIBVMMALLOC_STREAMS_H

/*
 * streams_hold -- before the pools are closed for a fork() that runs handlers
 * Locks  none is held.
 */
void streams_hold(void);

/* streams_parent, streams_child -- after they are open again */
void streams_parent(void);
void streams_child(void);

#endif
