/* SPDX-License-Identifier: BSD-3-Clause */
#include "store.h"
#include "hash.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define NPLACES_MIN ((size_t)1024)

/* longer expiry times are dates */
#define RELATIVE_MAX ((int64_t)60 * 60 * 24 * 30)

bool
store_init(struct store *store, VMEM *pool)
{
	*store = (struct store){.pool = pool, .nplaces = NPLACES_MIN, .now = 1};
	if (getrandom(store->secret, sizeof(store->secret), 0) !=
		(ssize_t)sizeof(store->secret))
		return false;
	store->table = calloc(store->nplaces, sizeof(*store->table));
	return store->table != NULL;
}

void
store_fini(struct store *store)
{
	store_clear(store);
	free(store->table);
}

/* --- the order of use ---------------------------------------------------- */

static void
order_insert(struct store *store, struct item *item)
{
	item->newer = NULL;
	item->older = store->newest;
	if (store->newest != NULL)
		store->newest->newer = item;
	else
		store->oldest = item;
	store->newest = item;
}

static void
order_remove(struct store *store, struct item *item)
{
	if (item->newer != NULL)
		item->newer->older = item->older;
	else
		store->newest = item->older;
	if (item->older != NULL)
		item->older->newer = item->newer;
	else
		store->oldest = item->newer;
}

/* --- the table ----------------------------------------------------------- */

static struct item **
table_place(const struct store *store, uint64_t hash)
{
	return &store->table[hash & (store->nplaces - 1)];
}

static void
table_insert(struct store *store, struct item *item)
{
	struct item **place = table_place(store, item->hash);

	item->next = *place;
	*place = item;
}

static void
table_remove(struct store *store, struct item *item)
{
	struct item **at = table_place(store, item->hash);

	while (*at != item)
		at = &(*at)->next;
	*at = item->next;
}

/* table_grow -- twice the places, if there is memory; else chains get longer */
static void
table_grow(struct store *store)
{
	size_t nplaces = 2 * store->nplaces;
	struct item **table = calloc(nplaces, sizeof(struct item *));

	if (table == NULL)
		return;
	free(store->table);
	store->table = table;
	store->nplaces = nplaces;
	store->sweep = 0;
	for (struct item *i = store->oldest; i != NULL; i = i->newer)
		table_insert(store, i);
}

/* --- values -------------------------------------------------------------- */

/* evict -- drop the item not used for longest; false: only `keep` is left */
static bool
evict(struct store *store, const struct item *keep)
{
	struct item *victim = store->oldest;

	if (victim == keep)
		victim = victim->newer;
	if (victim == NULL)
		return false;
	store_remove(store, victim);
	store->nevicted++;
	return true;
}

bool
store_resize(struct store *store, struct item *item, size_t size)
{
	char *value = NULL;

	if (size == 0) {
		vmem_free(store->pool, item->value);
	} else {
		do {
			value = vmem_realloc(store->pool, item->value, size);
		} while (value == NULL && evict(store, item));
		if (value == NULL)
			return false;
	}
	store->nbytes += size - item->size;
	item->value = value;
	item->size = (uint32_t)size;
	item->unique = ++store->unique;
	return true;
}

/* --- items --------------------------------------------------------------- */

static struct item *
item_create(struct store *store, struct key key, uint64_t hash)
{
	struct item *item = malloc(sizeof(*item) + key.size);

	if (item == NULL)
		return NULL;
	*item = (struct item){.hash = hash, .key_size = key.size};
	memcpy(item->key, key.text, key.size);
	if (store->nitems >= store->nplaces)
		table_grow(store);
	table_insert(store, item);
	order_insert(store, item);
	store->nitems++;
	return item;
}

void
store_remove(struct store *store, struct item *item)
{
	table_remove(store, item);
	order_remove(store, item);
	store->nitems--;
	store->nbytes -= item->size;
	vmem_free(store->pool, item->value);
	free(item);
}

static bool
is_expired(const struct store *store, const struct item *item)
{
	return item->deadline != 0 && item->deadline <= store->now;
}

static struct item *
lookup(struct store *store, struct key key, uint64_t hash)
{
	struct item *item = *table_place(store, hash);

	while (item != NULL &&
		(item->hash != hash || item->key_size != key.size ||
			memcmp(item->key, key.text, key.size) != 0))
		item = item->next;
	if (item == NULL)
		return NULL;
	if (is_expired(store, item)) {
		store_remove(store, item);
		store->nexpired++;
		return NULL;
	}
	order_remove(store, item);
	order_insert(store, item);
	return item;
}

struct item *
store_find(struct store *store, struct key key)
{
	return lookup(
		store, key, hash_bytes(store->secret, key.text, key.size));
}

struct item *
store_set(struct store *store, struct key key, size_t size)
{
	uint64_t hash = hash_bytes(store->secret, key.text, key.size);
	struct item *item = lookup(store, key, hash);

	if (item == NULL)
		item = item_create(store, key, hash);
	if (item == NULL)
		return NULL;
	/* the old bytes go first: nobody wants them copied */
	(void)store_resize(store, item, 0);
	if (!store_resize(store, item, size)) {
		store_remove(store, item);
		return NULL;
	}
	store->nstored++;
	return item;
}

void
store_clear(struct store *store)
{
	while (store->oldest != NULL)
		store_remove(store, store->oldest);
}

/* --- time ---------------------------------------------------------------- */

int64_t
store_deadline(const struct store *store, int64_t expiry)
{
	int64_t deadline = 0;

	if (expiry == 0)
		return 0;
	if (expiry > RELATIVE_MAX)
		deadline = expiry - store->epoch;
	else if (expiry > 0)
		deadline = store->now + expiry;
	return deadline > store->now ? deadline : store->now;
}

void
store_tick(struct store *store, int64_t now, int64_t wall)
{
	store->now = now;
	store->epoch = wall - now;
	if (store->flush_at != 0 && store->flush_at <= now) {
		store->flush_at = 0;
		store_clear(store);
	}
}

void
store_sweep(struct store *store, size_t nplaces)
{
	for (; nplaces > 0; nplaces--) {
		struct item *item = store->table[store->sweep];

		while (item != NULL) {
			struct item *next = item->next;

			if (is_expired(store, item)) {
				store_remove(store, item);
				store->nexpired++;
			}
			item = next;
		}
		store->sweep = (store->sweep + 1) & (store->nplaces - 1);
	}
}
