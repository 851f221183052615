/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * guard_book.c -- what objects there are and were in pools, and who made them
 */
#include "pool/guard_book.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/arith.h"
#include "base/atomic.h"
#include "base/guard.h"
#include "base/os.h"

/* notes are looked through in parts, and parts that have none passed over */
#define PART ((size_t)1 << 15) /* cells: a megabyte of the pool */

#define RING_BYTES (GUARD_KEEP_MOST * sizeof(struct guard_kept))

#define CLEAR_SMALL                                                            \
	((size_t)1 << 16) /* bytes of notes; more: by the kernel               \
			   */

enum { BOOK_FREE, BOOK_TAKEN, BOOK_LIVE };

struct guard_book {
	uint32_t state;  /* atomic */
	uint32_t pid;    /* whose; set before it is live, as all up to `next` */
	uint64_t serial; /* the newest has the largest */
	const char *base;   /* of the pool */
	size_t size;        /* of the pool */
	unsigned char *has; /* atomic: for each part, has it any notes? */
	struct guard_keep keep;
	struct guard_book *next;  /* set once */
	size_t room;              /* for a pool of so many bytes; set once */
	struct guard_note note[]; /* one for each cell */
};

static struct guard_book *books; /* atomic: newest first; none leaves */
static uint64_t last_serial;     /* atomic */

static size_t
ncells_of(size_t size)
{
	return div_up(size, GUARD_CELL);
}

static size_t
nparts_of(size_t size)
{
	return div_up(ncells_of(size), PART);
}

/* take -- a book that no pool has any more, with all notes empty, or NULL */
static struct guard_book *
take(size_t size)
{
	/* acquire: pairs with the release in make() */
	struct guard_book *b = load_acquire(&books);
	for (; b != NULL; b = b->next) {
		uint32_t state = BOOK_FREE;
		if (b->room < size || b->room / 2 > size)
			continue;
		if (!cas_acquire(&b->state, &state, BOOK_TAKEN))
			continue;
		return b;
	}
	return NULL;
}

/* make -- a new one, taken */
static struct guard_book *
make(size_t size)
{
	size_t notes = ncells_of(size) * sizeof(struct guard_note);
	struct guard_book *b =
		guard_map(sizeof(*b) + notes + RING_BYTES + nparts_of(size));
	if (b == NULL)
		return NULL;
	b->state = BOOK_TAKEN;
	b->room = size;
	b->keep.ring = (void *)((char *)b->note + notes);
	b->has = (unsigned char *)b->keep.ring + RING_BYTES;
	b->next = load_relaxed(&books);
	/* release: the book is there before others see it */
	while (!cas_weak_release(&books, &b->next, b))
		;
	return b;
}

struct guard_book *
guard_book_open(const void *base, size_t size, size_t keep)
{
	struct guard_book *b = take(size);
	if (b == NULL)
		b = make(size);
	if (b == NULL)
		return NULL;
	b->pid = (uint32_t)getpid();
	/* relaxed: only has to grow */
	b->serial = fetch_add_relaxed(&last_serial, 1) + 1;
	b->base = base;
	b->size = size;
	guard_keep_init(&b->keep, b->keep.ring, keep);
	/* release: pairs with the acquires of whoever looks for it */
	store_release(&b->state, BOOK_LIVE);
	return b;
}

/* clear_notes -- there are none of objects that begin in these cells */
static void
clear_notes(struct guard_book *b, size_t first, size_t end)
{
	char *from = (char *)(b->note + first), *to = (char *)(b->note + end);
	if ((size_t)(to - from) > CLEAR_SMALL) {
		size_t page = os_page_size();
		char *low = from + (-(uintptr_t)from & (page - 1));
		char *high = to - ((uintptr_t)to & (page - 1));
		if (madvise(low, (size_t)(high - low), MADV_DONTNEED) == 0) {
			memset(from, 0, (size_t)(low - from));
			from = high;
		}
	}
	memset(from, 0, (size_t)(to - from));
}

void
guard_book_close(struct guard_book *b)
{
	store_release(&b->state, BOOK_TAKEN);
	for (size_t part = 0; part < nparts_of(b->size); part++) {
		size_t first = part * PART;
		if (load_relaxed(&b->has[part]) == 0)
			continue;
		clear_notes(
			b, first, min_size(first + PART, ncells_of(b->size)));
		store_relaxed(&b->has[part], 0);
	}
	/* release: pairs with the acquire in take() */
	store_release(&b->state, BOOK_FREE);
}

static bool
is_live(const struct guard_book *b)
{
	return load_acquire(&b->state) == BOOK_LIVE;
}

struct guard_book *
guard_book_of(const void *base)
{
	struct guard_book *found = NULL;
	/* acquire: pairs with the release in make() */
	for (struct guard_book *b = load_acquire(&books); b != NULL;
		b = b->next)
		if (is_live(b) && b->base == base &&
			(found == NULL || b->serial > found->serial))
			found = b;
	return found;
}

bool
guard_book_is_own(const struct guard_book *b)
{
	return b->pid == (uint32_t)getpid();
}

struct guard_keep *
guard_book_keep(struct guard_book *b)
{
	return &b->keep;
}

const void *
guard_book_base(const struct guard_book *b)
{
	return b->base;
}

static size_t
cell_of(const struct guard_book *b, const void *p)
{
	return (size_t)((const char *)p - b->base) / GUARD_CELL;
}

/* note_at -- of the object that begins there, or NULL */
static struct guard_note *
note_at(struct guard_book *b, const void *p)
{
	struct guard_note *n = &b->note[cell_of(b, p)];
	return load_acquire(&n->object) == (uintptr_t)p ? n : NULL;
}

void
guard_book_begin(struct guard_book *b, const void *p, size_t size,
	size_t usable, struct guard_origin by)
{
	size_t first = cell_of(b, p);
	size_t last = cell_of(b, (const char *)p + usable - 1);
	struct guard_note *n = &b->note[first], *end = &b->note[last];
	/* release: who sees one of the two states sees it whole */
	store_release(&n->object, 0);
	n->freed = 0;
	n->size = size & GUARD_MOST;
	n->made = by;
	store_release(&n->object, (uintptr_t)p);
	store_relaxed(&b->has[first / PART], 1);
	if (last == first)
		return;
	clear_notes(b, first + 1, last);
	/* there the next object may begin, at this moment */
	uintptr_t old = load_relaxed(&end->object);
	if (old - (uintptr_t)p < usable)
		(void)cas_acquire(&end->object, &old, 0);
}

void
guard_book_end(struct guard_book *b, const void *p, struct guard_origin by)
{
	struct guard_note *n = note_at(b, p);
	/* a reset comes to those that are kept as well */
	if (n == NULL || n->freed)
		return;
	n->gone = by;
	n->freed = 1;
}

bool
guard_book_has_freed(struct guard_book *b, const void *p)
{
	const struct guard_note *n = note_at(b, p);
	return n != NULL && n->freed;
}

void
guard_book_resize(struct guard_book *b, const void *p, size_t size)
{
	struct guard_note *n = note_at(b, p);
	if (n != NULL)
		n->size = size & GUARD_MOST;
}

/*
 * next_note -- the first one from cell i on upwards, or downwards; NULL: none
 * *ret_i  its cell
 */
static const struct guard_note *
next_note(const struct guard_book *b, size_t i, bool up, size_t *ret_i)
{
	size_t ncells = ncells_of(b->size);
	/* below 0 it becomes larger than all */
	for (; i < ncells; i += up ? 1 : SIZE_MAX) {
		const struct guard_note *n = &b->note[i];
		if (load_relaxed(&b->has[i / PART]) == 0) {
			i = i / PART * PART + (up ? PART - 1 : 0);
		} else if (load_acquire(&n->object) != 0) {
			*ret_i = i;
			return n;
		}
	}
	return NULL;
}

void
guard_book_each(struct guard_book *b,
	void (*visit)(void *arg, const struct guard_note *note), void *arg)
{
	const struct guard_note *n;
	for (size_t i = 0; (n = next_note(b, i, true, &i)) != NULL; i++)
		if (n->freed == 0)
			visit(arg, n);
}

void
guard_book_all(void (*visit)(void *arg, struct guard_book *b), void *arg)
{
	/* acquire: pairs with the release in make() */
	for (struct guard_book *b = load_acquire(&books); b != NULL;
		b = b->next)
		if (is_live(b))
			visit(arg, b);
}

/* find_book -- of the newest live pool that the address lies in, or NULL */
static struct guard_book *
find_book(const void *address)
{
	struct guard_book *found = NULL;
	/* acquire: pairs with the release in make() */
	for (struct guard_book *b = load_acquire(&books); b != NULL;
		b = b->next)
		if (is_live(b) &&
			(uintptr_t)address - (uintptr_t)b->base < b->size &&
			(found == NULL || b->serial > found->serial))
			found = b;
	return found;
}

/* around -- the last object that begins at or before an address, and the next
 */
struct around {
	const struct guard_note *before, *inside, *behind;
};

static void
look_around(const struct guard_book *b, uintptr_t at, struct around *ret)
{
	size_t cell = (at - (uintptr_t)b->base) / GUARD_CELL, i = cell;
	const struct guard_note *n;
	*ret = (struct around){NULL, NULL, NULL};
	/* what has been freed may have been longer than what lies there now */
	for (; (n = next_note(b, i, false, &i)) != NULL; i--) {
		if (n->object > at) {
			ret->behind = n;
			continue;
		}
		if (ret->before == NULL)
			ret->before = n;
		if (at - n->object < n->size)
			ret->inside = n;
		/* or in its zone */
		if (at - n->object < n->size + GUARD_EXTRA)
			break;
	}
	if (ret->behind == NULL)
		ret->behind = next_note(b, cell + 1, true, &i);
}

struct guard_book *
guard_book_look(const void *address, struct guard_note *ret)
{
	uintptr_t at = (uintptr_t)address;
	struct guard_book *b = find_book(address);
	struct around a;
	if (b == NULL)
		return NULL;
	memset(ret, 0, sizeof(*ret));
	look_around(b, at, &a);
	const struct guard_note *n = a.inside;
	if (n == NULL)
		n = a.before != NULL ? a.before : a.behind;
	if (n == a.before && n != NULL && a.behind != NULL &&
		at - n->object >= n->size &&
		a.behind->object - at <= at - n->object - n->size + 1)
		n = a.behind;
	if (n != NULL)
		*ret = *n;
	return b;
}
