/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * backing.h -- where a pool's bytes come from
 *
 * Four kinds: a file (an unnamed temporary one in a directory, the caller's, or
 * one that is memory), a whole device DAX node, private memory, and memory that
 * the caller already has.  A backing keeps no file descriptor, unless it is
 * asked to: the mapping alone holds the file, and the lock of a device.  Called
 * by the pool layer only. Thread-safe for different backings; calls on one
 * backing must not overlap.
 *
 * Functions return 0 or a negative errno with the thread's message set by
 * fail(); a failed call leaves nothing behind: no file, mapping or descriptor.
 * All keep errno, and none is a cancellation point.
 */
#ifndef BACKING_BACKING_H
#define BACKING_BACKING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Bytes at the start of a backing that hold nothing, for backing_guard(): the
 * largest system page that the processor can have.
 */
#if defined(__aarch64__)
#define BACKING_GUARD_MAX ((size_t)64 << 10)
#else
#define BACKING_GUARD_MAX ((size_t)4 << 10)
#endif

enum backing_kind {
	BACKING_FILE,   /* our mapping, shared */
	BACKING_DEVICE, /* device DAX node: our mapping, shared */
	BACKING_REGION, /* the caller's memory: never unmapped by us */
	BACKING_MEMORY, /* anonymous: our mapping, private */
	BACKING_NKINDS
};

/* where to get it from */
enum backing_source {
	BACKING_AT_PATH,   /* a directory or a device DAX node */
	BACKING_AT_FD,     /* an empty file, or a device DAX node */
	BACKING_AT_REGION, /* the caller's memory */
	BACKING_NEW_MEMFD,
	BACKING_NEW_HUGETLB, /* a memfd of huge pages */
	BACKING_NEW_PRIVATE
};

/* how pages that nobody needs are given back */
enum backing_give {
	BACKING_GIVE_NEVER,  /* a device; a region that nobody allowed it for */
	BACKING_GIVE_FILE,   /* a shared mapping: MADV_REMOVE; they read as 0 */
	BACKING_GIVE_MEMORY, /* private memory: MADV_DONTNEED; they read as 0 */
	BACKING_GIVE_COPY,   /* a private mapping of a file: MADV_DONTNEED; the
				file's contents come back */
	BACKING_NGIVES
};

/* what a backing shall keep for a later fork */
enum backing_keep {
	BACKING_KEEP_NOTHING = 0,
	BACKING_KEEP_SHADOW = 1, /* for backing_go_private() */
	BACKING_KEEP_FILE = 2    /* for a twin that shares the file's blocks */
};

/* on which NUMA nodes pages are placed */
enum numa_policy {
	NUMA_DEFAULT,
	NUMA_BIND,
	NUMA_INTERLEAVE,
	NUMA_PREFERRED,
	NUMA_NPOLICIES
};

#define NUMA_NODES_MAX 1024u

struct numa {
	enum numa_policy policy;
	uint64_t nodes[NUMA_NODES_MAX / 64]; /* a bit for each */
};

/* what is wanted; a zeroed struct with `from`, `size` and what goes with it */
struct backing_want {
	enum backing_source from;
	const char *path; /* BACKING_AT_PATH; not kept */
	int fd;           /* BACKING_AT_FD; not kept, nor closed */
	void *addr;       /* BACKING_AT_REGION */
	size_t size;      /* bytes to be reserved now; not 0 */
	size_t max_size;  /* bytes of the mapping; 0: as size */
	bool sparse;      /* reserve nothing now */
	bool prefault;    /* bring into memory what is reserved */
	int huge;         /* transparent huge pages: 1 all, 0 auto, -1 none */
	bool ahead; /* read a disk's pages in advance, where that can be */
	enum backing_keep keep;
	enum backing_give give; /* of a region */
	struct numa numa;
	const char *name; /* for /proc/PID/maps, or NULL; not kept */
};

/* yes or no is a byte here: who reads a copy of it from outside may find any */
struct backing {
	char *base;     /* first byte; 4 MiB aligned unless a region */
	size_t size;    /* bytes from base that may be used */
	size_t granule; /* bytes: system page, huge page or device alignment */
	size_t unit;    /* bytes that are given back and reserved together, at
			   multiples of it; a multiple of granule */
	enum backing_kind kind;
	uint8_t zero;    /* every byte reads as zero when opened */
	size_t reserved; /* bytes from base with memory or space behind them */
	size_t most;     /* bytes that are not there at once, however few others
			    use: more than that; 0: not known */
	enum backing_give give;
	uint8_t is_own; /* copy-on-write: others do not see what it writes */
	uint8_t touch;  /* many pages are better touched by one system call,
			   which takes no memory that is not taken already */
	char *shadow;   /* the same file mapped private, no access; or NULL */
	int fd;         /* of the file, or -1; the program may have closed it */
	uint64_t ino;   /* of the file behind fd */
	uint64_t dev;
};

/*
 * backing_open -- in one of these ways
 *
 * Sizes are rounded up to the granule (a region's down to pages).  A device
 * ignores them and is taken whole.  What is wanted sparse, or larger than its
 * size, is refused with -ENOTSUP where the kernel cannot reserve pages later,
 * except that a sparse temporary file is then reserved whole.
 */
int backing_open(struct backing *ret, const struct backing_want *want);

/* backing_open_path -- a directory or a device DAX node; path is not kept */
int backing_open_path(struct backing *ret, const char *path, size_t size);

/*
 * backing_open_kept -- as backing_open_path(), for a process whose forks shall
 * not share the memory
 *
 * keep  flags; what cannot be kept is left out
 */
int backing_open_kept(struct backing *ret, const char *path, size_t size,
	enum backing_keep keep);

/*
 * backing_open_region -- memory of the caller
 *
 * addr  aligned to the system page; the caller has checked it
 * size  bytes; what is beyond the last whole page is left out
 */
int backing_open_region(struct backing *ret, void *addr, size_t size);

/*
 * numa_parse -- a list of nodes such as "0,2-3" into ret->nodes
 * Returns 0 or -EINVAL.
 */
int numa_parse(struct numa *ret, const char *list);

/*
 * backing_guard -- take away (on) or give back the access to the first system
 * page; does nothing where pages cannot be split (granule over a system page),
 * or where that is more than BACKING_GUARD_MAX.
 * Returns whether the page is now guarded; after giving back: it could not be.
 */
bool backing_guard(const struct backing *b, bool on);

/*
 * backing_reserve -- have memory or disk space behind some bytes
 * They are touched, and their pages in memory afterwards.  Returns whether
 * there was room; if not, some of the pages may have got it.  Needs Linux 5.14;
 * before, it always says no, and nothing is ever given back or opened sparse.
 */
bool backing_reserve(char *from, size_t size);

/*
 * backing_touch -- bring pages into memory that will all be written to next
 *
 * In one system call, for two thirds of what as many page faults cost.  The
 * range is widened to system pages; contents stay.  No more than a hint: where
 * it fails the pages come when they are touched.
 */
void backing_touch(char *from, size_t size);

/* backing_can_reserve -- does the kernel offer that? */
bool backing_can_reserve(const struct backing *b);

/*
 * backing_give_back -- the opposite, for whole granules
 * Returns 0 or a negative errno, without a message; then what is there is not
 * known.
 */
int backing_give_back(enum backing_give give, char *from, size_t size);

/*
 * backing_go_private -- from now on nobody else sees what is written here, at
 * the same address and with the same contents, guard page or not
 *
 * The shadow takes the place of the shared mapping in one step, so that other
 * threads may read and write meanwhile.  Returns -ENOTSUP without a shadow.
 */
int backing_go_private(struct backing *b);

/*
 * backing_blank -- private zeroes in the place of bytes that nobody uses, of a
 * backing that is private now; offset and size are of whole pages
 * Fails where the process has too many mappings.
 */
int backing_blank(const struct backing *b, size_t offset, size_t size);

/*
 * A twin is a copy of a backing's memory that a forked child takes in its
 * place: another file, or private memory.  The parent makes and fills it, then
 * forks; the child takes it, the parent drops it.
 */
struct backing_twin {
	char *memory;  /* private memory, or a mapping of the file; or NULL */
	int fd;        /* of the file, or -1 */
	uint8_t whole; /* it has all contents from the beginning */
};

/*
 * backing_twin_open -- path  a directory for the file; NULL: private memory
 * A file needs backing_twin_reserve() for all that shall have space behind it.
 * One that is not whole needs backing_twin_copy() for each piece in use; all
 * else reads as zero.
 */
int backing_twin_open(
	struct backing_twin *ret, const struct backing *b, const char *path);
int backing_twin_reserve(const struct backing_twin *twin,
	const struct backing *b, size_t offset, size_t size);
int backing_twin_copy(const struct backing_twin *twin, const struct backing *b,
	size_t offset, size_t size);

/* backing_twin_take -- in the child; the twin is used up */
int backing_twin_take(
	struct backing *b, struct backing_twin *twin, enum backing_keep keep);

/* backing_twin_drop -- in the parent, also after a failure */
void backing_twin_drop(struct backing_twin *twin, const struct backing *b);

/* backing_close -- unmap what backing_open() mapped; a region is left */
void backing_close(struct backing *b);

/*
 * backing_undo -- as backing_close(), when the pool that it was opened for has
 * failed: a file of the caller's is empty again
 */
void backing_undo(struct backing *b, const struct backing_want *want);

#endif
