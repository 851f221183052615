/* SPDX-License-Identifier: BSD-3-Clause */
#include "samples.h"

#include "clock.h"

#include <stdlib.h>
#include <string.h>

static inline void
note(struct samples *samples, uint64_t start)
{
	uint64_t ticks = clock_ticks() - start;

	if (samples->n < SAMPLES_MAX)
		samples->ticks[samples->n++] =
			ticks > UINT32_MAX ? UINT32_MAX : (uint32_t)ticks;
}

static void *
call_alloc(void *ctx, size_t size)
{
	struct sampled_heap *sampled = ctx;
	uint64_t start = clock_ticks();
	void *ptr = sampled->inner.alloc(sampled->inner.ctx, size);

	note(&sampled->gets, start);
	return ptr;
}

static void
call_free(void *ctx, void *ptr)
{
	struct sampled_heap *sampled = ctx;
	uint64_t start = clock_ticks();

	sampled->inner.free(sampled->inner.ctx, ptr);
	note(&sampled->puts, start);
}

static void *
call_calloc(void *ctx, size_t size)
{
	struct sampled_heap *sampled = ctx;
	uint64_t start = clock_ticks();
	void *ptr = sampled->inner.calloc(sampled->inner.ctx, size);

	note(&sampled->gets, start);
	return ptr;
}

static void *
call_realloc(void *ctx, void *ptr, size_t size)
{
	struct sampled_heap *sampled = ctx;
	uint64_t start = clock_ticks();
	void *moved = sampled->inner.realloc(sampled->inner.ctx, ptr, size);

	note(&sampled->gets, start);
	return moved;
}

static void *
call_aligned(void *ctx, size_t align, size_t size)
{
	struct sampled_heap *sampled = ctx;
	uint64_t start = clock_ticks();
	void *ptr = sampled->inner.aligned(sampled->inner.ctx, align, size);

	note(&sampled->gets, start);
	return ptr;
}

#include "contender_loops.h"

int
sampled_heap_init(struct sampled_heap *sampled)
{
	*sampled = (struct sampled_heap){0};
	sampled->gets.ticks = calloc(SAMPLES_MAX, sizeof(uint32_t));
	sampled->puts.ticks = calloc(SAMPLES_MAX, sizeof(uint32_t));
	if (sampled->gets.ticks == NULL || sampled->puts.ticks == NULL) {
		sampled_heap_fini(sampled);
		return -1;
	}
	/* so that no page fault comes between two samples */
	memset(sampled->gets.ticks, 1, SAMPLES_MAX * sizeof(uint32_t));
	memset(sampled->puts.ticks, 1, SAMPLES_MAX * sizeof(uint32_t));
	return 0;
}

void
sampled_heap_fini(struct sampled_heap *sampled)
{
	free(sampled->gets.ticks);
	free(sampled->puts.ticks);
	*sampled = (struct sampled_heap){0};
}

struct heap
sampled_heap_wrap(struct sampled_heap *sampled, const struct heap *inner)
{
	sampled->inner = *inner;
	return heap_of(sampled);
}
