/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * model.c -- what must be in the pools
 *
 * Large objects are not filled whole, which would take most of the time: both
 * ends are, and the beginning of each page between.
 */
#include "fuzz/kit/model.h"

#define WHOLE    ((size_t)64 * 1024) /* bytes up to which all are filled */
#define PAGE     ((size_t)4096)
#define A_FEW    ((size_t)8)
#define MALLOCED ((size_t)16) /* bytes, the usual alignment */

/* of a pool; the page map comes after it, see docs/design.md */
#define HEADER (3 * PAGE)

static unsigned char
pattern(uint64_t tag, size_t i)
{
	return (unsigned char)(tag * 37 + i * 5 + (i >> 8) + 1);
}

/* next_place -- after i of an object of n bytes, the next one that is filled */
static size_t
next_place(size_t i, size_t n)
{
	i++;
	if (n <= WHOLE || i < PAGE || i >= n - PAGE || i % PAGE < A_FEW)
		return i;
	size_t next = (i / PAGE + 1) * PAGE;
	return next < n - PAGE ? next : n - PAGE;
}

static void
fill(struct object *o)
{
	for (size_t i = 0; i < o->usable; i = next_place(i, o->usable))
		o->at[i] = pattern(o->tag, i);
}

void
object_verify(const struct object *o, size_t n)
{
	for (size_t i = 0; i < n; i = next_place(i, o->usable))
		must(o->at[i] == pattern(o->tag, i));
}

bool
model_is_zero(const unsigned char *p, size_t n)
{
	for (size_t i = 0; i < n; i = next_place(i, n))
		if (p[i] != 0)
			return false;
	return true;
}

size_t
model_default_align(size_t size)
{
	if (size < MALLOCED)
		return MALLOCED / 2;
	return size <= PAGE && (size & (size - 1)) == 0 ? size : MALLOCED;
}

/* find_object -- the live one that p lies in, or NULL */
static const struct object *
find_object(const struct model *m, const void *p)
{
	for (unsigned i = 0; i < m->nobjects; i++) {
		const struct object *o = &m->objects[i];
		if (p == o->at || (uintptr_t)p - (uintptr_t)o->at < o->usable)
			return o;
	}
	return NULL;
}

/* place -- where the object is: in its pool, aligned, alone */
static void
place(const struct model *m, const struct object *o, size_t size, size_t align)
{
	const struct pool_model *pool = &m->pools[o->pool];
	size_t off = (size_t)(o->at - (unsigned char *)pool->vmp);
	must((uintptr_t)o->at % align == 0);
	must(o->usable >= size && (o->usable > 0 || pool->hardening == 3));
	must(off >= HEADER && off < pool->size &&
		o->usable <= pool->size - off);
	for (unsigned i = 0; i < m->nobjects; i++) {
		const struct object *b = &m->objects[i];
		must(b == o || o->at + o->usable <= b->at ||
			b->at + b->usable <= o->at);
	}
}

void
model_add(struct model *m, unsigned pool, void *p, size_t size, size_t align)
{
	struct object *o = &m->objects[m->nobjects];
	o->at = p;
	o->pool = pool;
	o->usable = vmem_malloc_usable_size(m->pools[pool].vmp, p);
	o->tag = ++m->last_tag;
	place(m, o, size, align);
	fill(o);
	m->nobjects++;
	m->pools[pool].nlive++;
}

void
model_remove(struct model *m, unsigned idx, unsigned by)
{
	struct object *o = &m->objects[idx];
	object_verify(o, o->usable);
	m->freed[m->nfreed++ % MODEL_FREED] =
		(struct freed){o->at, o->pool, by};
	m->pools[o->pool].nlive--;
	*o = m->objects[--m->nobjects];
}

void
model_resized(struct model *m, unsigned idx, void *p, size_t size)
{
	struct object *o = &m->objects[idx];
	o->at = p;
	object_verify(o, size < o->usable ? size : o->usable);
	o->usable = vmem_malloc_usable_size(m->pools[o->pool].vmp, p);
	o->tag = ++m->last_tag;
	place(m, o, size, 1);
	fill(o);
}

void
model_forget(struct model *m, unsigned pool)
{
	for (unsigned i = m->nobjects; i-- > 0;)
		if (m->objects[i].pool == pool)
			m->objects[i] = m->objects[--m->nobjects];
	for (unsigned i = 0; i < MODEL_FREED; i++)
		if (m->freed[i].pool == pool)
			m->freed[i].at = NULL;
	m->pools[pool].nlive = 0;
}

void
model_figures(const struct model *m, unsigned pool)
{
	struct vmem_stats s;
	const struct pool_model *p = &m->pools[pool];
	must(vmem_stats_get(p->vmp, &s, sizeof(s)) == 0);
	must(s.small_nmalloc - s.small_ndalloc + s.large_nmalloc -
			s.large_ndalloc ==
		p->nlive);
	uint64_t bytes = 0;
	for (unsigned i = 0; i < m->nobjects; i++)
		if (m->objects[i].pool == pool)
			bytes += m->objects[i].usable;
	/* at that level more than may be used is taken */
	must(p->hardening == 3 ? s.allocated >= bytes : s.allocated == bytes);
	must(s.allocated <= s.active && s.active <= s.size);
	must(s.mapped <= s.size);
	must(s.hardening == (uint64_t)p->hardening);
}

void
model_verify(const struct model *m)
{
	for (unsigned i = 0; i < m->nobjects; i++)
		object_verify(&m->objects[i], m->objects[i].usable);
	for (unsigned i = 0; i < MODEL_POOLS; i++) {
		if (m->pools[i].vmp == NULL)
			continue;
		must(vmem_check(m->pools[i].vmp) == 1);
		model_figures(m, i);
	}
}

bool
model_is_live(const struct model *m, const void *p)
{
	const struct object *o = find_object(m, p);
	return o != NULL && o->at == p;
}

bool
model_must_refuse(const struct model *m, const void *p)
{
	const struct pool_model *pool = NULL;
	for (unsigned i = 0; i < MODEL_POOLS; i++)
		if (m->pools[i].vmp != NULL &&
			(uintptr_t)p - (uintptr_t)m->pools[i].vmp <
				m->pools[i].size)
			pool = &m->pools[i];
	if (pool == NULL || pool->hardening >= 2)
		return true;
	if (pool->hardening == 0)
		return false;
	return (uintptr_t)p - (uintptr_t)pool->vmp < HEADER ||
	       find_object(m, p) != NULL;
}
