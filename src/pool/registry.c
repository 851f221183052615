/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * registry.c -- the live pools of the process
 */
#include "pool/registry.h"

#include <errno.h>
#include <string.h>

#include "base/arith.h"
#include "base/error.h"
#include "base/guard.h"
#include "base/lock.h"
#include "base/os.h"
#include "pool/pool_internal.h"

#define FIRST_RECORDS ((size_t)64)

/* the only one, and never zero, so that it lies in a page of a file */
static struct registry registry ALIGNED(REGISTRY_ALIGN) = {
	.magic = REGISTRY_MAGIC,
	.layout = REGISTRY_LAYOUT,
	.record_size = sizeof(struct record),
	.pool_size = sizeof(struct pool),
	.heap_size = sizeof(struct heap),
	.slab_size = sizeof(struct slab),
	.self = &registry,
	.threads = &thread_list,
};

void
registry_init(void)
{
	registry.busy_off = thread_busy_offset();
	for (unsigned i = 0; i < CLASS_TABLES; i++)
		registry.class_tables[i] = class_table(i);
}

void
registry_lock(void)
{
	lock_acquire(&registry.lock, RANK_REGISTRY);
}

void
registry_unlock(void)
{
	lock_release(&registry.lock, RANK_REGISTRY);
}

void
registry_reset_lock(void)
{
	lock_reset(&registry.lock);
}

bool
registry_forking(void)
{
	return registry.forking;
}

void
registry_set_forking(bool on)
{
	registry.forking = on;
}

bool
registry_is_closed(const struct record *rec)
{
	return registry.forking || rec->frozen;
}

size_t
registry_count(void)
{
	return registry.count;
}

struct record *
registry_at(size_t i)
{
	return &registry.table[i];
}

static uintptr_t
first_byte(size_t i)
{
	return (uintptr_t)registry.table[i].backing.base;
}

/* upper -- how many records begin at or before an address */
static size_t
upper(uintptr_t address)
{
	size_t low = 0, high = registry.count;
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
		struct backing *other = &registry.table[i - 1].backing;
		if ((uintptr_t)other->base + registry.largest <=
			(uintptr_t)b->base)
			return 0;
		if (overlap(other, b))
			return i;
	}
	return 0;
}

/*
 * overlap_mark -- the pools that share memory with `b`, other than `self`,
 * are not to be touched any more: their threads lose them.  But for one that
 * has all of `b` in an object.
 */
static void
overlap_mark(const struct backing *b, const struct record *self)
{
	size_t i = upper((uintptr_t)b->base + b->size - 1);
	while ((i = next_overlap(b, i)) != 0) {
		struct record *other = &registry.table[--i];
		if (other == self || pool_holds(other, b))
			continue;
		other->overlapped = true;
		thread_pool_gone(other->backing.base);
	}
}

int
registry_unguard(const struct backing *b)
{
	size_t i = upper((uintptr_t)b->base + b->size - 1);
	while ((i = next_overlap(b, i)) != 0) {
		struct record *other = &registry.table[--i];
		if (pool_holds(other, b))
			continue;
		guard_pool_forget(other->backing.base);
		/* outside it is whoever's page: the old pool may be unmapped */
		if (!other->guarded || other->backing.base < b->base)
			continue;
		if (backing_guard(&other->backing, false))
			return fail_sys(ENOMEM, "mprotect");
		other->guarded = false;
	}
	return 0;
}

void
registry_unmapped(const struct backing *b)
{
	size_t i = upper((uintptr_t)b->base + b->size - 1);
	while ((i = next_overlap(b, i)) != 0) {
		struct record *other = &registry.table[--i];
		if (other->backing.base >= b->base)
			other->guarded = false;
	}
}

void
registry_overlap(const struct backing *b)
{
	overlap_mark(b, NULL);
}

struct record *
registry_overlapped_by(const struct backing *b)
{
	size_t i = next_overlap(b, upper((uintptr_t)b->base + b->size - 1));
	return i == 0 ? NULL : &registry.table[i - 1];
}

/* change_begin, change_end -- what lies between others may see half done */
static void
change_begin(void)
{
	/* relaxed: the fence puts it before what is changed */
	store_relaxed(&registry.changes, registry.changes + 1);
	__atomic_thread_fence(__ATOMIC_RELEASE);
}

static void
change_end(void)
{
	/* release: whoever sees the new count sees what was changed */
	store_release(&registry.changes, registry.changes + 1);
}

static bool
grow(void)
{
	size_t more = max_size(FIRST_RECORDS, registry.room * 2);
	struct record *fresh = os_map(more * sizeof(*fresh));
	if (fresh == NULL)
		return false;
	if (registry.table != NULL) {
		memcpy(fresh, registry.table, registry.count * sizeof(*fresh));
		os_unmap(registry.table, registry.room * sizeof(*fresh));
	}
	registry.table = fresh;
	registry.room = more;
	return true;
}

int
registry_add(const struct record *rec)
{
	change_begin();
	bool room = registry.count < registry.room || grow();
	change_end();
	if (!room)
		return fail(ENOMEM, "no memory for the table of pools");
	overlap_mark(&rec->backing, NULL);
	registry.largest = max_size(registry.largest, rec->backing.size);
	size_t at = upper((uintptr_t)rec->backing.base);
	struct record *to = &registry.table[at];
	change_begin();
	memmove(to + 1, to, (registry.count - at) * sizeof(*to));
	*to = *rec;
	registry.count++;
	change_end();
	return 0;
}

struct record *
registry_find(const void *handle)
{
	size_t at = upper((uintptr_t)handle);
	if (handle == NULL || at == 0 ||
		first_byte(at - 1) != (uintptr_t)handle)
		return NULL;
	return &registry.table[at - 1];
}

struct record *
registry_owner(const void *p)
{
	struct backing one = {.base = (char *)(uintptr_t)p, .size = 1};
	size_t i = next_overlap(&one, upper((uintptr_t)p));
	return i == 0 ? NULL : &registry.table[i - 1];
}

bool
registry_overlaps(const struct record *rec)
{
	size_t i = upper((uintptr_t)rec->backing.base + rec->backing.size - 1);
	while ((i = next_overlap(&rec->backing, i)) != 0) {
		const struct record *other = &registry.table[--i];
		if (other != rec && !pool_holds(rec, &other->backing) &&
			!pool_holds(other, &rec->backing))
			return true;
	}
	return false;
}

struct record *
registry_inner(const struct backing *b)
{
	size_t i = upper((uintptr_t)b->base + b->size - 1);
	while ((i = next_overlap(b, i)) != 0) {
		struct record *rec = &registry.table[--i];
		if (rec->backing.base > b->base)
			return rec;
	}
	return NULL;
}

void
registry_take_out(struct record *rec)
{
	size_t at = (size_t)(rec - registry.table);
	change_begin();
	registry.count--;
	memmove(rec, rec + 1, (registry.count - at) * sizeof(*rec));
	change_end();
}

void
registry_remove(struct record *rec)
{
	struct backing gone = rec->backing;
	overlap_mark(&gone, rec);
	registry_take_out(rec);
}

unsigned
registry_forget_older(const void *handle)
{
	struct record *rec = registry_find(handle);
	if (rec == NULL || rec == registry.table)
		return 0;
	rec--;
	if (rec->backing.base != handle || !rec->overlapped || rec->frozen ||
		rec->guarded || rec->backing.kind != BACKING_REGION)
		return 0;
	unsigned profile = rec->profile_number;
	registry_take_out(rec);
	return profile;
}
