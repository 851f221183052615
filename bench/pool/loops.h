/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * loops.h -- the loops that are timed
 *
 * Each contender has its own, made from the same text (contender_loops.h), so
 * that they call it as a program does: no table stands between them, and what
 * they take themselves, which is in everybody's time, is little.
 */
#ifndef BENCH_LOOPS_H
#define BENCH_LOOPS_H

#include "hand.h"

/* objects of which one after the other is replaced, at random */
struct set {
	_Alignas(128) void **slots;
	size_t n;
	uint64_t random; /* the state of what chooses them */
	size_t next;     /* size to use */
};

enum { LINK_ROOM = 1024 };

/* objects on their way from one thread to another; each end has cache lines of
 * its own */
struct link {
	_Alignas(128) size_t npushed; /* atomic, by the one that allocates */
	_Alignas(128) size_t npopped; /* atomic, by the one that frees */
	_Alignas(128) void *objects[LINK_ROOM];
};

struct loops {
	/* pairs -- allocate and free n times */
	void (*pairs)(const struct hand *hand, size_t n);

	/* take -- n objects, sizes from the first-th on */
	void (*take)(const struct hand *hand, void **objects, size_t n,
		size_t first);

	/* give, give_back -- free n objects: in the order of `places`, or the
	 * last one first */
	void (*give)(const struct hand *hand, void **objects,
		const uint32_t *places, size_t n);
	void (*give_back)(const struct hand *hand, void **objects, size_t n);

	/* replace -- n of a set's objects */
	void (*replace)(const struct hand *hand, struct set *set, size_t n);

	/* push -- as many objects as there is room for, up to `most`; pop --
	 * all that there are; how many */
	size_t (*push)(const struct hand *hand, struct link *link, size_t most);
	size_t (*pop)(const struct hand *hand, struct link *link);
};

#endif
