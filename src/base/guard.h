/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * guard.h -- tell memcheck or the address sanitizer what lives in a pool
 *
 * Under valgrind's memcheck, or in a process that has the address sanitizer,
 * memory of a pool in which no object lives is no access for the program.  Then
 * `guard_on` is set, no thread has an entry for the fast path, and the slow
 * paths say what begins and ends.  Elsewhere nothing here does anything.
 *
 * The two know nothing of pools by themselves.  A pool's own metadata stays
 * open, since it is our own code that reads it.
 */
#ifndef BASE_GUARD_H
#define BASE_GUARD_H

#include <stdbool.h>
#include <stddef.h>

/*
 * What an object takes beyond what was asked for: the zone behind it, in which
 * no access is right, and behind that the size that was asked for.
 */
#define GUARD_ZONE  ((size_t)16)
#define GUARD_EXTRA (GUARD_ZONE + sizeof(size_t))

/* set once by guard_init() */
extern bool guard_on __attribute__((visibility("hidden")));

/*
 * guard_init -- find out who watches the process; once, before any pool
 * wanted  false: stay off in any case
 */
void guard_init(bool wanted);

/*
 * guard_map -- memory of our own, as os_map_sparse() gives it
 * A region that the program has unmapped without a word may have been there:
 * the address sanitizer would still count it as closed.
 */
void *guard_map(size_t size);

/* guard_close -- no access from now on; guard_open -- any, and all is set */
void guard_close(const void *p, size_t size);
void guard_open(const void *p, size_t size);

/*
 * guard_pool_begin -- a pool at `base` has all of its metadata open, and what
 * lies from `first` to its end is closed
 * guard_pool_page -- its first page is no access without being protected;
 * false: protect it.  The leak sanitizer reads all of a block that malloc() has
 * given, and a pool may lie in one. guard_pool_end -- it is no pool any more;
 * touch: nothing else lies there, and its bytes have no value
 */
void guard_pool_begin(const void *base, size_t size, size_t first);
bool guard_pool_page(const void *base, size_t size);
void guard_pool_end(const void *base, size_t size, bool touch);

/* guard_pool_forget -- something else lies there: its objects are none */
void guard_pool_forget(const void *base);

/*
 * guard_pool_share -- another process uses the pool too, of which nobody tells
 * us: from now on all of it behind `head` bytes is open, and guard_close() does
 * nothing there
 * The caller has the pool frozen, or is the first to use it.
 */
void guard_pool_share(const void *base, size_t size, size_t head);
bool guard_pool_is_shared(const void *base);

/*
 * guard_pool_lost -- before guard_pool_end() of a pool with live objects: the
 * next calls are guard_object_lost() for each of them, which are reported as
 * leaks from now on, with the stacks that they were allocated by
 * Returns a place that no other object will have, or NULL: forget them.
 */
void *guard_pool_lost(const void *base, size_t size);
void guard_object_lost(
	const void *base, const void *place, const void *p, size_t asked);
void guard_pool_lost_end(const void *base, const void *place);

/*
 * guard_object_begin -- `asked` bytes at p of the `usable` that the heap gave,
 * at least GUARD_EXTRA more
 * set  the bytes have a value: zero
 * guard_object_end -- it is about to be freed
 * guard_object_bad -- something that is no live object has been freed: for
 * memcheck; base/report.h has what the address sanitizer needs
 */
void guard_object_begin(
	const void *base, void *p, size_t asked, size_t usable, bool set);
void guard_object_end(const void *base, void *p, size_t usable);
void guard_object_bad(const void *base, void *p);

/* guard_object_resize -- the same object has another length from now on */
void guard_object_resize(
	const void *base, void *p, size_t asked, size_t usable);

/* guard_asked -- what was asked for; the most it can be when that is damaged */
size_t guard_asked(void *p, size_t usable);

/*
 * guard_is_readable -- does memcheck know that address as memory that may be
 * read?  false without memcheck.  What is asked is 16 bytes.
 */
bool guard_is_readable(const void *p);

/* guard_pool_live -- the process ends, and there are live objects in a pool */
void guard_pool_live(void);

/*
 * guard_hide -- the process ends: what metadata has for addresses are no
 * references that keep an object from being a leak.  Between guard_quiet(true)
 * and guard_quiet(false) reading hidden metadata is not reported.
 */
void guard_hide(const void *p, size_t size);
void guard_quiet(bool on);

#endif
