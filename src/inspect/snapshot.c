/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * snapshot.c -- copy the metadata of a pool to its own addresses
 */
#include "inspect/snapshot.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/arith.h"
#include "base/bitmap.h"
#include "base/error.h"

/* metadata is about 2.2 thousandths of a pool, and heaps */
#define MOST_COPIED ((uint64_t)16 << 30)
#define EXACT_TRIES 6u
#define SUM_FACTOR  UINT64_C(0x9e3779b97f4a7c15) /* odd */

#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif

/* reserve -- a place for a copy at the pool's own addresses; 0 or errno */
static int
reserve(void *base, size_t size)
{
	void *at = mmap(base, size, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE |
			MAP_FIXED_NOREPLACE,
		-1, 0);
	if (at == MAP_FAILED)
		return errno;
	if (at == base)
		return 0;
	/* an old kernel takes the address for a wish */
	(void)munmap(at, size);
	return EEXIST;
}

bool
snapshot_has_place(const struct seen_pool *pool)
{
	/* an address of the other process: only the kernel follows it */
	void *base = (void *)(uintptr_t)pool->base;
	int err = reserve(base, pool->size);
	if (err == 0)
		(void)munmap(base, pool->size);
	return err != EEXIST;
}

int
snapshot_open(struct snapshot **ret, const struct record *rec)
{
	void *base = rec->backing.base;
	size_t size = rec->backing.size;
	struct snapshot *snap = calloc(1, sizeof(*snap));
	uint64_t *pages =
		calloc(bitmap_words(size / RUN_PAGE + 1), sizeof(*pages));
	if (snap == NULL || pages == NULL) {
		free(snap);
		free(pages);
		return fail(ENOMEM, "no memory for a snapshot");
	}
	int err = reserve(base, size);
	if (err != 0) {
		free(snap);
		free(pages);
		return fail_sys(err, "a snapshot at %p", base);
	}
	/* what is copied are single pages, far apart */
	(void)madvise(base, size, MADV_NOHUGEPAGE);
	snap->rec = *rec;
	snap->pool = pool_at(base);
	snap->pages = pages;
	*ret = snap;
	return 0;
}

void
snapshot_drop(struct snapshot *snap)
{
	if (snap == NULL)
		return;
	(void)munmap(snap->rec.backing.base, snap->rec.backing.size);
	free(snap->pages);
	free(snap);
}

/* add_to_sum -- whole words that have been copied, when that is of use */
static void
add_to_sum(struct snapshot *snap, const void *from, size_t size)
{
	const uint64_t *words = from;
	uint64_t sum = snap->sum;
	for (size_t i = 0; snap->sums && i < size / sizeof(*words); i++) {
		sum = (sum ^ words[i]) * SUM_FACTOR;
		sum ^= sum >> 32;
	}
	snap->sum = sum;
}

/* copy -- bytes of the pool, from an offset on */
static int
copy(struct snapshot *snap, struct source *s, size_t offset, size_t size)
{
	char *to = snap->rec.backing.base + offset;
	if (snap->copied + size > MOST_COPIED)
		return fail(EFBIG, "the pool has too much metadata");
	snap->copied += size;
	int rc = source_read(s, (uintptr_t)to, to, size);
	if (rc != 0)
		return source_why(s, rc, "the pool's metadata");
	add_to_sum(snap, to, size);
	return 0;
}

/* copy_header -- and see that all that leads to the rest is as it must be */
static int
copy_header(struct snapshot *snap, struct source *s)
{
	struct run_space want;
	struct pool header;
	void *base = snap->rec.backing.base;
	size_t size = snap->rec.backing.size;
	int rc = finder_header(s, &snap->rec, &header);
	if (rc != 0)
		return rc;
	run_space_layout(&want, base, size);
	const struct run_space *rs = &header.runs;
	if (rs->base != want.base || rs->npages != want.npages ||
		rs->first != want.first || rs->bias != want.bias ||
		rs->dirty != want.dirty || rs->hollow != want.hollow ||
		rs->first >= rs->npages ||
		memcmp(&rs->tree, &want.tree, sizeof(want.tree)) != 0)
		return fail(EBADMSG, "header: geometry of the runs");
	if (!is_pow2(rs->granule) || rs->granule > TREE_BLOCK_BITS)
		return fail(EBADMSG, "header: what lies behind the pages");
	memcpy(snap->pool, &header, sizeof(header));
	add_to_sum(snap, snap->pool, sizeof(header));
	return 0;
}

/* copy_noted -- the pages that have been noted; the notes are gone then */
static int
copy_noted(struct snapshot *snap, struct source *s)
{
	size_t npages = snap->pool->runs.npages;
	int rc = 0;
	for (size_t page = 0; page < npages && rc == 0;) {
		uint64_t word = snap->pages[page / BITMAP_WORD];
		if (word == 0) {
			page += BITMAP_WORD - page % BITMAP_WORD;
			continue;
		}
		size_t n = 0;
		while (page + n < npages && bitmap_test(snap->pages, page + n))
			n++;
		if (n > 0)
			rc = copy(snap, s, page * RUN_PAGE, n * RUN_PAGE);
		page += max_size(n, 1);
	}
	memset(snap->pages, 0, bitmap_words(npages) * sizeof(*snap->pages));
	return rc;
}

/* note_map -- the pages of the page map that tell of these pages */
static void
note_map(struct snapshot *snap, size_t first, size_t npages)
{
	size_t from = run_map_page(first);
	size_t to = run_map_page(first + npages - 1);
	bitmap_set_range(snap->pages, from, to - from + 1);
}

/*
 * copy_map -- the page map where pages are used, or all of it that is reserved:
 * what is not would be made by being read
 */
static int
copy_map(struct snapshot *snap, struct source *s, bool whole)
{
	const struct run_space *rs = &snap->pool->runs;
	size_t first = 0, n = 0;
	for (size_t page = 0; page < rs->npages; page = first + n) {
		if (whole) {
			n = run_next_held(rs, page, &first);
		} else {
			first = next_used(rs, page);
			n = min_size(MAP_ENTRIES - first % MAP_ENTRIES,
				rs->npages - first);
		}
		if (n == 0)
			break;
		note_map(snap, first, n);
	}
	return copy_noted(snap, s);
}

/* copy_fixed -- bitmaps, summaries, and the page map */
static int
copy_fixed(struct snapshot *snap, struct source *s, bool whole)
{
	const struct run_space *rs = &snap->pool->runs;
	size_t end = (size_t)rs->first * RUN_PAGE;
	/* the page map's last page may have the bitmaps' first words */
	size_t rest = run_map_page(rs->npages) * RUN_PAGE;
	int rc = copy(snap, s, rest, end - rest);
	return rc == 0 ? copy_map(snap, s, whole) : rc;
}

/* note_descriptors -- the pages that the page map leads to */
static void
note_descriptors(struct snapshot *snap)
{
	const struct run_space *rs = &snap->pool->runs;
	for (size_t page = next_used(rs, rs->first); page < rs->npages;
		page = next_used(rs, page + 1)) {
		const struct desc *d = desc_at(rs, page);
		size_t at = d == NULL ? 0
				      : ((uintptr_t)d - (uintptr_t)rs->base) /
						RUN_PAGE;
		if (at >= rs->first && at < rs->npages)
			bitmap_set_range(snap->pages, at, 1);
	}
}

/* heap_needs -- pages that a heap of the pool takes */
static size_t
heap_needs(const struct run_space *rs)
{
	struct pool *pool = pool_at(rs->base);
	struct heap_dir dir;
	dir_layout(&dir, &pool->runs, (enum hardening)pool->dir.hardening);
	return heap_pages(&dir);
}

/* heap_of -- the heap of `need` pages that a used page begins, as it seems */
static struct heap *
heap_of(const struct run_space *rs, size_t page, size_t need)
{
	const struct desc *d = desc_at(rs, page);
	size_t at =
		d == NULL ? 0 : ((uintptr_t)d - (uintptr_t)rs->base) / RUN_PAGE;
	if (d == NULL || at < rs->first || at >= rs->npages)
		return NULL;
	char *base = rs->base + page * RUN_PAGE;
	if (d->owner != RUN_HEAP || d->base != base || need > rs->npages - page)
		return NULL;
	return (struct heap *)(void *)base;
}

static void
note_heaps(struct snapshot *snap)
{
	const struct run_space *rs = &snap->pool->runs;
	size_t need = heap_needs(rs);
	for (size_t page = next_used(rs, rs->first); page < rs->npages;
		page = next_used(rs, page + 1))
		if (heap_of(rs, page, need) != NULL)
			bitmap_set_range(snap->pages, page, need);
}

void
snapshot_use_own_tables(struct snapshot *snap, const struct registry *registry)
{
	struct pool *pool = snap->pool;
	const struct run_space *rs = &pool->runs;
	const struct class_table *ours = class_table_for(pool->size);
	const struct class_table *theirs =
		registry->class_tables[class_table_index(pool->size)];
	if (pool->dir.table == theirs)
		pool->dir.table = ours;
	size_t need = heap_needs(rs);
	uintptr_t lookup =
		(uintptr_t)theirs + offsetof(struct class_table, lookup);
	for (size_t page = next_used(rs, rs->first); page < rs->npages;
		page = next_used(rs, page + 1)) {
		struct heap *h = heap_of(rs, page, need);
		if (h == NULL)
			continue;
		if (h->table == theirs)
			h->table = ours;
		if ((uintptr_t)h->lookup == lookup)
			h->lookup = ours->lookup;
	}
}

int
snapshot_copy(struct snapshot *snap, struct source *s,
	const struct registry *registry, bool whole)
{
	/* nothing of an earlier try */
	(void)madvise(
		snap->rec.backing.base, snap->rec.backing.size, MADV_DONTNEED);
	snap->copied = 0;
	snap->sum = 0;
	snap->torn = 0;
	snap->exact = false;
	int rc = finder_tables(s, registry)
			 ? 0
			 : fail(EPROTO, "its size classes are not those of "
					"this version");
	if (rc == 0)
		rc = copy_header(snap, s);
	if (rc == 0)
		rc = copy_fixed(snap, s, whole);
	if (rc == 0) {
		note_descriptors(snap);
		rc = copy_noted(snap, s);
	}
	if (rc == 0) {
		note_heaps(snap);
		rc = copy_noted(snap, s);
	}
	return rc;
}

bool
snapshot_verify(const struct snapshot *snap,
	void (*tell)(void *arg, const char *text), void *arg, int *ret_err)
{
	struct findings f = {.tell = tell, .arg = arg};
	*ret_err = 0;
	return pool_verify(&snap->rec, &f, ret_err);
}

/* look_up -- the pool's record as it is now */
static int
look_up(struct source *s, const struct seen_pool *pool,
	struct libraries *ret_libraries, struct registry *ret_registry,
	struct record *ret)
{
	class_tables_init();
	int rc = source_refresh(s);
	if (rc == 0)
		rc = finder_libraries(ret_libraries, s);
	if (rc == 0)
		rc = finder_record(s, ret_libraries, pool, ret_registry, ret);
	return rc;
}

static int
take_once(struct snapshot *snap, struct source *s,
	const struct registry *registry)
{
	int rc = snapshot_copy(snap, s, registry, false);
	if (rc == 0)
		snapshot_use_own_tables(snap, registry);
	return rc;
}

/*
 * take_exact -- again and again, until all of it holds
 * A change that is under way is over some time: what is wrong in the same way
 * each time, while nobody is inside, is damage.
 */
static int
take_exact(struct snapshot *snap, struct source *s,
	const struct libraries *libraries, const struct registry *registry,
	const struct seen_pool *pool)
{
	bool changes = false;
	int rc = 0, err;
	snap->sums = true;
	for (unsigned i = 0; i < EXACT_TRIES && rc == 0 && !snap->exact; i++) {
		uint64_t before = snap->sum;
		rc = take_once(snap, s, registry);
		if (rc != 0)
			break;
		snap->exact = snapshot_verify(snap, NULL, NULL, &err);
		changes |= i > 0 && snap->sum != before;
		/* between two readings, so that who leaves changes the next */
		if (!snap->exact && !changes)
			changes =
				err != 0 || !finder_is_idle(s, libraries, pool);
	}
	snap->damaged = rc == 0 && !snap->exact && !changes;
	return rc;
}

/* hand_out -- what was taken, with what does not hold left out */
static int
hand_out(struct snapshot **ret, struct snapshot *snap, int rc)
{
	if (rc != 0 || snap == NULL) {
		snapshot_drop(snap);
		return rc;
	}
	if (!snap->exact)
		snapshot_sift(snap);
	*ret = snap;
	return 0;
}

int
snapshot_take_listed(struct snapshot **ret, struct source *s,
	const struct pool_list *list, const struct seen_pool *pool)
{
	const struct registry *registry;
	const struct record *rec = found_record(list->found, pool, &registry);
	struct pool header;
	struct snapshot *snap = NULL;
	/* it may have grown meanwhile, or gone */
	if (rec == NULL || finder_header(s, rec, &header) != 0)
		return snapshot_take(ret, s, pool, SNAPSHOT_ONCE);
	int rc = snapshot_open(&snap, rec);
	if (rc == 0 && snap != NULL)
		rc = take_once(snap, s, registry);
	return hand_out(ret, snap, rc);
}

int
snapshot_take(struct snapshot **ret, struct source *s,
	const struct seen_pool *pool, enum snapshot_effort effort)
{
	struct libraries libraries;
	struct registry registry;
	struct record rec;
	struct pool header;
	struct snapshot *snap = NULL;
	int rc = look_up(s, pool, &libraries, &registry, &rec);
	/* before so much is mapped */
	if (rc == 0)
		rc = finder_header(s, &rec, &header);
	if (rc == 0)
		rc = snapshot_open(&snap, &rec);
	if (rc == 0 && snap != NULL)
		rc = effort == SNAPSHOT_EXACT
			     ? take_exact(snap, s, &libraries, &registry, pool)
			     : take_once(snap, s, &registry);
	return hand_out(ret, snap, rc);
}

bool
snapshot_is_exact(const struct snapshot *snap, size_t *ret_torn)
{
	*ret_torn = snap->torn;
	return snap->exact;
}

bool
snapshot_is_damaged(const struct snapshot *snap)
{
	return snap->damaged;
}
