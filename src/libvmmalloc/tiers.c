/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tiers.c -- the process's pools, and which of them an object goes to
 */
#include "libvmmalloc/tiers.h"

#include <errno.h>
#include <string.h>

#include "base/arith.h"
#include "base/assert.h"
#include "base/atomic.h"
#include "base/log.h"
#include "base/os.h"
#include "libvmmalloc.h"
#include "tcache/tcache.h"

/* allocations that pass a full tier by before one asks it again */
#define FULL_FOR 1024u

struct tier {
	void *handle;
	char *base;
	size_t size;
	size_t from;
	unsigned share;
	uint32_t full_for; /* atomic, relaxed: a hint */
	char name[TIER_NAME];
};

/* all but full_for set once by tiers_create() */
static struct tier tiers[TIERS_MAX];
static unsigned ntiers;
static bool by_ratio;

void *tier_first;
size_t tier_small_end;

/* owner thread: bytes that it has put into each tier, over the tier's share */
static TLS_INITIAL_EXEC uint64_t filled[TIERS_MAX];

/* create -- one tier; the last line when that fails */
static void
create(struct tier *t, const struct tier_spec *spec, enum pool_fork mode)
{
	int err = ENOMEM;
	bool anon = spec->path[0] == '\0';
	struct pool_want want;
	if (spec->err != 0)
		die("vmem pool creation failed: %s",
			strerrordesc_np(spec->err));
	pool_want_init(&want, anon ? BACKING_NEW_PRIVATE : BACKING_AT_PATH,
		spec->size, VMMALLOC_MIN_POOL);
	want.name = spec->name;
	/* with a heap for each of many threads, much memory for little work */
	want.backing.huge = -1;
	if (!anon) {
		want.backing.path = want.fork_path = spec->path;
		want.backing.sparse = true;
		want.at_fork = mode;
	}
	t->handle = pool_create(&want, &err);
	if (t->handle == NULL)
		die("vmem pool creation failed: %s", strerrordesc_np(err));
	t->base = t->handle;
	t->size = pool_size(t->handle);
	t->from = spec->from;
	t->share = spec->share;
	memcpy(t->name, spec->name, sizeof(t->name));
}

void
tiers_create(const struct tier_plan *plan, enum pool_fork mode)
{
	for (unsigned i = 0; i < plan->ntiers; i++)
		create(&tiers[i], &plan->tier[i], mode);
	ntiers = plan->ntiers;
	by_ratio = tiers[0].share != 0;
	thread_pin(tiers[0].handle);
	for (unsigned i = 0; i < ntiers; i++)
		auto_profile_begin(tiers[i].handle);
	tier_first = tiers[0].handle;
	/* the first tier ends where another begins */
	tier_small_end = SLAB_LOOKUP_MAX + 1;
	if (ntiers > 1 && tiers[1].from != 0)
		tier_small_end = min_size(tier_small_end, tiers[1].from);
	if (by_ratio)
		tier_small_end = 0;
}

/* tier_of -- the tier that an address lies in; the first when in none */
static struct tier *
tier_of(const void *p)
{
	for (unsigned i = 0; i < ntiers; i++)
		if ((uintptr_t)p - (uintptr_t)tiers[i].base < tiers[i].size)
			return &tiers[i];
	return &tiers[0];
}

/* choose -- which tier is the first to ask */
static unsigned
choose(size_t size)
{
	unsigned best = 0;
	for (unsigned i = 1; i < ntiers; i++) {
		if (by_ratio && filled[i] < filled[best])
			best = i;
		if (!by_ratio && tiers[i].from != 0 && size >= tiers[i].from)
			best = i;
	}
	return best;
}

/* is_passed_by -- a tier that was full some allocations ago */
static bool
is_passed_by(struct tier *t)
{
	uint32_t left = load_relaxed(&t->full_for);
	/* relaxed: when two threads count as one it lasts a bit longer */
	if (left != 0)
		store_relaxed(&t->full_for, left - 1);
	return left != 0;
}

/*
 * own_heap -- begin an operation in the thread's own heap of a tier; heap_inert
 * where it has none, or the tier has to be asked for another reason
 */
static struct heap *
own_heap(const struct tier *t)
{
	struct heap *h;
	if (t == tiers)
		return thread_pinned_fast(t->handle);
	return thread_heap_fast(t->handle, &h) ? h : &heap_inert;
}

/* alloc_in -- from the thread's own heap, if that can, else from the pool */
static void *
alloc_in(struct tier *t, size_t size, size_t align, bool zero, int *err)
{
	void *p = NULL;
	if (align == 0 && !zero) {
		struct heap *h = own_heap(t);
		bool found = size <= SLAB_LOOKUP_MAX
				     ? heap_malloc_fast(h, size, &p)
				     : heap_malloc_above(h, size, &p);
		if (!found)
			p = heap_alloc_any(h, size);
		thread_busy_end();
	}
	if (p == NULL)
		p = pool_alloc(t->handle, size, align,
			(struct content){.zero = zero}, err);
	if (p == NULL && ntiers > 1)
		store_relaxed(&t->full_for, FULL_FOR);
	return p;
}

void *
tiers_alloc(size_t size, size_t align, bool zero, int *err)
{
	const unsigned count = ntiers;
	if (count <= 1)
		return alloc_in(&tiers[0], size, align, zero, err);
	unsigned first = choose(size), i = first;
	bool passed[TIERS_MAX] = {false};
	void *p = NULL;
	for (unsigned n = 0; p == NULL && n < 2 * count; n++) {
		/* in the first round those that may have room, then the rest */
		i = (first + n) % count;
		if (n < count)
			passed[i] = is_passed_by(&tiers[i]);
		if (passed[i] == (n >= count))
			p = alloc_in(&tiers[i], size, align, zero, err);
	}
	if (p != NULL && tiers[i].share != 0)
		filled[i] += max_size(size, 1) * RATIO_MOST / tiers[i].share;
	return p;
}

void
tiers_free(void *p)
{
	struct tier *t = tier_of(p);
	struct heap *h = own_heap(t);
	struct slab *s = NULL;
	size_t idx = 0;
	enum fast_free f = t == tiers
				   ? FAST_SLOW
				   : heap_free_fast(h, t->handle, p, &s, &idx);
	if (heap_free_ended(f, h, s, idx))
		return;
	if (f == FAST_OTHER && heap_free_other(h, s, p, 0))
		return;
	bool done = heap_free_any(h, p, 0);
	thread_busy_end();
	if (!done)
		pool_free(t->handle, p, "free");
}

void *
tiers_realloc(void *p, size_t size, int *err)
{
	struct tier *t = tier_of(p);
	bool stays = ntiers == 1 || by_ratio || t == &tiers[choose(size)];
	if (stays) {
		void *same = heap_realloc(own_heap(t), p, size);
		thread_busy_end();
		if (same == NULL)
			same = pool_realloc(t->handle, p, size, err);
		if (same != NULL || ntiers == 1 || *err != ENOMEM)
			return same;
	}
	int why = 0;
	size_t old = pool_usable(t->handle, p, "realloc", &why);
	if (why != 0) {
		*err = why;
		return NULL;
	}
	void *fresh = tiers_alloc(size, 0, false, err);
	if (fresh == NULL)
		return size <= old ? p : NULL;
	memcpy(fresh, p, min_size(old, size));
	pool_free(t->handle, p, "realloc");
	return fresh;
}

size_t
tiers_usable(void *p, int *err)
{
	struct tier *t = tier_of(p);
	size_t n = heap_usable(own_heap(t), p);
	thread_busy_end();
	return n != 0 ? n
		      : pool_usable(t->handle, p, "malloc_usable_size", err);
}

size_t
tiers_usable_held(void *p)
{
	return pool_usable_held(tier_of(p)->handle, p);
}

void
tiers_stats_print(void)
{
	for (unsigned i = 0; i < ntiers; i++) {
		if (ntiers > 1) {
			log_print("Tier ");
			log_print(tiers[i].name);
			log_print(":\n");
		}
		(void)pool_stats_print(tiers[i].handle, NULL);
	}
}
