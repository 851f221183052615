/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * store.h -- keys in ordinary memory, values in a pool
 *
 * What is looked at for every request is small: the table, the keys, the order
 * of use.  It lies in DRAM.  What takes the room is the values, and they lie in
 * a memory pool: on a CXL or NVDIMM file system, on flash, on a device.  Each
 *is written once and read front to back, which such memory does well.
 *
 *	table          item                     item
 *	+-----+        +--------------+         +--------------+
 *	|  *--+------->| next       *-+-------->| next         |    DRAM
 *	+-----+        | newer older  |<------->| newer older  |
 *	|     |        | key          |         | key          |
 *	+-----+        | value *      |         | value *      |
 *	               +-------|------+         +-------|------+
 *	                +------v------+   +-------------v-----------+
 *	                | bytes       |   | bytes                   |  pool
 *	                +-------------+   +-------------------------+
 *
 * When the pool has no room for a value, the items that were not used for
 * longest are dropped until it has.
 *
 * Not thread-safe: one thread owns the store.
 */
#ifndef CACHE_STORE_H
#define CACHE_STORE_H

#include <libvmem.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STORE_KEY_MAX ((size_t)250)

struct key {
	const char *text; /* no 0 at its end */
	size_t size;      /* 1 to STORE_KEY_MAX */
};

struct item {
	struct item *next;  /* of the same place of the table */
	struct item *newer; /* used after this one */
	struct item *older; /* used before this one */
	uint64_t hash;      /* of the key */
	uint64_t unique;    /* another one after every change */
	int64_t deadline;   /* on the store's clock; 0: lives on */
	uint32_t flags;     /* the client's, of no meaning to us */
	uint32_t size;      /* of the value, bytes */
	char *value;        /* in the pool; NULL when it has no bytes */
	size_t key_size;
	char key[];
};

struct store {
	VMEM *pool;
	uint64_t secret[2]; /* of the hash */
	struct item **table;
	size_t nplaces; /* of the table, a power of two */
	struct item *newest;
	struct item *oldest;
	size_t sweep;     /* the place where store_sweep() goes on */
	uint64_t unique;  /* the last one given */
	int64_t now;      /* the clock: seconds since the start, from 1 */
	int64_t epoch;    /* wall clock time of the clock's 0 */
	int64_t flush_at; /* drop everything then; 0: no such plan */

	size_t nitems;
	size_t nbytes; /* of all values */
	uint64_t nstored;
	uint64_t nevicted;
	uint64_t nexpired;
};

/* store_init -- an empty store over an empty pool; false: no memory */
bool store_init(struct store *store, VMEM *pool);

/* store_fini -- free everything, also in the pool */
void store_fini(struct store *store);

/*
 * store_tick -- tell the time, in seconds: `now` of a clock that never goes
 * back, `wall` of the calendar.  Does what was planned for it.
 */
void store_tick(struct store *store, int64_t now, int64_t wall);

/* store_sweep -- drop expired items, in `nplaces` places of the table */
void store_sweep(struct store *store, size_t nplaces);

/*
 * store_deadline -- the second that a client's expiry time means: 0 never, up
 * to 30 days from now, else a date; what is past is the present second
 */
int64_t store_deadline(const struct store *store, int64_t expiry);

/* store_find -- the item of a key, which then was used; NULL: there is none */
struct item *store_find(struct store *store, struct key key);

/*
 * store_set -- give a key a value of `size` bytes, which the caller writes
 *
 * Returns the item, its value not yet written; NULL when neither pool nor
 *         memory has room, and then the key has no value any more.  Other items
 *         may be gone afterwards.
 */
struct item *store_set(struct store *store, struct key key, size_t size);

/*
 * store_resize -- change the size of an item's value, keep what is there
 *
 * Returns false when there is no room, and then nothing of it changed.  Other
 *         items may be gone afterwards.
 */
bool store_resize(struct store *store, struct item *item, size_t size);

/* store_remove -- forget an item */
void store_remove(struct store *store, struct item *item);

/* store_clear -- forget all items */
void store_clear(struct store *store);

#endif /* CACHE_STORE_H */
