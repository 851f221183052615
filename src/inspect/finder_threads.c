/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * finder_threads.c -- which threads of a process know which pools, and whether
 * one of them is inside
 *
 * A walk over the library's list of threads and their tables, while the
 * process changes them: what does not fit together is read anew.
 */
#include <stdlib.h>
#include <string.h>

#include "inspect/finder.h"

#define MOST_THREADS ((size_t)1 << 17)
#define MOST_ENTRIES ((size_t)1 << 22)
#define TRIES        8u

struct census {
	struct source *s;
	const struct record *records; /* sorted by base */
	size_t n;
	int *counts;
	struct entry *table; /* of one thread */
	size_t room;
};

static void
count_key(struct census *c, uintptr_t key)
{
	size_t low = 0, high = c->n;
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		uintptr_t base = (uintptr_t)c->records[mid].backing.base;
		if (base == key) {
			c->counts[mid]++;
			return;
		}
		if (base < key)
			low = mid + 1;
		else
			high = mid;
	}
}

/* read_table -- a thread's table into c->table */
static bool
read_table(struct census *c, const struct thread *t)
{
	if (t->nentries == 0 || t->nentries > MOST_ENTRIES)
		return false;
	if (t->nentries > c->room || c->table == NULL) {
		struct entry *more =
			realloc(c->table, t->nentries * sizeof(*more));
		if (more == NULL)
			return false;
		c->table = more;
		c->room = t->nentries;
	}
	return source_read(c->s, (uintptr_t)t->table, c->table,
		       t->nentries * sizeof(*c->table)) == 0;
}

static bool
count_thread(struct census *c, const struct thread *t)
{
	struct entry front;
	if (t->table == NULL) /* a visitor */
		return true;
	if (!read_table(c, t))
		return false;
	for (size_t i = 0; i < t->nentries; i++)
		count_key(c, c->table[i].key);
	if (source_read(c->s, (uintptr_t)t->front, &front, sizeof(front)) != 0)
		return false;
	count_key(c, front.key);
	return true;
}

/* next_thread -- the one behind another on the list, into it; false: torn */
static bool
next_thread(struct source *s, uintptr_t *at, uintptr_t *prev, struct thread *t)
{
	uintptr_t before = *prev;
	if (source_read(s, *at, t, sizeof(*t)) != 0 ||
		(uintptr_t)t->prev != before)
		return false;
	*prev = *at;
	*at = (uintptr_t)t->next;
	return true;
}

/* walk -- once; false when the list did not hold together */
static bool
walk(struct census *c, const struct registry *registry)
{
	struct thread_list list;
	struct thread t;
	uintptr_t prev = 0;
	memset(c->counts, 0, c->n * sizeof(*c->counts));
	if (source_read(c->s, (uintptr_t)registry->threads, &list,
		    sizeof(list)) != 0)
		return false;
	uintptr_t at = (uintptr_t)list.first;
	for (size_t i = 0; at != 0; i++)
		if (i == MOST_THREADS || !next_thread(c->s, &at, &prev, &t) ||
			!count_thread(c, &t))
			return false;
	return true;
}

/* NOLINTBEGIN(readability-non-const-parameter) it gets the counts */
bool
finder_threads(struct source *s, const struct registry *registry,
	const struct record *records, size_t n, int *counts)
{
	struct census c = {
		.s = s, .records = records, .n = n, .counts = counts};
	bool done = false;
	for (unsigned i = 0; i < TRIES && !done; i++)
		done = walk(&c, registry);
	free(c.table);
	return done;
}
/* NOLINTEND(readability-non-const-parameter) */

/* nobody_inside -- does no thread's busy word name the pool? */
static bool
nobody_inside(struct source *s, const struct thread_list *list, uint64_t pool)
{
	struct thread t;
	uintptr_t prev = 0, at = (uintptr_t)list->first;
	for (size_t i = 0; at != 0; i++) {
		uint64_t busy;
		if (i == MOST_THREADS || !next_thread(s, &at, &prev, &t) ||
			source_read(s, (uintptr_t)t.busy, &busy,
				sizeof(busy)) != 0 ||
			busy == pool)
			return false;
	}
	return true;
}

bool
finder_is_idle(struct source *s, const struct libraries *libraries,
	const struct seen_pool *pool)
{
	struct registry registry;
	struct record rec;
	struct pool header;
	struct thread_list list;
	if (finder_record(s, libraries, pool, &registry, &rec) != 0 ||
		finder_header(s, &rec, &header) != 0 ||
		source_read(s, (uintptr_t)registry.threads, &list,
			sizeof(list)) != 0)
		return false;
	bool shared = rec.kin != KIN_OWN || rec.overlapped ||
		      (rec.forked && header.has_guests != 0);
	/* who holds these may change pools without a busy word */
	bool held = rec.frozen || registry.forking || registry.lock.word != 0 ||
		    list.lock.word != 0;
	return !shared && !held && nobody_inside(s, &list, pool->base);
}
