/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * heap_realloc.c -- another size for an object, where it is or elsewhere
 */
#include <string.h>

#include "base/arith.h"
#include "tcache/heap_internal.h"

bool
object_stays(const struct object *o, const struct class_table *t, const void *p,
	size_t size)
{
	if (o->large || size > o->usable)
		return false;
	/* aligned to it, as it would be by malloc */
	if (is_pow2(size) && size <= RUN_PAGE && (uintptr_t)p % size != 0)
		return false;
	return size > o->usable / 2 ||
	       t->cls[class_of(t, size)].size == o->usable;
}

void *
heap_realloc(struct heap *h, void *p, size_t size)
{
	if (h == &heap_inert || size > PTRDIFF_MAX)
		return NULL;
	struct object o = heap_find(h, p);
	if (o.what != FREE_DONE)
		return NULL;
	if (object_stays(&o, h->table, p, size))
		return p;
	if (o.large &&
		heap_resize_large(h, p, max_size(div_up(size, RUN_PAGE), 1)))
		return p;
	void *fresh = heap_alloc_any(h, size);
	if (fresh == NULL)
		return NULL;
	if (heap_hold(h, fresh)) {
		memcpy(fresh, p, min_size(size, o.usable));
		heap_let(h, fresh);
	}
	/* another thread may have freed it meanwhile: it is gone either way */
	(void)heap_free_any(h, p, 0);
	return fresh;
}
