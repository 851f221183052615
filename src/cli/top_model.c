/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * top_model.c -- what `vmem top` knows of all pools
 *
 * To look at every process takes much longer than to look at those that had
 * pools the last time; so that is done in one update of RESCAN only.
 */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli/top.h"

#define RESCAN      5u
#define NS_A_SECOND 1e9
#define FIRST_ROOM  ((size_t)16) /* a power of two */
#define PAGE        4096u
#define HASH        UINT64_C(0x9e3779b97f4a7c15) /* odd */
#define HASH_SHIFT  32

static uint64_t
now_ns(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * UINT64_C(1000000000) + (uint64_t)t.tv_nsec;
}

/* slot_of -- where the search for a pool begins in the index */
static size_t
slot_of(const struct top *top, int pid, uint64_t base)
{
	uint64_t what = base / PAGE + (uint64_t)pid;

	return (size_t)(what * HASH >> HASH_SHIFT) & (top->nslots - 1);
}

static void
index_one(struct top *top, size_t i)
{
	const struct top_pool *p = &top->pools[i];
	size_t at = slot_of(top, p->pid, p->pool.base);

	while (top->slots[at] != 0)
		at = (at + 1) & (top->nslots - 1);
	top->slots[at] = (unsigned)i + 1;
}

/* index_all -- anew, for they are at other places */
static void
index_all(struct top *top)
{
	if (top->nslots > 0)
		memset(top->slots, 0, top->nslots * sizeof(*top->slots));
	for (size_t i = 0; i < top->npools; i++)
		index_one(top, i);
}

static struct top_pool *
find(struct top *top, int pid, const struct seen_pool *pool)
{
	if (top->nslots == 0)
		return NULL;
	for (size_t at = slot_of(top, pid, pool->base); top->slots[at] != 0;
		at = (at + 1) & (top->nslots - 1)) {
		struct top_pool *p = &top->pools[top->slots[at] - 1];

		if (p->pid == pid && p->pool.base == pool->base &&
			strcmp(p->pool.id, pool->id) == 0)
			return p;
	}
	return NULL;
}

/* grow -- room for more pools, and slots for twice as many; false: no memory */
static bool
grow(struct top *top)
{
	size_t room = top->room == 0 ? FIRST_ROOM : top->room * 2;
	struct top_pool *pools = realloc(top->pools, room * sizeof(*pools));

	if (pools == NULL)
		return false;
	top->pools = pools;
	unsigned *slots = realloc(top->slots, 2 * room * sizeof(*slots));
	if (slots == NULL)
		return false;
	top->slots = slots;
	top->nslots = 2 * room;
	top->room = room;
	index_all(top);
	return true;
}

static struct top_pool *
add(struct top *top, int pid, const struct seen_pool *pool)
{
	if (top->npools == top->room && !grow(top))
		return NULL;
	struct top_pool *p = &top->pools[top->npools++];
	memset(p, 0, sizeof(*p));
	p->pid = pid;
	p->pool = *pool;
	index_one(top, top->npools - 1);
	return p;
}

/* note -- the new figures, and what has become of the old ones */
static void
note(struct top_pool *p)
{
	uint64_t now = now_ns();

	p->seconds = (double)(now - p->time_ns) / NS_A_SECOND;
	p->time_ns = now;
	p->rate = 0;
	if (p->read_before && p->seconds > 0 &&
		p->figures.nmalloc >= p->before.nmalloc)
		p->rate = (double)(p->figures.nmalloc - p->before.nmalloc) /
			  p->seconds;
	history_add(&p->used,
		(double)(p->figures.size - p->figures.free) /
			(double)(p->figures.size == 0 ? 1 : p->figures.size));
	/* the first one has nothing to be compared with */
	if (p->read_before)
		history_add(&p->rates, p->rate);
}

static int
update_pool(struct top *top, struct source *s, const struct pool_list *list,
	const struct seen_pool *pool)
{
	struct top_pool *p = find(top, source_pid(s), pool);
	struct snapshot *snap = NULL;
	int rc;

	if (p == NULL)
		p = add(top, source_pid(s), pool);
	if (p == NULL)
		return -ENOMEM;
	p->alive = true;
	p->pool = *pool;
	(void)snprintf(p->program, sizeof(p->program), "%s", source_program(s));
	p->read_before = p->read;
	p->before = p->figures;
	p->read = false;
	rc = snapshot_take_listed(&snap, s, list, pool);
	if (rc == 0)
		rc = figures_read(&p->figures, snap);
	snapshot_drop(snap);
	p->read = rc == 0;
	if (rc == 0)
		note(p);
	top->conflict |= rc == -EEXIST;
	return 0;
}

static int
update_process(struct top *top, int pid)
{
	struct source *s = NULL;
	struct pool_list list = {0};
	int rc = source_open_process(&s, pid);

	if (rc == 0)
		rc = pool_list_read(&list, s);
	if (rc != 0 && top->npids > 0)
		top->rc = rc;
	for (size_t i = 0; rc == 0 && i < list.npools; i++)
		if (update_pool(top, s, &list, &list.pools[i]) != 0)
			rc = -ENOMEM;
	pool_list_free(&list);
	source_close(s);
	return rc == -ENOMEM ? rc : 0;
}

static int
update_all(struct top *top)
{
	const struct dirent *e;
	DIR *dir = opendir("/proc");
	int rc = 0;

	if (dir == NULL)
		return -ENOMEM;
	while (rc == 0 && (e = readdir(dir)) != NULL) {
		int pid = (int)strtol(e->d_name, NULL, 10);

		if (pid > 0 && pid != getpid())
			rc = update_process(top, pid);
	}
	(void)closedir(dir);
	return rc;
}

static int
update_these(struct top *top, const int *pids, size_t n)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < n; i++)
		rc = update_process(top, pids[i]);
	return rc;
}

/* remember -- which processes have pools */
static void
remember(struct top *top)
{
	int *programs =
		realloc(top->programs, (top->npools + 1) * sizeof(*programs));

	if (programs == NULL)
		return;
	top->programs = programs;
	top->nprograms = 0;
	for (size_t i = 0; i < top->npools; i++) {
		size_t j = 0;

		while (j < top->nprograms && programs[j] != top->pools[i].pid)
			j++;
		if (j == top->nprograms)
			programs[top->nprograms++] = top->pools[i].pid;
	}
}

static double
key(const struct top_pool *p, enum top_sort sort)
{
	if (!p->read && sort != TOP_BY_PID)
		return -1;
	switch (sort) {
	case TOP_BY_USED:
		return (double)(p->figures.size - p->figures.free);
	case TOP_BY_RATE:
		return p->rate;
	case TOP_BY_LIVE:
		return (double)p->figures.live;
	case TOP_BY_FRAGMENTS:
		return figures_outer(&p->figures);
	default:
		return -(double)p->pid;
	}
}

static enum top_sort sort_by; /* qsort() has no place for it */

static int
compare(const void *a, const void *b)
{
	const struct top_pool *x = a, *y = b;
	double kx = key(x, sort_by), ky = key(y, sort_by);

	if (kx < ky || kx > ky)
		return kx < ky ? 1 : -1;
	if (x->pid != y->pid)
		return x->pid < y->pid ? -1 : 1;
	return (x->pool.uid > y->pool.uid) - (x->pool.uid < y->pool.uid);
}

int
top_update(struct top *top)
{
	size_t kept = 0;
	int rc;

	for (size_t i = 0; i < top->npools; i++)
		top->pools[i].alive = false;
	top->rc = 0;
	if (top->npids > 0)
		rc = update_these(top, top->pids, top->npids);
	else if (top->updates % RESCAN == 0)
		rc = update_all(top);
	else
		rc = update_these(top, top->programs, top->nprograms);
	top->updates++;
	for (size_t i = 0; i < top->npools; i++)
		if (top->pools[i].alive) {
			if (kept != i)
				top->pools[kept] = top->pools[i];
			kept++;
		}
	top->npools = kept;
	sort_by = top->sort;
	if (kept > 0)
		qsort(top->pools, kept, sizeof(*top->pools), compare);
	index_all(top);
	remember(top);
	return rc;
}

void
top_free(struct top *top)
{
	free(top->pools);
	free(top->programs);
	free(top->slots);
	top->slots = NULL;
	top->nslots = 0;
	top->pools = NULL;
	top->programs = NULL;
	top->npools = top->room = top->nprograms = 0;
}
