/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * guard_book.h -- what objects there are and were in pools, and who made them
 *
 * Under the address sanitizer (base/guard.h), which would tell nothing of them.
 * Beside each pool lies a mapping of notes, one for each GUARD_CELL bytes of
 * the pool, of which only those are ever touched that an object begins in.
 * Objects are so large and so aligned then that no two begin in one cell.  The
 * note of an object that has been freed stays until another object lies there.
 *
 * Each note is written by the thread that allocates or frees the object.
 * Readers may come at any time, from the end of a report: nothing that they
 * could reach is ever unmapped.  No locks.
 */
#ifndef POOL_GUARD_BOOK_H
#define POOL_GUARD_BOOK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pool/guard_keep.h"
#include "pool/guard_stacks.h"

#define GUARD_CELL ((size_t)32)
#define GUARD_MOST (UINT64_MAX >> 1) /* what a note's size can be */

struct guard_note {
	uintptr_t object;   /* where it begins; 0: none; atomic */
	uint64_t size : 63; /* as it was asked for; the zone lies behind */
	uint64_t freed : 1;
	struct guard_origin made, gone; /* gone: when `freed` */
};

/* the notes of one pool */
struct guard_book;

/*
 * guard_book_open -- of a new pool; NULL: there is no memory for one
 * keep  bytes of freed objects that are kept
 */
struct guard_book *guard_book_open(const void *base, size_t size, size_t keep);

/* guard_book_close -- the pool is gone; the book may serve another one */
void guard_book_close(struct guard_book *b);

/* guard_book_of -- of the newest live pool that begins there, or NULL */
struct guard_book *guard_book_of(const void *base);

/* guard_book_is_own -- has this process made it, and not one it came from? */
bool guard_book_is_own(const struct guard_book *b);

/* guard_book_keep -- the pool's freed objects that are kept */
struct guard_keep *guard_book_keep(struct guard_book *b);

/* guard_book_base -- the pool's handle */
const void *guard_book_base(const struct guard_book *b);

/*
 * guard_book_begin -- an object of that size is there, with `usable` bytes up
 * to the end of what the heap gave for it
 * guard_book_end -- it has been freed; guard_book_resize -- has another size
 * guard_book_has_freed -- has it, and nothing has begun there since?
 */
void guard_book_begin(struct guard_book *b, const void *p, size_t size,
	size_t usable, struct guard_origin by);
void guard_book_end(
	struct guard_book *b, const void *p, struct guard_origin by);
void guard_book_resize(struct guard_book *b, const void *p, size_t size);

bool guard_book_has_freed(struct guard_book *b, const void *p);

/* guard_book_each -- call back for all live objects, by address */
void guard_book_each(struct guard_book *b,
	void (*visit)(void *arg, const struct guard_note *note), void *arg);

/* guard_book_all -- call back for the books of all live pools */
void guard_book_all(void (*visit)(void *arg, struct guard_book *b), void *arg);

/*
 * guard_book_look -- the object that an address belongs to: it lies inside, or
 * that is the nearest one
 * Returns the book of the pool it is in, NULL when it is in none; *ret is a
 * copy of the note, its `object` 0 when no object of the pool is known.
 */
struct guard_book *guard_book_look(const void *address, struct guard_note *ret);

#endif
