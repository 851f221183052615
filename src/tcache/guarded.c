/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * guarded.c -- objects with an edge and a seal, and a wait before reuse
 *
 * Findings are told of where they are found, under whatever lock that is: each
 * is a fault of the program, and the message is all that it costs.
 */
#include "tcache/guarded.h"

#include "base/arith.h"
#include "base/guard.h"
#include "base/misuse.h"
#include "base/os.h"
#include "base/probe.h"
#include "tcache/seal.h"
#include "tcache/tcache.h"

#define AFTER_FREE "written after it was freed"
#define BEFORE     "written before its beginning"

/* does a pool lack pages; set by the only thread of a child, before others */
static bool lacks;

void
guarded_child(const void *base, size_t size)
{
	if (!guard_on && !os_is_mapped(base, size))
		lacks = true;
}

bool
guarded_is_away(const void *p, size_t n)
{
	return unlikely(lacks) && !os_is_mapped(p, n);
}

struct quarantine *
quarantine_in(const struct heap *h, const struct class_table *t)
{
	return (struct quarantine *)((uintptr_t)h->bins + t->bin_bytes);
}

struct quarantine *
heap_quarantine(const struct heap *h)
{
	return quarantine_in(h, h->table);
}

/* tell -- of one finding; returns 1, to be added to what was found */
static unsigned
tell(const struct heap *h, const void *p, const char *what)
{
	PROBE3(misuse, h->base, p, FREE_DAMAGED);
	(void)misuse("%p in pool %p: %s", p, (const void *)h->base, what);
	return 1;
}

/* filled -- bytes of a free slot that are filled: all but the seal */
static size_t
filled(size_t usable)
{
	return usable - sizeof(uint64_t);
}

static void
set_seal(void *p, size_t usable, enum seal_state state, size_t asked)
{
	uint64_t *at = seal_at(p, usable);
	/* release: who reads it reads the bytes that it tells of */
	store_release(at, seal_make(at, state, asked));
}

void
guarded_slab(const struct slab *s, const struct size_class *c)
{
	/* the smallest slots have no room for a seal, and are never asked for
	 */
	if (c->size < GUARDED_EXTRA)
		return;
	size_t n;
	char *front = seal_front(s, c, &n);
	memset(front, SEAL_EDGE_BYTE, n);
	for (unsigned i = 0; i < s->nobj; i++)
		set_seal(slab_address(s, c, i), c->size, SEAL_NEW, 0);
}

static void
write_edge(void *p, size_t usable, size_t asked)
{
	memset((char *)p + asked, SEAL_EDGE_BYTE, filled(usable) - asked);
}

static bool
is_edge_whole(const void *p, size_t usable, size_t asked)
{
	return bytes_are((const char *)p + asked, SEAL_EDGE_BYTE,
		filled(usable) - asked);
}

unsigned
guarded_begin(const struct heap *h, void *p, size_t asked)
{
	struct object o = dir_find(h->dir, p);
	size_t was;
	unsigned nfound = 0;
	if (!o.large) {
		enum seal_state state = seal_of(p, o.usable, &was, NULL);
		bool whole = state == SEAL_NEW || state == SEAL_EMPTIED;
		if (state == SEAL_EMPTIED)
			whole = bytes_are(p, SEAL_FILL_BYTE, filled(o.usable));
		if (!whole)
			nfound = tell(h, p, AFTER_FREE);
	}
	write_edge(p, o.usable, asked);
	set_seal(p, o.usable, SEAL_LIVE, asked);
	return nfound;
}

size_t
guarded_asked(void *p, struct object *o)
{
	size_t asked;
	enum seal_state state = SEAL_LOST;
	if (!guarded_is_away(p, o->usable))
		state = seal_of(p, o->usable, &asked, NULL);
	switch (state) {
	case SEAL_LIVE:
		return asked;
	case SEAL_LOST:
	case SEAL_BROKEN:
		/* the most that it can have been */
		return o->usable - GUARDED_EXTRA;
	default:
		o->what = FREE_DOUBLE;
		return 0;
	}
}

void
guarded_resize(void *p, const struct object *o, size_t asked)
{
	write_edge(p, o->usable, asked);
	set_seal(p, o->usable, SEAL_LIVE, asked);
}

/* look_in_front -- as look_before(), of a slab's first slot, which the caller
 * alone is about to free */
static unsigned
look_in_front(const struct heap *h, void *p, const struct object *o)
{
	const struct slab *s = (const struct slab *)o->desc;
	size_t n;
	char *front = seal_front(s, &h->table->cls[s->cls], &n);
	if (bytes_are(front, SEAL_EDGE_BYTE, n))
		return 0;
	memset(front, SEAL_EDGE_BYTE, n);
	return tell(h, p, BEFORE);
}

/*
 * look_before -- is the seal whole that lies before a slot, or what a slab has
 * in front of the first?  When not it is told of once.  Where that is nothing,
 * and before a large object, lies what somebody else has, whose seal is looked
 * at when he frees it.
 */
static unsigned
look_before(const struct heap *h, void *p, const struct object *o)
{
	size_t asked;
	uint64_t word;
	if (o->large)
		return 0;
	if (o->idx == 0)
		return look_in_front(h, p, o);
	char *front = (char *)p - o->usable;
	if (guarded_is_away(front, o->usable) ||
		seal_of(front, o->usable, &asked, &word) != SEAL_BROKEN)
		return 0;
	uint64_t *at = seal_at(front, o->usable);
	/* acq_rel: of two who look one tells */
	if (!cas_acq_rel(at, &word, seal_make(at, SEAL_LOST, 0)))
		return 0;
	return tell(h, p, BEFORE);
}

enum free_result
guarded_claim(const struct heap *h, void *p, size_t size, unsigned *ret_found)
{
	size_t asked;
	uint64_t word;
	struct object o = dir_find(h->dir, p);
	*ret_found = 0;
	if (o.what != FREE_DONE)
		return o.what;
	enum seal_state state = seal_of(p, o.usable, &asked, &word);
	if (state == SEAL_LOST || state == SEAL_BROKEN)
		return FREE_DAMAGED;
	if (state != SEAL_LIVE)
		return FREE_DOUBLE;
	if (size != 0 && size != max_size(asked, 1))
		return FREE_SIZE;
	uint64_t *at = seal_at(p, o.usable);
	bool whole = is_edge_whole(p, o.usable, asked);
	/* acq_rel: what the object's users did is over, and one frees it */
	if (!cas_acq_rel(at, &word, seal_make(at, SEAL_FREED, 0)))
		return FREE_DOUBLE;
	if (!whole) {
		PROBE3(misuse, h->base, p, FREE_DAMAGED);
		(void)misuse("%p in pool %p: written behind its end, at %zu "
			     "bytes",
			p, (void *)h->base, asked);
	}
	*ret_found = !whole + look_before(h, p, &o);
	memset(p, SEAL_FILL_BYTE, filled(o.usable));
	return FREE_DONE;
}

/*
 * let_go -- what has waited is about to be free; false: it has lost its seal,
 * or is away, and stays
 */
static bool
let_go(const struct heap *h, void *p, const struct object *o, unsigned *nfound)
{
	size_t asked;
	if (guarded_is_away(p, o->usable))
		return false;
	enum seal_state state = seal_of(p, o->usable, &asked, NULL);
	bool whole = state == SEAL_FREED &&
		     bytes_are(p, SEAL_FILL_BYTE, filled(o->usable));
	if (!whole)
		*nfound += tell(h, p, AFTER_FREE);
	if (state != SEAL_FREED)
		return false;
	/* told of once */
	if (!whole)
		memset(p, SEAL_FILL_BYTE, filled(o->usable));
	set_seal(p, o->usable, SEAL_EMPTIED, 0);
	return true;
}

/* take_oldest -- out of the quarantine, into the bits */
static unsigned
take_oldest(struct heap *h, struct quarantine *q)
{
	unsigned nfound = 0;
	void *p = q->p[q->first];
	struct object o = heap_find(h, p);
	q->first = (q->first + 1) % QUARANTINE_MOST;
	q->n--;
	q->bytes -= o.usable;
	if (let_go(h, p, &o, &nfound))
		(void)heap_free(h, p);
	return nfound;
}

unsigned
guarded_put(struct heap *h, void *p)
{
	struct quarantine *q = heap_quarantine(h);
	struct object o = heap_find(h, p);
	size_t most = (size_t)h->dir->cache_pages << RUN_LG_PAGE;
	unsigned nfound = 0;
	if (o.usable > most) {
		if (let_go(h, p, &o, &nfound))
			(void)heap_free(h, p);
		return nfound;
	}
	while (q->n == QUARANTINE_MOST ||
		(q->n > 0 && q->bytes + o.usable > most))
		nfound += take_oldest(h, q);
	q->p[(q->first + q->n++) % QUARANTINE_MOST] = p;
	q->bytes += o.usable;
	return nfound;
}

unsigned
guarded_put_stray(struct heap_dir *dir, void *p)
{
	unsigned nfound = 0;
	/* acquire: as in pool_any_heap() */
	const struct heap *h = load_acquire(&dir->all);
	struct object o = dir_find(dir, p);
	if (let_go(h, p, &o, &nfound))
		(void)dir_free_stray(dir, p, 0);
	return nfound;
}

unsigned
guarded_flush(struct heap *h)
{
	unsigned nfound = 0;
	if (h->hardening != HARDENING_GUARDED)
		return 0;
	struct quarantine *q = heap_quarantine(h);
	while (q->n > 0)
		nfound += take_oldest(h, q);
	return nfound;
}
