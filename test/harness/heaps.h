/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * heaps.h -- a pool's heaps without the pool layer
 *
 * For unit/ and model/ only.  What the public functions do with a heap that
 * the thread holds, in one place.
 */
#ifndef HARNESS_HEAPS_H
#define HARNESS_HEAPS_H

#include "harness/space.h"

struct heaps {
	struct space s;
	struct heap_dir dir;
	enum hardening level;
	size_t nfree; /* pages that were free in the beginning */
};

static inline void
heaps_open(struct heaps *p, size_t size, enum hardening level)
{
	class_tables_init();
	space_open(&p->s, size, 1);
	p->level = level;
	must(dir_init(&p->dir, &p->s.rs, level));
	p->nfree = p->s.rs.nfree;
}

static inline void
heaps_close(struct heaps *p)
{
	space_close(&p->s);
}

static inline size_t
heaps_nfindings(const struct heaps *p)
{
	return space_nfindings(&p->s, &p->dir, p->level);
}

static inline void *
heaps_malloc(struct heap *h, size_t size)
{
	unsigned cls;
	bool clean;
	void *p;

	if (size > SLAB_MAX)
		return heap_alloc_large(h, (size + RUN_PAGE - 1) / RUN_PAGE,
			RUN_LG_PAGE, &clean);
	if (size <= SLAB_LOOKUP_MAX && heap_malloc_fast(h, size, &p))
		return p;
	cls = class_of(h->table, size);
	p = idle_is_due(h) ? NULL : heap_alloc_class(h, cls);
	if (p != NULL || !idle_is_due(h))
		return p;
	(void)idle_collect(h->dir);
	return heap_alloc_class(h, cls);
}

static inline enum free_result
heaps_free(struct heap *h, void *p)
{
	struct slab *s = NULL;
	size_t idx = 0;

	switch (heap_free_fast(h, h->base, p, &s, &idx)) {
	case FAST_DONE:
	case FAST_BELIEVED:
		return FREE_DONE;
	case FAST_BITS:
		heap_free_bits(h, s, idx);
		return FREE_DONE;
	case FAST_OTHER:
		if (heap_free_other(h, s, p, 0))
			return FREE_DONE;
		break;
	case FAST_SLOW:
		break;
	}
	return heap_free(h, p);
}

#endif
