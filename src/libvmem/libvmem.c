/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * libvmem.c -- the exported functions on pools and objects
 *
 * Arguments are checked here and errno is set here; all else is below.  The
 * rules of each function stand in libvmem.h.
 */
#include "libvmem.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <wchar.h>

#include "base/arith.h"
#include "base/error.h"
#include "base/log.h"
#include "base/os.h"
#include "pool/pool.h"
#include "tcache/tcache.h"

/* objects that are taken before others may stop the thread */
#define BATCH_PART ((size_t)64)

/* check_size -- is it enough for a pool?  Sets errno when not. */
static bool
check_size(size_t size)
{
	if (size >= VMEM_MIN_POOL)
		return true;
	errno = -fail(EINVAL, "size %zu smaller than %zu", size, VMEM_MIN_POOL);
	return false;
}

EXPORT VMEM *
vmem_create(const char *dir, size_t size)
{
	int saved = errno, err = 0;
	LOG(3, "dir \"%s\" size %zu", dir == NULL ? "(null)" : dir, size);
	if (!check_size(size))
		return NULL;
	if (dir == NULL) {
		errno = -fail(EINVAL, "invalid (NULL) path");
		return NULL;
	}
	struct pool_want want;
	pool_want_init(&want, BACKING_AT_PATH, size, VMEM_MIN_POOL);
	want.backing.path = dir;
	void *p = pool_create(&want, &err);
	auto_profile_begin(p);
	errno = p == NULL ? err : saved;
	return p;
}

EXPORT VMEM *
vmem_create_in_region(void *addr, size_t size)
{
	int saved = errno, err = 0;
	size_t page = os_page_size();
	LOG(3, "addr %p size %zu", addr, size);
	bool at_page = (uintptr_t)addr % page == 0;
	/* of two faults the address is told, as it always was */
	if (at_page && !check_size(size))
		return NULL;
	if (addr == NULL || !at_page) {
		/* the old text had 0x0 where printf's %p says (nil) */
		errno = -fail(EINVAL, "addr 0x%zx not aligned to pagesize %zu",
			(size_t)addr, page);
		return NULL;
	}
	if (size - 1 > UINTPTR_MAX - (uintptr_t)addr) {
		errno = -fail(EINVAL, "region at %p of %zu bytes: no memory",
			addr, size);
		return NULL;
	}
	struct pool_want want;
	pool_want_init(&want, BACKING_AT_REGION, size, VMEM_MIN_POOL);
	want.backing.addr = addr;
	void *p = pool_create(&want, &err);
	auto_profile_begin(p);
	errno = p == NULL ? err : saved;
	return p;
}

EXPORT void
vmem_delete(VMEM *vmp)
{
	int saved = errno;
	LOG(3, "vmp %p", (void *)vmp);
	auto_profile_end(vmp);
	int rc = pool_delete(vmp);
	errno = rc == 0 ? saved : -rc;
}

EXPORT int
vmem_check(VMEM *vmp)
{
	int saved = errno, err = 0;
	LOG(3, "vmp %p", (void *)vmp);
	int verdict = pool_check(vmp, &err);
	errno = err == 0 ? saved : err;
	return verdict;
}

EXPORT void
vmem_stats_print(VMEM *vmp, const char *opts)
{
	int saved = errno;
	LOG(3, "vmp %p opts \"%s\"", (void *)vmp, opts == NULL ? "" : opts);
	int rc = pool_stats_print(vmp, opts);
	errno = rc == 0 ? saved : -rc;
}

EXPORT int
vmem_trim(VMEM *vmp, size_t keep)
{
	int saved = errno;
	LOG(3, "vmp %p keep %zu", (void *)vmp, keep);
	int64_t given = pool_trim(vmp, keep);
	errno = given >= 0 ? saved : (int)-given;
	return given < 0 ? -1 : given > 0;
}

EXPORT int
vmem_decay(VMEM *vmp, int ms)
{
	int saved = errno;
	LOG(3, "vmp %p ms %d", (void *)vmp, ms);
	int rc = ms < VMEM_DECAY_NEVER ? fail(EINVAL, "decay time %d under %d",
						 ms, VMEM_DECAY_NEVER)
				       : pool_set_decay(vmp, ms);
	errno = rc == 0 ? saved : -rc;
	return rc == 0 ? 0 : -1;
}

EXPORT int
vmem_reset(VMEM *vmp)
{
	int saved = errno;
	LOG(3, "vmp %p", (void *)vmp);
	int rc = pool_reset(vmp);
	errno = rc == 0 ? saved : -rc;
	return rc == 0 ? 0 : -1;
}

EXPORT int
vmem_thread_flush(VMEM *vmp)
{
	int saved = errno;
	LOG(3, "vmp %p", (void *)vmp);
	int rc = pool_thread_flush(vmp);
	errno = rc == 0 ? saved : -rc;
	return rc == 0 ? 0 : -1;
}

/*
 * alloc_own -- from the thread's own heap; NULL: the pool has to be asked
 * The sizes over the fast path's table, and a bin's next slab, need no more.
 */
static void *
alloc_own(VMEM *vmp, size_t size)
{
	struct heap *h;
	void *p = NULL;
	if (thread_heap_fast(vmp, &h))
		p = heap_alloc_any(h, size);
	thread_busy_end();
	return p;
}

/* alloc -- everything that the fast paths do not do; any content */
static NOINLINE void *
alloc(VMEM *vmp, size_t size, size_t align)
{
	int saved = errno, err = ENOMEM;
	void *p = NULL;
	if (align <= RUN_PAGE && size <= PTRDIFF_MAX)
		p = alloc_own(vmp,
			align == 0 ? size : class_aligned_size(size, align));
	if (p == NULL)
		p = pool_alloc(vmp, size, align, (struct content){0}, &err);
	errno = p == NULL ? err : saved;
	return p;
}

/*
 * alloc_above -- as alloc(), which sizes above the fast path's are spared when
 * the thread's own heap has one at hand
 */
static NOINLINE void *
alloc_above(VMEM *vmp, size_t size, size_t align)
{
	struct heap *h;
	void *p;
	if (align == 0 && size > SLAB_LOOKUP_MAX &&
		likely(thread_heap_fast(vmp, &h)) &&
		likely(heap_malloc_above(h, size, &p))) {
		thread_busy_end();
		return p;
	}
	return alloc(vmp, size, align);
}

/*
 * at_hand -- an object from the LIFO or the current word of the thread's own
 * heap; the caller ends the operation.  False: go the slow way.
 */
static ALWAYS_INLINE bool
at_hand(VMEM *vmp, size_t slot, void **ret)
{
	struct heap *h;
	return likely(slot <= SLAB_LOOKUP_MAX) &&
	       likely(thread_heap_fast(vmp, &h)) &&
	       likely(heap_malloc_fast(h, slot, ret));
}

/* alloc_with_slow -- what the fast path below does not do */
static NOINLINE void *
alloc_with_slow(VMEM *vmp, size_t size, const void *from)
{
	int saved = errno, err = ENOMEM;
	thread_busy_end();
	struct content c = {.from = (void *)(uintptr_t)from,
		.nfrom = from == NULL ? 0 : size,
		.zero = from == NULL};
	void *p = pool_alloc(vmp, size, 0, c, &err);
	errno = p == NULL ? err : saved;
	return p;
}

/*
 * alloc_with -- an object of what lies at `from`, or of zeroes when it is NULL;
 * written before the operation is over, as struct content says why
 */
static ALWAYS_INLINE void *
alloc_with(VMEM *vmp, size_t size, const void *from)
{
	void *p;
	if (unlikely(!at_hand(vmp, size, &p)))
		return alloc_with_slow(vmp, size, from);
	if (from == NULL)
		memset(p, 0, size);
	else
		memcpy(p, from, size);
	thread_busy_end();
	return p;
}

/*
 * malloc_slot -- an object of a class by its slot's size; align is for the slow
 * path, 0 for none
 */
static ALWAYS_INLINE void *
malloc_slot(VMEM *vmp, size_t slot, size_t size, size_t align)
{
	void *p;
	if (unlikely(!at_hand(vmp, slot, &p)))
		return alloc_above(vmp, size, align);
	thread_busy_end();
	return p;
}

/* malloc_any, free_any -- vmem_malloc(), vmem_free() for our own use: the
 * exported names may have been replaced by the program */
static ALWAYS_INLINE void *
malloc_any(VMEM *vmp, size_t size)
{
	return malloc_slot(vmp, size, size, 0);
}

EXPORT_FAST void *
vmem_malloc(VMEM *vmp, size_t size)
{
	LOG(3, "vmp %p size %zu", (void *)vmp, size);
	return malloc_any(vmp, size);
}

/* take_fast -- objects that the thread's own heap has at hand; how many */
static size_t
take_fast(VMEM *vmp, size_t size, size_t count, void **ret_ptrs)
{
	struct heap *h;
	size_t n = 0;
	if (size <= SLAB_LOOKUP_MAX && thread_heap_fast(vmp, &h))
		while (n < count && heap_malloc_fast(h, size, &ret_ptrs[n]))
			n++;
	thread_busy_end();
	return n;
}

EXPORT size_t
vmem_malloc_batch(VMEM *vmp, size_t size, size_t count, void **ptrs)
{
	size_t n = 0;
	LOG(3, "vmp %p size %zu count %zu ptrs %p", (void *)vmp, size, count,
		(void *)ptrs);
	if (ptrs == NULL && count > 0) {
		errno = -fail(EINVAL, "no place for %zu objects", count);
		return 0;
	}
	while (n < count) {
		/* a part at a time: who wants the pool frozen waits for us */
		size_t part = min_size(count - n, BATCH_PART);
		n += take_fast(vmp, size, part, ptrs + n);
		if (n == count)
			break;
		ptrs[n] = alloc_above(vmp, size, 0);
		if (ptrs[n] == NULL)
			break;
		n++;
	}
	return n;
}

/*
 * free_slow -- what the fast path does not do: other heaps' and large objects,
 * which the thread's heap can free, and all else, which is the pool's
 */
static NOINLINE void
free_slow(VMEM *vmp, void *ptr, size_t size, const char *who)
{
	int saved = errno;
	struct heap *h;
	bool done = ptr == NULL ||
		    (thread_heap_fast(vmp, &h) && heap_free_any(h, ptr, size));
	thread_busy_end();
	if (!done)
		pool_free_sized(vmp, ptr, size, who);
	errno = saved;
}

/* free_other, free_other_sized -- after FAST_OTHER, the operation goes on */
static NOINLINE void
free_other(VMEM *vmp, void *ptr, struct heap *h, struct slab *s)
{
	if (unlikely(!heap_free_other(h, s, ptr, 0)))
		free_slow(vmp, ptr, 0, "vmem_free");
}

static NOINLINE void
free_other_sized(
	VMEM *vmp, void *ptr, size_t size, struct heap *h, struct slab *s)
{
	if (unlikely(!heap_free_other(h, s, ptr, size)))
		free_slow(vmp, ptr, size, "vmem_free_sized");
}

static ALWAYS_INLINE void
free_any(VMEM *vmp, void *ptr)
{
	struct heap *h;
	struct slab *s = NULL;
	size_t idx = 0;
	if (likely(thread_heap_fast(vmp, &h))) {
		enum fast_free f = heap_free_fast(h, vmp, ptr, &s, &idx);
		if (likely(heap_free_ended(f, h, s, idx)))
			return;
		if (f == FAST_OTHER) {
			free_other(vmp, ptr, h, s);
			return;
		}
	}
	free_slow(vmp, ptr, 0, "vmem_free");
}

EXPORT_FAST void
vmem_free(VMEM *vmp, void *ptr)
{
	LOG(3, "vmp %p ptr %p", (void *)vmp, ptr);
	free_any(vmp, ptr);
}

EXPORT_FAST void
vmem_free_sized(VMEM *vmp, void *ptr, size_t size)
{
	struct heap *h;
	struct slab *s = NULL;
	size_t idx = 0;
	LOG(3, "vmp %p ptr %p size %zu", (void *)vmp, ptr, size);
	if (likely(thread_heap_fast(vmp, &h))) {
		enum fast_free f =
			heap_free_fast_sized(h, vmp, ptr, size, &s, &idx);
		if (likely(heap_free_ended(f, h, s, idx)))
			return;
		if (f == FAST_OTHER) {
			free_other_sized(vmp, ptr, max_size(size, 1), h, s);
			return;
		}
	}
	/* 0 means unknown there; an object of 0 bytes is one of 1 */
	free_slow(vmp, ptr, max_size(size, 1), "vmem_free_sized");
}

EXPORT void
vmem_free_batch(VMEM *vmp, void *const *ptrs, size_t count)
{
	LOG(3, "vmp %p ptrs %p count %zu", (void *)vmp, (const void *)ptrs,
		count);
	if (ptrs == NULL && count > 0) {
		/* free is silent in errno, and tells by the text */
		(void)fail(EINVAL, "no pointers to %zu objects", count);
		return;
	}
	for (size_t i = 0; i < count; i++)
		free_any(vmp, ptrs[i]);
}

EXPORT_FAST void *
vmem_calloc(VMEM *vmp, size_t nmemb, size_t size)
{
	size_t bytes;
	LOG(3, "vmp %p nmemb %zu size %zu", (void *)vmp, nmemb, size);
	if (__builtin_mul_overflow(nmemb, size, &bytes)) {
		errno = -fail(ENOMEM, "%zu objects of %zu bytes: too much",
			nmemb, size);
		return NULL;
	}
	return alloc_with(vmp, bytes, NULL);
}

EXPORT void *
vmem_realloc(VMEM *vmp, void *ptr, size_t size)
{
	int saved = errno, err = 0;
	LOG(3, "vmp %p ptr %p size %zu", (void *)vmp, ptr, size);
	if (ptr == NULL)
		return malloc_any(vmp, size);
	if (size == 0) {
		free_any(vmp, ptr);
		return NULL;
	}
	struct heap *h;
	void *p = NULL;
	if (thread_heap_fast(vmp, &h))
		p = heap_realloc(h, ptr, size);
	thread_busy_end();
	if (p == NULL)
		p = pool_realloc(vmp, ptr, size, &err);
	errno = p == NULL ? err : saved;
	return p;
}

EXPORT void *
vmem_aligned_alloc(VMEM *vmp, size_t alignment, size_t size)
{
	LOG(3, "vmp %p alignment %zu size %zu", (void *)vmp, alignment, size);
	if (!is_pow2(alignment)) {
		errno = -fail(
			EINVAL, "alignment %zu is no power of two", alignment);
		return NULL;
	}
	if (likely(alignment <= RUN_PAGE) && likely(size <= SLAB_LOOKUP_MAX))
		return malloc_slot(vmp, class_aligned_size(size, alignment),
			size, alignment);
	return alloc(vmp, size, alignment);
}

EXPORT char *
vmem_strdup(VMEM *vmp, const char *s)
{
	LOG(3, "vmp %p s %p", (void *)vmp, (const void *)s);
	if (s == NULL) {
		errno = -fail(EINVAL, "no string to copy");
		return NULL;
	}
	return alloc_with(vmp, strlen(s) + 1, s);
}

EXPORT wchar_t *
vmem_wcsdup(VMEM *vmp, const wchar_t *s)
{
	LOG(3, "vmp %p s %p", (void *)vmp, (const void *)s);
	if (s == NULL) {
		errno = -fail(EINVAL, "no string to copy");
		return NULL;
	}
	return alloc_with(vmp, (wcslen(s) + 1) * sizeof(wchar_t), s);
}

EXPORT size_t
vmem_malloc_usable_size(VMEM *vmp, void *ptr)
{
	int saved = errno, err = 0;
	LOG(3, "vmp %p ptr %p", (void *)vmp, ptr);
	if (ptr == NULL)
		return 0;
	struct heap *h;
	size_t n = 0;
	if (thread_heap_fast(vmp, &h))
		n = heap_usable(h, ptr);
	thread_busy_end();
	if (n == 0)
		n = pool_usable(vmp, ptr, "vmem_malloc_usable_size", &err);
	errno = err == 0 ? saved : err;
	return n;
}
