/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * pool_list.c -- the pools of a source, for people
 */
#include <errno.h>
#include <inttypes.h>
#include <libvmem.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "inspect/finder.h"

/* how the kernel names what has no place in the file tree */
#define MEMFD   "/memfd:"
#define DELETED " (deleted)"

_Static_assert(SEEN_NAME_SIZE == POOL_NAME_SIZE, "one limit");

static const char *const kinds[] = {
	[BACKING_FILE] = "file",
	[BACKING_DEVICE] = "device",
	[BACKING_REGION] = "region",
	[BACKING_MEMORY] = "memory",
};

/*
 * read_path -- where its memory comes from: of a file without a name, which
 * the kernel shows as "/dir/#123 (deleted)", the directory; of one that is
 * memory "memfd:NAME"
 */
static void
read_path(struct seen_pool *to, const struct source *s, unsigned kind)
{
	/* the first page may be a region of its own, without access */
	const struct region *r = source_region(s, to->base + RUN_HEADER_OFF);
	if (r == NULL)
		return;
	const char *from = r->name, *deleted = strstr(from, DELETED);
	size_t len = strlen(from);
	const char *slash = strrchr(from, '/');
	if (strncmp(from, MEMFD, strlen(MEMFD)) == 0) {
		if (deleted != NULL)
			len = (size_t)(deleted - from);
		from++;
		len--;
	} else if (kind == BACKING_FILE && slash != NULL) {
		len = slash == from ? 1 : (size_t)(slash - from);
	}
	if (len >= sizeof(to->path)) {
		/* not in the middle of a character */
		len = sizeof(to->path) - 1;
		while (len > 0 && (from[len] & 0xc0) == 0x80)
			len--;
	}
	memcpy(to->path, from, len);
	to->path[len] = '\0';
}

static void
fill(struct seen_pool *to, struct source *s, const struct record *rec,
	unsigned library)
{
	struct pool header;
	unsigned kind = rec->backing.kind;
	to->library = library;
	to->uid = rec->uid;
	to->base = (uintptr_t)rec->backing.base;
	to->size = rec->backing.size;
	to->kind = kind < BACKING_NKINDS ? kinds[kind] : "unknown";
	to->foreign = rec->kin != KIN_OWN;
	to->frozen = rec->frozen;
	to->threads = -1;
	if (library == 1)
		(void)snprintf(to->id, sizeof(to->id), "%" PRIu64, rec->uid);
	else
		(void)snprintf(to->id, sizeof(to->id), "%u.%" PRIu64, library,
			rec->uid);
	read_path(to, s, kind);
	int rc = rec->overlapped ? fail(EPROTO, "another pool lies over it")
				 : finder_header(s, rec, &header);
	if (rc != 0) {
		(void)snprintf(to->why, sizeof(to->why), "%s", vmem_errormsg());
		return;
	}
	(void)snprintf(to->name, sizeof(to->name), "%.*s",
		(int)sizeof(header.name), header.name);
	source_clean_text(to->name);
	uint64_t pages = to->size >> RUN_LG_PAGE;
	/* of a pool that is being changed the count may be any number */
	if (header.runs.nfree <= pages)
		to->used = (pages - header.runs.nfree) << RUN_LG_PAGE;
}

static int
compare(const void *a, const void *b)
{
	const struct seen_pool *x = a, *y = b;
	if (x->library != y->library)
		return x->library < y->library ? -1 : 1;
	return (x->uid > y->uid) - (x->uid < y->uid);
}

/* add_library -- the pools of one copy of the library */
static int
add_library(struct pool_list *list, struct source *s, unsigned library)
{
	struct found *found = list->found;
	struct registry *registry = &found->registries[library - 1];
	size_t n = 0;
	int rc = finder_records(s, found->libraries.at[library - 1], registry,
		&found->records[library - 1], &n);
	if (rc != 0 || n == 0)
		return rc;
	const struct record *records = found->records[library - 1];
	found->nrecords[library - 1] = n;
	struct seen_pool *more =
		realloc(list->pools, (list->npools + n) * sizeof(*more));
	int *counts = calloc(n, sizeof(*counts));
	if (more != NULL)
		list->pools = more;
	if (more == NULL || counts == NULL) {
		free(counts);
		return fail(ENOMEM, "no memory for %zu pools", n);
	}
	bool counted = finder_threads(s, registry, records, n, counts);
	for (size_t i = 0; i < n; i++) {
		struct seen_pool *to = &list->pools[list->npools++];
		memset(to, 0, sizeof(*to));
		fill(to, s, &records[i], library);
		if (counted)
			to->threads = counts[i];
	}
	free(counts);
	return 0;
}

int
pool_list_read(struct pool_list *ret, struct source *s)
{
	memset(ret, 0, sizeof(*ret));
	class_tables_init();
	ret->found = calloc(1, sizeof(*ret->found));
	if (ret->found == NULL)
		return fail(ENOMEM, "no memory for the pools");
	struct libraries *libraries = &ret->found->libraries;
	int rc = source_refresh(s);
	if (rc == 0)
		rc = finder_libraries(libraries, s);
	ret->nlibraries = libraries->n;
	ret->other_version = libraries->other_version;
	for (unsigned i = 0; i < libraries->n && rc == 0; i++)
		rc = add_library(ret, s, i + 1);
	if (rc == 0 && ret->npools == 0 && s->cut_off)
		rc = fail(EPROTO, "the core file is cut off: no pools in what "
				  "is left of it");
	if (rc != 0) {
		pool_list_free(ret);
		return rc;
	}
	if (ret->npools > 0)
		qsort(ret->pools, ret->npools, sizeof(*ret->pools), compare);
	return 0;
}

void
pool_list_free(struct pool_list *list)
{
	for (unsigned i = 0; list->found != NULL && i < MOST_LIBRARIES; i++)
		free(list->found->records[i]);
	free(list->found);
	free(list->pools);
	memset(list, 0, sizeof(*list));
}

const struct seen_pool *
pool_list_find(const struct pool_list *list, const char *id)
{
	for (size_t i = 0; i < list->npools; i++)
		if (strcmp(list->pools[i].id, id) == 0)
			return &list->pools[i];
	return NULL;
}
