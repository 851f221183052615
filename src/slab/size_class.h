/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * size_class.h -- the rounded sizes of small objects
 *
 * 8, then 16 to 128 by 16, then 8 sizes a doubling up to SLAB_MAX.  A pool of
 * CLASS_FINE_POOL bytes or more has 16 a doubling from 1 KiB on: it can afford
 * more kinds of slabs, and wastes half as much in each object.  From
 * CLASS_LONG_POOL on it can afford bins with longer LIFOs.  The tables are made
 * once and only read from then on.
 *
 * Also here: how many pages a slab of a class takes, and the reciprocal that
 * turns an offset in a slab into an index without a division.
 */
#ifndef SLAB_SIZE_CLASS_H
#define SLAB_SIZE_CLASS_H

#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"

#define SLAB_MAX         ((size_t)32 * 1024) /* largest small object */
#define SLAB_LOOKUP_MAX  ((size_t)8192)      /* largest in the lookup table */
#define CLASS_MAX        113                 /* classes of the finer table */
#define CLASS_LONG_POOL  ((size_t)64 << 20)
#define CLASS_FINE_POOL  ((size_t)256 << 20)
#define CLASS_TABLES     3u
#define CLASS_NSTEPS     6u /* slabs of about 1, 2, 4, 8, 16, 32 pages */
#define SLAB_MAX_OBJECTS 1024u

/* a bin is its head and the LIFO of slots that were freed last */
#define BIN_HEAD       128u                /* bytes */
#define BIN_LIFO       64u                 /* slots at most */
#define BIN_LIFO_LONG  128u                /* from CLASS_LONG_POOL on */
#define BIN_LIFO_BYTES ((size_t)32 * 1024) /* so many bytes of objects... */
#define BIN_LIFO_LEAST 4u                  /* ...but at least so many slots */

/* above SLAB_LOOKUP_MAX all classes are multiples of that */
#define LOOKUP_LG_STEP 9u
#define LOOKUP_SMALLS  (SLAB_LOOKUP_MAX / 8 + 1)
#define LOOKUP_SIZE    (LOOKUP_SMALLS + (SLAB_MAX >> LOOKUP_LG_STEP))

struct size_class {
	uint32_t size;                /* bytes of a slot */
	uint32_t recip;               /* ceil(2^32 / size) */
	uint8_t npages[CLASS_NSTEPS]; /* of a slab, by step */
	uint8_t nlifo;                /* slots of its bin's LIFO */
	uint16_t bin;                 /* where a heap has its bin: bytes */
};

struct class_table {
	uint32_t nclasses;
	uint32_t per_doubling_log2[2]; /* below and from 1 KiB on */
	uint32_t bin_bytes;            /* of all bins of a heap */
	/* lookup_small() of a size -> the class */
	uint8_t cls_of[LOOKUP_SMALLS];
	/* lookup_small(), lookup_above() of a size -> the bin of its class */
	uint16_t lookup[LOOKUP_SIZE];
	struct size_class cls[CLASS_MAX];
};

/* lookup_small -- where the bin of a size stands, to SLAB_LOOKUP_MAX */
static ALWAYS_INLINE size_t
lookup_small(size_t size)
{
	return (size + 7) >> 3;
}

/* lookup_above -- the same of one above, to SLAB_MAX */
static ALWAYS_INLINE size_t
lookup_above(size_t size)
{
	return LOOKUP_SMALLS + ((size - 1) >> LOOKUP_LG_STEP);
}

/* class_tables_init -- make all tables; once, before any other call */
void class_tables_init(void);

/* class_table -- the i-th of CLASS_TABLES, for larger pools than the one before
 */
const struct class_table *class_table(unsigned i);

/* class_table_index -- which of them a pool of that many bytes has */
unsigned class_table_index(size_t pool_size);

/* class_table_for -- that table */
static inline const struct class_table *
class_table_for(size_t pool_size)
{
	return class_table(class_table_index(pool_size));
}

/* class_above -- the class of a size over SLAB_LOOKUP_MAX, to SLAB_MAX */
unsigned class_above(const struct class_table *t, size_t size);

/* class_of -- the smallest class that holds size; size <= SLAB_MAX */
static inline unsigned
class_of(const struct class_table *t, size_t size)
{
	if (likely(size <= SLAB_LOOKUP_MAX))
		return t->cls_of[lookup_small(size)];
	return class_above(t, size);
}

/*
 * class_aligned_size -- a size that has the class of slots at that alignment,
 * a power of two up to RUN_PAGE
 *
 * A slab ends at a page and slots follow each other, so the class's size has to
 * be a multiple.  Classes between two powers of two lie a smaller one
 * apart.  Where that is no less than the alignment all of them are multiples;
 * where it is less, a size that is a multiple is itself a class.
 */
static ALWAYS_INLINE size_t
class_aligned_size(size_t size, size_t align)
{
	/* 0 bytes: as many as a slot may be apart */
	return ((size == 0 ? 1 : size) + align - 1) & ~(align - 1);
}

/* class_nobj -- slots of a slab of npages pages */
unsigned class_nobj(const struct size_class *c, unsigned npages);

/*
 * class_tail -- bytes of such a slab that no slot has, in front of them: less
 * than a slot, and as aligned as a slot may be
 */
unsigned class_tail(const struct size_class *c, unsigned npages);

/*
 * class_index -- which slot starts at an offset in a slab
 *
 * One multiplication: the high half of off * recip is off / size, and the low
 * half is under recip exactly when nothing remains.  True for every class and
 * every offset in a slab, of its tail too, where it is less than 0: the tests
 * try them one by one.  Of others the index may be anything, so who does not
 * know that it is one of the slab's compares it with nobj.
 * Returns the index, or UINT32_MAX when no slot starts there.
 */
static ALWAYS_INLINE uint32_t
class_index(uint32_t recip, uint64_t off)
{
	uint64_t product = off * recip;
	return likely((uint32_t)product < recip) ? (uint32_t)(product >> 32)
						 : UINT32_MAX;
}

#endif
