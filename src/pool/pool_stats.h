/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * pool_stats.h -- the figures of one pool, and their two forms
 */
#ifndef POOL_STATS_H
#define POOL_STATS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pool/pool_internal.h"

/* one size class of small objects */
struct class_stats {
	uint64_t nmalloc; /* objects ever allocated */
	uint64_t nlive;   /* objects now */
	uint64_t nslabs;  /* slabs now */
	uint64_t nnew, nreused, nfills, nflushes;
	uint32_t size;   /* bytes of a slot */
	uint32_t nslots; /* of a bin's first slabs */
	uint32_t npages;
};

struct pool_stats {
	uint64_t size;  /* bytes of the pool */
	uint64_t held;  /* bytes that have memory or disk space behind them */
	uint64_t given; /* bytes given back so far */
	uint64_t nrefused; /* times that there was no more memory to have */
	int32_t decay_ms;
	char name[POOL_NAME_SIZE]; /* "": none; every byte can be printed */
	uint64_t free;             /* bytes of free pages */
	uint64_t meta; /* bytes of fixed metadata, descriptors and heaps */
	uint64_t small_active; /* bytes of slabs that have objects */
	uint64_t small_bytes;  /* bytes of the slots of live small objects */
	uint64_t large_bytes;  /* bytes of live large objects */
	uint64_t cached;       /* bytes in run caches and empty slabs */
	uint64_t nmisuse, nlate, nreclaim;
	uint32_t nheaps, nprivate, nclasses, hardening;
	struct large_stats large[LARGE_CLASSES];
	struct class_stats cls[CLASS_MAX];
};

/* the letters of vmem_stats_print() */
struct stats_opts {
	bool constants, merged, arenas, bins, large, json;
};

/* stats_read -- fill in a zeroed struct; the pool is frozen */
void stats_read(struct pool_stats *s, const struct pool *pool);

/*
 * stats_print -- of a frozen pool, or of a copy of one at its own address;
 * opts as in the public header.  Returns 0 or -ENOMEM.
 */
int stats_print(const struct pool *pool, const char *opts);

/* one printer for both forms: collects a few lines, then log_print() */
struct printer {
	size_t n;
	char text[1024];
};

void print(struct printer *p, const char *fmt, ...) PRINTF_LIKE(2, 3);
void print_flush(struct printer *p);

void stats_text(const struct pool_stats *s, const struct stats_opts *o);
void stats_json(const struct pool_stats *s, const struct stats_opts *o);

#endif
