/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * hand.h -- what a thread that is timed takes objects from, and uses them with
 *
 * A copy of all that a loop needs, so that it has that in registers, and the
 * time is the allocator's.
 */
#ifndef BENCH_HAND_H
#define BENCH_HAND_H

#include "heap.h"
#include "work.h"

#include <stdint.h>
#include <string.h>

enum { SIZES = 1 << 16 };

struct hand {
	struct heap heap;
	const uint32_t *sizes; /* SIZES of them, used in a circle */
	bool *failed;          /* atomic: an allocation gave NULL */
	enum call call;
	enum use use;
};

/* hand_is_plain -- is it malloc and free alone? */
static inline bool
hand_is_plain(const struct hand *hand)
{
	return hand->call == CALL_MALLOC && hand->use == USE_NOT;
}

/* hand_plain -- the same hand, known to be plain */
static inline struct hand
hand_plain(const struct hand *hand)
{
	return (struct hand){.heap = hand->heap,
		.sizes = hand->sizes,
		.failed = hand->failed,
		.call = CALL_MALLOC,
		.use = USE_NOT};
}

static inline void
hand_touch(void *object, size_t size)
{
	memset(object, (int)size, size);
}

/* hand_read -- every word of it */
static inline void
hand_read(const void *object, size_t size)
{
	const size_t *words = object;
	size_t sum = 0;

	for (size_t i = 0; i < size / sizeof(*words); i++)
		sum += words[i];
	__asm__ volatile("" : : "r"(sum));
}

/* hand_align -- of an object that is asked for aligned: 64 bytes to a page, by
 * bits of its size */
static inline size_t
hand_align(size_t size)
{
	return (size_t)64 << size % 7;
}

/*
 * hand_taken -- what the work does with an object, which may be NULL, once it
 * has it; where it is used, its size is its first word
 */
static inline void *
hand_taken(const struct hand *hand, void *object, size_t size)
{
	if (object == NULL) {
		__atomic_store_n(hand->failed, true, __ATOMIC_RELAXED);
		return NULL;
	}
	if (hand->use == USE_ALL)
		hand_touch(object, size);
	if (hand->use != USE_NOT)
		*(size_t *)object = size;
	return object;
}

/* hand_leave -- the same before it frees the object */
static inline void
hand_leave(const struct hand *hand, const void *object)
{
	if (hand->use == USE_ALL && object != NULL)
		hand_read(object, *(const size_t *)object);
}

/* hand_take, hand_give -- allocate one and free it, by the heap's pointers */
static inline void *
hand_take(const struct hand *hand, size_t size)
{
	const struct heap *heap = &hand->heap;
	void *object;

	if (hand->call == CALL_MALLOC)
		object = heap->alloc(heap->ctx, size);
	else if (hand->call == CALL_CALLOC)
		object = heap->calloc(heap->ctx, size);
	else
		object = heap->aligned(heap->ctx, hand_align(size), size);
	return hand_taken(hand, object, size);
}

static inline void
hand_give(const struct hand *hand, void *object)
{
	hand_leave(hand, object);
	hand->heap.free(hand->heap.ctx, object);
}

#endif
