/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_heap_check.c -- every bit of every field of the heaps, flipped
 *
 * A table says for each field how many flips the checks found.  A field that
 * carries the pool's safety must be found; fields.h says what the others are.
 *
 * ctest: timeout=300 not-tsan
 */
#include "harness/fields.h"
#include "harness/heaps.h"

#include <string.h>

struct field {
	const char *name;
	size_t off, size;
	enum worth worth;
	size_t ntried, nfound;
};

#define FIELD(type, name, worth)                                               \
	{                                                                      \
#type "." #name, offsetof(struct type, name),                  \
			sizeof(((struct type *)0)->name), worth, 0, 0          \
	}

static struct field slab_fields[] = {
	SLAB_FIELDS,
};

/* where the slab is on its bin's list */
static struct field link_fields[] = {
	SLAB_LINK_FIELDS,
};

static struct field w_fields[] = {{"slab.w", 0, 0, MATTERS, 0, 0}};
static struct field r_fields[] = {{"slab.r", 0, 0, LAWFUL, 0, 0}};

static struct field bin_fields[] = {
	BIN_FIELDS,
};

/* of a bin that has a current word, and slots in the LIFO */
static struct field busy_bin_fields[] = {
	FIELD(bin, cur_base, MATTERS),
	{"lifo[0]", sizeof(struct bin), sizeof(void *), MATTERS, 0, 0},
	{"lifo[1]", sizeof(struct bin) + sizeof(void *), sizeof(void *),
		MATTERS, 0, 0},
};

static struct field heap_fields[] = {
	HEAP_FIELDS,
	FIELD(heap, cache.edges.head[EDGE_BEGIN][9], MATTERS),
	FIELD(heap, cache.edges.head[EDGE_END][77], MATTERS),
	FIELD(heap, large[0], MATTERS),
};

static struct field parked_fields[] = {FIELD(heap, next_parked, MATTERS)};
static struct field cached_fields[] = {
	CACHED_RUN_FIELDS,
};

static struct field spare_fields[] = {
	SPARE_DESC_FIELDS,
};

static struct field dir_fields[] = {
	DIR_FIELDS,
	FIELD(heap_dir, idle_due, HINT),
	FIELD(heap_dir, idle_look, HINT),
	FIELD(heap_dir, idle_period, HINT),
};

static struct heaps pool;
static struct heap *one, *two, *parked;
static struct slab *slabs[5]; /* of each kind: see fill() */

/* in sanitized builds every so many-th bit is tried */
#define STRIDE (TEST_SANITIZED ? 7u : 1u)

static void
flip(struct field *f, void *object)
{
	unsigned char *p = (unsigned char *)object + f->off;

	for (size_t bit = 0; bit < f->size * 8; bit += STRIDE) {
		unsigned char mask = (unsigned char)(1u << bit % 8);

		p[bit / 8] ^= mask;
		f->ntried++;
		f->nfound += heaps_nfindings(&pool) > 0;
		p[bit / 8] ^= mask;
	}
}

static void
flip_all(struct field *fields, size_t n, void *object)
{
	for (size_t i = 0; i < n; i++)
		flip(&fields[i], object);
	must(heaps_nfindings(&pool) == 0);
}

/* report -- the table; returns how many flips that matter were missed */
static void
report(const struct field *fields, size_t n, size_t *ntried, size_t *nfound)
{
	for (size_t i = 0; i < n; i++) {
		const struct field *f = &fields[i];
		bool partly = f->nfound < f->ntried;

		print_message("  %-22s %6zu of %6zu%s\n", f->name, f->nfound,
			f->ntried,
			f->worth != MATTERS ? "  may differ"
			: partly            ? "  MISSED"
					    : "");
		if (f->worth == MATTERS) {
			*ntried += f->ntried;
			*nfound += f->nfound;
		}
	}
}

#define report_all(fields) report((fields), NELEM(fields), &ntried, &nfound)

/* fill_slab -- objects of one class until its first slab is full */
static struct slab *
fill_slab(struct heap *h, size_t size, void **objects, size_t *n)
{
	struct slab *s = NULL;

	for (*n = 0;
		s == NULL || slab_live(s) < s->nobj || bin_held(s->bin) > 0;
		++*n) {
		objects[*n] = heaps_malloc(h, size);
		must(objects[*n] != NULL);
		s = (struct slab *)run_lookup(h->runs, objects[*n]);
	}
	return s;
}

/*
 * fill -- heaps in every state, slabs in every state: a current one, one on
 * the list, an empty one, a full one, a full one that is queued
 */
static void
fill(enum hardening level)
{
	static void *o[SLAB_MAX_OBJECTS + 1], *o2[SLAB_MAX_OBJECTS + 1];
	size_t n, n2;

	heaps_open(&pool, SPACE_BYTES, level);
	one = dir_attach(&pool.dir, true);
	two = dir_attach(&pool.dir, false);
	parked = dir_attach(&pool.dir, false);
	must(one != NULL && two != NULL && parked != NULL);
	must(dir_shared(&pool.dir) != NULL);
	must(heaps_malloc(parked, 40) != NULL);
	must(heaps_malloc(parked, 3000) != NULL);
	dir_park(parked);
	for (size_t i = 0; i < 4; i++) {
		void *p = heaps_malloc(one, (SLAB_MAX + 1) + i * 4 * RUN_PAGE);

		must(p != NULL && heaps_malloc(two, SLAB_MAX + 1) != NULL);
		if (i % 2 == 0)
			must(heaps_free(one, p) == FREE_DONE);
	}
	/* a part of the longer one: the rest stays, and spare descriptors */
	must(heaps_malloc(one, 10 * RUN_PAGE) != NULL);
	must(one->cache.nruns == 2 && one->cache.nspare > 1);
	/* full: the bin lets go of it when it needs the next */
	slabs[0] = fill_slab(one, 96, o, &n);
	must(heaps_malloc(one, 96) != NULL);
	must(slabs[0]->state == SLAB_FULL);
	slabs[1] = fill_slab(one, 80, o, &n);
	must(heaps_malloc(one, 80) != NULL);
	must(heaps_free(two, o[3]) == FREE_DONE);
	must(slabs[1]->state == SLAB_QUEUED);
	/* listed with objects and without */
	slabs[2] = fill_slab(one, 128, o, &n);
	slabs[3] = fill_slab(one, 128, o2, &n2);
	must(heaps_malloc(one, 128) != NULL);
	for (size_t i = 0; i < n; i++)
		must(heaps_free(one, o[i]) == FREE_DONE);
	must(heaps_free(one, o2[0]) == FREE_DONE);
	must(heaps_free(one, o2[5]) == FREE_DONE);
	heap_flush(two);
	/* current, with slots in the LIFO */
	for (size_t i = 0; i < 9; i++)
		o[i] = heaps_malloc(one, 500);
	for (size_t i = 0; i < 3; i++)
		must(heaps_free(one, o[i]) == FREE_DONE);
	slabs[4] = (struct slab *)run_lookup(one->runs, o[0]);
	must(heap_bin(one, one->table, slabs[4]->cls)->slab == slabs[4]);
	must(heaps_nfindings(&pool) == 0);
}

static void
flip_slab(struct slab *s)
{
	w_fields[0].off = offsetof(struct slab, w);
	w_fields[0].size = slab_nwords(s) * sizeof(uint64_t);
	r_fields[0].off = s->roff * sizeof(uint64_t);
	r_fields[0].size = w_fields[0].size;
	flip_all(slab_fields, NELEM(slab_fields), s);
	flip_all(w_fields, 1, s);
	flip_all(r_fields, 1, s);
	if (s->state == SLAB_LISTED && s->bin->slab != s)
		flip_all(link_fields, NELEM(link_fields), s);
}

static void
check__every_field__finds_what_matters(void **state)
{
	size_t ntried = 0, nfound = 0;
	struct bin *busy, *idle;

	(void)state;
	fill(HARDENING_DEFAULT);
	for (size_t i = 0; i < NELEM(slabs); i++)
		flip_slab(slabs[i]);
	busy = slabs[4]->bin;
	idle = two->bins;
	must(idle->nslabs == 0 && bin_count(busy) >= 3);
	flip_all(bin_fields, NELEM(bin_fields), busy);
	flip_all(bin_fields, NELEM(bin_fields), idle);
	flip_all(bin_fields, NELEM(bin_fields), slabs[3]->bin);
	flip_all(busy_bin_fields, NELEM(busy_bin_fields), busy);
	flip_all(heap_fields, NELEM(heap_fields), one);
	flip_all(heap_fields, NELEM(heap_fields), parked);
	flip_all(heap_fields, NELEM(heap_fields), pool.dir.shared);
	flip_all(parked_fields, NELEM(parked_fields), parked);
	must(one->cache.nruns == 2);
	flip_all(cached_fields, NELEM(cached_fields),
		run_desc(one->base, one->cache.oldest));
	flip_all(cached_fields, NELEM(cached_fields),
		run_desc(one->base, one->cache.newest));
	flip_all(spare_fields, NELEM(spare_fields),
		run_desc(one->base, one->cache.spare));
	flip_all(dir_fields, NELEM(dir_fields), &pool.dir);
	report_all(slab_fields);
	report_all(w_fields);
	report_all(r_fields);
	report_all(link_fields);
	report_all(bin_fields);
	report_all(busy_bin_fields);
	report_all(heap_fields);
	report_all(parked_fields);
	report_all(cached_fields);
	report_all(spare_fields);
	report_all(dir_fields);
	print_message("  found %zu of %zu that matter\n", nfound, ntried);
	assert_true(nfound * 100 >= ntried * 99);
	heaps_close(&pool);
}

/* assert_found -- every flip of one field */
static void
assert_found(const char *name, struct field *fields, size_t n, void *object)
{
	for (size_t i = 0; i < n; i++) {
		if (strcmp(fields[i].name, name) != 0)
			continue;
		fields[i].ntried = fields[i].nfound = 0;
		flip(&fields[i], object);
		assert_int_equal(fields[i].nfound, fields[i].ntried);
		return;
	}
	must(false); /* no such field */
}

static void
check__locks__are_found(void **state)
{
	(void)state;
	fill(HARDENING_DEFAULT);
	assert_found("heap_dir.admin.word", dir_fields, NELEM(dir_fields),
		&pool.dir);
	assert_found("heap_dir.shared_lock.word", dir_fields, NELEM(dir_fields),
		&pool.dir);
	heaps_close(&pool);
}

static void
check__shared_heap_where_there_is_none__is_found(void **state)
{
	(void)state;
	heaps_open(&pool, SPACE_BYTES, HARDENING_DEFAULT);
	assert_null(pool.dir.shared);
	assert_found(
		"heap_dir.shared", dir_fields, NELEM(dir_fields), &pool.dir);
	heaps_close(&pool);
}

/* whatever the bytes are: the check ends and changes nothing */
static void
check__random_bytes_in_metadata__ends(void **state)
{
	static struct heap_dir dir;
	static struct space saved;
	static char copy[256 * 1024];
	struct rng rng;

	(void)state;
	rng_init(&rng, "heap noise");
	fill(HARDENING_DEFAULT);
	dir = pool.dir;
	saved = pool.s;
	for (int i = 0; i < (TEST_SANITIZED ? 500 : 5000); i++) {
		void *at[] = {one, two, parked, slabs[i % 5], &pool.dir,
			slabs[4]->bin};
		size_t sizes[] = {sizeof(*one), sizeof(*two), sizeof(*parked),
			64, sizeof(dir), sizeof(struct bin)};
		size_t k = rng_between(&rng, 0, NELEM(at) - 1);
		size_t off = rng_between(&rng, 0, sizes[k] - 8);

		memcpy(copy, at[k], sizes[k]);
		rng_fill(&rng, (char *)at[k] + off, rng_between(&rng, 1, 8));
		(void)heaps_nfindings(&pool);
		memcpy(at[k], copy, sizes[k]);
	}
	must(memcmp(&dir, &pool.dir, sizeof(dir)) == 0);
	/* its padding was copied too
	 * NOLINTNEXTLINE(bugprone-suspicious-memory-comparison) */
	must(memcmp(&saved, &pool.s, sizeof(saved)) == 0);
	must(heaps_nfindings(&pool) == 0);
	heaps_close(&pool);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(check__every_field__finds_what_matters),
		cmocka_unit_test(check__locks__are_found),
		cmocka_unit_test(
			check__shared_heap_where_there_is_none__is_found),
		cmocka_unit_test(check__random_bytes_in_metadata__ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
