/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * random.c -- where the next sample lies, and what a sample stands for
 *
 * The bytes between two samples have a geometric distribution, here the
 * exponential one rounded up.  The functions of the mathematical library are
 * not used, because the library depends on libc alone.
 */
#include "profile/profile.h"

#define LG_FRACTION 53u /* bits of a double's fraction, and the hidden one */
#define LN2         0.69314718055994530942
#define TERMS       8u /* of the series below: exact to 1e-9 */
#define EXP_TERMS   16u
#define SMALL       1e-3
#define NEVER       40.0 /* exp(-40) is nothing beside 1 */

uint64_t
profile_random(uint64_t *state)
{
	/* splitmix64, by Vigna */
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

/* minus_ln -- -ln(n / 2^53), n from 1 to 2^53 */
static double
minus_ln(uint64_t n)
{
	unsigned lg = 63u - (unsigned)__builtin_clzll(n);
	double m = (double)n / (double)(UINT64_C(1) << lg); /* 1 <= m < 2 */
	/* ln m = 2 atanh((m - 1) / (m + 1)) */
	double z = (m - 1) / (m + 1), power = z, sum = 0;
	for (unsigned i = 0; i < TERMS; i++) {
		sum += power / (2 * i + 1);
		power *= z * z;
	}
	return (double)(LG_FRACTION - lg) * LN2 - 2 * sum;
}

uint64_t
profile_interval(uint64_t *state, uint64_t mean)
{
	if (mean <= 1)
		return 1;
	uint64_t n = (profile_random(state) >> (64 - LG_FRACTION)) + 1;
	return (uint64_t)(minus_ln(n) * (double)mean) + 1;
}

/* chance -- 1 - exp(-x), x > 0 */
static double
chance(double x)
{
	if (x < SMALL)
		return x * (1 - x / 2 * (1 - x / 3));
	if (x > NEVER)
		return 1;
	unsigned ones = (unsigned)x;
	double rest = x - ones, whole = 1, term = 1, sum = 1;
	for (unsigned i = 0; i < ones; i++)
		whole *= 0.36787944117144232160; /* 1/e */
	for (unsigned i = 1; i < EXP_TERMS; i++) {
		term *= -rest / i;
		sum += term;
	}
	return 1 - whole * sum;
}

/* profile_weight -- how many objects one sample of that size stands for, in
 * 1/1024 */
uint64_t
profile_weight(uint64_t size, uint64_t mean)
{
	double one = (double)(1u << PROFILE_LG_POINT);
	if (mean <= 1)
		return (uint64_t)one;
	return (uint64_t)(one / chance((double)size / (double)mean) + 0.5);
}
