/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * bitmap.c -- ranges and searches in arrays of 64-bit words
 */
#include "base/bitmap.h"

/* what a walk over the words of a range does with each masked word */
enum range_op { RANGE_SET, RANGE_CLEAR };

/* piece -- how many bits of [first, first + n) lie in first's word */
static unsigned
piece(size_t first, size_t n)
{
	size_t room = BITMAP_WORD - first % BITMAP_WORD;
	return (unsigned)(n < room ? n : room);
}

static inline void
range_write(uint64_t *map, size_t first, size_t n, enum range_op op)
{
	while (n > 0) {
		unsigned len = piece(first, n);
		uint64_t m = bitmap_mask(first % BITMAP_WORD, len);
		uint64_t *word = &map[first / BITMAP_WORD];
		*word = op == RANGE_SET ? *word | m : *word & ~m;
		first += len;
		n -= len;
	}
}

void
bitmap_set_range(uint64_t *map, size_t first, size_t n)
{
	range_write(map, first, n, RANGE_SET);
}

void
bitmap_clear_range(uint64_t *map, size_t first, size_t n)
{
	range_write(map, first, n, RANGE_CLEAR);
}

size_t
bitmap_next(const uint64_t *map, size_t from, size_t end, bool value)
{
	uint64_t flip = value ? 0 : ~UINT64_C(0);
	while (from < end) {
		uint64_t word = (map[from / BITMAP_WORD] ^ flip) >>
				(from % BITMAP_WORD);
		if (word != 0) {
			size_t at = from + (size_t)__builtin_ctzll(word);
			return at < end ? at : end;
		}
		from += BITMAP_WORD - from % BITMAP_WORD;
	}
	return end;
}

bool
bitmap_any_set(const uint64_t *map, size_t first, size_t n)
{
	return bitmap_next(map, first, first + n, true) < first + n;
}

bool
bitmap_all_set(const uint64_t *map, size_t first, size_t n)
{
	return bitmap_next(map, first, first + n, false) == first + n;
}

size_t
bitmap_count(const uint64_t *map, size_t first, size_t n)
{
	size_t count = 0;
	while (n > 0) {
		unsigned len = piece(first, n);
		uint64_t m = bitmap_mask(first % BITMAP_WORD, len);
		count += (size_t)__builtin_popcountll(
			map[first / BITMAP_WORD] & m);
		first += len;
		n -= len;
	}
	return count;
}

size_t
bitmap_count_only(
	const uint64_t *map, const uint64_t *other, size_t first, size_t n)
{
	size_t count = 0;
	while (n > 0) {
		unsigned len = piece(first, n);
		uint64_t m = bitmap_mask(first % BITMAP_WORD, len);
		size_t i = first / BITMAP_WORD;
		count += (size_t)__builtin_popcountll(map[i] & ~other[i] & m);
		first += len;
		n -= len;
	}
	return count;
}
