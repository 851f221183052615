/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * registry.c -- the live pools of the process
 */
#include "pool/registry.h"

#include <errno.h>
#include <string.h>

#include "base/arith.h"
#include "base/error.h"
#include "base/lock.h"
#include "base/os.h"
#include "tcache/tcache.h"

#define FIRST_RECORDS ((size_t)64)

static struct lock lock;     /* RANK_REGISTRY */
static struct record *table; /* sorted by base; of one base the newest last */
static size_t count, room;
static bool forking;
static size_t largest; /* bytes of the largest pool ever: bounds searches */

void
registry_lock(void)
{
	lock_acquire(&lock, RANK_REGISTRY);
}

void
registry_unlock(void)
{
	lock_release(&lock, RANK_REGISTRY);
}

void
registry_reset_lock(void)
{
	lock_reset(&lock);
}

bool
registry_forking(void)
{
	return forking;
}

void
registry_set_forking(bool on)
{
	forking = on;
}

bool
registry_is_closed(const struct record *rec)
{
	return forking || rec->frozen;
}

size_t
registry_count(void)
{
	return count;
}

struct record *
registry_at(size_t i)
{
	return &table[i];
}

static uintptr_t
first_byte(size_t i)
{
	return (uintptr_t)table[i].backing.base;
}

/* upper -- how many records begin at or before an address */
static size_t
upper(uintptr_t address)
{
	size_t low = 0, high = count;
	while (low < high) {
		size_t mid = (low + high) / 2;
		if (first_byte(mid) <= address)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static bool
overlap(const struct backing *a, const struct backing *b)
{
	return (uintptr_t)a->base < (uintptr_t)b->base + b->size &&
	       (uintptr_t)b->base < (uintptr_t)a->base + a->size;
}

/*
 * next_overlap -- the next record at or before index i that overlaps `b`
 * Returns its index + 1, or 0: call with that minus 1 to go on.
 */
static size_t
next_overlap(const struct backing *b, size_t i)
{
	for (; i > 0; i--) {
		struct backing *other = &table[i - 1].backing;
		if ((uintptr_t)other->base + largest <= (uintptr_t)b->base)
			return 0;
		if (overlap(other, b))
			return i;
	}
	return 0;
}

/*
 * overlap_mark -- the pools that share memory with `b`, other than `self`,
 * are not to be touched any more: their threads lose them
 */
static void
overlap_mark(const struct backing *b, const struct record *self)
{
	size_t i = upper((uintptr_t)b->base + b->size - 1);
	while ((i = next_overlap(b, i)) != 0) {
		struct record *other = &table[--i];
		if (other == self)
			continue;
		other->overlapped = true;
		thread_pool_gone(other->backing.base);
	}
}

void
registry_unguard(const struct backing *b)
{
	size_t i = upper((uintptr_t)b->base + b->size - 1);
	while ((i = next_overlap(b, i)) != 0) {
		struct record *other = &table[--i];
		if (other->guarded)
			(void)backing_guard(&other->backing, false);
		other->guarded = false;
	}
}

static bool
grow(void)
{
	size_t more = max_size(FIRST_RECORDS, room * 2);
	struct record *fresh = os_map(more * sizeof(*fresh));
	if (fresh == NULL)
		return false;
	if (table != NULL) {
		memcpy(fresh, table, count * sizeof(*fresh));
		os_unmap(table, room * sizeof(*fresh));
	}
	table = fresh;
	room = more;
	return true;
}

int
registry_add(const struct record *rec)
{
	if (count == room && !grow())
		return fail(ENOMEM, "no memory for the table of pools");
	overlap_mark(&rec->backing, NULL);
	largest = max_size(largest, rec->backing.size);
	size_t at = upper((uintptr_t)rec->backing.base);
	memmove(&table[at + 1], &table[at], (count - at) * sizeof(*table));
	table[at] = *rec;
	count++;
	return 0;
}

struct record *
registry_find(const void *handle)
{
	size_t at = upper((uintptr_t)handle);
	if (handle == NULL || at == 0 ||
		first_byte(at - 1) != (uintptr_t)handle)
		return NULL;
	return &table[at - 1];
}

struct record *
registry_owner(const void *p)
{
	struct backing one = {.base = (char *)(uintptr_t)p, .size = 1};
	size_t i = next_overlap(&one, upper((uintptr_t)p));
	return i == 0 ? NULL : &table[i - 1];
}

bool
registry_overlaps(const struct record *rec)
{
	size_t i = upper((uintptr_t)rec->backing.base + rec->backing.size - 1);
	while ((i = next_overlap(&rec->backing, i)) != 0)
		if (&table[--i] != rec)
			return true;
	return false;
}

void
registry_remove(struct record *rec)
{
	struct backing gone = rec->backing;
	overlap_mark(&gone, rec);
	size_t at = (size_t)(rec - table);
	count--;
	memmove(rec, rec + 1, (count - at) * sizeof(*table));
}
