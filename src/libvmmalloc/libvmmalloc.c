/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * libvmmalloc.c -- malloc and its family, onto the process's pools
 *
 * The fast paths are those of libvmem without the search for the pool.  What
 * they cannot do goes to the tiers, or to the boot arena while there are none.
 *
 * Source  POSIX.1-2017, C11 and C23 for what each function returns; glibc where
 *         they leave it open (malloc(0), realloc(p, 0)).
 */
#include "libvmmalloc.h"

#include <errno.h>
#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/arith.h"
#include "base/compiler.h"
#include "base/log.h"
#include "base/os.h"
#include "libvmmalloc/arena.h"
#include "libvmmalloc/boot.h"
#include "libvmmalloc/tiers.h"
#include "tcache/tcache.h"

/* names that this libc does not declare */
void cfree(void *ptr);
void free_sized(void *ptr, size_t size);
void free_aligned_sized(void *ptr, size_t alignment, size_t size);

/* alloc_code -- an object, or NULL and *err; keeps errno */
static NOINLINE void *
alloc_code(size_t size, size_t align, bool zero, int *err)
{
	int saved = errno;
	void *p;
	*err = ENOMEM;
	/* what the fast path has begun is no operation */
	thread_busy_end();
	if (likely(boot_ready()))
		p = tiers_alloc(size, align, zero, err);
	else
		p = arena_alloc(
			boot_is_held() ? ARENA_FORK : ARENA_EARLY, size, align);
	errno = saved;
	return p;
}

/* alloc -- everything that the fast path does not do; sets errno */
static NOINLINE void *
alloc(size_t size, size_t align, bool zero)
{
	int err;
	void *p = alloc_code(size, align, zero, &err);
	if (unlikely(p == NULL))
		errno = err;
	return p;
}

/*
 * malloc_slot -- an object of a class by its slot's size; align is for the slow
 * path, 0 for none
 */
static ALWAYS_INLINE void *
malloc_slot(size_t slot, size_t size, size_t align)
{
	if (likely(slot < tier_small_end)) {
		void *p;
		struct heap *h = thread_pinned_fast(tier_first);
		if (likely(heap_malloc_fast(h, slot, &p))) {
			thread_busy_end();
			return p;
		}
	}
	return alloc(size, align, false);
}

static ALWAYS_INLINE void *
malloc_any(size_t size)
{
	return malloc_slot(size, size, 0);
}

/* aligned_any -- at a power of two; sets errno */
static ALWAYS_INLINE void *
aligned_any(size_t alignment, size_t size)
{
	if (likely(alignment <= RUN_PAGE) && likely(size <= SLAB_LOOKUP_MAX))
		return malloc_slot(
			class_aligned_size(size, alignment), size, alignment);
	return alloc(size, alignment, false);
}

EXPORT_FAST void *
malloc(size_t size)
{
	LOG(3, "size %zu", size);
	return malloc_any(size);
}

extern void *own_malloc(size_t size) __attribute__((alias("malloc"),
	visibility("hidden"), malloc, nothrow, leaf, alloc_size(1)));

static NOINLINE void
free_slow(void *ptr)
{
	int saved = errno;
	thread_busy_end();
	if (arena_owns(ptr))
		arena_free(ptr);
	else if (ptr != NULL && likely(boot_ready()))
		tiers_free(ptr);
	else if (ptr != NULL && boot_is_held())
		boot_defer(ptr);
	errno = saved;
}

/* free_other -- after FAST_OTHER, the operation goes on */
static NOINLINE void
free_other(void *ptr, struct heap *h, struct slab *s)
{
	if (unlikely(!heap_free_other(h, s, ptr, 0)))
		free_slow(ptr);
}

static ALWAYS_INLINE void
free_any(void *ptr)
{
	struct slab *s = NULL;
	size_t idx = 0;
	struct heap *h = thread_pinned_fast(tier_first);
	enum fast_free f = heap_free_fast(h, tier_first, ptr, &s, &idx);
	if (likely(heap_free_ended(f, h, s, idx)))
		return;
	if (f == FAST_OTHER)
		free_other(ptr, h, s);
	else
		free_slow(ptr);
}

EXPORT_FAST void
free(void *ptr)
{
	LOG(3, "ptr %p", ptr);
	free_any(ptr);
}

EXPORT void
cfree(void *ptr)
{
	LOG(3, "ptr %p", ptr);
	free_any(ptr);
}

EXPORT_FAST void
free_sized(void *ptr, size_t size)
{
	LOG(3, "ptr %p size %zu", ptr, size);
	free_any(ptr);
}

EXPORT void
free_aligned_sized(void *ptr, size_t alignment, size_t size)
{
	LOG(3, "ptr %p alignment %zu size %zu", ptr, alignment, size);
	free_any(ptr);
}

EXPORT_FAST void *
calloc(size_t nmemb, size_t size)
{
	size_t bytes;
	LOG(3, "nmemb %zu size %zu", nmemb, size);
	if (__builtin_mul_overflow(nmemb, size, &bytes)) {
		errno = ENOMEM;
		return NULL;
	}
	if (bytes >= tier_small_end)
		return alloc(bytes, 0, true);
	void *p = malloc_any(bytes);
	return p == NULL ? NULL : memset(p, 0, bytes);
}

/* realloc_boot -- an object of the arena, or any in the middle of a fork */
static void *
realloc_boot(void *ptr, size_t size)
{
	size_t old =
		arena_owns(ptr) ? arena_usable(ptr) : tiers_usable_held(ptr);
	void *p = malloc_any(size);
	if (p == NULL)
		return size <= old ? ptr : NULL;
	memcpy(p, ptr, min_size(old, size));
	free_any(ptr);
	return p;
}

static void *
realloc_any(void *ptr, size_t size)
{
	int saved = errno, err = ENOMEM;
	if (ptr == NULL)
		return malloc_any(size);
	if (size == 0) {
		free_any(ptr);
		return NULL;
	}
	if (arena_owns(ptr) || !boot_ready())
		return realloc_boot(ptr, size);
	void *p = tiers_realloc(ptr, size, &err);
	errno = p == NULL ? err : saved;
	return p;
}

EXPORT void *
realloc(void *ptr, size_t size)
{
	LOG(3, "ptr %p size %zu", ptr, size);
	return realloc_any(ptr, size);
}

EXPORT void *
reallocarray(void *ptr, size_t nmemb, size_t size)
{
	size_t bytes;
	LOG(3, "ptr %p nmemb %zu size %zu", ptr, nmemb, size);
	if (__builtin_mul_overflow(nmemb, size, &bytes)) {
		errno = ENOMEM;
		return NULL;
	}
	return realloc_any(ptr, bytes);
}

/* aligned -- memalign() and aligned_alloc() */
static void *
aligned(size_t alignment, size_t size)
{
	if (!is_pow2(alignment)) {
		errno = EINVAL;
		return NULL;
	}
	return aligned_any(alignment, size);
}

EXPORT void *
memalign(size_t alignment, size_t size)
{
	LOG(3, "alignment %zu size %zu", alignment, size);
	return aligned(alignment, size);
}

EXPORT void *
aligned_alloc(size_t alignment, size_t size)
{
	LOG(3, "alignment %zu size %zu", alignment, size);
	return aligned(alignment, size);
}

EXPORT int
posix_memalign(void **memptr, size_t alignment, size_t size)
{
	int saved = errno, err;
	LOG(3, "memptr %p alignment %zu size %zu", (void *)memptr, alignment,
		size);
	if (!is_pow2(alignment) || alignment % sizeof(void *) != 0)
		return EINVAL;
	void *p = aligned_any(alignment, size);
	err = errno;
	errno = saved;
	if (unlikely(p == NULL))
		return err;
	*memptr = p;
	return 0;
}

EXPORT void *
valloc(size_t size)
{
	LOG(3, "size %zu", size);
	return alloc(size, os_page_size(), false);
}

EXPORT void *
pvalloc(size_t size)
{
	size_t page = os_page_size();
	LOG(3, "size %zu", size);
	if (size > PTRDIFF_MAX) {
		errno = ENOMEM;
		return NULL;
	}
	return alloc(align_up(max_size(size, 1), page), page, false);
}

EXPORT size_t
malloc_usable_size(void *ptr)
{
	int saved = errno, err = 0;
	size_t n = 0;
	LOG(3, "ptr %p", ptr);
	if (ptr == NULL)
		return 0;
	if (arena_owns(ptr))
		n = arena_usable(ptr);
	else if (boot_ready())
		n = tiers_usable(ptr, &err);
	else if (boot_is_held())
		n = tiers_usable_held(ptr);
	errno = saved;
	return n;
}
