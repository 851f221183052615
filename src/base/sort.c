/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * sort.c -- numbers of things in the order of what they have (Shell's method)
 */
#include "base/sort.h"

void
sort_largest_first(uint32_t *numbers, uint32_t n,
	uint64_t (*key)(const void *of, uint32_t number), const void *of)
{
	for (uint32_t gap = n / 2; gap > 0; gap /= 2)
		for (uint32_t i = gap; i < n; i++) {
			uint32_t one = numbers[i], k = i;
			uint64_t mine = key(of, one);
			for (; k >= gap && key(of, numbers[k - gap]) < mine;
				k -= gap)
				numbers[k] = numbers[k - gap];
			numbers[k] = one;
		}
}
