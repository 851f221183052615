/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * calls_objects.c -- calls on objects that are there, or will be
 */
#include <errno.h>
#include <string.h>
#include <wchar.h>

#include "fuzz/kit/calls.h"

#define TEXT_MOST  300u                /* characters */
#define BATCH_MOST 200u                /* objects */
#define ALIGN_MOST 24u                 /* log2 of bytes */
#define SMALL_MOST ((size_t)32 * 1024) /* bytes; more are whole pages */
#define PAGE       ((size_t)4096)

size_t
program_size(struct program *p)
{
	uint8_t kind = input_u8(&p->in);
	if (kind < 160)
		return kind * (kind < 80 ? 1u : 9u);
	if (kind < 250)
		return (size_t)input_number(&p->in, 2)
		       << (kind < 220 ? 0 : kind % 8);
	return (size_t)input_number(&p->in, kind < 254 ? 3 : 8);
}

static bool
is_full(const struct program *p)
{
	return p->model.nobjects == MODEL_OBJECTS || program_pool(p) == NULL;
}

/* got -- what an allocation gave; errno was 0 before it */
static bool
got(struct program *p, void *at, size_t size, size_t align)
{
	if (at == NULL) {
		must(errno == ENOMEM && vmem_errormsg()[0] != '\0');
		return false;
	}
	must(errno == 0);
	model_add(&p->model, p->pool, at, size, align);
	return true;
}

void
call_malloc(struct program *p)
{
	size_t size = program_size(p);
	if (is_full(p))
		return;
	errno = 0;
	void *at = vmem_malloc(program_pool(p), size);
	(void)got(p, at, size, model_default_align(size));
}

void
call_at_least(struct program *p)
{
	size_t size = program_size(p), usable = 1;
	if (is_full(p))
		return;
	errno = 0;
	void *at = vmem_malloc_at_least(program_pool(p), size, &usable);
	if (got(p, at, size, model_default_align(size)))
		must(usable == p->model.objects[p->model.nobjects - 1].usable);
	else
		must(usable == 1);
}

void
call_calloc(struct program *p)
{
	size_t n = input_u8(&p->in) % 8 == 0 ? program_size(p) : 1;
	size_t size = program_size(p), bytes;
	if (is_full(p))
		return;
	errno = 0;
	unsigned char *at = vmem_calloc(program_pool(p), n, size);
	if (__builtin_mul_overflow(n, size, &bytes))
		must(at == NULL);
	if (at != NULL)
		must(model_is_zero(at, bytes));
	(void)got(p, at, bytes, model_default_align(bytes));
}

void
call_aligned(struct program *p)
{
	uint8_t lg = input_u8(&p->in);
	size_t size = program_size(p);
	size_t align = (size_t)1 << lg % ALIGN_MOST;
	if (is_full(p))
		return;
	errno = 0;
	if (lg >= 250) {
		must(vmem_aligned_alloc(program_pool(p), align * 3, size) ==
			NULL);
		must(errno == EINVAL);
		return;
	}
	void *at = vmem_aligned_alloc(program_pool(p), align, size);
	(void)got(p, at, size, align);
}

void
call_text(struct program *p)
{
	size_t n = input_number(&p->in, 2) % TEXT_MOST;
	char text[TEXT_MOST + 1];
	wchar_t wide[TEXT_MOST + 1];
	if (is_full(p))
		return;
	memset(text, 'a' + (int)n % 26, n);
	text[n] = '\0';
	wmemset(wide, L'a' + (wchar_t)n % 26, n);
	wide[n] = L'\0';
	errno = 0;
	if (n % 2 == 0) {
		char *copy = vmem_strdup(program_pool(p), text);
		must(copy == NULL || strcmp(copy, text) == 0);
		(void)got(p, copy, n + 1, 1);
	} else {
		wchar_t *copy = vmem_wcsdup(program_pool(p), wide);
		must(copy == NULL || wcscmp(copy, wide) == 0);
		(void)got(p, copy, (n + 1) * sizeof(wchar_t), sizeof(wchar_t));
	}
}

/* pick -- an object by the input, into *ret_idx; false when there is none */
static bool
pick(struct program *p, unsigned *ret_idx)
{
	unsigned number = (unsigned)input_number(&p->in, 2);
	if (p->model.nobjects == 0)
		return false;
	/* small numbers: the last ones */
	*ret_idx = p->model.nobjects - 1 - number % p->model.nobjects;
	return true;
}

/* handle_for -- mostly the object's pool, at times another live one */
static VMEM *
handle_for(struct program *p, const struct object *o)
{
	VMEM *current = program_pool(p);
	if (current != NULL && input_u8(&p->in) % 8 == 0)
		return current;
	return p->model.pools[o->pool].vmp;
}

void
call_free(struct program *p)
{
	unsigned idx;
	if (!pick(p, &idx))
		return;
	void *at = p->model.objects[idx].at;
	VMEM *vmp = handle_for(p, &p->model.objects[idx]);
	model_remove(&p->model, idx, p->by);
	errno = EXDEV;
	vmem_free(vmp, at);
	must(errno == EXDEV);
}

/* is_wrong -- can no object with that much to use have that size? */
static bool
is_wrong(size_t usable, size_t size)
{
	return size > usable || (usable > SMALL_MOST && usable - size >= PAGE);
}

void
call_free_sized(struct program *p)
{
	unsigned idx;
	uint8_t kind = input_u8(&p->in);
	size_t size = program_size(p);
	if (!pick(p, &idx))
		return;
	struct object o = p->model.objects[idx];
	const struct pool_model *pool = &p->model.pools[o.pool];
	VMEM *vmp = handle_for(p, &o);
	/* objects of whole pages are not known from small ones of that size:
	 * so either one that both may have, or one that neither may */
	if (kind % 4 != 0)
		size = o.usable -
		       (o.usable > PAGE ? kind * 16u % PAGE : kind % 8);
	else if (size < o.usable && o.usable <= SMALL_MOST)
		size += o.usable + 1;
	bool stays = is_wrong(o.usable, size) && pool->hardening != 0;
	if (pool->hardening == 3)
		stays = (size == 0 ? 1 : size) !=
			(o.usable == 0 ? 1 : o.usable);
	errno = EXDEV;
	if (!stays)
		model_remove(&p->model, idx, p->by);
	vmem_free_sized(vmp, o.at, size);
	must(errno == EXDEV);
	if (stays)
		must(vmem_malloc_usable_size(pool->vmp, o.at) == o.usable);
}

void
call_realloc(struct program *p)
{
	unsigned idx;
	size_t size = program_size(p);
	if (!pick(p, &idx))
		return;
	struct object *o = &p->model.objects[idx];
	VMEM *vmp = handle_for(p, o);
	void *old = o->at;
	object_verify(o, o->usable);
	if (size == 0) {
		model_remove(&p->model, idx, p->by);
		must(vmem_realloc(vmp, old, 0) == NULL);
		return;
	}
	errno = 0;
	void *at = vmem_realloc(vmp, old, size);
	if (at == NULL) {
		/* smaller never fails, and the old object is as it was */
		must(errno == ENOMEM && size > o->usable);
		return;
	}
	must(errno == 0);
	model_resized(&p->model, idx, at, size);
}

void
call_move(struct program *p)
{
	unsigned idx;
	VMEM *to = program_pool(p);
	if (!pick(p, &idx) || to == NULL)
		return;
	struct object *o = &p->model.objects[idx];
	struct pool_model *from = &p->model.pools[o->pool];
	size_t usable = o->usable;
	must(vmem_pool_of(o->at) == from->vmp);
	errno = 0;
	void *at = vmem_move(to, from->vmp, o->at);
	if (at == NULL) {
		must(errno == ENOMEM);
		return;
	}
	must(errno == 0 && (from->vmp != to || at == o->at));
	from->nlive--;
	o->pool = p->pool;
	p->model.pools[p->pool].nlive++;
	model_resized(&p->model, idx, at, usable);
}

void
call_many(struct program *p)
{
	static void *ptrs[BATCH_MOST];
	size_t count = 1 + input_u8(&p->in) % BATCH_MOST;
	bool batch = input_u8(&p->in) % 2 == 0;
	size_t size = program_size(p), n = 0;
	if (program_pool(p) == NULL ||
		p->model.nobjects + count > MODEL_OBJECTS)
		return;
	errno = 0;
	if (batch)
		n = vmem_malloc_batch(program_pool(p), size, count, ptrs);
	else
		while (n < count &&
			(ptrs[n] = vmem_malloc(program_pool(p), size)) != NULL)
			n++;
	must(n <= count && (n == count ? errno == 0 : errno == ENOMEM));
	for (size_t i = 0; i < n; i++)
		model_add(&p->model, p->pool, ptrs[i], size,
			model_default_align(size));
}

void
call_free_many(struct program *p)
{
	static void *ptrs[BATCH_MOST];
	unsigned count = 1 + input_u8(&p->in) % BATCH_MOST;
	unsigned first = (unsigned)input_number(&p->in, 2);
	unsigned step = 1 + input_u8(&p->in) % 7, n = 0;
	bool batch = step % 2 == 0;
	/* of all pools: the handle need not be the object's */
	if (program_pool(p) == NULL)
		return;
	while (n < count && p->model.nobjects > 0) {
		unsigned idx = (first + n * step) % p->model.nobjects;
		ptrs[n] = p->model.objects[idx].at;
		model_remove(&p->model, idx, p->by);
		n++;
	}
	if (batch)
		vmem_free_batch(program_pool(p), ptrs, n);
	else
		for (unsigned i = 0; i < n; i++)
			vmem_free(program_pool(p), ptrs[i]);
}
