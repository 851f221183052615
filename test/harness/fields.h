/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * fields.h -- the fields of a heap, of its bins and its slabs, and their worth
 *
 * Lists for the tests of the check, which damage each field in turn: the
 * includer says by FIELD(type, member, worth) what it wants to know of one.
 * A heap's id is a name for messages; no sweep under way is as good as one that
 * has to begin.
 */
#ifndef HARNESS_FIELDS_H
#define HARNESS_FIELDS_H

enum worth {
	MATTERS, /* every change is told from a sound pool */
	COUNTER, /* statistics that nothing can be compared with */
	HINT,    /* any value is lawful: it only tells where to look first */
	/*
	 * Some values are those of another sound pool, which nobody can tell
	 * from this one: a slot that another thread may have freed, another
	 * live object that may be in the LIFO.
	 */
	LAWFUL,
	UNUSED, /* nothing reads it */
	NWORTHS
};

/* clang-format off */
#define SLAB_FIELDS \
	FIELD(slab, owner, MATTERS), \
	FIELD(slab, base, MATTERS), \
	FIELD(slab, npages, MATTERS), \
	FIELD(slab, ngran, MATTERS), \
	FIELD(slab, state, MATTERS), \
	FIELD(slab, cls, MATTERS), \
	FIELD(slab, roff, MATTERS), \
	FIELD(slab, bin, MATTERS), \
	FIELD(slab, recip, MATTERS), \
	FIELD(slab, used, MATTERS), \
	FIELD(slab, nobj, MATTERS)

#define SLAB_LINK_FIELDS \
	FIELD(slab, next, MATTERS), \
	FIELD(slab, prev, MATTERS)

#define BIN_FIELDS \
	FIELD(bin, nmalloc, LAWFUL), \
	FIELD(bin, top, LAWFUL), \
	FIELD(bin, none, MATTERS), \
	FIELD(bin, size, MATTERS), \
	FIELD(bin, full, MATTERS), \
	FIELD(bin, cls, MATTERS), \
	FIELD(bin, avail, MATTERS), \
	FIELD(bin, nslabs, MATTERS), \
	FIELD(bin, taken, MATTERS), \
	FIELD(bin, nempty, MATTERS), \
	FIELD(bin, avail_tail, MATTERS), \
	FIELD(bin, nfills, COUNTER), \
	FIELD(bin, slab, MATTERS), \
	FIELD(bin, cur, MATTERS), \
	FIELD(bin, nflushes, COUNTER), \
	FIELD(bin, nnew, COUNTER), \
	FIELD(bin, nreused, COUNTER), \
	FIELD(bin, deep, MATTERS), \
	FIELD(bin, ndeep, MATTERS), \
	FIELD(bin, fill, HINT), \
	FIELD(bin, nspilled, HINT)

#define HEAP_FIELDS \
	FIELD(heap, base, MATTERS), \
	FIELD(heap, lookup, MATTERS), \
	FIELD(heap, npages, MATTERS), \
	FIELD(heap, owner, MATTERS), \
	FIELD(heap, table, MATTERS), \
	FIELD(heap, runs, MATTERS), \
	FIELD(heap, dir, MATTERS), \
	FIELD(heap, last, LAWFUL), \
	FIELD(heap, desc, MATTERS), \
	FIELD(heap, hardening, MATTERS), \
	FIELD(heap, inbox, MATTERS), \
	FIELD(heap, no_word, MATTERS), \
	FIELD(heap, state, MATTERS), \
	FIELD(heap, id, HINT), \
	FIELD(heap, next, MATTERS), \
	FIELD(heap, ndeep, MATTERS), \
	FIELD(heap, deep_next, MATTERS), \
	FIELD(heap, sweep, LAWFUL), \
	FIELD(heap, sweep_at, MATTERS), \
	FIELD(heap, nslow, COUNTER), \
	FIELD(heap, cache.npages, MATTERS), \
	FIELD(heap, cache.nruns, MATTERS), \
	FIELD(heap, cache.oldest, MATTERS), \
	FIELD(heap, cache.newest, MATTERS), \
	FIELD(heap, cache.has, MATTERS), \
	FIELD(heap, cache.head[9], MATTERS), \
	FIELD(heap, cache.head[77], MATTERS), \
	FIELD(heap, cache.spare, MATTERS), \
	FIELD(heap, cache.nspare, MATTERS), \
	FIELD(heap, nlate, COUNTER)

#define DIR_FIELDS \
	FIELD(heap_dir, admin.word, MATTERS), \
	FIELD(heap_dir, shared_lock.word, MATTERS), \
	FIELD(heap_dir, shared, MATTERS), \
	FIELD(heap_dir, all, MATTERS), \
	FIELD(heap_dir, parked, MATTERS), \
	FIELD(heap_dir, nheaps, MATTERS), \
	FIELD(heap_dir, nprivate, MATTERS), \
	FIELD(heap_dir, max_private, MATTERS), \
	FIELD(heap_dir, next_id, COUNTER), \
	FIELD(heap_dir, rest, LAWFUL), \
	FIELD(heap_dir, steal, LAWFUL), \
	FIELD(heap_dir, hardening, MATTERS), \
	FIELD(heap_dir, first_step, MATTERS), \
	FIELD(heap_dir, last_step, MATTERS), \
	FIELD(heap_dir, ndeep, MATTERS), \
	FIELD(heap_dir, cache_pages, MATTERS), \
	FIELD(heap_dir, table, MATTERS), \
	FIELD(heap_dir, runs, MATTERS)

#define CACHED_RUN_FIELDS \
	FIELD(large_run, next, MATTERS), \
	FIELD(large_run, prev, MATTERS), \
	FIELD(large_run, older, MATTERS), \
	FIELD(large_run, newer, MATTERS), \
	FIELD(large_run, chained, MATTERS)

#define SPARE_DESC_FIELDS \
	FIELD(large_run, head.owner, MATTERS), \
	FIELD(large_run, head.ngran, MATTERS), \
	FIELD(large_run, next, MATTERS)

/* clang-format on */

#endif
