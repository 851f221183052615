/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * image.h -- a pool and all that leads to it, as a source that can be damaged
 *
 * Included by one file of a program, after what defines `must`.  A real pool is
 * copied into pieces, which are a source like a core file; the pool is gone
 * then, and its addresses are free for snapshots.
 */
#ifndef INSPECT_IMAGE_H
#define INSPECT_IMAGE_H

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "inspect/snapshot.h"

#define POOL_SIZE  ((size_t)16 << 20)
#define POOL_PLACE UINT64_C(0x200000000000) /* where nothing else comes */
#define OBJECTS    6000u
#define PIECES     256u
#define LARGE      ((size_t)300 << 10)

/* a piece of memory as it was */
struct piece {
	uint64_t at;
	size_t size;
	char *bytes;
};

static struct piece pieces[PIECES];
static size_t npieces;
static size_t nprinted;

static const struct piece *
piece_of(uint64_t at)
{
	for (size_t i = 0; i < npieces; i++)
		if (at - pieces[i].at < pieces[i].size)
			return &pieces[i];
	return NULL;
}

static int
read_image(struct source *s, uint64_t from, void *to, size_t size)
{
	char *out = to;

	(void)s;
	while (size > 0) {
		const struct piece *p = piece_of(from);
		size_t skip, n;

		if (p == NULL)
			return -EFAULT;
		skip = (size_t)(from - p->at);
		n = size < p->size - skip ? size : p->size - skip;
		memcpy(out, p->bytes + skip, n);
		out += n;
		from += n;
		size -= n;
	}
	return 0;
}

static void
close_image(struct source *s)
{
	(void)s;
}

static const struct source_ops image_ops = {
	.read = read_image, .close = close_image};

static struct source *
open_image(void)
{
	struct source *s = source_new(&image_ops);

	must(s != NULL);
	for (size_t i = 0; i < npieces; i++) {
		struct region r = {pieces[i].at, pieces[i].at + pieces[i].size,
			true, pieces[i].size != POOL_SIZE, (char[]){"image"}};

		must(source_add_region(s, &r) == 0);
	}
	return s;
}

static int
compare(const void *a, const void *b)
{
	const struct piece *x = a, *y = b;

	return (x->at > y->at) - (x->at < y->at);
}

static void
keep(struct source *s, uint64_t at, size_t size)
{
	struct piece *p = &pieces[npieces];

	if (piece_of(at) != NULL)
		return;
	must(npieces < PIECES);
	p->bytes = malloc(size);
	must(p->bytes != NULL);
	p->at = at;
	p->size = size;
	/* the guard page has nothing to read */
	if (source_read(s, at, p->bytes, size) != 0) {
		memset(p->bytes, 0, RUN_PAGE);
		must(source_read(s, at + RUN_PAGE, p->bytes + RUN_PAGE,
			     size - RUN_PAGE) == 0);
	}
	npieces++;
}

/* image_random -- the next of a row of numbers, below n */
static size_t
image_random(uint64_t *row, size_t n)
{
	*row = *row * UINT64_C(6364136223846793005) + 1442695040888963407;
	return (size_t)(*row >> 33) % n;
}

/* make_pool -- with all kinds of runs in it */
static void
make_pool(uint64_t row)
{
	static void *places[OBJECTS];
	void *region = mmap((void *)POOL_PLACE, POOL_SIZE,
		PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	VMEM *vmp = vmem_create_in_region(region, POOL_SIZE);

	must(vmp != NULL);
	for (size_t i = 0; i < OBJECTS * 3; i++) {
		void **place = &places[image_random(&row, OBJECTS)];
		size_t most = i % 100 == 0 ? LARGE : i % 7 == 0 ? 9000 : 400;

		vmem_free(vmp, *place);
		*place = vmem_malloc(vmp, 1 + image_random(&row, most));
	}
	must(vmem_check(vmp) == 1);
}

/* take_image -- of this process, as far as a reader looks */
static void
take_image(void)
{
	struct source *s;
	struct libraries libraries;
	struct registry registry;
	struct record *records;
	size_t n;

	must(source_open_process(&s, getpid()) == 0);
	must(finder_libraries(&libraries, s) == 0 && libraries.n == 1);
	must(finder_records(s, libraries.at[0], &registry, &records, &n) == 0);
	must(n == 1);
	for (size_t i = 0; i < s->nregions; i++) {
		const struct region *r = &s->regions[i];
		const struct region *bss = source_region(s, r->high);

		if (libraries.at[0] < r->low || libraries.at[0] >= r->high)
			continue;
		keep(s, r->low, (size_t)(r->high - r->low));
		if (bss != NULL && bss->writable)
			keep(s, bss->low, (size_t)(bss->high - bss->low));
	}
	keep(s, (uintptr_t)records[0].backing.base, POOL_SIZE);
	keep(s, (uintptr_t)registry.table, RUN_PAGE);
	struct thread_list list;
	must(source_read(s, (uintptr_t)registry.threads, &list, sizeof(list)) ==
		0);
	keep(s, (uintptr_t)list.first & ~(uintptr_t)(RUN_PAGE - 1), RUN_PAGE);
	qsort(pieces, npieces, sizeof(pieces[0]), compare);
	/* nobody needs it any more, and its addresses must be free */
	must(munmap(records[0].backing.base, POOL_SIZE) == 0);
	free(records);
	source_close(s);
}

static void
count_printed(const char *text)
{
	nprinted += strlen(text);
}

static void
count_finding(void *arg, const char *text)
{
	must(text[0] != '\0');
	(*(size_t *)arg)++;
}

/* look_at -- by all ways; returns whether all of them found it in order */
static bool
look_at(struct source *s, const struct seen_pool *pool)
{
	struct snapshot *snap = NULL;
	struct check_result result;
	size_t nfindings = 0, torn;
	bool exact;
	int rc = inspect_check(&result, s, pool, count_finding, &nfindings);

	if (rc == 0)
		must(result.fine == (nfindings == 0));
	else
		must(vmem_errormsg()[0] != '\0');
	rc = snapshot_take(&snap, s, pool, SNAPSHOT_EXACT);
	if (rc != 0) {
		must(vmem_errormsg()[0] != '\0');
		return false;
	}
	exact = snapshot_is_exact(snap, &torn);
	static struct figures f;
	must(figures_read(&f, snap) == 0);
	must(f.free <= f.size && f.largest_free <= f.free);
	must(figures_outer(&f) >= 0 && figures_outer(&f) <= 1);
	must(figures_inner(&f) >= 0 && figures_inner(&f) <= 1);
	struct heap_map map;
	uint64_t next = 0;
	must(heap_map_make(&map, snap) == 0);
	for (size_t i = 0; i < map.nextents; i++) {
		must(map.extents[i].page == next);
		next += map.extents[i].npages;
	}
	must(next == POOL_SIZE / RUN_PAGE && next == map.npages);
	heap_map_free(&map);
	must(snapshot_print(snap, NULL) == 0);
	must(snapshot_print(snap, "J") == 0);
	snapshot_drop(snap);
	return exact && result.fine;
}

static bool
look_at_all(void)
{
	struct source *s = open_image();
	struct pool_list list;
	bool fine = false;

	if (pool_list_read(&list, s) == 0) {
		for (size_t i = 0; i < list.npools; i++)
			fine = look_at(s, &list.pools[i]);
		pool_list_free(&list);
	}
	source_close(s);
	return fine;
}

#endif
