/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * run.h -- page runs: who owns which 4 KiB pages of a pool
 *
 * A run is a number of pages together that one thing owns: a slab, a large
 * object, a heap, or the descriptors themselves.  Each run has a descriptor of
 * one or more 64-byte granules inside the pool, and the page map leads from a
 * page to its descriptor.  The layers above put their own fields behind the
 * common head of a descriptor.
 *
 * Where things lie, as offsets from the pool's first byte:
 *
 *	0x0000  guard page, no access
 *	0x1000  header, 8 KiB; written by the pool layer; granule 0
 *	0x3000  page map: one u64 a page, which leads to its descriptor, or 0
 *	  ...   bitmaps (dirty, hollow, in use), summaries
 *	first   runs
 *
 * On arm64, where a system page may have 64 KiB, all but the guard page lies
 * 0xf000 higher.
 *
 * The run lock guards everything but the page map's entries of large runs that
 * somebody keeps, which are their keeper's, and reads of the page map.  All of
 * these are atomic and relaxed: a thread that frees an object has got its
 * address from the thread that allocated it, and with it all that was written
 * before.
 *
 * A page is hollow when it has no memory or disk space behind it: not yet, or
 * not any more (reserve.h, purge.h).  It must not be touched.
 *
 * Invariants: a page's used bit is set exactly when it is fixed metadata or
 * belongs to one run; the page map names the descriptor on the first page of
 * a large run, on all pages of every other run, and is 0 elsewhere; a page that
 * is not dirty reads as zero; a used page is dirty and not hollow, but for the
 * page map; where a page is not hollow, the page map is not for it and both its
 * neighbours; the pages of a granule are hollow together.  Pages that the run
 * layer itself holds while it works on them without the lock are in use by no
 * run.
 */
#ifndef RUN_RUN_H
#define RUN_RUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "backing/backing.h"
#include "base/atomic.h"
#include "base/compiler.h"
#include "base/lock.h"
#include "run/page_tree.h"
#include "run/run_check.h"
#include "run/run_copy.h"

#define RUN_LG_PAGE    12u
#define RUN_PAGE       ((size_t)1 << RUN_LG_PAGE)
#define RUN_LG_GRANULE 6u
#define RUN_GRANULE    ((size_t)1 << RUN_LG_GRANULE)
#define RUN_HEADER_OFF BACKING_GUARD_MAX         /* header, and granule 0 */
#define RUN_MAP_OFF    (RUN_HEADER_OFF + 0x2000) /* page map */
/* with the bits in front, see `bias`, whole blocks of less than 2^32 bits */
#define RUN_MAX_PAGES (UINT32_MAX - (size_t)2 * TREE_BLOCK_BITS)

/*
 * What the first word of a descriptor says.  A slab has the address of its
 * heap there, which is larger than all of these; the pool's header, which is
 * what granule 0 leads to, has a signature there.
 */
enum run_tag {
	RUN_NONE,   /* being made or torn down */
	RUN_LARGE,  /* one large object */
	RUN_CACHED, /* a large run that a heap's run cache holds */
	RUN_META,   /* granules of descriptors */
	RUN_HEAP,   /* a heap */
	RUN_NTAGS
};

/* the head that all descriptors share */
struct desc {
	uint64_t owner;   /* a run_tag, or a slab's heap; atomic, relaxed */
	char *base;       /* first byte of the run, or a slab's first slot */
	uint32_t npages;  /* pages of the run; run lock, or its keeper's */
	uint8_t ngran;    /* granules of this descriptor */
	uint8_t owned[3]; /* the upper layer's */
};

/* a list through descriptors is of granule numbers; 0 ends it */
#define RUN_NO_GRANULE 0u

/* pages that were freed and go back after a while: see decay.h; lock */
struct decay {
	/* RUN_DECAY_NEVER: not by itself; 0: at once; atomic to look */
	int32_t ms;
	uint32_t low;  /* fewest spare pages in the period that runs */
	uint32_t owed; /* pages still to be given back for the last one */
	uint32_t at;   /* bits from here on have been looked at */
	/* end of the period, in ms; 0: none runs; atomic to look */
	uint64_t until;
	uint32_t whole; /* not 0: whole blocks first */
	uint32_t nfew;  /* looks at the clock that were left out */
};

#define RUN_DECAY_NEVER   (-1)
#define RUN_DECAY_DEFAULT 10000 /* ms */

struct run_space {
	char *base;      /* the pool's first byte; set once at create */
	uint32_t npages; /* set once at create */
	uint32_t first;  /* first page behind the fixed metadata; set once */
	uint32_t bias;   /* bit of page 0 in the bitmaps; set once */
	uint32_t meta_pages; /* pages kept for descriptors at the front */
	uint32_t granule;    /* pages that are hollow together; set once */
	uint32_t is_bare;    /* opened with hollow pages; atomic, relaxed */
	uint32_t touch;      /* see run_touch(); set once at create */
	uint32_t due;        /* run_decay() has work; atomic, relaxed: a hint */
	struct lock lock;    /* RANK_RUN */
	uint32_t nfree;      /* free pages; lock; atomic to look */
	uint32_t meta_head;  /* descriptor runs with a free granule; lock */
	uint32_t nmeta;      /* descriptor runs; lock */
	uint32_t nhollow;    /* hollow pages; lock */
	uint32_t nspare;     /* free pages, dirty and not hollow; lock */
	uint32_t give;       /* enum backing_give; lock; atomic to look */
	uint32_t is_short;   /* the last reserve failed; lock; atomic to look */
	uint32_t asks;       /* run_ask(); atomic, relaxed */
	uint32_t most;       /* pages asked for at once; set once at create */
	uint32_t period;     /* of the decay, counted; atomic, relaxed */
	uint32_t dirty_end;  /* no bit from here on is dirty; lock */
	uint64_t ngiven;     /* pages given back so far; lock */
	uint64_t nrefused;   /* times that a reserve failed; lock */
	uint64_t *dirty;    /* one bit a page: may read as other than 0; lock */
	uint64_t *hollow;   /* one bit a page; lock */
	struct decay decay; /* lock */
	struct page_tree tree; /* lock */
};

/*
 * The page map's entry of a page has in its upper 48 bits where the page's
 * descriptor lies: bytes behind the header, 0 for none.  The lower 16 are a
 * note of the upper layer's, for what it would else have to wait for the
 * descriptor for; 0 in a run that it has said nothing of.
 */
#define RUN_LG_NOTE 16u

/* where descriptors can be */
#define RUN_META_REACH ((size_t)1 << (32 + RUN_LG_GRANULE))

/* run_map -- the page map of the pool that starts at base */
static inline uint64_t *
run_map(const void *base)
{
	return (uint64_t *)(uintptr_t)((uintptr_t)base + RUN_MAP_OFF);
}

/* run_map_page -- the page that has the page map's entry of a page */
static inline size_t
run_map_page(size_t page)
{
	return (RUN_MAP_OFF + page * sizeof(uint64_t)) >> RUN_LG_PAGE;
}

/*
 * run_begins -- can that be the page that a descriptor's run begins at?  Where
 * in its first page a slab's first slot lies, the layer above knows.
 */
static inline bool
run_begins(const struct run_space *rs, const struct desc *d, size_t page)
{
	size_t before =
		(uintptr_t)d->base - (uintptr_t)rs->base - page * RUN_PAGE;
	return before < (d->owner < RUN_NTAGS ? 1 : RUN_PAGE);
}

/* run_desc -- the descriptor at a granule; granule 0 is the pool's header */
static inline struct desc *
run_desc(const void *base, uint32_t granule)
{
	return (struct desc *)((uintptr_t)base + RUN_HEADER_OFF +
			       ((uintptr_t)granule << RUN_LG_GRANULE));
}

/* run_entry -- the page map's entry of a page, RUN_NO_GRANULE for none */
static inline uint64_t
run_entry(uint32_t granule, uint16_t note)
{
	return ((uint64_t)granule << RUN_LG_GRANULE) << RUN_LG_NOTE | note;
}

/* run_entry_granule -- the granule that an entry leads to, if it is well */
static inline uint32_t
run_entry_granule(uint64_t entry)
{
	return (uint32_t)(entry >> (RUN_LG_NOTE + RUN_LG_GRANULE));
}

/* run_entry_is_well -- does it lead to where a granule can begin, or nowhere?
 */
static inline bool
run_entry_is_well(uint64_t entry)
{
	return entry == run_entry(run_entry_granule(entry), (uint16_t)entry);
}

/* run_map_entry -- the entry of a page */
static ALWAYS_INLINE uint64_t
run_map_entry(const void *base, size_t page)
{
	/* relaxed: see above on the page map */
	return load_relaxed(&run_map(base)[page]);
}

/*
 * run_map_desc -- the descriptor that a page's entry leads to; for a page
 * without one that is the pool's header
 */
static ALWAYS_INLINE struct desc *
run_map_desc(const void *base, size_t page)
{
	return (struct desc *)((uintptr_t)base + RUN_HEADER_OFF +
			       (run_map_entry(base, page) >> RUN_LG_NOTE));
}

/*
 * run_map_note -- the note in a page's entry, by a load of its own: it is there
 * sooner than what would be cut out of the entry
 */
static ALWAYS_INLINE uint16_t
run_map_note(const void *base, size_t page)
{
	typedef uint16_t note MAY_ALIAS;
	_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
		"the lower half comes first");
	/* relaxed: as the entry */
	return load_relaxed((const note *)&run_map(base)[page]);
}

/* run_map_granule -- of the descriptor of a page, RUN_NO_GRANULE for none */
static inline uint32_t
run_map_granule(const void *base, size_t page)
{
	return run_entry_granule(run_map_entry(base, page));
}

/* run_granule -- the granule of a descriptor */
static inline uint32_t
run_granule(const void *base, const void *d)
{
	return (uint32_t)(((uintptr_t)d - (uintptr_t)base - RUN_HEADER_OFF) >>
			  RUN_LG_GRANULE);
}

/* run_page -- the page that an address of the pool lies in */
static inline uint32_t
run_page(const struct run_space *rs, const void *p)
{
	return (uint32_t)(((uintptr_t)p - (uintptr_t)rs->base) >> RUN_LG_PAGE);
}

/*
 * run_lookup -- the descriptor that the page map has for an address of the
 * pool (RUN_LARGE: only for addresses in the first page); NULL for none
 */
struct desc *run_lookup(const struct run_space *rs, const void *p);

/*
 * run_space_pages -- pages of the fixed metadata of a pool of `size` bytes;
 * the pool layer maps and checks that much before run_space_init()
 */
size_t run_space_pages(const void *base, size_t size);

/*
 * run_space_layout -- what the geometry of a pool must be: everything that
 * run_space_init() sets once, and nothing of the pool is touched
 */
void run_space_layout(struct run_space *rs, void *base, size_t size);

/*
 * run_space_init -- lay the page map and the bitmaps over a new pool
 *
 * zero  the pool reads as zero; else the fixed metadata is cleared first, and
 *       every page counts as dirty
 * Nobody else knows the pool yet.
 */
void run_space_init(struct run_space *rs, void *base, size_t size, bool zero);

/* what lies behind the pages of a pool */
struct run_behind {
	size_t granule;  /* bytes; a power of two, at least RUN_PAGE */
	size_t reserved; /* bytes from the beginning; the rest is hollow */
	enum backing_give give;
	bool touch;  /* see run_touch() */
	size_t most; /* bytes that cannot be reserved: more than that at once;
			0: none */
	int decay_ms;
};

/*
 * run_space_reserve -- before run_space_init(): memory behind the fixed
 * metadata, where `reserved` bytes do not reach so far
 *
 * It is the page map that is large, and its pages are reserved with the pages
 * that they tell of.  Returns whether there is room.
 */
bool run_space_reserve(
	void *base, size_t size, size_t granule, size_t reserved);

/*
 * run_space_behind -- without this call all is reserved, and stays
 * Nobody else knows the pool yet.
 */
void run_space_behind(struct run_space *rs, const struct run_behind *behind);

/*
 * run_space_give -- from now on free pages are given back like this
 * Locks  takes the run lock.
 */
void run_space_give(struct run_space *rs, enum backing_give give);

/*
 * run_space_filled -- hollow pages [page, end) have memory behind them now
 * Nobody else is inside the pool.
 */
void run_space_filled(struct run_space *rs, size_t page, size_t end);

/* run_is_bare -- was the pool opened with pages that are hollow? */
static inline bool
run_is_bare(const struct run_space *rs)
{
	/* relaxed: a hint, as the run lock is not held */
	return load_relaxed(&rs->is_bare) != 0;
}

/*
 * run_space_reset -- all runs are no more, and their pages free
 * Nobody else is inside the pool.  Takes the run lock.
 */
void run_space_reset(struct run_space *rs);

/*
 * run_step_over -- `page`, or the first one behind it that is not hollow: what
 * walks over the page map does not read what has no memory of it
 */
size_t run_step_over(const struct run_space *rs, size_t page);

/*
 * run_alloc -- npages pages together, and a descriptor for them
 *
 * ngran      granules of the descriptor, zeroed but for its head
 * tag        what the descriptor says; RUN_LARGE maps the first page only
 * lg_align   the address is a multiple of 2^lg_align bytes; at least 12
 * ret_clean  whether all bytes read as zero; may be NULL
 * Returns NULL when there is no room, or no memory for hollow pages.  First
 * fit: the lowest address; after the memory has come to its end, the lowest
 * where no page is hollow: see run_is_short().
 * Locks  takes the run lock, and lets it go while memory is reserved.
 */
struct desc *run_alloc(struct run_space *rs, size_t npages, unsigned ngran,
	enum run_tag tag, unsigned lg_align, bool *ret_clean);

/*
 * run_note -- say something of all pages of a run, but for large ones
 * Locks  none: the run is the caller's alone.
 */
void run_note(struct run_space *rs, const struct desc *d, uint16_t note);

/*
 * run_touch -- the caller will write to all pages of a run that nobody has used
 *
 * Where they have memory already, but a first touch of each waits for the
 * kernel, they are touched by one system call.
 */
void run_touch(const struct run_space *rs, const struct desc *d);

/*
 * run_is_short -- has the kernel refused memory for hollow pages? As long as it
 * has, run_alloc() gives pages that have memory, and nothing else.
 */
static inline bool
run_is_short(const struct run_space *rs)
{
	/* relaxed: a hint */
	return load_relaxed(&rs->is_short) != 0;
}

/*
 * run_ask -- whether the kernel is asked even so
 *
 * By who has looked everywhere else: one try, for no more than is needed, so
 * that a refusal costs one system call, and is always a true one.  The pool is
 * frozen.
 */
static inline void
run_ask(struct run_space *rs, bool on)
{
	/* relaxed: nobody else is inside the pool */
	store_relaxed(&rs->asks, (uint32_t)on);
}

static inline bool
run_asks(const struct run_space *rs)
{
	return load_relaxed(&rs->asks) != 0;
}

/*
 * run_lower_meta -- let the next descriptors come from the lowest free page,
 * if that lies lower than those that have room
 * Locks  takes the run lock.
 */
void run_lower_meta(struct run_space *rs);

/*
 * run_lies_high -- could this run, or the first one of descriptors, lie lower?
 * Locks  takes the run lock.
 */
bool run_lies_high(struct run_space *rs, const struct desc *d);

/*
 * run_trim_meta -- give descriptor runs back that are all free but one
 * Locks  takes the run lock.
 */
void run_trim_meta(struct run_space *rs);

/*
 * run_free -- give pages and descriptor back
 * Locks  takes the run lock.  The caller alone knows the run.
 */
void run_free(struct run_space *rs, struct desc *d);

/*
 * run_resize -- a large run of another length at the same place
 * Returns whether it could be done; making it shorter always can.  With it
 * *ret_clean says whether all added bytes read as zero.
 * Locks  takes the run lock.  The caller alone knows the run.
 */
bool run_resize(
	struct run_space *rs, struct desc *d, size_t npages, bool *ret_clean);

/*
 * run_descs_take -- up to n descriptors of one granule, for run_split()
 * They tell RUN_NONE.  Returns how many there were; a page is taken for the
 * first only.
 * Locks  takes the run lock, and may let it go meanwhile.
 */
unsigned run_descs_take(struct run_space *rs, struct desc *ret[], unsigned n);

/* run_descs_give -- the counterpart.  Takes the run lock. */
void run_descs_give(struct run_space *rs, struct desc *const d[], unsigned n);

/*
 * run_split -- a large run keeps its first npages pages; the rest is a run of
 * the same tag with the descriptor `rest` from now on
 * Locks  none.  The caller alone knows the run.
 */
void run_split(
	struct run_space *rs, struct desc *d, struct desc *rest, size_t npages);

/*
 * run_join -- the pages of the large run `next`, which begins where d ends, are
 * d's from now on, and the descriptor `next` is the caller's
 * Locks  none.  The caller alone knows both runs.
 */
void run_join(struct run_space *rs, struct desc *d, struct desc *next);

/*
 * run_next_used -- the next pages together that are in use, fixed metadata too,
 * at or after `page`
 * Returns how many, 0 at the end; *ret_first is the first.
 * Locks  nobody allocates or frees meanwhile.
 */
size_t run_next_used(
	const struct run_space *rs, size_t page, size_t *ret_first);

/* run_next_held -- as run_next_used(), of pages that are not hollow */
size_t run_next_held(
	const struct run_space *rs, size_t page, size_t *ret_first);

/*
 * run_trim -- give free pages back, all but `keep` pages of what is not hollow
 * Returns how many were given back.
 * Locks  takes the run lock, and lets it go over each system call.
 */
size_t run_trim(struct run_space *rs, size_t keep);

/*
 * run_decay -- give back some of the pages that are due
 * Callers look at rs->due first, and hold no lock.
 */
void run_decay(struct run_space *rs);

/*
 * run_tick -- for who uses pages again and again without the run lock: look at
 * the clock, and take the lock where a period is over
 */
void run_tick(struct run_space *rs);

/* run_set_decay -- another decay time.  Takes the run lock. */
void run_set_decay(struct run_space *rs, int ms);

#endif
