/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * guard.c -- tell memcheck or the address sanitizer what lives in a pool
 *
 * Memcheck is told by client requests: a few instructions that do nothing on a
 * processor.  The address sanitizer is in the process when its names are: they
 * are weak here, so that the library needs it nowhere.
 *
 * Memcheck keeps the objects of a pool under the pool's address.  When a pool
 * is deleted what lives in it becomes a leak, but its addresses may be
 * another's soon: it moves to addresses of a reserved range that nobody else
 * gets.
 *
 * Source  valgrind/memcheck.h; sanitizer/asan_interface.h and
 *         lsan_interface.h.
 */
#include "base/guard.h"

#include <sys/mman.h>

#include "base/atomic.h"
#include "base/compiler.h"
#include "base/os.h"

#if defined(__has_include)
#if __has_include(<valgrind/memcheck.h>)
#include <valgrind/memcheck.h>
#define HAVE_MEMCHECK 1
#endif
#endif
#ifndef HAVE_MEMCHECK
#define HAVE_MEMCHECK 0
#endif

bool guard_on;

/* the names of the address sanitizer that are called, where they are there */
void __asan_poison_memory_region(const volatile void *p, size_t size)
	__attribute__((weak));
void __asan_unpoison_memory_region(const volatile void *p, size_t size)
	__attribute__((weak));
void __lsan_register_root_region(const void *p, size_t size)
	__attribute__((weak));
void __lsan_unregister_root_region(const void *p, size_t size)
	__attribute__((weak));

static bool memcheck, asan; /* set once by guard_init() */

/* a pool that is left open; none leaves the list, but one may get another */
struct shared {
	const char *base; /* atomic; NULL: none */
	size_t size;
	struct shared *next; /* set once */
};

static struct shared *shared_list; /* atomic */

#if HAVE_MEMCHECK

/* is_memcheck -- another tool of valgrind knows no such request: 0 */
static bool
is_memcheck(void)
{
	static const char byte;
	return VALGRIND_MAKE_MEM_DEFINED(&byte, sizeof(byte)) != 0;
}

static void
mc_set(const void *p, size_t size)
{
	(void)VALGRIND_MAKE_MEM_DEFINED(p, size);
}

static void
mc_unset(const void *p, size_t size)
{
	(void)VALGRIND_MAKE_MEM_UNDEFINED(p, size);
}

static void
mc_close(const void *p, size_t size)
{
	(void)VALGRIND_MAKE_MEM_NOACCESS(p, size);
}

/* mc_forget -- objects that memcheck still knows at that address */
static void
mc_forget(const void *base)
{
	if (VALGRIND_MEMPOOL_EXISTS(base))
		VALGRIND_DESTROY_MEMPOOL(base);
}

static void
mc_pool(const void *base)
{
	mc_forget(base);
	VALGRIND_CREATE_MEMPOOL(base, GUARD_ZONE, 0);
}

static void
mc_rename(const void *base, const void *to)
{
	VALGRIND_MOVE_MEMPOOL(base, to);
}

/*
 * zone_open -- is what lies in front of an object open?
 *
 * Memcheck closes the zone there with each object that begins or ends, but
 * where an object begins a page metadata may end.  zone_restore() opens it
 * again.
 */
static bool
zone_open(const void *p)
{
	const char *zone = (const char *)p - GUARD_ZONE;
	unsigned char bits[GUARD_ZONE];
	return VALGRIND_GET_VBITS(zone, bits, sizeof(bits)) == 1;
}

static void
zone_restore(const void *p, bool open)
{
	if (open)
		mc_set((const char *)p - GUARD_ZONE, GUARD_ZONE);
}

static void
mc_begin(const void *base, const void *p, size_t size)
{
	bool open = zone_open(p);
	if (VALGRIND_MEMPOOL_EXISTS(base))
		VALGRIND_MEMPOOL_ALLOC(base, p, size);
	zone_restore(p, open);
}

static void
mc_end(const void *base, const void *p)
{
	bool open = zone_open(p);
	if (VALGRIND_MEMPOOL_EXISTS(base))
		VALGRIND_MEMPOOL_FREE(base, p);
	zone_restore(p, open);
}

/* mc_bad -- an object that memcheck does not know is reported, as is wanted */
static void
mc_bad(const void *base, const void *p)
{
	if (VALGRIND_MEMPOOL_EXISTS(base))
		VALGRIND_MEMPOOL_FREE(base, p);
}

static void
mc_change(const void *base, const void *p, const void *to, size_t size)
{
	if (VALGRIND_MEMPOOL_EXISTS(base))
		VALGRIND_MEMPOOL_CHANGE(base, p, to, size);
}

/*
 * mc_anchor -- memcheck looks for leaks only when some block of malloc is
 * there; a reachable one of no bytes will do
 */
static void
mc_anchor(void)
{
	static char block;
	static char *volatile anchor;
	if (anchor == NULL)
		VALGRIND_MALLOCLIKE_BLOCK(&block, 0, 0, 0);
	anchor = &block;
}

static void
mc_quiet(bool on)
{
	if (on)
		VALGRIND_DISABLE_ERROR_REPORTING;
	else
		VALGRIND_ENABLE_ERROR_REPORTING;
}

#else

static bool
is_memcheck(void)
{
	return false;
}

#define zone_open(p)            ((void)(p), false)
#define mc_set(p, size)         ((void)(p), (void)(size))
#define mc_unset(p, size)       ((void)(p), (void)(size))
#define mc_close(p, size)       ((void)(p), (void)(size))
#define mc_forget(base)         ((void)(base))
#define mc_pool(base)           ((void)(base))
#define mc_rename(base, to)     ((void)(base), (void)(to))
#define mc_anchor()             ((void)0)
#define mc_quiet(on)            ((void)(on))
#define mc_begin(base, p, size) ((void)(base), (void)(p), (void)(size))
#define mc_end(base, p)         ((void)(base), (void)(p))
#define mc_bad(base, p)         ((void)(base), (void)(p))
#define mc_change(base, p, to, size)                                           \
	((void)(base), (void)(p), (void)(to), (void)(size))

#endif

void
guard_init(bool wanted)
{
	memcheck = wanted && is_memcheck();
	asan = wanted && __asan_poison_memory_region != NULL &&
	       __asan_unpoison_memory_region != NULL;
	guard_on = memcheck || asan;
}

void *
guard_map(size_t size)
{
	void *p = os_map_sparse(size);
	if (asan && p != NULL)
		__asan_unpoison_memory_region(p, size);
	return p;
}

/* shared_at -- the shared pool that an address lies in, or NULL */
static struct shared *
shared_at(const void *p)
{
	/* acquire: pairs with the releases that put it there */
	struct shared *s = load_acquire(&shared_list);
	for (; s != NULL; s = s->next) {
		const char *base = load_acquire(&s->base);
		if (base != NULL && (size_t)((const char *)p - base) < s->size)
			return s;
	}
	return NULL;
}

/* shared_take -- one that no pool has; NULL: none, and no memory */
static struct shared *
shared_take(void)
{
	struct shared *s = load_acquire(&shared_list);
	for (; s != NULL; s = s->next) {
		const char *none = NULL;
		/* no address lies in it: its size is 0 */
		if (cas_acquire(&s->base, &none, (const char *)s))
			return s;
	}
	s = guard_map(sizeof(*s));
	if (s == NULL)
		return NULL;
	s->base = (const char *)s;
	s->next = load_relaxed(&shared_list);
	/* release: it is there before others see it */
	while (!cas_weak_release(&shared_list, &s->next, s))
		;
	return s;
}

/* shared_forget -- the pools that were there are no more */
static void
shared_forget(const void *base, size_t size)
{
	struct shared *s = load_acquire(&shared_list);
	for (; s != NULL; s = s->next) {
		const char *other = load_acquire(&s->base);
		if (other == NULL || (const char *)base >= other + s->size ||
			other >= (const char *)base + size)
			continue;
		s->size = 0;
		/* release: pairs with the acquire in shared_take() */
		store_release(&s->base, NULL);
	}
}

void
guard_pool_share(const void *base, size_t size, size_t head)
{
	if (guard_pool_is_shared(base))
		return;
	struct shared *s = shared_take();
	if (memcheck)
		mc_forget(base);
	guard_open((const char *)base + head, size - head);
	/* without memory it is closed again, piece by piece */
	if (s == NULL)
		return;
	s->size = size;
	/* release: pairs with the acquire in shared_at() */
	store_release(&s->base, base);
}

bool
guard_pool_is_shared(const void *base)
{
	return shared_at(base) != NULL;
}

void
guard_close(const void *p, size_t size)
{
	if (shared_at(p) != NULL)
		return;
	if (memcheck)
		mc_close(p, size);
	if (asan)
		__asan_poison_memory_region(p, size);
}

void
guard_open(const void *p, size_t size)
{
	if (memcheck)
		mc_set(p, size);
	if (asan)
		__asan_unpoison_memory_region(p, size);
}

void
guard_pool_begin(const void *base, size_t size, size_t first)
{
	shared_forget(base, size);
	if (memcheck)
		mc_pool(base);
	/* what only a pool's object leads to is no leak */
	if (asan && __lsan_register_root_region != NULL)
		__lsan_register_root_region(base, size);
	guard_close((const char *)base + first, size - first);
}

void
guard_pool_forget(const void *base)
{
	if (memcheck)
		mc_forget(base);
}

bool
guard_pool_page(const void *base, size_t size)
{
	if (asan)
		__asan_poison_memory_region(base, size);
	return asan;
}

void
guard_pool_end(const void *base, size_t size, bool touch)
{
	shared_forget(base, size);
	if (memcheck && touch) {
		mc_forget(base);
		mc_unset(base, size);
	}
	if (asan && touch)
		__asan_unpoison_memory_region(base, size);
	if (asan && __lsan_unregister_root_region != NULL)
		__lsan_unregister_root_region(base, size);
}

void *
guard_pool_lost(const void *base, size_t size)
{
	(void)base;
	if (!memcheck)
		return NULL;
	void *p = mmap(NULL, size, PROT_NONE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	return p == MAP_FAILED ? NULL : p;
}

void
guard_object_lost(
	const void *base, const void *place, const void *p, size_t asked)
{
	size_t off = (size_t)((const char *)p - (const char *)base);
	mc_change(base, p, (const char *)place + off, asked);
}

void
guard_pool_lost_end(const void *base, const void *place)
{
	mc_rename(base, place);
	mc_anchor();
}

/*
 * asked_at -- where the size stands that was asked for: in the object's last
 * bytes, which nobody else writes
 */
static size_t *
asked_at(void *p, size_t usable)
{
	return (size_t *)(void *)((char *)p + usable - sizeof(size_t));
}

__attribute__((no_sanitize("address"))) static void
put_asked(void *p, size_t asked, size_t usable)
{
	size_t *at = asked_at(p, usable);
	if (memcheck)
		mc_unset(at, sizeof(*at));
	*at = asked;
	if (memcheck && shared_at(at) == NULL)
		mc_close(at, sizeof(*at));
}

__attribute__((no_sanitize("address"))) size_t
guard_asked(void *p, size_t usable)
{
	size_t *at = asked_at(p, usable);
	if (memcheck)
		mc_set(at, sizeof(*at));
	size_t asked = *at;
	if (memcheck && shared_at(at) == NULL)
		mc_close(at, sizeof(*at));
	/* who writes far enough behind an object has written over it */
	return asked <= usable - GUARD_EXTRA ? asked : usable - GUARD_EXTRA;
}

void
guard_object_begin(
	const void *base, void *p, size_t asked, size_t usable, bool set)
{
	if (memcheck) {
		mc_begin(base, p, asked);
		if (set)
			mc_set(p, asked);
	}
	if (asan)
		__asan_unpoison_memory_region(p, asked);
	put_asked(p, asked, usable);
}

void
guard_object_end(const void *base, void *p, size_t usable)
{
	if (memcheck)
		mc_end(base, p);
	guard_close(p, usable);
}

void
guard_object_bad(const void *base, void *p)
{
	if (memcheck)
		mc_bad(base, p);
}

void
guard_object_resize(const void *base, void *p, size_t asked, size_t usable)
{
	size_t had = guard_asked(p, usable);
	char *end = (char *)p + asked;
	if (memcheck) {
		mc_change(base, p, p, asked);
		if (asked > had)
			mc_unset((char *)p + had, asked - had);
	}
	if (asan)
		__asan_unpoison_memory_region(p, asked);
	guard_close(end, usable - asked);
	put_asked(p, asked, usable);
}

bool
guard_is_readable(const void *p)
{
	return memcheck && zone_open((const char *)p + GUARD_ZONE);
}

void
guard_pool_live(void)
{
	if (memcheck)
		mc_anchor();
}

void
guard_hide(const void *p, size_t size)
{
	if (memcheck)
		mc_unset(p, size);
}

void
guard_quiet(bool on)
{
	if (memcheck)
		mc_quiet(on);
}
