/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * hostile.c -- whatever the bytes are that are read, a reader ends and says so
 *
 * A real pool and all that leads to it are copied into an image, which is a
 * source like a core file; the pool is gone then, and its addresses are free
 * for snapshots.  The image is changed at random, everywhere that a reader
 * looks, and looked into by all ways there are.
 *
 * ctest: not-tsan not-valgrind timeout=120
 */
#include "harness/test.h"

#include "inspect/snapshot.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define POOL_SIZE  (16 * MIB)
#define POOL_PLACE UINT64_C(0x200000000000) /* where nothing else comes */
#define OBJECTS    6000
#define ROUNDS     (TEST_ASAN ? 600 : 2000)
#define PIECES     256
#define CHANGES    6
#define MAX_LARGE  (300 * KIB)

/* a piece of memory as it was */
struct piece {
	uint64_t at;
	size_t size;
	char *bytes;
};

static struct piece pieces[PIECES];
static size_t npieces;
static void *places[OBJECTS];
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

/* make_pool -- with all kinds of runs in it */
static void
make_pool(struct rng *rng)
{
	void *region = mmap((void *)POOL_PLACE, POOL_SIZE,
		PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	VMEM *vmp = vmem_create_in_region(region, POOL_SIZE);

	must(vmp != NULL);
	for (size_t i = 0; i < OBJECTS * 3; i++) {
		void **place = &places[rng_between(rng, 0, OBJECTS - 1)];
		size_t most = i % 100 == 0 ? MAX_LARGE
			      : i % 7 == 0 ? 9000
					   : 400;

		vmem_free(vmp, *place);
		*place = vmem_malloc(vmp, rng_between(rng, 1, most));
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

/* a place that a reader looks at */
static uint64_t
place(struct rng *rng, uint64_t base, uint64_t table, uint64_t registry)
{
	static const size_t fixed = 0x3000 + POOL_SIZE / 1024;

	switch (rng_between(rng, 0, 5)) {
	case 0:
		return registry +
		       rng_between(rng, 0, sizeof(struct registry) / 8 - 1) * 8;
	case 1:
		return table +
		       rng_between(rng, 0, sizeof(struct record) / 8 - 1) * 8;
	case 2:
		return base + RUN_HEADER_OFF +
		       rng_between(rng, 0, sizeof(struct pool) / 8 - 1) * 8;
	case 3:
		return base + RUN_MAP_OFF + rng_between(rng, 0, fixed / 8) * 8;
	default:
		/* descriptors and heaps are among the first pages */
		return base + fixed + rng_between(rng, 0, 64 * KIB / 8) * 8;
	}
}

static uint64_t
damaged(struct rng *rng, uint64_t word, uint64_t base)
{
	switch (rng_between(rng, 0, 6)) {
	case 0:
		return word ^ UINT64_C(1) << rng_between(rng, 0, 63);
	case 1:
		return rng_next(rng);
	case 2:
		return UINT64_MAX;
	case 3:
		return word ^ (rng_next(rng) & 0xff)
				      << (8 * rng_between(rng, 0, 7));
	case 4:
		return base + rng_between(rng, 0, POOL_SIZE);
	case 5:
		return word + rng_between(rng, 0, 64) - 32;
	default:
		return 0;
	}
}

static void
reader__any_bytes__ends(void **state)
{
	struct rng rng;
	struct libraries libraries;
	struct registry registry;
	struct record *records;
	size_t n, nfine = 0;
	struct source *s;

	(void)state;
	rng_init(&rng, __func__);
	make_pool(&rng);
	take_image();
	vmem_set_funcs(NULL, NULL, NULL, NULL, count_printed);
	assert_true(look_at_all());
	s = open_image();
	must(finder_libraries(&libraries, s) == 0);
	must(finder_records(s, libraries.at[0], &registry, &records, &n) == 0);
	source_close(s);
	uint64_t base = (uintptr_t)records[0].backing.base;
	for (unsigned round = 0; round < ROUNDS; round++) {
		uint64_t old[CHANGES], at[CHANGES];
		size_t changes = rng_between(&rng, 1, CHANGES);

		for (size_t i = 0; i < changes; i++) {
			at[i] = place(&rng, base, (uintptr_t)registry.table,
				libraries.at[0]);
			const struct piece *p = piece_of(at[i]);
			char *bytes = p->bytes + (at[i] - p->at);
			uint64_t word;
			memcpy(&word, bytes, sizeof(word));
			old[i] = word;
			word = damaged(&rng, word, base);
			memcpy(bytes, &word, sizeof(word));
		}
		nfine += look_at_all();
		for (size_t i = changes; i-- > 0;) {
			const struct piece *p = piece_of(at[i]);
			memcpy(p->bytes + (at[i] - p->at), &old[i],
				sizeof(old[i]));
		}
	}
	/* some words are free memory, or statistics: most are not */
	print_message("%zu of %u changes did no harm\n", nfine, ROUNDS);
	assert_true(nfine < ROUNDS / 2);
	assert_true(look_at_all());
	free(records);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reader__any_bytes__ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
