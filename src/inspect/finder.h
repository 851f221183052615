/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * finder.h -- the copies of the library in a process, and their pools
 *
 * Every copy of the engine (libvmem, libvmmalloc, either flavour, or linked
 * statically) has its table of pools at the beginning of a page of its data,
 * behind a magic number; see pool/registry.h.
 */
#ifndef INSPECT_FINDER_H
#define INSPECT_FINDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "inspect/source.h"
#include "pool/pool_internal.h"

#define MOST_LIBRARIES 16

/* where the copies of the library have their registries; in order */
struct libraries {
	uint64_t at[MOST_LIBRARIES];
	unsigned n;
	bool other_version; /* one was found that this reader does not know */
};

int finder_libraries(struct libraries *ret, struct source *s);

/* finder_registry -- read it again; -EPROTO when it is none any more */
int finder_registry(struct source *s, uint64_t at, struct registry *ret);

/*
 * finder_records -- the pools of a registry: *ret has *ret_n records, to be
 * freed
 */
int finder_records(struct source *s, uint64_t at, struct registry *ret_registry,
	struct record **ret, size_t *ret_n);

/* what a list of pools was made of */
struct found {
	struct libraries libraries;
	struct registry registries[MOST_LIBRARIES];
	struct record *records[MOST_LIBRARIES]; /* sorted by base */
	size_t nrecords[MOST_LIBRARIES];
};

/*
 * found_record -- the record of a listed pool, as it was then, and its
 * registry; NULL: none
 */
const struct record *found_record(const struct found *found,
	const struct seen_pool *pool, const struct registry **ret_registry);

/* finder_record -- the record of one pool that is still there */
int finder_record(struct source *s, const struct libraries *libraries,
	const struct seen_pool *pool, struct registry *ret_registry,
	struct record *ret);

/* finder_header -- a pool's header, if it is that of the record's pool */
int finder_header(struct source *s, const struct record *rec, struct pool *ret);

/*
 * finder_tables -- are the size classes of that copy of the library ours?
 */
bool finder_tables(struct source *s, const struct registry *registry);

/*
 * finder_is_idle -- is nobody changing the pool, as far as its process's lists
 * tell?  false, too, of a pool that another process may use.
 */
bool finder_is_idle(struct source *s, const struct libraries *libraries,
	const struct seen_pool *pool);

/*
 * finder_threads -- how many threads know each of n pools, in counts[];
 * returns whether that could be found out
 */
bool finder_threads(struct source *s, const struct registry *registry,
	const struct record *records, size_t n, int *counts);

#endif
