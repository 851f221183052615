/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * arith.h -- small arithmetic on sizes; every function is pure
 */
#ifndef BASE_ARITH_H
#define BASE_ARITH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

static inline bool
is_pow2(size_t x)
{
	return x != 0 && (x & (x - 1)) == 0;
}

/* align_up, align_down -- to a multiple of `to`, a power of two */
static inline size_t
align_up(size_t x, size_t to)
{
	return (x + to - 1) & ~(to - 1);
}

static inline size_t
align_down(size_t x, size_t to)
{
	return x & ~(to - 1);
}

static inline size_t
div_up(size_t x, size_t by)
{
	return (x + by - 1) / by;
}

/* lg_floor -- the largest n with 2^n <= x; x > 0 */
static inline unsigned
lg_floor(size_t x)
{
	return 63u - (unsigned)__builtin_clzll(x);
}

static inline size_t
min_size(size_t a, size_t b)
{
	return a < b ? a : b;
}

static inline size_t
max_size(size_t a, size_t b)
{
	return a > b ? a : b;
}

static inline uint32_t
min_u32(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

static inline size_t
clamp_size(size_t x, size_t low, size_t high)
{
	return x < low ? low : x > high ? high : x;
}

#endif
