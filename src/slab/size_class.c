/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * size_class.c -- the rounded sizes of small objects
 */
#include "slab/size_class.h"

#include "base/arith.h"
#include "base/assert.h"
#include "run/run.h"

#define QUANTUM     16u /* spacing up to LINEAR_MAX */
#define LINEAR_MAX  128u
#define LG_DOUBLING 3u        /* sizes a doubling, log2; one more when finer */
#define FINE_FROM   1024u     /* where the finer table begins to differ */
#define MIN_OBJECTS 4u        /* a slab has room for at least so many */
#define TAIL_SHARE  64u       /* at most 1/64 of a slab is left over */
#define LINE_SLOTS  (size_t)8 /* addresses in a cache line */

/*
 * Slabs of larger objects have few slots: then some are empty when objects are
 * freed at random, and their pages can serve other classes.
 */
#define FEW_FROM    1024u
#define FEW_OBJECTS (size_t)4

static struct class_table tables[CLASS_TABLES]; /* by class_tables_init() */

/* spacing -- of the classes between 2^n and 2^(n+1), where size > 2^n */
static size_t
spacing(const struct class_table *t, size_t size)
{
	size_t low = (size_t)1 << lg_floor(size - 1);
	return low >> t->per_doubling_log2[low >= FINE_FROM];
}

unsigned
class_nobj(const struct size_class *c, unsigned npages)
{
	size_t n = npages * RUN_PAGE / c->size;
	return (unsigned)min_size(n, SLAB_MAX_OBJECTS);
}

unsigned
class_tail(const struct size_class *c, unsigned npages)
{
	return npages * (unsigned)RUN_PAGE - class_nobj(c, npages) * c->size;
}

/*
 * geometry -- pages of a slab that wants about `want`: the first count from
 * there on that leaves little in front of the slots, and no more of them than
 * its descriptor has bits for
 */
static uint8_t
geometry(const struct size_class *c, unsigned want)
{
	unsigned most = (unsigned)max_size(
		SLAB_MAX_OBJECTS * (size_t)c->size / RUN_PAGE, 1);
	unsigned least =
		(unsigned)div_up((size_t)MIN_OBJECTS * c->size, RUN_PAGE);
	if (c->size > FEW_FROM)
		want = (unsigned)min_size(
			want, FEW_OBJECTS * c->size / RUN_PAGE);
	unsigned first = (unsigned)min_size(max_size(want, least), most);
	for (unsigned n = first;; n++) {
		if ((size_t)class_tail(c, n) * TAIL_SHARE <= n * RUN_PAGE ||
			n == most)
			return (uint8_t)n;
	}
}

static void
class_add(struct class_table *t, size_t size, size_t lifo)
{
	ASSERT(t->nclasses < CLASS_MAX);
	struct size_class *c = &t->cls[t->nclasses++];
	c->size = (uint32_t)size;
	c->recip = (uint32_t)((((uint64_t)1 << 32) + size - 1) / size);
	for (unsigned step = 0; step < CLASS_NSTEPS; step++)
		c->npages[step] = geometry(c, 1u << step);
	c->nlifo = (uint8_t)clamp_size(
		BIN_LIFO_BYTES / size, BIN_LIFO_LEAST, lifo);
	ASSERT(t->bin_bytes <= UINT16_MAX);
	c->bin = (uint16_t)t->bin_bytes;
	/* whole cache lines: the counts and what is freed last are hot; and a
	 * NULL ends the trail */
	size_t places = align_up((size_t)c->nlifo + 1, LINE_SLOTS);
	t->bin_bytes += (uint32_t)(BIN_HEAD + places * sizeof(void *));
}

static void
table_init(struct class_table *t, unsigned lg_high, size_t lifo)
{
	t->nclasses = 0;
	t->bin_bytes = 0;
	t->per_doubling_log2[0] = LG_DOUBLING;
	t->per_doubling_log2[1] = lg_high;
	class_add(t, 8, lifo);
	for (size_t size = QUANTUM; size <= LINEAR_MAX; size += QUANTUM)
		class_add(t, size, lifo);
	for (size_t size = LINEAR_MAX; size < SLAB_MAX;) {
		size += spacing(t, size + 1);
		class_add(t, size, lifo);
	}
	unsigned c = 0;
	for (size_t i = 0; i <= SLAB_LOOKUP_MAX / 8; i++) {
		while (t->cls[c].size < i * 8)
			c++;
		t->cls_of[i] = (uint8_t)c;
		t->lookup[lookup_small(i * 8)] = t->cls[c].bin;
	}
	for (size_t size = SLAB_LOOKUP_MAX; size < SLAB_MAX;) {
		size += (size_t)1 << LOOKUP_LG_STEP;
		t->lookup[lookup_above(size)] =
			t->cls[class_above(t, size)].bin;
	}
}

void
class_tables_init(void)
{
	if (tables[CLASS_TABLES - 1].nclasses != 0)
		return;
	table_init(&tables[0], LG_DOUBLING, BIN_LIFO);
	table_init(&tables[1], LG_DOUBLING, BIN_LIFO_LONG);
	table_init(&tables[2], LG_DOUBLING + 1, BIN_LIFO_LONG);
}

const struct class_table *
class_table(unsigned i)
{
	ASSERT(i < CLASS_TABLES);
	return &tables[i];
}

unsigned
class_table_index(size_t pool_size)
{
	if (pool_size >= CLASS_FINE_POOL)
		return 2;
	return pool_size >= CLASS_LONG_POOL ? 1 : 0;
}

unsigned
class_above(const struct class_table *t, size_t size)
{
	/* classes from 8 KiB up: as many in each doubling */
	unsigned lg = t->per_doubling_log2[1];
	unsigned low = lg_floor(size - 1);
	unsigned steps = (unsigned)((size - 1) >> (low - lg)) - (1u << lg);
	unsigned base = t->cls_of[SLAB_LOOKUP_MAX / 8];
	return base + ((low - lg_floor(SLAB_LOOKUP_MAX)) << lg) + steps + 1;
}
