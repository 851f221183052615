/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * bitmap.h -- ranges and searches in arrays of 64-bit words
 *
 * Bit i is bit i % 64 of word i / 64.  Not thread-safe: the owner of the words
 * holds their lock.
 */
#ifndef BASE_BITMAP_H
#define BASE_BITMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BITMAP_LG_WORD 6u
#define BITMAP_WORD    64u

static inline size_t
bitmap_words(size_t nbits)
{
	return (nbits + BITMAP_WORD - 1) / BITMAP_WORD;
}

static inline bool
bitmap_test(const uint64_t *map, size_t i)
{
	return (map[i / BITMAP_WORD] >> (i % BITMAP_WORD) & 1) != 0;
}

/* bitmap_mask -- bits [first, first + n) of one word; n >= 1, all inside it */
static inline uint64_t
bitmap_mask(unsigned first, unsigned n)
{
	return (~UINT64_C(0) >> (BITMAP_WORD - n)) << first;
}

/* bitmap_set_range, bitmap_clear_range -- bits [first, first + n) */
void bitmap_set_range(uint64_t *map, size_t first, size_t n);
void bitmap_clear_range(uint64_t *map, size_t first, size_t n);

/* bitmap_any_set, bitmap_all_set -- over bits [first, first + n) */
bool bitmap_any_set(const uint64_t *map, size_t first, size_t n);
bool bitmap_all_set(const uint64_t *map, size_t first, size_t n);

/* bitmap_count -- set bits in [first, first + n) */
size_t bitmap_count(const uint64_t *map, size_t first, size_t n);

/* bitmap_count_only -- bits in [first, first + n) set in map, not in other */
size_t bitmap_count_only(
	const uint64_t *map, const uint64_t *other, size_t first, size_t n);

/* bitmap_next -- first bit >= from with that value; `end` when there is none */
size_t bitmap_next(const uint64_t *map, size_t from, size_t end, bool value);

#endif
