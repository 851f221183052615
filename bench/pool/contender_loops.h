/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * contender_loops.h -- the loops that are timed, of one contender
 *
 * Included once by each contender's file, behind its call_alloc(), call_free(),
 * call_calloc(), call_realloc() and call_aligned().
 *
 * Each loop is compiled twice: for works of malloc and free alone, and for any
 * other.  So the first kind asks nothing at each object.
 */
#ifndef BENCH_CONTENDER_LOOPS_H
#define BENCH_CONTENDER_LOOPS_H

#include "loops.h"
#include "numbers.h"

#define INLINE inline __attribute__((always_inline))

/* EITHER -- the loop, of a hand whose work the compiler knows or of any one */
#define EITHER(loop, hand, ...)                                                \
	(hand_is_plain(hand) ? loop(hand_plain(hand), __VA_ARGS__)             \
			     : loop(*(hand), __VA_ARGS__))

static INLINE void *
take_next(const struct hand *hand, size_t i)
{
	size_t size = hand->sizes[i % SIZES];
	void *ctx = hand->heap.ctx;
	void *object;

	if (hand->call == CALL_MALLOC)
		object = call_alloc(ctx, size);
	else if (hand->call == CALL_CALLOC)
		object = call_calloc(ctx, size);
	else
		object = call_aligned(ctx, hand_align(size), size);
	return hand_taken(hand, object, size);
}

static INLINE void
give(const struct hand *hand, void *object)
{
	hand_leave(hand, object);
	call_free(hand->heap.ctx, object);
}

static INLINE void
pairs(struct hand hand, size_t n)
{
	for (size_t i = 0; i < n; i++)
		give(&hand, take_next(&hand, i));
}

static void
loop_pairs(const struct hand *hand, size_t n)
{
	EITHER(pairs, hand, n);
}

static INLINE void
take_all(struct hand hand, void **objects, size_t n, size_t first)
{
	for (size_t i = 0; i < n; i++)
		objects[i] = take_next(&hand, first + i);
}

static void
loop_take(const struct hand *hand, void **objects, size_t n, size_t first)
{
	EITHER(take_all, hand, objects, n, first);
}

static INLINE void
give_all(struct hand hand, void **objects, const uint32_t *places, size_t n)
{
	for (size_t i = 0; i < n; i++)
		give(&hand, objects[places[i]]);
}

static void
loop_give(const struct hand *hand, void **objects, const uint32_t *places,
	size_t n)
{
	EITHER(give_all, hand, objects, places, n);
}

static INLINE void
give_back(struct hand hand, void **objects, size_t n)
{
	for (size_t i = n; i-- > 0;)
		give(&hand, objects[i]);
}

static void
loop_give_back(const struct hand *hand, void **objects, size_t n)
{
	EITHER(give_back, hand, objects, n);
}

static INLINE void
replace(struct hand hand, struct set *set, size_t n)
{
	void **slots = set->slots;
	size_t nslots = set->n, next = set->next;
	uint64_t random = set->random;

	for (size_t i = 0; i < n; i++) {
		void **slot = &slots[numbers_below(&random, nslots)];

		give(&hand, *slot);
		*slot = take_next(&hand, next++);
	}
	set->random = random;
	set->next = next;
}

static void
loop_replace(const struct hand *hand, struct set *set, size_t n)
{
	EITHER(replace, hand, set, n);
}

static INLINE size_t
push(struct hand hand, struct link *link, size_t most)
{
	size_t pushed = link->npushed;
	/* acquire: the places have been read */
	size_t popped = __atomic_load_n(&link->npopped, __ATOMIC_ACQUIRE);
	size_t room = LINK_ROOM + popped - pushed;
	size_t n = most < room ? most : room;

	for (size_t i = 0; i < n; i++) {
		link->objects[pushed % LINK_ROOM] = take_next(&hand, pushed);
		/* release: the object is in its place */
		__atomic_store_n(&link->npushed, ++pushed, __ATOMIC_RELEASE);
	}
	return n;
}

static size_t
loop_push(const struct hand *hand, struct link *link, size_t most)
{
	return EITHER(push, hand, link, most);
}

static INLINE size_t
pop(struct hand hand, struct link *link)
{
	size_t popped = link->npopped;
	/* acquire: the objects are in their places */
	size_t pushed = __atomic_load_n(&link->npushed, __ATOMIC_ACQUIRE);
	size_t n = pushed - popped;

	for (size_t i = 0; i < n; i++) {
		give(&hand, link->objects[popped % LINK_ROOM]);
		/* release: the place has been read */
		__atomic_store_n(&link->npopped, ++popped, __ATOMIC_RELEASE);
	}
	return n;
}

static size_t
loop_pop(const struct hand *hand, struct link *link)
{
	return EITHER(pop, hand, link);
}

static const struct loops loops = {loop_pairs, loop_take, loop_give,
	loop_give_back, loop_replace, loop_push, loop_pop};

/* heap_of -- the heap of that context */
static inline struct heap
heap_of(void *ctx)
{
	return (struct heap){ctx, call_alloc, call_free, call_calloc,
		call_realloc, call_aligned, &loops};
}

#endif
