/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * inspect.h -- look into the pools of another process, or of a core file
 *
 * Only the command uses this layer; the libraries do not have it.  Everything
 * that is read is taken for hostile: it is compared with what it must be
 * before it is followed, and a reader never waits for the process.
 *
 * The way from the outside in: a source is opened, the pools in it are found,
 * a snapshot of one of them is taken, and figures and the map are made from
 * that.  This is the front of the layer, and has no type of the engine's; the
 * layer itself reads the engine's structs through the engine's own headers.
 *
 * Functions that return int give 0 or a negative errno, with the thread's
 * message (vmem_errormsg()) set:
 *
 *	-ESRCH   no such process, or it has ended meanwhile
 *	-EPERM   one may not read that process
 *	-ENOENT  no such pool, or none at all
 *	-EEXIST  the pool's addresses are in use in this process: run again
 *	-EAGAIN  it changed too often while it was read
 *	-EBUSY   a thread is inside the pool and cannot be made to leave it
 *	-EBADMSG the pool's header is damaged
 *	-EPROTO  what was read cannot be what it must be, or is of another
 *		 version of the library
 *
 * Not thread-safe: the command has one thread.
 */
#ifndef INSPECT_INSPECT_H
#define INSPECT_INSPECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* ---- what is looked into ---- */

struct source;

/* source_open_process, source_open_core -- end with source_close() */
int source_open_process(struct source **ret, int pid);
int source_open_core(struct source **ret, const char *path);
void source_close(struct source *s);

/* source_pid, source_program -- 0 and "" when a core file does not say */
int source_pid(const struct source *s);
const char *source_program(const struct source *s);

/* ---- the pools in it ---- */

#define POOL_ID_SIZE   24
#define POOL_PATH_SIZE 256
#define SEEN_NAME_SIZE 64
#define POOL_WHY_SIZE  120

struct seen_pool {
	/*
	 * The pool's number, which no later pool of its copy of the library
	 * gets; with "LIBRARY." before it when the process has more than one
	 * copy and it is not of the first one.
	 */
	char id[POOL_ID_SIZE];
	char path[POOL_PATH_SIZE]; /* directory, device, or name of memory */
	char why[POOL_WHY_SIZE];   /* what is wrong with it; "": nothing */
	char name[SEEN_NAME_SIZE]; /* given by the program; "": none */
	const char *kind;          /* "file", "device", "region", "memory" */
	uint64_t base, size;       /* bytes */
	uint64_t used;             /* bytes that are not free pages */
	uint64_t uid;
	unsigned library; /* from 1; order of addresses */
	int threads;      /* that know the pool; -1: not known */
	bool foreign;     /* inherited over fork(2), and shared */
	bool frozen;      /* its process has stopped it: check, statistics... */
};

struct found;

struct pool_list {
	struct seen_pool *pools; /* by library and number */
	struct found *found;     /* for snapshot_take_listed() */
	size_t npools;
	unsigned nlibraries; /* copies of the library, with or without pools */
	bool other_version;  /* one of them is of a version that is not ours */
};

/*
 * pool_list_read -- all pools of a source
 * A process without any is no error.  Free it with pool_list_free().
 */
int pool_list_read(struct pool_list *ret, struct source *s);
void pool_list_free(struct pool_list *list);

/* pool_list_find -- the pool of that id, or NULL */
const struct seen_pool *pool_list_find(
	const struct pool_list *list, const char *id);

/* ---- one pool, copied ---- */

struct snapshot;

/* how much is done for a snapshot */
enum snapshot_effort {
	SNAPSHOT_ONCE,  /* read once, leave out what does not hold */
	SNAPSHOT_EXACT, /* again and again, for one that holds as a whole */
};

/*
 * snapshot_take -- the metadata of a pool, at its own addresses
 * The process runs on meanwhile.  End with snapshot_drop(), which must come
 * before the next snapshot of the same or of an overlapping pool.
 */
int snapshot_take(struct snapshot **ret, struct source *s,
	const struct seen_pool *pool, enum snapshot_effort effort);
void snapshot_drop(struct snapshot *snap);

/*
 * snapshot_take_listed -- once, of a pool of a list that has just been read
 * The pool is not looked for again, which takes time by the number of all.
 */
int snapshot_take_listed(struct snapshot **ret, struct source *s,
	const struct pool_list *list, const struct seen_pool *pool);

/*
 * snapshot_has_place -- are the pool's addresses free in this process?  If not,
 * snapshot_take() and inspect_check() give -EEXIST.
 */
bool snapshot_has_place(const struct seen_pool *pool);

/*
 * snapshot_is_exact -- were all invariants of the pool found to hold?  Then it
 * is what the pool was at one moment.  Else *ret_torn runs are left out.
 */
bool snapshot_is_exact(const struct snapshot *snap, size_t *ret_torn);

/*
 * snapshot_is_damaged -- or is it not exact because the pool is damaged?  Then
 * each reading gave the same, with no thread inside the pool.
 */
bool snapshot_is_damaged(const struct snapshot *snap);

/* snapshot_print -- the text of vmem_stats_print(), through vmem_set_funcs() */
int snapshot_print(const struct snapshot *snap, const char *opts);

/* ---- figures ---- */

struct class_figures {
	uint32_t size;    /* bytes of an object; of large ones the most */
	bool large;       /* page runs, not slots of slabs */
	uint64_t nlive;   /* objects */
	uint64_t nmalloc; /* objects ever */
	uint64_t bytes;   /* of live objects, as rounded */
	uint64_t held;    /* bytes of pages that the class holds */
};

#define FIGURES_CLASSES 256

struct figures {
	uint64_t size, free;       /* bytes of the pool; of free pages */
	uint64_t live;             /* bytes of live objects, as rounded */
	uint64_t metadata, cached; /* bytes */
	uint64_t nmalloc, nlive;   /* objects */
	uint64_t largest_free;     /* bytes of the largest free piece */
	uint64_t nfree_pieces;
	uint64_t slack; /* free slots in slabs that have objects, bytes;
			 * those in the LIFOs of heaps are not free */
	unsigned nclasses;
	struct class_figures cls[FIGURES_CLASSES]; /* that were ever used */
};

int figures_read(struct figures *ret, const struct snapshot *snap);

/*
 * figures_outer, figures_inner -- fragmentation.  Outer: how much of the free
 * memory is not in the largest piece.  Inner: how much of the slabs in use are
 * free slots; both 0..1
 */
double figures_outer(const struct figures *f);
double figures_inner(const struct figures *f);

/* ---- the map ---- */

enum page_kind {
	PAGE_META,   /* header, page map, bitmaps, descriptors, heaps */
	PAGE_SLAB,   /* slots of one size class, some in use */
	PAGE_LARGE,  /* a large object */
	PAGE_CACHED, /* nothing lives there, and a heap keeps it for the next */
	PAGE_DIRTY,  /* free; has been used before */
	PAGE_CLEAN,  /* free; never used, or given back */
	PAGE_TORN,   /* in use, and changed while it was read */
	PAGE_KINDS
};

/* pages together that are the same thing */
struct extent {
	uint64_t page, npages;
	enum page_kind kind;
	uint32_t size;  /* PAGE_SLAB: bytes of a slot */
	uint32_t nlive; /* PAGE_SLAB: slots in use, of... */
	uint32_t nslots;
};

struct heap_map {
	struct extent *extents; /* in order; they cover the pool */
	size_t nextents;
	uint64_t npages;
	uint64_t pages[PAGE_KINDS]; /* how many of each kind */
};

int heap_map_make(struct heap_map *ret, const struct snapshot *snap);
void heap_map_free(struct heap_map *map);

/* page_kind_name -- for people and for JSON */
const char *page_kind_name(enum page_kind kind);

/* ---- the profile ---- */

/*
 * inspect_profile -- what vmem_profile_dump() writes, to a descriptor, in the
 * form that the end of `path` says; -ENOENT: the pool has no profile
 * The process runs on meanwhile.
 */
int inspect_profile(struct source *s, const struct seen_pool *pool,
	const char *path, int fd);

/* ---- the check ---- */

struct check_result {
	bool fine;
	uint64_t stopped_ns; /* how long the process was stopped */
	unsigned rounds;     /* times that threads were let run on */
};

/*
 * inspect_check -- stop the process, read the pool, let it go on, verify
 *
 * A thread that is inside the pool is let run until it is not.  A process that
 * was stopped before stays stopped.  When this process dies meanwhile the
 * other one goes on.  tell is called with each finding.
 */
int inspect_check(struct check_result *ret, struct source *s,
	const struct seen_pool *pool, void (*tell)(void *arg, const char *text),
	void *arg);

#endif
