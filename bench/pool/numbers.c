/* SPDX-License-Identifier: BSD-3-Clause */
#include "numbers.h"

#include <math.h>
#include <stdlib.h>

#define TWO_TO_32 0x1p32

void
numbers_shuffle(uint32_t *values, size_t n, uint64_t *state)
{
	for (size_t i = n; i-- > 1;) {
		size_t j = numbers_below(state, i + 1);
		uint32_t value = values[i];

		values[i] = values[j];
		values[j] = value;
	}
}

size_t
numbers_log_uniform(uint64_t *state, size_t low, size_t high)
{
	double from = log((double)low);
	double unit = (double)numbers_next(state) / TWO_TO_32;

	return (size_t)llround(exp(from + (log((double)high) - from) * unit));
}

static int
compare_double(const void *a, const void *b)
{
	double x = *(const double *)a;
	double y = *(const double *)b;

	return (x > y) - (x < y);
}

static int
compare_uint32(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a;
	uint32_t y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

double
numbers_median(double *values, size_t n)
{
	if (n == 0)
		return NAN;
	qsort(values, n, sizeof(*values), compare_double);
	return n % 2 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

void
numbers_sort(uint32_t *values, size_t n)
{
	qsort(values, n, sizeof(*values), compare_uint32);
}

uint32_t
numbers_percentile(const uint32_t *sorted, size_t n, double percent)
{
	size_t rank = (size_t)ceil(percent / 100 * (double)n);

	return sorted[rank > 0 ? rank - 1 : 0];
}
