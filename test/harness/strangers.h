/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * strangers.h -- pools and heaps that are only addresses, which nobody looks
 * behind
 *
 * For unit/ only.
 */
#ifndef HARNESS_STRANGERS_H
#define HARNESS_STRANGERS_H

#include "harness/test.h"

struct heap;

static inline void *
pool_of(size_t i)
{
	return (void *)((i + 1) * 4 * MIB);
}

static inline struct heap *
heap_of(size_t i)
{
	return (struct heap *)((i + 1) * 4 * MIB + 64);
}

#endif
