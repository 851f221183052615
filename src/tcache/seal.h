/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * seal.h -- the last word of a guarded slot, and the bytes in front of it
 *
 * One aligned word, read and written whole: a thread may look at it while
 * another changes it.
 */
#ifndef TCACHE_SEAL_H
#define TCACHE_SEAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/atomic.h"
#include "tcache/guarded.h"

enum seal_state {
	SEAL_NEW,     /* free, and never used; its bytes may be any */
	SEAL_EMPTIED, /* free, and filled */
	SEAL_LIVE,
	SEAL_FREED, /* filled, and waits */
	SEAL_LOST,  /* was broken, and has been told of */
	SEAL_BROKEN /* not what was written there */
};

#define SEAL_STATE_BITS 3
#define SEAL_EDGE_BYTE  0xc5 /* behind what was asked for */
#define SEAL_FILL_BYTE  0xdb /* in what is free */

/* an odd factor and its inverse: one changed byte changes high bits, too */
#define SEAL_FACTOR  UINT64_C(0x9e3779b97f4a7c15)
#define SEAL_INVERSE UINT64_C(0xf1de83e19937733d)
#define SEAL_MIX     UINT64_C(0xff51afd7ed558ccd)

_Static_assert(SEAL_FACTOR *SEAL_INVERSE == 1, "one undoes the other");

/* seal_at -- of the object at p that has `usable` bytes in all */
static inline uint64_t *
seal_at(const void *p, size_t usable)
{
	return (uint64_t *)((uintptr_t)p + usable - sizeof(uint64_t));
}

static inline uint64_t
seal_make(const uint64_t *at, enum seal_state state, size_t asked)
{
	uint64_t plain = (uint64_t)asked << SEAL_STATE_BITS | state;
	return plain * SEAL_FACTOR ^ (uintptr_t)at * SEAL_MIX;
}

/* seal_read -- *ret_asked is at most `most`, or the seal is broken */
static inline enum seal_state
seal_read(const uint64_t *at, uint64_t word, size_t most, size_t *ret_asked)
{
	uint64_t plain = (word ^ (uintptr_t)at * SEAL_MIX) * SEAL_INVERSE;
	unsigned state = plain & ((1u << SEAL_STATE_BITS) - 1);
	*ret_asked = plain >> SEAL_STATE_BITS;
	if (*ret_asked > most || state >= SEAL_BROKEN)
		return SEAL_BROKEN;
	return (enum seal_state)state;
}

/* seal_of -- as it stands behind an object; *ret_word, if not NULL, is the word
 */
static inline enum seal_state
seal_of(const void *p, size_t usable, size_t *ret_asked, uint64_t *ret_word)
{
	const uint64_t *at = seal_at(p, usable);
	/* acquire: pairs with the release or exchange that set it */
	uint64_t word = load_acquire(at);
	if (ret_word != NULL)
		*ret_word = word;
	return seal_read(at, word, usable - GUARDED_EXTRA, ret_asked);
}

/* bytes_are -- are all n bytes that one? */
static inline bool
bytes_are(const void *p, int byte, size_t n)
{
	const unsigned char *at = p;
	return n == 0 || (at[0] == byte && memcmp(at, at + 1, n - 1) == 0);
}

/*
 * seal_front -- what lies in front of a slab's slots and is none of them,
 * filled like an edge; *ret_n bytes
 */
static inline char *
seal_front(const struct slab *s, const struct size_class *c, size_t *ret_n)
{
	*ret_n = class_tail(c, s->npages);
	return s->base - *ret_n;
}

#endif
