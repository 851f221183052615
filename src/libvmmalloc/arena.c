/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * arena.c -- objects for when the pools cannot answer
 */
#include "libvmmalloc/arena.h"

#include <stdint.h>
#include <string.h>

#include "base/arith.h"
#include "base/atomic.h"
#include "base/compiler.h"

#define ARENA_BYTES ((size_t)256 * 1024)
#define ARENA_ALIGN ((size_t)16)

/* in front of an object; as large as the alignment */
struct head {
	uint32_t begin; /* offset at which the object before ended */
	uint32_t end;   /* offset behind the object; 0: it is free */
	size_t size;    /* bytes that were asked for */
};

_Static_assert(sizeof(struct head) == ARENA_ALIGN, "no gap behind it");

static struct arena {
	/* atomic: bytes in use in the lower half, live objects in the upper */
	uint64_t state;
	char bytes[ARENA_BYTES] ALIGNED(4096);
} arenas[ARENA_USES];

#define LG_ONE_OBJECT 32u
#define ONE_OBJECT    ((uint64_t)1 << LG_ONE_OBJECT)

static struct head *
head_of(const void *p)
{
	return (struct head *)((uintptr_t)p - sizeof(struct head));
}

void *
arena_alloc(enum arena_use use, size_t size, size_t align)
{
	struct arena *a = &arenas[use];
	uint64_t now = load_relaxed(&a->state), then;
	size_t used, end, room = align_up(max_size(size, 1), ARENA_ALIGN);
	char *p;
	align = max_size(align, ARENA_ALIGN);
	if (size > ARENA_BYTES || align > ARENA_BYTES)
		return NULL;
	do {
		used = (uint32_t)now;
		p = a->bytes + used + sizeof(struct head);
		p += align_up((uintptr_t)p, align) - (uintptr_t)p;
		end = (size_t)(p - a->bytes) + room;
		if (end > ARENA_BYTES)
			return NULL;
		then = (now & -ONE_OBJECT) + ONE_OBJECT + end;
		/* acquire: pairs with the release in arena_free(), of who
		 * had the bytes before */
	} while (!cas_acq_rel(&a->state, &now, then));
	*head_of(p) = (struct head){(uint32_t)used, (uint32_t)end, size};
	memset(p, 0, size);
	return p;
}

void
arena_free(void *p)
{
	struct arena *a = &arenas[0];
	while ((uintptr_t)p - (uintptr_t)a >= sizeof(*a))
		a++;
	struct head head = *head_of(p);
	uint64_t now = load_relaxed(&a->state), then;
	if (head.end == 0)
		return;
	head_of(p)->end = 0;
	do {
		uint64_t objects = (now & -ONE_OBJECT) - ONE_OBJECT;
		size_t used = (uint32_t)now;
		if (objects == 0)
			used = 0;
		else if (used == head.end)
			used = head.begin;
		then = objects + used;
	} while (!cas_acq_rel(&a->state, &now, then));
}

bool
arena_owns(const void *p)
{
	return (uintptr_t)p - (uintptr_t)arenas < sizeof(arenas);
}

size_t
arena_usable(const void *p)
{
	return head_of(p)->size;
}
