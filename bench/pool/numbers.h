/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * numbers.h -- random numbers, and figures of many samples
 */
#ifndef BENCH_NUMBERS_H
#define BENCH_NUMBERS_H

#include <stddef.h>
#include <stdint.h>

#define NUMBERS_SEED UINT64_C(0x9e3779b97f4a7c15)

/* numbers_next -- xorshift64*: Vigna, "An experimental exploration of
 * Marsaglia's xorshift generators, scrambled"; the upper half is given */
static inline uint32_t
numbers_next(uint64_t *state)
{
	uint64_t x = *state;

	x ^= x >> 12;
	x ^= x << 25;
	x ^= x >> 27;
	*state = x;
	return (uint32_t)((x * UINT64_C(0x2545f4914f6cdd1d)) >> 32);
}

/* numbers_below -- at least 0 and below `limit`, without a division */
static inline size_t
numbers_below(uint64_t *state, size_t limit)
{
	return (size_t)(((uint64_t)numbers_next(state) * limit) >> 32);
}

/* numbers_shuffle -- put n numbers into random order */
void numbers_shuffle(uint32_t *values, size_t n, uint64_t *state);

/* numbers_log_uniform -- between low and high, each doubling equally often */
size_t numbers_log_uniform(uint64_t *state, size_t low, size_t high);

/* numbers_median -- sorts the values; NAN for none */
double numbers_median(double *values, size_t n);

/* numbers_sort -- in ascending order */
void numbers_sort(uint32_t *values, size_t n);

/* numbers_percentile -- of sorted values: the least that `percent` of them do
 * not exceed */
uint32_t numbers_percentile(const uint32_t *sorted, size_t n, double percent);

#endif
