/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * pool_internal.h -- what the files of this folder share
 */
#ifndef POOL_INTERNAL_H
#define POOL_INTERNAL_H

#include "base/compiler.h"
#include "base/findings.h"
#include "pool/guard_stacks.h"
#include "pool/pool.h"
#include "pool/registry.h"
#include "tcache/tcache.h"

#define POOL_SIGNATURE UINT64_C(0x314c4f4f504d4556) /* "VEMPOOL1" */
#define POOL_LAYOUT    17u /* of everything inside a pool */

/*
 * The header of a pool, RUN_HEADER_OFF behind its first byte.  Granule 0 of
 * the descriptors is its beginning, so the signature stands where a
 * descriptor says whose it is, and is nobody.
 */
struct pool {
	uint64_t signature;
	uint64_t checksum; /* of what is set once and follows from nothing */
	uint32_t layout;
	uint32_t kind; /* enum backing_kind */
	uint64_t size;
	uint64_t uid;
	uint64_t base;
	uint64_t hardening;
	uint64_t granule; /* pages that get and lose their memory together */
	char name[POOL_NAME_SIZE]; /* for outside readers; set once */
	uint64_t nmisuse;  /* refused frees; atomic, relaxed: statistics */
	uint64_t nreclaim; /* times that everything was collected; frozen */
	/* 1: a forked child uses it too, or is about to; atomic */
	uint64_t has_guests;
	struct run_space runs ALIGNED(64);
	struct heap_dir dir ALIGNED(64);
};

_Static_assert(sizeof(struct pool) <= RUN_MAP_OFF - RUN_HEADER_OFF,
	"the header's place");

static inline struct pool *
pool_at(const void *handle)
{
	return (struct pool *)((uintptr_t)handle + RUN_HEADER_OFF);
}

/*
 * pool_is_there -- is it still the pool that the registry knows of?  The
 * program may have put something else in the place of a region without
 * vmem_delete().
 */
static inline bool
pool_is_there(const struct record *rec)
{
	const struct pool *pool = pool_at(rec->backing.base);
	return !rec->overlapped && pool->signature == POOL_SIGNATURE &&
	       pool->uid == rec->uid;
}

/*
 * pool_holds -- does one live object of the record's pool hold all these bytes?
 * Then it never touches them.  Asks without a fault where the pool's memory has
 * been unmapped.
 * Locks  registry.
 */
bool pool_holds(const struct record *rec, const struct backing *b);

/*
 * pool_forget_inner -- the pools that lie in objects of the one with that
 * backing, which has none any more: their first pages are open again
 */
void pool_forget_inner(const struct backing *b);

/* pool_checksum -- what the header's checksum must be */
uint64_t pool_checksum(const struct pool *pool);

/*
 * pool_verify -- the pool of that record, which nobody is inside, or a copy of
 * it at its own address: everything that pool_check() looks at
 * Returns whether nothing was found; with *err set it could not be known.
 */
bool pool_verify(const struct record *rec, struct findings *f, int *err);

/* one operation of the calling thread in a pool */
struct visit {
	struct pool *pool;
	struct heap *heap;       /* held by this thread; NULL: none to have */
	struct profile *profile; /* of the pool's objects, or NULL */
	bool locked;             /* it is the shared heap */
	bool learned;            /* see learn_shared() */
	bool guest; /* the thread is no longer on the list of threads */
	struct thread place; /* a guest's */
};

/*
 * pool_enter -- begin an operation, with a heap to work in
 * Returns 0, or -EINVAL with a message for what is no live pool.  Waits while
 * the pool is frozen.  End it with pool_leave().
 */
int pool_enter(struct visit *v, void *handle);
void pool_leave(struct visit *v);

/* pool_object_at -- what is at p of the pool that the caller is inside */
struct object pool_object_at(const struct visit *v, void *p);

/* pool_leave_heap -- stay inside, but let others have the shared heap */
void pool_leave_heap(struct visit *v);

/*
 * pool_want_override -- VMEM_OPTIONS of the environment over what is wanted;
 * then the hardening level is a number
 */
void pool_want_override(struct pool_want *want);

/*
 * pool_freeze -- wait until no thread is inside the pool, and let none in
 * Returns 0, or -EINVAL for what is no live pool.  The caller is not inside
 * any pool.  *ret, if not NULL, is what the registry knows of it.
 */
int pool_freeze(void *handle, struct record *ret);
void pool_thaw(void *handle);

/*
 * pool_freeze_own -- the same; it is decided first what an inherited pool is to
 * this process
 */
int pool_freeze_own(void *handle, struct record *ret);

/*
 * pool_freeze_walk -- the same, to call a callback; it ends with
 * pool_thaw_walk()
 * inner   from within a walk of the calling thread
 */
int pool_freeze_walk(void *handle, bool inner, struct record *ret);
void pool_thaw_walk(void *handle);

/*
 * pool_fork_waits -- does a fork wait until no pool is frozen?  freeze.c tells
 * who may freeze one then; to enter one is open to all.
 * Locks  registry lock held.
 */
bool pool_fork_waits(void);
void pool_set_fork_waits(bool on);

/*
 * pool_walked -- before a wait for a thaw: -EDEADLK when it is a walk of this
 * thread that has frozen the pool, else 0
 */
int pool_walked(const void *handle);

/* what is asked for */
struct request {
	size_t npages;     /* 0: a small object */
	unsigned cls;      /* of a small object */
	unsigned lg_align; /* of a large one */
};

/* one allocation: what for, what heaps are asked for, and what came of it */
struct order {
	size_t asked;       /* bytes, by the caller */
	size_t size, align; /* of a heap; align 0: as malloc does */
	struct content content;
	bool clean;             /* the bytes are zero already */
	bool sampled;           /* the object is to be in the pool's profile */
	bool idle;              /* idle heaps are to be looked through first */
	struct guard_origin by; /* under the address sanitizer */
};

/* request_make -- false: no pool could hold it */
bool request_make(struct request *ret, const struct class_table *t, size_t size,
	size_t align);

/* order_align -- what its object is to be aligned to, as malloc promises it
 * where nothing was said */
size_t order_align(const struct order *o);

/* order_widen -- room for `extra` bytes more, at multiples of `least` too */
void order_widen(struct order *o, size_t least, size_t extra);

/* request_try -- an object from a heap that the caller holds, or NULL */
void *request_try(struct heap *h, const struct request *r, bool *ret_clean);

/*
 * order_start -- 0, or -EINVAL when the object that is to be moved is not live
 * order_fill -- the new object gets what it shall hold
 * Locks  the caller is inside the pool, or has frozen it.
 */
int order_start(const struct visit *v, const struct order *o);
void order_fill(
	const struct visit *v, void *handle, void *p, const struct order *o);

/* visit_free -- in the heap of the visit, or without one */
enum free_result visit_free(const struct visit *v, void *p, size_t size);

/* pool_free_inside -- free for who is inside; size 0: unknown */
enum free_result pool_free_inside(const struct visit *v, void *handle, void *p,
	size_t size, struct guard_origin by);

/*
 * pool_reclaim -- the last way to an object: stop all threads, collect what
 * nobody uses, in whatever heap it is, and try again
 * *ret stays NULL when the pool is really full.  The caller is not inside.
 * Returns 0, or an error that is not about room.
 */
int pool_reclaim(void *handle, struct order *o, void **ret);

/* pool_any_heap -- some heap of the pool, to read what all heaps have */
struct heap *pool_any_heap(struct pool *pool);

/*
 * pool_adopt -- decide what an inherited pool is to this process
 * Locks  registry lock held.
 */
void pool_adopt(struct record *rec);

/*
 * pool_is_copy -- is the pool of that record an inherited private copy, of
 * which nothing is decided yet?  Writes nothing, unlike pool_adopt().
 */
bool pool_is_copy(const struct record *rec);

/*
 * pool_fork_ready -- are the handlers there that pool_fork_init() was to
 * register?  Else tries again; returns 0, or -ENOMEM, and then a pool would be
 * at the mercy of the next fork.
 */
int pool_fork_ready(void);

/*
 * pool_twin_prepare -- before a fork, what the record asks for; does not return
 * when that fails.  Then pool_twin_parent() or pool_twin_child(), which tells
 * whether the pool is now the child's own.  pool_twin_keep() is what must be
 * kept of the backing for that.
 * stack  where the child's stack ends, or NULL when it has its parent's
 * Locks  registry lock held, and no thread is inside the pool.
 */
void pool_twin_prepare(struct record *rec, const void *stack);
void pool_twin_parent(struct record *rec);
bool pool_twin_child(struct record *rec);
enum backing_keep pool_twin_keep(enum pool_fork mode);

/*
 * What memcheck or the address sanitizer is told, while guard_on (base/guard.h)
 *
 * pool_guard_init -- find out; once
 * pool_guard_open, pool_guard_close -- there is a pool, and is no more;
 * touch: nothing else lies there
 * pool_guard_request -- what to ask a heap for instead, and who asks
 * pool_guard_begin -- an object is there that nobody else knows yet; the caller
 * is inside the pool still, or has frozen it
 * pool_guard_end -- it is about to be freed; pool_guard_end_all -- all are, and
 * nobody is inside
 * pool_guard_shrink -- the object has another length, not more than before;
 * the caller is inside
 * pool_guard_keep -- it has ended; true: it is kept, and not to be freed yet
 * pool_guard_release -- free of those that are kept what are too many, or all;
 * the caller is inside.  pool_guard_drain -- all; the caller is not
 * pool_guard_is_kept -- has what seems to be an object been freed?
 * pool_guard_shared -- does a forked child use the pool, and this process does
 * not know that yet?  The caller is inside.
 * pool_guard_share -- then it does; nobody is inside
 * pool_guard_inherit -- this process is the child
 * pool_guard_bad -- it is none, and has been freed (freed) or resized
 * pool_guard_lost -- the pool is about to be deleted, and nobody is inside
 *
 * guard_origin_here() tells who asks, before the pool is entered.
 */
void pool_guard_init(void);
void pool_guard_open(const void *base, size_t size, size_t first);
void pool_guard_close(const void *base, size_t size, bool touch);
void pool_guard_request(struct order *o);
void pool_guard_begin(struct pool *pool, void *p, const struct order *o);
void pool_guard_end(
	void *handle, void *p, size_t usable, struct guard_origin by);
void pool_guard_end_all(void *handle, struct guard_origin by);
void pool_guard_shrink(void *handle, void *p, size_t size, size_t usable);
bool pool_guard_keep(void *handle, void *p, size_t usable);
void pool_guard_release(const struct visit *v, void *handle, bool all);
void pool_guard_drain(void *handle);
bool pool_guard_is_kept(const void *handle, const void *p);
bool pool_guard_shared(const struct pool *pool);
void pool_guard_share(const struct record *rec);
void pool_guard_inherit(const struct record *rec);
void pool_guard_bad(void *handle, void *p, const char *who, bool freed);
void pool_guard_lost(void *handle);

/*
 * What a pool of HARDENING_GUARDED does besides (tcache/guarded.h)
 *
 * pool_is_guarded -- is it one?  The caller is inside it.
 * pool_guarded_alloc -- from the heap of the visit; NULL: it has no room
 * pool_guarded_begin -- an object is there that nobody else knows yet; h is
 * the heap that gave it.  Inside the pool still, or frozen.
 * pool_guarded_free -- all of a free.  Inside, with the heap of the visit.
 */
static inline bool
pool_is_guarded(const struct pool *pool)
{
	return pool->dir.hardening == HARDENING_GUARDED;
}

/*
 * pool_extra -- what threads' entries of a pool have besides (tcache/thread.h):
 * the number of its profile, and that nobody goes the fast path
 */
#define EXTRA_GUARDED 0x8000u

static inline unsigned
pool_extra(unsigned profile_number, const struct pool *pool)
{
	return profile_number | (pool_is_guarded(pool) ? EXTRA_GUARDED : 0);
}

void *pool_guarded_alloc(
	struct visit *v, const struct request *r, struct order *o);
void pool_guarded_begin(
	struct pool *pool, struct heap *h, void *p, const struct order *o);
enum free_result pool_guarded_free(const struct visit *v, void *p, size_t size);

/*
 * pool_sampled -- an object that profile_due() has chosen has been allocated,
 * and nobody else knows it yet.  The caller is not inside the pool.
 */
void pool_sampled(void *handle, void *object, size_t size);

#endif
