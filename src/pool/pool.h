/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * pool.h -- one pool: its life, its objects, its check and statistics
 *
 * The handle of a pool is its first byte.  All functions take handles that may
 * be anything: what is no live pool is refused with -EINVAL or NULL before its
 * memory is touched.  Functions that return int give 0 or a negative errno;
 * those that return an object set *err to an errno instead.  The thread's
 * message is set by then.
 *
 * Thread-safe, except that a pool must not be deleted while another thread is
 * inside it.
 */
#ifndef POOL_POOL_H
#define POOL_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "backing/backing.h"

/* what becomes of a pool at fork(2) */
enum pool_fork {
	POOL_FORK_SHARE, /* as the mapping is: the child is a guest in a file */
	POOL_FORK_PRIVATE, /* copy-on-write from the first fork on, both sides
			    */
	POOL_FORK_COPY,    /* the child gets a file of its own */
	POOL_FORK_COPY_OR_PRIVATE, /* the first that can be had */
	POOL_FORK_MODES
};

/* pool_init -- once, before any other; registers nothing with libc */
void pool_init(void);

/*
 * pool_fork_init -- have pool_fork_prepare(), pool_fork_parent() and
 * pool_fork_child() called at each fork(2); when that cannot be, pool_create()
 * tries again, and says so
 *
 * pool_fork_prepare -- stop everybody in all pools, before a fork; then, by the
 * same thread, pool_fork_parent() and in the child pool_fork_child()
 *
 * pool_fork_prepare_on -- the same for a child with a stack of its own, which
 * ends before that address
 */
void pool_fork_init(void);
void pool_fork_prepare(void);
void pool_fork_prepare_on(const void *stack);
void pool_fork_parent(void);
void pool_fork_child(void);

#define POOL_HARDENING_DEFAULT (-1)
#define POOL_NAME_SIZE         64u /* with the zero byte at its end */

/* what is wanted; begin with pool_want_init() */
struct pool_want {
	struct backing_want backing;
	size_t least;     /* bytes that the memory must have at least */
	int hardening;    /* level, or POOL_HARDENING_DEFAULT */
	int decay_ms;     /* as in run.h */
	const char *name; /* shorter than POOL_NAME_SIZE, or NULL; not kept */
	/*
	 * What a fork shall do; when that fails at a fork, the process ends
	 * with a message.  fork_path is absolute, and stays valid.
	 */
	enum pool_fork at_fork;
	const char *fork_path;
};

void pool_want_init(struct pool_want *want, enum backing_source from,
	size_t size, size_t least);

/*
 * pool_create -- make a pool; VMEM_OPTIONS may change what is wanted
 * The sizes are at least the minimum, and the address is aligned.
 */
void *pool_create(const struct pool_want *asked, int *err);

/*
 * pool_trim -- give back what is not needed, all but `keep` bytes of it
 * Returns the bytes that were given back, or -EINVAL.
 */
int64_t pool_trim(void *handle, size_t keep);

/* pool_set_decay -- another decay time; 0 or -EINVAL */
int pool_set_decay(void *handle, int ms);

/*
 * pool_delete -- free everything and forget the pool
 * Returns 0, -EINVAL, or -ENOMEM: the first page of a region cannot be opened,
 * and nothing has changed.
 */
int pool_delete(void *handle);

/*
 * pool_reset -- free everything; the pool is as new, but keeps its space
 * Returns 0, -EINVAL, or -EBUSY: another process uses it too.
 */
int pool_reset(void *handle);

/*
 * pool_walk -- call back for each live object, by address, until it returns
 * other than 0; *ret is what the last call did, 0 when there was none
 * Returns 0, -EINVAL, or -EBUSY: another process uses it too.
 */
typedef int pool_visitor(void *p, size_t usable, void *arg);
int pool_walk(void *handle, pool_visitor *visit, void *arg, int *ret);

/*
 * pool_thread_flush -- give to others what the calling thread keeps in a pool,
 * or (NULL) in all
 */
int pool_thread_flush(void *handle);

/* pool_owner -- the live pool that an address lies in, or NULL */
void *pool_owner(const void *p);

/*
 * What a new object holds: zeros, the first bytes of what is elsewhere, or (all
 * members 0) anything.  It is written before the pool can be reset: the memory
 * may be a heap at once afterwards.
 */
struct content {
	void *from;
	size_t nfrom; /* bytes; at most the object's size */
	bool moved;   /* `from` is a live object of that pool, and is freed */
	bool zero;
};

/* pool_alloc -- size bytes at a multiple of align (0: as malloc) */
void *pool_alloc(
	void *handle, size_t size, size_t align, struct content c, int *err);

/* pool_free -- an object of this or of another live pool; `who` for messages */
void pool_free(void *handle, void *p, const char *who);

/* pool_free_sized -- the same; size as heap_free_sized() has it */
void pool_free_sized(void *handle, void *p, size_t size, const char *who);

/* pool_realloc -- p is not NULL, size not 0 */
void *pool_realloc(void *handle, void *p, size_t size, int *err);

/*
 * pool_usable -- 0 and *err when p is no live object; p is not NULL
 * `who` is the function that the message names.
 */
size_t pool_usable(void *handle, void *p, const char *who, int *err);

/*
 * pool_usable_held -- as pool_usable(), for the thread whose fork is under way:
 * nobody is inside any pool, and nobody can come in
 */
size_t pool_usable_held(void *handle, void *p);

/* pool_size -- bytes of a live pool of one's own */
size_t pool_size(void *handle);

/*
 * pool_profile_start -- sample the objects that are allocated from now on
 * mean      bytes between two samples; 1: every object
 * may_load  a library may be loaded; -ENOTSUP where it is needed and may not
 */
int pool_profile_start(void *handle, size_t mean, bool may_load);

/* pool_profile_stop -- end it and forget the samples */
int pool_profile_stop(void *handle);

/*
 * pool_profile_next -- the pool with a profile at the next address above
 * `after` (NULL: the first), or NULL at the end
 */
void *pool_profile_next(const void *after);

/*
 * Profiles that the environment asks for: VARIABLE=MEAN[:FILE] begins one of
 * every pool.  When the pool is deleted, or the process ends before that, what
 * is live in it is written to FILE, in whose name %p is the process and %n
 * counts the files.  When one cannot be begun or written the program goes on as
 * if it had not been asked for.
 *
 * auto_profile_init -- read the variable; once
 * auto_profile_begin -- of a new pool, or NULL
 * auto_profile_end -- the pool is about to be deleted
 * auto_profile_exit -- the process ends
 */
void auto_profile_init(const char *variable, bool may_load);
void auto_profile_begin(void *handle);
void auto_profile_end(void *handle);
void auto_profile_exit(void);

/* pool_profile_dump -- write it to a file, in the form that its name ends in */
int pool_profile_dump(void *handle, const char *path);

/*
 * pool_guard_exit -- the process ends: what is lost in pools are leaks
 * Returns 0, or the status that the process shall end with because of them.
 */
int pool_guard_exit(void);

/* pool_check -- 1 consistent, 0 damaged, -1 could not check (*err) */
int pool_check(void *handle, int *err);

/* the figures of a pool that are no tables; bytes unless said otherwise */
struct pool_totals {
	uint64_t mapped, free, kept, metadata, size, given;
	struct {
		uint64_t bytes;          /* of live objects */
		uint64_t active;         /* of the pages that they lie in */
		uint64_t nmalloc, nfree; /* objects */
	} small, large;
	uint64_t nheaps, nthreads, nrefused, nreclaim, hardening;
	uint64_t nshort; /* times that there was no more memory to have */
};

/* pool_totals -- read them, while nobody is inside the pool */
int pool_totals(void *handle, struct pool_totals *ret);

/* pool_stats_print -- through log_print(); opts as in the public header */
int pool_stats_print(void *handle, const char *opts);

#endif
