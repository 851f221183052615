/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * sort.h -- numbers of things in the order of what they have
 *
 * qsort(3) may call malloc(3).
 */
#ifndef BASE_SORT_H
#define BASE_SORT_H

#include <stdint.h>

/*
 * sort_largest_first -- n numbers, by the key that each has
 * of  what key() gets as well
 */
void sort_largest_first(uint32_t *numbers, uint32_t n,
	uint64_t (*key)(const void *of, uint32_t number), const void *of);

#endif
