/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * heap.h -- what a heap and a pool's directory of heaps are
 */
#ifndef TCACHE_HEAP_H
#define TCACHE_HEAP_H

#include <stdint.h>

#include "base/compiler.h"
#include "base/lock.h"
#include "run/run.h"
#include "slab/slab.h"
#include "tcache/run_cache.h"

/* what a misuse check at the time of free is worth, for each pool */
enum hardening {
	HARDENING_NONE,    /* an object of the pool is believed */
	HARDENING_DEFAULT, /* start of a live object, not freed just before */
	HARDENING_EXACT,   /* no LIFO: every double free is seen at once */
	HARDENING_GUARDED, /* writes beside and after objects, too: guarded.h */
	HARDENING_LEVELS
};

/* the low bits of a slab's owner word: what the default level's compare skips
 */
#define OWNER_NONE  ((uint64_t)1)
#define OWNER_EXACT ((uint64_t)2)
#define OWNER_FLAGS ((uint64_t)3)

enum heap_state { HEAP_SHARED, HEAP_PRIVATE, HEAP_PARKED, HEAP_NSTATES };

struct large_stats {
	uint64_t nmalloc;
	uint64_t nfree;
	uint64_t bytes; /* live ones; of one heap it may wrap below zero */
};

struct heap_dir;

struct heap {
	/* what the fast paths read; set once, but for the level's tag... */
	char *base;             /* the pool's first byte */
	const uint16_t *lookup; /* size to bin, of the pool's table */
	uint64_t npages;        /* of the pool */
	uint64_t owner;         /* this heap with the level's bits */
	const struct class_table *table;
	struct run_space *runs;
	struct heap_dir *dir;
	/* ...and this, which malloc writes: the bin whose LIFO an object was
	 * taken out of last; never NULL */
	struct bin *last;
	struct desc *desc;  /* of the heap's own run */
	uint64_t hardening; /* enum hardening */

	uint32_t inbox ALIGNED(64); /* atomic: QUEUED slabs, by next */

	uint64_t no_word ALIGNED(64); /* always 0: what an idle bin points to */
	uint32_t state;               /* enum heap_state; admin lock */
	uint32_t id;                  /* set once */
	struct heap *next;            /* list of all heaps; admin lock */
	struct heap *next_parked;     /* list of parked heaps; admin lock */
	uint64_t nlate;     /* misuse that was found later than at the call */
	uint32_t ndeep;     /* deep LIFOs that have been used: heap_deep.h */
	uint32_t deep_next; /* of which the next is taken away, if idle */
	uint32_t nreceived; /* times that the inbox was looked into; atomic */
	uint32_t idle_seen; /* that, when others looked last; admin lock */
	uint32_t nslow;     /* slow calls: see heap_age() */
	uint32_t sweep;     /* classes whose lists are still to be swept */
	uint32_t sweep_at;  /* where that goes on: heap_sweep.h; granule */
	struct run_cache cache;
	struct large_stats large[LARGE_CLASSES];
	/*
	 * The class whose slots objects of a class were last given for want of
	 * their own, a multiple of its size; 0: none.  A hint.
	 */
	uint8_t spill[CLASS_MAX];
	/* the first; where the others begin their classes say */
	struct bin bins[] ALIGNED(64);
};

/* heap_bin_at -- the bin that begins so many bytes behind the first */
static ALWAYS_INLINE struct bin *
heap_bin_at(struct heap *h, size_t at)
{
	return (struct bin *)(void *)((char *)h->bins + at);
}

/* in the pool's header: all heaps of a pool */
struct heap_dir {
	struct lock admin;       /* RANK_ADMIN */
	struct lock shared_lock; /* RANK_SHARED */
	struct heap *shared;     /* set once; admin lock to set; atomic */
	struct heap *all;        /* admin lock */
	struct heap *parked;  /* admin lock; atomic to look if any is there */
	uint32_t nheaps;      /* admin lock */
	uint32_t nprivate;    /* private heaps; admin lock; atomic to look */
	uint32_t max_private; /* set once */
	uint32_t next_id;     /* admin lock */
	uint32_t hardening;   /* set once */
	uint32_t first_step;  /* of a bin's first slabs; set once */
	uint32_t last_step;   /* of a bin's later slabs; set once */
	uint32_t ndeep;       /* deep LIFOs of each heap; set once */
	uint32_t cache_pages; /* in a run cache, see cache_most(); set once */
	uint32_t idle_due;    /* see heap_idle.h; atomic, relaxed, all three */
	uint32_t idle_look;   /* pages in use at which heaps are looked at */
	uint32_t idle_period; /* of the decay in which they were */
	struct heap *rest; /* see dir_rest_some(); admin lock; atomic to look */
	struct heap *steal; /* parked heap to look at next; NULL: the first */
	const struct class_table *table; /* set once */
	struct run_space *runs;          /* set once */
	/* large objects freed by threads without a heap; admin lock */
	struct large_stats stray[LARGE_CLASSES];
};

#endif
