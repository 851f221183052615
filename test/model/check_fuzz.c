/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * check_fuzz.c -- damage to every structure of a real pool, and the check
 *
 * First each field of each structure in turn: single bits, bytes, words.  Then
 * bits and blocks at random places of the metadata, up to many at once; these
 * go on for VMEM_SOAK_SECONDS.  damage.h says what the worth of a field means.
 *
 * ctest: long timeout=300 not-tsan
 */
#include "harness/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bitmap.h"
#include "harness/busy_pool.h"
#include "harness/damage.h"
#include "pool/pool_internal.h"
#include "run/meta.h"

#define STRIDE     (TEST_SANITIZED ? 13u : 1u)
#define MAP_STRIDE (TEST_SANITIZED ? 61u : 17u) /* of the page map */
#define MOST       ((size_t)2) /* structures of one kind that are tried */
#define RANDOM_MS  ((uint64_t)500)

static struct field header[] = {
	FIELD(pool, signature, MATTERS),
	FIELD(pool, checksum, MATTERS),
	FIELD(pool, layout, MATTERS),
	FIELD(pool, kind, MATTERS),
	FIELD(pool, size, MATTERS),
	FIELD(pool, uid, MATTERS),
	FIELD(pool, base, MATTERS),
	FIELD(pool, hardening, MATTERS),
	FIELD(pool, granule, MATTERS),
	FIELD(pool, name, UNUSED),
	FIELD(pool, nmisuse, COUNTER),
	FIELD(pool, nreclaim, COUNTER),
	FIELD(pool, has_guests, LAWFUL),
};

static struct field space[] = {
	FIELD(run_space, base, MATTERS),
	FIELD(run_space, npages, MATTERS),
	FIELD(run_space, first, MATTERS),
	FIELD(run_space, bias, MATTERS),
	FIELD(run_space, meta_pages, MATTERS),
	FIELD(run_space, lock.word, MATTERS),
	FIELD(run_space, nfree, MATTERS),
	FIELD(run_space, meta_head, MATTERS),
	FIELD(run_space, nmeta, MATTERS),
	FIELD(run_space, dirty, MATTERS),
	FIELD(run_space, hollow, MATTERS),
	FIELD(run_space, granule, MATTERS),
	FIELD(run_space, nhollow, MATTERS),
	FIELD(run_space, nspare, MATTERS),
	FIELD(run_space, dirty_end, HINT),
	/* a pool that gives nothing back any more is sound */
	FIELD(run_space, give, LAWFUL),
	/* the machine's memory, which another may have less of */
	FIELD(run_space, most, LAWFUL),
	FIELD(run_space, is_bare, HINT),
	FIELD(run_space, due, HINT),
	FIELD(run_space, is_short, HINT),
	FIELD(run_space, asks, HINT),
	FIELD(run_space, period, HINT),
	FIELD(run_space, decay, HINT),
	FIELD(run_space, ngiven, COUNTER),
	FIELD(run_space, nrefused, COUNTER),
	FIELD(run_space, tree.used, MATTERS),
	FIELD(run_space, tree.level, MATTERS),
	FIELD(run_space, tree.nnodes, MATTERS),
	FIELD(run_space, tree.nlevels, MATTERS),
	FIELD(run_space, tree.nbits, MATTERS),
};

static struct field dir[] = {
	DIR_FIELDS,
	FIELD(heap_dir, stray[0], MATTERS),
	FIELD(heap_dir, stray[77], MATTERS),
};

static struct field heap[] = {
	HEAP_FIELDS,
	FIELD(heap, cache.period, HINT),
	FIELD(heap, cache.low, HINT),
	FIELD(heap, cache.nlone, COUNTER),
	FIELD(heap, cache.nplaces, HINT),
	FIELD(heap, cache.edges, MATTERS),
	FIELD(heap, large, MATTERS),
	FIELD(heap, spill, HINT),
};
static struct field heap_parked[] = {FIELD(heap, next_parked, MATTERS)};

static struct field bin[] = {
	BIN_FIELDS,
};
static struct field bin_current[] = {FIELD(bin, cur_base, MATTERS)};
/* another live slot of the bin's slabs could as well have been freed */
/* the first slot of the LIFO, right behind the bin */
static struct field lifo[] = {
	{"lifo[0]", sizeof(struct bin), sizeof(void *), LAWFUL, 0, 0, 0, 0}};

static struct field slab[] = {
	SLAB_FIELDS,
};
static struct field slab_links[] = {
	SLAB_LINK_FIELDS,
};
static struct field slab_w[] = {FIELD_ARRAY("slab.w", MATTERS)};
static struct field slab_r[] = {FIELD_ARRAY("slab.r", LAWFUL)};

static struct field run[] = {
	FIELD(desc, owner, MATTERS),
	FIELD(desc, base, MATTERS),
	FIELD(desc, npages, MATTERS),
	FIELD(desc, ngran, MATTERS),
	FIELD(desc, owned, UNUSED),
};
static struct field cached_run[] = {
	CACHED_RUN_FIELDS,
};
static struct field spare_desc[] = {
	SPARE_DESC_FIELDS,
};
static struct field meta[] = {
	FIELD(meta, head.owner, MATTERS),
	FIELD(meta, head.base, MATTERS),
	FIELD(meta, head.npages, MATTERS),
	FIELD(meta, head.ngran, MATTERS),
	FIELD(meta, free, MATTERS),
};

static struct field page_map[] = {FIELD_ARRAY("page map", MATTERS)};
static struct field used[] = {FIELD_ARRAY("bitmap of used pages", MATTERS)};
static struct field dirty_used[] = {
	FIELD_ARRAY("dirty bit, used page", MATTERS)};
static struct field dirty_free[] = {
	FIELD_ARRAY("dirty bit, free page", MATTERS)};
static struct field hollow[] = {FIELD_ARRAY("bitmap of hollow pages", MATTERS)};
static struct field summaries[] = {FIELD(summary, start, MATTERS),
	FIELD(summary, max, MATTERS), FIELD(summary, end, MATTERS)};

static struct damage d;
static bool holds_object[VMEM_MIN_POOL / RUN_PAGE];

#define try_all(fields, object)                                                \
	damage_fields(&d, (fields), NELEM(fields), (object))

static void
try_slab(const struct slab *s)
{
	size_t nbits = slab_nwords(s) * BITMAP_WORD;

	try_all(slab, s);
	if (s->state == SLAB_LISTED && s->bin->slab != s)
		try_all(slab_links, s);
	if (s->state == SLAB_QUEUED)
		damage_fields(&d, slab_links, 1, s);
	/* no words: other slots may be free instead of these */
	damage_name("slab.w");
	damage_bits(&d, slab_w, s->w, nbits, STRIDE);
	damage_name("slab.r");
	damage_bits(&d, slab_r, slab_remote(s), nbits, STRIDE);
}

/* kind_of -- slabs are tried by state, other runs by what they say */
static size_t
kind_of(const struct desc *desc)
{
	const struct slab *s = (const struct slab *)desc;

	if (desc->owner < RUN_NTAGS)
		return desc->owner;
	if (s->state != SLAB_LISTED)
		return RUN_NTAGS + s->state;
	if (s->bin->slab == s)
		return RUN_NTAGS + SLAB_NSTATES;
	return RUN_NTAGS + SLAB_NSTATES + 1 + (s->used == 0);
}

static void
try_run(const struct desc *desc)
{
	if (desc->owner >= RUN_NTAGS)
		try_slab((const struct slab *)desc);
	else if (desc->owner == RUN_META)
		try_all(meta, desc);
	else
		try_all(run, desc);
	if (desc->owner == RUN_CACHED)
		try_all(cached_run, desc);
}

static void
try_runs(const struct run_space *rs)
{
	size_t ntried[RUN_NTAGS + SLAB_NSTATES + 3] = {0};

	for (size_t page = rs->first; page < rs->npages;) {
		uint32_t g = run_map_granule(rs->base, page);
		const struct desc *desc = run_desc(rs->base, g);
		size_t npages = g == RUN_NO_GRANULE ? 1 : desc->npages;

		if (g != RUN_NO_GRANULE) {
			if (desc->owner == RUN_LARGE ||
				desc->owner >= RUN_NTAGS)
				memset(&holds_object[page], 1, npages);
			if (ntried[kind_of(desc)]++ < MOST)
				try_run(desc);
		}
		page += npages;
	}
	/* all kinds are there: else nothing would be said of them */
	for (size_t i = RUN_LARGE; i < NELEM(ntried); i++)
		must(ntried[i] > 0 || i == RUN_NTAGS + SLAB_LISTED);
}

static void
try_bin(const struct heap *h, const struct bin *b)
{
	try_all(bin, b);
	if (b->cur != &h->no_word)
		try_all(bin_current, b);
	if (bin_count(b) > 0)
		try_all(lifo, b);
}

static void
try_heap(const struct heap *h)
{
	size_t ntried[2] = {0};

	try_all(heap, h);
	if (h->state == HEAP_PARKED)
		try_all(heap_parked, h);
	if (h->cache.nspare > 0)
		try_all(spare_desc, run_desc(h->base, h->cache.spare));
	for (unsigned c = 0; c < h->table->nclasses; c++) {
		const struct bin *b = heap_bin_const(h, h->table, c);

		if (ntried[b->nslabs > 0]++ < MOST)
			try_bin(h, b);
	}
}

static void
try_arrays(const struct run_space *rs)
{
	const uint64_t *map = run_map(rs->base);

	damage_name("page map");
	damage_bits(&d, page_map, map, rs->npages * 64, MAP_STRIDE);
	for (size_t i = 0; i < rs->npages; i += MAP_STRIDE) {
		uint64_t noise = rng_next(&d.rng);

		damage_bytes(&d, page_map, &map[i], &noise, sizeof(noise));
	}
	damage_name("bitmap of used pages");
	damage_bits(&d, used, rs->tree.used,
		(size_t)rs->tree.nnodes[0] * TREE_BLOCK_BITS, STRIDE);
	damage_name("dirty bits");
	for (size_t page = rs->first; page < rs->npages; page += STRIDE) {
		size_t bit = page + rs->bias;
		unsigned char *at = (unsigned char *)rs->dirty + bit / 8;
		unsigned char flipped = (unsigned char)(*at ^ 1u << bit % 8);

		damage_bytes(&d,
			bitmap_test(rs->tree.used, bit) ? dirty_used
							: dirty_free,
			at, &flipped, 1);
	}
	damage_name("bitmap of hollow pages");
	damage_bits(&d, hollow, rs->hollow,
		bitmap_words(rs->tree.nbits) * BITMAP_WORD, STRIDE);
	for (unsigned l = 0; l < rs->tree.nlevels; l++)
		for (size_t i = 0; i < rs->tree.nnodes[l]; i++)
			try_all(summaries, &rs->tree.level[l][i]);
}

static void
try_random(void)
{
	const char *soak = getenv("VMEM_SOAK_SECONDS");
	uint64_t ms = soak == NULL ? RANDOM_MS : strtoul(soak, NULL, 10) * 1000;
	uint64_t end = test_ms() + ms;
	size_t ntried = 0, nfound = 0;

	for (; test_ms() < end; ntried++)
		nfound += damage_random(&d, holds_object);
	must(!damage_is_found(&d));
	(void)printf("  random: found %zu of %zu\n", nfound, ntried);
}

static int
report_all(void)
{
	size_t tried = 0, found = 0;

#define report(fields) damage_report((fields), NELEM(fields), &tried, &found)
	report(header);
	report(space);
	report(dir);
	report(heap);
	report(heap_parked);
	report(bin);
	report(bin_current);
	report(lifo);
	report(slab);
	report(slab_links);
	report(slab_w);
	report(slab_r);
	report(run);
	report(cached_run);
	report(spare_desc);
	report(meta);
	report(page_map);
	report(used);
	report(dirty_used);
	report(dirty_free);
	report(hollow);
	report(summaries);
	(void)printf("  found %zu of %zu that matter\n", found, tried);
	(void)fflush(stdout);
	return found * 1000 >= tried * 999 ? 0 : 1;
}

static int
fuzz(void *arg)
{
	const struct pool *p;

	(void)arg;
	damage_open(&d, VMEM_MIN_POOL, "check_fuzz");
	busy_pool_fill(d.vmp, &d.rng);
	damage_seal(&d);
	p = pool_at(d.vmp);
	try_all(header, p);
	try_all(space, &p->runs);
	try_all(dir, &p->dir);
	for (const struct heap *h = p->dir.all; h != NULL; h = h->next)
		try_heap(h);
	try_runs(&p->runs);
	try_arrays(&p->runs);
	try_random();
	return report_all();
}

static void
check__damage_of_every_field__is_found_without_a_write(void **state)
{
	(void)state;
	assert_int_equal(test_child(fuzz, NULL), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			check__damage_of_every_field__is_found_without_a_write),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
