/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * libvmem.h -- malloc-like heaps inside explicit memory pools
 *
 * A pool is an unnamed temporary file in a directory, a whole device DAX node,
 * anonymous memory, or a region that the caller already has.  Every function
 * that can fail returns NULL, 0 or -1 as said at each one, sets errno, and
 * leaves a text that vmem_errormsg() returns.  Unless said otherwise a function
 * may be called by any number of threads at once, on the same pool or on
 * several.
 */
#ifndef LIBVMEM_H
#define LIBVMEM_H 1

#include <stddef.h>
#include <stdint.h>
#include <wchar.h>

#ifdef __cplusplus
extern "C" {
#endif

#define VMEM_MAJOR_VERSION 1
#define VMEM_MINOR_VERSION 2

/* the smallest pool, in bytes */
#ifdef __cplusplus
#define VMEM_MIN_POOL (static_cast<size_t>(1024 * 1024 * 14))
#else
#define VMEM_MIN_POOL ((size_t)(1024 * 1024 * 14))
#endif

/* for vmem_decay() */
#define VMEM_DECAY_NEVER   (-1)
#define VMEM_DECAY_DEFAULT 10000 /* ms */

/* a pool; opaque */
typedef struct vmem VMEM;

#include "libvmem_types.h"

/*
 * vmem_create -- create a pool in an unnamed temporary file or on a device
 *
 * dir     a directory (ext4, xfs, btrfs, tmpfs, hugetlbfs, any DAX mount), or
 *         a device DAX node such as /dev/dax0.0; not kept after the call
 * size    bytes, at least VMEM_MIN_POOL; rounded up to the mapping granule.
 *         The space is really reserved.  A device is taken whole.
 * Returns the pool, 4 MiB aligned; NULL with errno set.
 * Errors  EINVAL size under the minimum, dir NULL, or a character device that
 *         is no device DAX (also ENODEV); ENOENT, ENOTDIR, EACCES, EROFS,
 *         EMFILE and others of open(2); ENOSPC the space cannot be reserved;
 *         EBUSY another pool has the device;
 *         EFBIG more than a file can hold, or 16 TiB and more; ENOMEM it
 *         cannot be mapped.
 *         A failed call leaves nothing behind.
 * Threads safe.
 * Source  vmem_create(3) of libvmem 1.x.
 */
VMEM *vmem_create(const char *dir, size_t size);

/*
 * vmem_create_in_region -- create a pool in memory that the caller has
 *
 * addr    first byte, aligned to the system's page size
 * size    bytes, at least VMEM_MIN_POOL
 * Returns the pool, whose handle is `addr`; NULL with errno set.  The contents
 *         are lost, and nothing outside of the region is touched.  The first
 *         page has no access until vmem_delete(), where that can be had.
 *         The region may lie in one object of another pool, until that object
 *         is freed; any other live pool that it overlaps is lost.
 * Errors  EINVAL size under the minimum, addr NULL or not page aligned, a part
 *         of the region not mapped; ENOMEM.
 * Threads safe.
 * Source  vmem_create_in_region(3) of libvmem 1.x.
 */
VMEM *vmem_create_in_region(void *addr, size_t size);

/*
 * vmem_options_init -- set all options to what stands last at each member
 *
 * options      filled in
 * struct_size  sizeof(struct vmem_options) as the program was compiled
 * Returns 0, or -1 with errno set, and then nothing is written.
 * Errors  EINVAL options NULL, or a size that the struct never had.
 * Threads safe.
 * Source  new in 1.2.
 */
int vmem_options_init(struct vmem_options *options, size_t struct_size);

/*
 * vmem_create_opts -- create a pool of any kind of memory
 *
 * options  only read; neither it nor what it points to is kept, but `addr`
 * `size` is at least VMEM_MIN_POOL, and rounded up to pages of the memory (a
 * region's down).  With `max_size` so many addresses are taken at once, and
 * memory or disk space as it is needed; what is free goes back to the system
 * by vmem_trim() and vmem_decay().  About 70 KiB for each GiB of max_size are
 * taken at once for the pool's own data, besides.  A device is taken whole.
 * Returns the pool; NULL with errno set.  A failed call leaves nothing behind.
 *         The VMEM_OPTIONS of the environment override decay_ms, hardening,
 *         huge_pages, prefault and sparse.
 * Errors  EINVAL options that contradict each other or that there are not,
 *         nodes that the machine has not; ENOTSUP the kernel (before 5.14), or
 *         the memory, cannot grow; ENOSPC, ENOMEM not so much memory; EACCES
 *         the descriptor is not open for reading and writing; EPERM memory
 *         policies are forbidden; and those of vmem_create().
 * Threads safe.
 * Source  new in 1.2.
 */
VMEM *vmem_create_opts(const struct vmem_options *options);

/*
 * vmem_delete -- free everything in a pool at once, and the pool
 *
 * vmp     the pool; nothing happens to a handle that is no live pool except
 *         errno EINVAL and a message
 * Errors  EINVAL no live pool; ENOMEM the system does not give the access to a
 *         region's first page back: the pool lives on as it was.
 * Threads not while another thread is inside this pool.
 * Source  vmem_delete(3) of libvmem 1.x.
 */
void vmem_delete(VMEM *vmp);

/*
 * vmem_reset -- free everything in a pool at once; the pool is as new
 *
 * Costs a small part of deleting the pool and creating it again, as its space
 * is kept, also what it has grown by: vmem_trim() and vmem_decay() give that
 * back.  Name, hardening level and decay time stay, a profile goes on, and the
 * counts of objects, refused frees and searches begin anew.
 * Returns 0; -1 with errno set, and then nothing has changed.
 * Errors  EINVAL no live pool; EBUSY another process uses the pool too (fork);
 *         EDEADLK from within a vmem_walk() over it.
 * Threads safe, but no thread may use an object of before; other operations on
 *         the pool wait until it ends.
 * Source  new in 1.2.
 */
int vmem_reset(VMEM *vmp);

/*
 * vmem_walk -- call back for each live object of a pool
 *
 * callback  called with the address of an object, its usable bytes as of
 *           vmem_malloc_usable_size(), and `arg`; in the order of addresses.
 *           Other than 0 ends the walk: let it be more than 0.  It may read
 *           and write the object and use other pools; calls on this one are
 *           refused with EDEADLK.  It has to return, so let it wait for no
 *           thread that forks or begins a walk.
 * Returns what the last callback did, 0 when all have been called; -1 with
 *         errno set.
 * Errors  EINVAL no live pool or callback NULL; EBUSY another process uses the
 *         pool too (fork); EDEADLK from within a walk over it.
 * Threads safe; other operations on the pool wait until it ends, so what is
 *         seen is exact.
 * Source  new in 1.2.
 */
int vmem_walk(VMEM *vmp, int (*callback)(void *ptr, size_t usable, void *arg),
	void *arg);

/*
 * vmem_thread_flush -- give to others what the calling thread keeps in a pool
 *
 * vmp     the pool; NULL: all pools that the thread has used
 * For a thread that will be idle: free objects, slabs and pages that it keeps
 * for its next allocations go back to the pool, and from there to the system as
 * of vmem_trim() and vmem_decay().  Its objects stay as they are, and its next
 * call is a little slower.
 * Returns 0; -1 with errno set.
 * Errors  EINVAL no live pool; EDEADLK from within a vmem_walk() over it: with
 *         NULL such a pool is left as it is.
 * Threads safe.
 * Source  new in 1.2.
 */
int vmem_thread_flush(VMEM *vmp);

/*
 * vmem_pool_of -- the live pool that an address lies in
 *
 * Returns NULL when there is none; errno is kept.  Whether there is a live
 *         object at the address is not looked at.
 * Threads safe.
 * Source  new in 1.2.
 */
VMEM *vmem_pool_of(const void *ptr);

/*
 * vmem_check -- verify every invariant of a pool's metadata
 *
 * Returns 1 consistent, 0 damaged, -1 could not check (errno EINVAL: no live
 *         pool; ENOMEM: no memory for the check's own notes; EBUSY: where a
 *         forked child uses the pool too, something that may be an operation of
 *         the other process).  Never writes to the pool and ends whatever the
 *         metadata holds.
 * Threads safe; other operations on the pool wait until it ends.
 * Source  vmem_check(3) of libvmem 1.x.
 */
int vmem_check(VMEM *vmp);

/*
 * vmem_stats_print -- print the statistics of a pool
 *
 * opts    NULL or letters: g omit what never changes, m omit merged totals,
 *         a omit per-arena figures, b omit small size classes, l omit large
 *         ones, J one JSON object instead of text; others are ignored
 * The text goes to the print_func of vmem_set_funcs(), to the file that
 * VMEM_LOG_FILE names, or to standard error.
 * Errors  EINVAL no live pool; ENOMEM no memory to count in; and then nothing
 *         is printed.
 * Threads safe; other operations on the pool wait while it is read.
 * Source  vmem_stats_print(3) of libvmem 1.x; J is an addition.
 */
void vmem_stats_print(VMEM *vmp, const char *opts);

/*
 * vmem_stats_get -- the figures of a pool, for a program
 *
 * stats   filled in
 * size    sizeof(struct vmem_stats) as the program was compiled; with a newer
 *         library only so many bytes are written, with an older one the
 *         members that it does not know are 0
 * Returns 0, or -1 with errno set, and then nothing is written.
 * Errors  EINVAL no live pool, stats NULL, size 0 or no multiple of 8;
 *         ENOMEM no memory to count in.
 * Threads safe; other operations on the pool wait while it is read.
 * Source  new in 1.2.
 */
int vmem_stats_get(VMEM *vmp, struct vmem_stats *stats, size_t size);

/*
 * vmem_profile_start -- begin to sample who allocates what
 *
 * mean    of all bytes that are allocated one in so many is chosen at random,
 *         and the object that it belongs to is kept with the call stack until
 *         it is freed; 524288 costs next to nothing, 1 keeps every object
 * Returns 0, or -1 with errno set.
 * Errors  EINVAL no live pool or mean 0; EBUSY the pool has a profile; EMFILE
 *         255 pools have one; ENOMEM.
 * Threads safe; other operations on the pool wait for a moment.  Not from a
 *         signal handler and not from inside an allocation.
 * Source  new in 1.2.
 */
int vmem_profile_start(VMEM *vmp, size_t mean);

/*
 * vmem_profile_stop -- end the profile of a pool and forget its samples
 *
 * Returns 0, or -1 with errno set.
 * Errors  EINVAL no live pool; ENOENT it has no profile.
 * Threads safe; other operations on the pool wait for a moment.
 * Source  new in 1.2.
 */
int vmem_profile_stop(VMEM *vmp);

/*
 * vmem_profile_dump -- write the profile of a pool to a file
 *
 * path    a name that ends in .folded: a line a call stack with its live
 *         bytes, for flame graphs; in .txt: the live objects by call stack,
 *         most bytes first; any other: pprof's protobuf format in gzip
 * Returns 0, or -1 with errno set.
 * Errors  EINVAL no live pool or path NULL; ENOENT it has no profile; those of
 *         open(2) and write(2); ENOMEM.
 * Threads safe; other operations go on while the file is written.
 * Source  new in 1.2.
 */
int vmem_profile_dump(VMEM *vmp, const char *path);

/*
 * vmem_trim -- give back what a pool does not need
 *
 * keep    bytes of unused space that stay in the pool for later
 * The memory or the space in the file system goes back to the system, and is
 * taken again when it is needed: an allocation that finds none then fails with
 * ENOMEM.
 * Returns 1 when something was given back, 0 when there was nothing, or the
 *         pool is on a device, in a region that nobody allowed it for, or used
 *         by another process too (fork); -1 with errno set.
 * Errors  EINVAL no live pool.
 * Threads safe; other operations on the pool wait for a part of it.
 * Source  an addition, after malloc_trim(3) of glibc.
 */
int vmem_trim(VMEM *vmp, size_t keep);

/*
 * vmem_decay -- the time after which unused space is given back by itself
 *
 * ms      milliseconds; 0 at once, VMEM_DECAY_NEVER not at all
 * What was used, and not again for one to two times as long, is given back
 * little by little by the calls that allocate and free, but for those of small
 * objects that their thread has at hand.
 * Returns 0; -1 with errno set.
 * Errors  EINVAL no live pool, or ms is less than VMEM_DECAY_NEVER.
 * Threads safe.
 * Source  an addition.
 */
int vmem_decay(VMEM *vmp, int ms);

/*
 * vmem_malloc -- allocate `size` bytes
 *
 * Returns memory aligned to 16 bytes (8 when size is under 16; to the size
 *         itself when it is a power of two up to 4096); NULL with errno set.
 *         Size 0 gives a unique pointer.
 * Errors  ENOMEM no room; EINVAL no live pool.
 * Threads safe.
 * Source  vmem_malloc(3) of libvmem 1.x, malloc(3).
 */
void *vmem_malloc(VMEM *vmp, size_t size);

/*
 * vmem_free -- free an object; NULL is fine
 *
 * An object of another live pool is freed there.  What is no live object is
 * refused with a message in vmem_errormsg() and changes nothing, as far as it
 * can be told.  errno is kept.
 * Threads safe; any thread may free what any other allocated.
 * Source  vmem_free(3) of libvmem 1.x, free(3).
 */
void vmem_free(VMEM *vmp, void *ptr);

/*
 * vmem_free_sized -- free an object whose size is known; NULL is fine
 *
 * size    bytes that were asked for, or any number from there to what
 *         vmem_malloc_usable_size() says
 * As vmem_free(), which takes a few instructions less; but an object that
 * cannot have that size is refused like any other misuse: a small one when
 * `size` is more than its usable bytes, a large one (of whole pages, over
 * 32 KiB) when it does not round up to them.  At hardening level 0 `size` is
 * ignored, at level 3 it must be what was asked for.
 * Threads safe; any thread may free what any other allocated.
 * Source  an addition, after free_sized of C23.
 */
void vmem_free_sized(VMEM *vmp, void *ptr, size_t size);

/*
 * vmem_calloc -- allocate nmemb * size bytes that read as zero
 *
 * Errors  ENOMEM no room or the product overflows; EINVAL no live pool.
 * Threads safe.
 * Source  vmem_calloc(3) of libvmem 1.x, calloc(3).
 */
void *vmem_calloc(VMEM *vmp, size_t nmemb, size_t size);

/*
 * vmem_realloc -- change the size of an object, moving it where needed
 *
 * ptr     NULL: as vmem_malloc()
 * size    0 with a ptr: as vmem_free(), and NULL is returned
 * Returns the object, its contents kept up to the smaller size; NULL with
 *         errno set, and then the old object is as it was.  Making an object
 *         smaller never fails.  Aligned as by vmem_malloc(), but where what
 *         has become smaller had to stay for want of room.
 * Errors  ENOMEM no room; EINVAL no live pool or no live object.
 * Threads safe.
 * Source  vmem_realloc(3) of libvmem 1.x, realloc(3).
 */
void *vmem_realloc(VMEM *vmp, void *ptr, size_t size);

/*
 * vmem_aligned_alloc -- allocate with an alignment
 *
 * alignment  bytes, a power of two of any size; size need not be a multiple
 * Errors  EINVAL alignment is no power of two, or no live pool; ENOMEM.
 * Threads safe.
 * Source  vmem_aligned_alloc(3) of libvmem 1.x.
 */
void *vmem_aligned_alloc(VMEM *vmp, size_t alignment, size_t size);

/*
 * vmem_strdup, vmem_wcsdup -- copy a string into the pool
 *
 * Errors  ENOMEM no room; EINVAL no live pool or s is NULL.
 * Threads safe.
 * Source  vmem_malloc(3) of libvmem 1.x, strdup(3), wcsdup(3).
 */
char *vmem_strdup(VMEM *vmp, const char *s);
wchar_t *vmem_wcsdup(VMEM *vmp, const wchar_t *s);

/*
 * vmem_malloc_usable_size -- the bytes of an object that may be used
 *
 * Returns at least what was asked for; 0 for NULL and for what is no live
 *         object (errno EINVAL).
 * Threads safe.
 * Source  vmem_malloc(3) of libvmem 1.x, malloc_usable_size(3).
 */
size_t vmem_malloc_usable_size(VMEM *vmp, void *ptr);

/*
 * vmem_malloc_at_least -- allocate, and tell how much there is to use
 *
 * usable  gets the bytes that may be used, at least `size`; what
 *         vmem_malloc_usable_size() would say
 * Returns as vmem_malloc(); on failure *usable is as it was.
 * Errors  ENOMEM no room; EINVAL no live pool or usable is NULL.
 * Threads safe.
 * Source  new in 1.2.
 */
void *vmem_malloc_at_least(VMEM *vmp, size_t size, size_t *usable);

/*
 * vmem_malloc_batch -- allocate many objects of one size
 *
 * ptrs    has room for `count` pointers, and gets as many as are returned
 * Returns how many were allocated, each as by vmem_malloc(); when they are
 *         fewer than `count`, errno is set.
 * Errors  ENOMEM no room for more; EINVAL no live pool or ptrs is NULL.
 * Threads safe.
 * Source  new in 1.2.
 */
size_t vmem_malloc_batch(VMEM *vmp, size_t size, size_t count, void **ptrs);

/*
 * vmem_free_batch -- vmem_free() for each of `count` pointers
 *
 * With ptrs NULL nothing is freed; vmem_errormsg() tells where count is not 0.
 * Threads safe.
 * Source  new in 1.2.
 */
void vmem_free_batch(VMEM *vmp, void *const *ptrs, size_t count);

/*
 * vmem_move -- move an object from one pool into another
 *
 * src     a live pool; the object may be in another one, and is found there
 * ptr     the object; all of its usable bytes are kept.  In the new pool it
 *         is aligned as by vmem_malloc().
 * Returns the object's new address, or the old one when it is in `dst` already;
 *         NULL with errno set, and then it is where it was.
 * Errors  ENOMEM no room in dst; EINVAL no live pool or no live object.
 * Threads safe, if nobody uses the object.
 * Source  new in 1.2.
 */
void *vmem_move(VMEM *dst, VMEM *src, void *ptr);

/*
 * vmem_check_version -- is the library the one that the program needs?
 *
 * Pass VMEM_MAJOR_VERSION and VMEM_MINOR_VERSION.
 * Returns NULL when it is; else a text that says why not, valid as long as the
 *         process lives.  errno is kept.
 * Threads safe.
 * Source  libvmem(7) of libvmem 1.x.
 */
const char *vmem_check_version(
	unsigned major_required, unsigned minor_required);

/*
 * vmem_set_funcs -- replace what the library takes from the process
 *
 * Each slot may be NULL for the default.  Ordinary heap memory that the
 * library needs comes from the first four; the present one needs none.
 * print_func receives what is printed or logged, and has to return: no jump out
 * of it.  None of them may call back into the library.
 * Threads not while another thread is inside the library.
 * Source  vmem_set_funcs of libvmem(7) 1.x.
 */
void vmem_set_funcs(void *(*malloc_func)(size_t size),
	void (*free_func)(void *ptr),
	void *(*realloc_func)(void *ptr, size_t size),
	char *(*strdup_func)(const char *s), void (*print_func)(const char *s));

/*
 * vmem_errormsg -- the text of the last error in this thread
 *
 * Returns a text that stays until the thread's next error; empty before the
 *         first one, never NULL, not cleared by a success.
 * Threads safe; each thread has its own text.
 * Source  libvmem(7) of libvmem 1.x.
 */
const char *vmem_errormsg(void);

#ifdef __cplusplus
}
#endif

#endif /* libvmem.h */
