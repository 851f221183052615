/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * profile.c -- the samples of a pool: stacks, and live objects by address
 */
#include "profile/profile.h"

#include <errno.h>
#include <string.h>

#include "base/arith.h"
#include "base/assert.h"
#include "base/error.h"
#include "base/os.h"

#define GONE              ((uintptr_t)1) /* an object that was freed */
#define LG_OBJECTS_LEAST  12u
#define LG_OBJECTS_MOST   22u
#define OBJECT_LEAST      ((size_t)16) /* bytes of a pool for an object */
#define OBJECTS_A_SAMPLE  ((size_t)4)  /* slots for each that is expected */
#define HASH_FACTOR       UINT64_C(0x9e3779b97f4a7c15)
#define PAGE_MASK         ((size_t)4095)
#define NOMINAL_ALIGNMENT 64u

TLS_INITIAL_EXEC struct profile_clock profile_clock;

static struct profile *profiles[PROFILE_MOST]; /* atomic */
static uint64_t last_uid;                      /* atomic */

/* lg_objects -- slots of the table, a power of two */
static unsigned
lg_objects(size_t mean, size_t pool_bytes)
{
	size_t expected = pool_bytes / max_size(mean, OBJECT_LEAST);
	size_t slots = max_size(expected * OBJECTS_A_SAMPLE, 2);
	return (unsigned)clamp_size(
		lg_floor(slots - 1) + 1, LG_OBJECTS_LEAST, LG_OBJECTS_MOST);
}

/* publish -- a free number for it, or 0 */
static unsigned
publish(struct profile *p)
{
	for (unsigned i = 0; i < PROFILE_MOST; i++) {
		struct profile *none = NULL;
		/* acq_rel: who gets the number from us finds it whole */
		if (cas_acq_rel(&profiles[i], &none, p))
			return i + 1;
	}
	return 0;
}

int
profile_create(size_t mean, size_t pool_bytes)
{
	unsigned lg = lg_objects(mean, pool_bytes);
	size_t objects = sizeof(struct profile_object) << lg;
	size_t stacks = sizeof(struct profile_stack) * PROFILE_STACKS;
	size_t head = align_up(sizeof(struct profile), NOMINAL_ALIGNMENT);
	size_t bytes = (head + stacks + objects + PAGE_MASK) & ~PAGE_MASK;
	struct profile *p = os_map(bytes);
	if (p == NULL)
		return fail(ENOMEM, "no memory for a profile");
	p->bytes = bytes;
	/* relaxed: only has to differ from all others */
	p->uid = fetch_add_relaxed(&last_uid, 1) + 1;
	p->mean = mean;
	p->lg_objects = lg;
	p->stack_size = sizeof(struct profile_stack);
	p->stacks = (struct profile_stack *)((uintptr_t)p + head);
	p->objects = (struct profile_object *)((uintptr_t)p + head + stacks);
	p->random = (uintptr_t)p ^ p->uid * HASH_FACTOR;
	memset(p->bucket, 0xff, sizeof(p->bucket)); /* PROFILE_NONE */
	p->magic = PROFILE_MAGIC;
	unsigned number = publish(p);
	if (number == 0) {
		os_unmap(p, bytes);
		return fail(EMFILE, "%u pools have a profile", PROFILE_MOST);
	}
	return (int)number;
}

void
profile_delete(unsigned number)
{
	/* acquire: pairs with the publication */
	struct profile *p = load_acquire(&profiles[number - 1]);
	store_release(&profiles[number - 1], NULL);
	os_unmap(p, p->bytes);
}

struct profile *
profile_at(unsigned number)
{
	/* acquire: pairs with the publication */
	return number == 0 ? NULL : load_acquire(&profiles[number - 1]);
}

static void
begin(struct profile *p)
{
	lock_acquire(&p->lock, RANK_PROFILE);
	/* relaxed, then a fence: a reader sees it odd before any change */
	store_relaxed(&p->changes, p->changes + 1);
	__atomic_thread_fence(__ATOMIC_RELEASE);
}

static void
end(struct profile *p)
{
	/* release: even after all changes */
	store_release(&p->changes, p->changes + 1);
	lock_release(&p->lock, RANK_PROFILE);
}

bool
profile_due_slow(struct profile *p, uint64_t size)
{
	struct profile_clock *c = &profile_clock;
	if (c->busy)
		return false;
	bool known = c->uid == p->uid;
	begin(p);
	/* the distribution has no memory: a new one is as good as the rest */
	uint64_t left = profile_interval(&p->random, p->mean);
	bool due = known || size >= left;
	if (due && !known)
		left = profile_interval(&p->random, p->mean);
	else if (!due)
		left -= size;
	end(p);
	c->uid = p->uid;
	c->left = left;
	return due;
}

static uint64_t
hash_frames(void *const *frames, unsigned n)
{
	uint64_t hash = n;
	for (unsigned i = 0; i < n; i++) {
		hash = (hash ^ (uintptr_t)frames[i]) * HASH_FACTOR;
		hash ^= hash >> 32;
	}
	return hash;
}

/* find_stack -- its index, new or old, or PROFILE_NONE: full; lock held */
static uint32_t
find_stack(struct profile *p, void *const *frames, unsigned n)
{
	uint64_t hash = hash_frames(frames, n);
	uint32_t *head = &p->bucket[hash % PROFILE_STACKS];
	for (uint32_t i = *head; i != PROFILE_NONE; i = p->stacks[i].next)
		if (p->stacks[i].hash == hash && p->stacks[i].nframes == n &&
			memcmp(p->stacks[i].frame, frames,
				n * sizeof(frames[0])) == 0)
			return i;
	if (p->nstacks == PROFILE_STACKS)
		return PROFILE_NONE;
	struct profile_stack *s = &p->stacks[p->nstacks];
	s->hash = hash;
	s->nframes = n;
	memcpy(s->frame, frames, n * sizeof(frames[0]));
	s->next = *head;
	*head = p->nstacks;
	return p->nstacks++;
}

static size_t
slot_of(const struct profile *p, uintptr_t address)
{
	return (size_t)(address * HASH_FACTOR >> (64 - p->lg_objects));
}

static size_t
slot_next(const struct profile *p, size_t slot)
{
	return (slot + 1) & (((size_t)1 << p->lg_objects) - 1);
}

/* find_object -- its slot, or NULL */
static struct profile_object *
find_object(const struct profile *p, uintptr_t address)
{
	for (size_t i = slot_of(p, address);; i = slot_next(p, i)) {
		/* acquire: pairs with the release in place() */
		uintptr_t at = load_acquire(&p->objects[i].address);
		if (at == address)
			return &p->objects[i];
		if (at == 0)
			return NULL;
	}
}

/* place -- into the first slot that holds none; lock held, and there is one */
static void
place(struct profile *p, uintptr_t address, uint64_t size, uint32_t stack)
{
	size_t i = slot_of(p, address);
	while (p->objects[i].address > GONE)
		i = slot_next(p, i);
	struct profile_object *o = &p->objects[i];
	o->size = size;
	o->stack = stack;
	/* release: who finds the address finds the rest */
	store_release(&o->address, address);
	p->nobjects++;
}

/*
 * take_away -- the slot holds none any more; when it ends a row of used slots,
 * so do those before it that hold none.  Lock held.
 */
static void
take_away(struct profile *p, struct profile_object *o)
{
	size_t mask = ((size_t)1 << p->lg_objects) - 1;
	size_t i = (size_t)(o - p->objects);
	store_relaxed(&o->address, GONE);
	if (p->objects[slot_next(p, i)].address != 0)
		return;
	/* no live object lies behind them that a search could miss */
	for (; p->objects[i].address == GONE; i = (i - 1) & mask)
		store_relaxed(&p->objects[i].address, 0);
}

/* count -- a sample comes to or leaves its stack; lock held */
static void
count(struct profile *p, uint32_t stack, uint64_t size, bool comes)
{
	struct profile_stack *s = &p->stacks[stack];
	uint64_t weight = profile_weight(size, p->mean);
	if (comes) {
		s->nsamples++;
		s->nlive += weight;
		s->live_bytes += weight * size;
		s->nalloc += weight;
		s->alloc_bytes += weight * size;
	} else {
		s->nsamples--;
		s->nlive -= weight;
		s->live_bytes -= weight * size;
	}
}

/* remove_locked -- forget an object; lock held */
static void
remove_locked(struct profile *p, uintptr_t address)
{
	struct profile_object *o = find_object(p, address);
	if (o == NULL)
		return;
	count(p, o->stack, o->size, false);
	take_away(p, o);
	p->nobjects--;
}

void
profile_insert(struct profile *p, const void *object, uint64_t size,
	void *const *frames, unsigned nframes)
{
	uintptr_t address = (uintptr_t)object;
	begin(p);
	p->nsampled++;
	remove_locked(p, address);
	bool room = p->nobjects < ((size_t)3 << p->lg_objects) / 4;
	uint32_t stack = room ? find_stack(p, frames, nframes) : PROFILE_NONE;
	if (stack != PROFILE_NONE) {
		place(p, address, size, stack);
		count(p, stack, size, true);
	} else {
		p->ndropped++;
	}
	end(p);
}

void
profile_remove(struct profile *p, const void *object)
{
	if (likely(find_object(p, (uintptr_t)object) == NULL))
		return;
	begin(p);
	remove_locked(p, (uintptr_t)object);
	end(p);
}

void
profile_clear(struct profile *p)
{
	begin(p);
	size_t n = p->nobjects > 0 ? (size_t)1 << p->lg_objects : 0;
	/* a page of the table that was never written to stays so */
	for (size_t i = 0; i < n; i++)
		if (load_relaxed(&p->objects[i].address) != 0)
			store_relaxed(&p->objects[i].address, 0);
	for (uint32_t i = 0; i < p->nstacks; i++) {
		struct profile_stack *s = &p->stacks[i];
		s->nsamples = s->nlive = s->live_bytes = 0;
	}
	p->nobjects = 0;
	end(p);
}
