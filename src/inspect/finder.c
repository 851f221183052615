/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * finder.c -- the copies of the library in a process, and their pools
 */
#include "inspect/finder.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

#define CHUNK ((size_t)1 << 20) /* of data, read at once */
#define LARGEST_DATA                                                           \
	((uint64_t)64 << 20) /* of what may be a file of data, mapped */
#define MOST_RECORDS ((size_t)1 << 22)
#define TRIES        16u /* for a table that is being changed */
#define LARGEST_POOL ((uint64_t)RUN_MAX_PAGES * RUN_PAGE)

static const uint64_t magic[2] = REGISTRY_MAGIC;

static bool
is_registry(const struct registry *r, uint64_t at)
{
	return memcmp(r->magic, magic, sizeof(magic)) == 0 &&
	       (uintptr_t)r->self == at;
}

static bool
is_our_version(const struct registry *r)
{
	return r->layout == REGISTRY_LAYOUT &&
	       r->record_size == sizeof(struct record) &&
	       r->pool_size == sizeof(struct pool) &&
	       r->heap_size == sizeof(struct heap) &&
	       r->slab_size == sizeof(struct slab);
}

static void
note_library(struct libraries *to, const struct registry *r, uint64_t at)
{
	if (!is_registry(r, at))
		return;
	if (!is_our_version(r))
		to->other_version = true;
	else if (to->n < MOST_LIBRARIES)
		to->at[to->n++] = at;
}

/* scan -- the beginnings of the pages of a region */
static int
scan(struct libraries *to, struct source *s, const struct region *r,
	char *buffer)
{
	uint64_t size = r->high - r->low;
	/* not by addresses: a region may be the last before they wrap */
	for (uint64_t off = 0; off < size; off += CHUNK) {
		uint64_t at = r->low + off;
		size_t n = size - off < CHUNK ? (size_t)(size - off) : CHUNK;
		int rc = source_read(s, at, buffer, n);
		if (rc == -ESRCH || rc == -EPERM)
			return rc;
		/* what has been unmapped meanwhile holds nothing */
		if (rc != 0)
			continue;
		for (size_t i = 0; i + sizeof(struct registry) <= n;
			i += REGISTRY_ALIGN) {
			struct registry found;
			memcpy(&found, buffer + i, sizeof(found));
			note_library(to, &found, at + i);
		}
	}
	return 0;
}

/* has_files -- does the source know which regions are of files at all? */
static bool
has_files(const struct source *s)
{
	for (size_t i = 0; i < s->nregions; i++)
		if (s->regions[i].of_file)
			return true;
	return false;
}

/*
 * is_image -- may that be a program's or a library's data?  Of a large region
 * that is so only where the same file is mapped to be read alone, too, as the
 * code is.
 */
static bool
is_image(const struct source *s, const struct region *r)
{
	if (r->high - r->low <= LARGEST_DATA)
		return true;
	for (size_t i = 0; r->of_file && i < s->nregions; i++) {
		const struct region *other = &s->regions[i];
		if (other->of_file && !other->writable &&
			strcmp(other->name, r->name) == 0)
			return true;
	}
	return false;
}

int
finder_libraries(struct libraries *ret, struct source *s)
{
	char *buffer = malloc(CHUNK);
	bool files = has_files(s);
	int rc = 0;
	memset(ret, 0, sizeof(*ret));
	if (buffer == NULL)
		return fail(ENOMEM, "no memory");
	for (size_t i = 0; i < s->nregions && rc == 0; i++) {
		const struct region *r = &s->regions[i];
		if (r->writable && (r->of_file || !files) && is_image(s, r))
			rc = scan(ret, s, r, buffer);
	}
	free(buffer);
	return rc == 0 ? 0 : source_why(s, rc, "its memory");
}

int
finder_registry(struct source *s, uint64_t at, struct registry *ret)
{
	int rc = source_read(s, at, ret, sizeof(*ret));
	if (rc != 0)
		return source_why(s, rc, "the table of pools");
	if (!is_registry(ret, at) || !is_our_version(ret))
		return fail(EPROTO, "the table of pools is damaged");
	return 0;
}

/* read_records -- once; -EAGAIN when it was changed meanwhile */
static int
read_records(struct source *s, uint64_t at, struct registry *registry,
	struct record **ret, size_t *ret_n)
{
	struct registry after;
	int rc = finder_registry(s, at, registry);
	if (rc != 0)
		return rc;
	if (registry->changes % 2 != 0)
		return -EAGAIN;
	size_t n = registry->count;
	if (n > registry->room || n > MOST_RECORDS)
		return fail(EPROTO, "the table of pools is damaged");
	struct record *records = calloc(n + 1, sizeof(*records));
	if (records == NULL)
		return fail(ENOMEM, "no memory for %zu pools", n);
	rc = source_read(
		s, (uintptr_t)registry->table, records, n * sizeof(*records));
	int rc_after = finder_registry(s, at, &after);
	if (rc_after != 0)
		rc = rc_after;
	else if (after.changes != registry->changes)
		rc = -EAGAIN;
	else if (rc != 0)
		rc = source_why(s, rc, "the table of pools");
	if (rc != 0) {
		free(records);
		return rc;
	}
	*ret = records;
	*ret_n = n;
	return 0;
}

int
finder_records(struct source *s, uint64_t at, struct registry *ret_registry,
	struct record **ret, size_t *ret_n)
{
	for (unsigned i = 0; i < TRIES; i++) {
		int rc = read_records(s, at, ret_registry, ret, ret_n);
		if (rc != -EAGAIN)
			return rc;
	}
	return fail(EAGAIN,
		"the table of pools changed while it was read, "
		"%u times",
		TRIES);
}

int
finder_record(struct source *s, const struct libraries *libraries,
	const struct seen_pool *pool, struct registry *ret_registry,
	struct record *ret)
{
	struct record *records;
	size_t n;
	bool found = false;
	if (pool->library == 0 || pool->library > libraries->n)
		return fail(ENOENT, "pool %s is gone", pool->id);
	int rc = finder_records(s, libraries->at[pool->library - 1],
		ret_registry, &records, &n);
	if (rc != 0)
		return rc;
	for (size_t i = 0; i < n && !found; i++) {
		found = records[i].uid == pool->uid &&
			(uintptr_t)records[i].backing.base == pool->base;
		if (found)
			*ret = records[i];
	}
	free(records);
	return found ? 0 : fail(ENOENT, "pool %s is gone", pool->id);
}

const struct record *
found_record(const struct found *found, const struct seen_pool *pool,
	const struct registry **ret_registry)
{
	if (pool->library == 0 || pool->library > found->libraries.n)
		return NULL;
	unsigned library = pool->library - 1;
	const struct record *records = found->records[library];
	size_t low = 0, high = found->nrecords[library];
	size_t end = high;
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		if ((uintptr_t)records[mid].backing.base < pool->base)
			low = mid + 1;
		else
			high = mid;
	}
	for (; low < end && (uintptr_t)records[low].backing.base == pool->base;
		low++)
		if (records[low].uid == pool->uid) {
			*ret_registry = &found->registries[library];
			return &records[low];
		}
	return NULL;
}

int
finder_header(struct source *s, const struct record *rec, struct pool *ret)
{
	uint64_t base = (uintptr_t)rec->backing.base;
	uint64_t size = rec->backing.size;
	if (base == 0 || base % RUN_PAGE != 0 || size < RUN_MAP_OFF ||
		size > LARGEST_POOL || base + size < base ||
		rec->backing.kind >= BACKING_NKINDS)
		return fail(EPROTO, "its place is no place for a pool");
	if (!source_maps(s, base, size))
		return fail(EPROTO, "its memory is not mapped");
	int rc = source_read(s, base + RUN_HEADER_OFF, ret, sizeof(*ret));
	if (rc != 0)
		return source_why(s, rc, "its header");
	if (ret->signature != POOL_SIGNATURE)
		return fail(EBADMSG, "header: signature");
	if (ret->layout != POOL_LAYOUT)
		return fail(EPROTO, "layout %u; this command knows %u",
			ret->layout, POOL_LAYOUT);
	if (ret->checksum != pool_checksum(ret))
		return fail(EBADMSG, "header: checksum");
	if (ret->uid != rec->uid || ret->base != base || ret->size != size)
		return fail(EBADMSG, "header: of another pool");
	return 0;
}

bool
finder_tables(struct source *s, const struct registry *registry)
{
	struct class_table theirs;
	for (unsigned i = 0; i < CLASS_TABLES; i++) {
		uint64_t at = (uintptr_t)registry->class_tables[i];
		if (source_read(s, at, &theirs, sizeof(theirs)) != 0)
			return false;
		/* what lies between members is 0 in both: they are static */
		/* NOLINTNEXTLINE(bugprone-suspicious-memory-comparison) */
		if (memcmp(&theirs, class_table(i), sizeof(theirs)) != 0)
			return false;
	}
	return true;
}
