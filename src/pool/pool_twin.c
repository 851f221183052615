/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * pool_twin.c -- pools that parent and child of a fork must not share
 *
 * For the library whose one pool holds the process's heap.  Either the parent's
 * mapping becomes private before its first fork, and the kernel does the rest
 * at this and all later ones; or each child gets a twin with the pages in use.
 */
#include "base/arith.h"
#include "base/assert.h"
#include "base/os.h"
#include "pool/pool_internal.h"

/* pages together that are worth a mapping of their own */
#define BLANK_LEAST 64u
/* so many pieces: vm.max_map_count is 65530, and each splits what is there */
#define BLANK_MOST 1024u

enum backing_keep
pool_twin_keep(enum pool_fork mode)
{
	unsigned keep = BACKING_KEEP_NOTHING;
	/* with a copy too: see is_underfoot() */
	if (mode != POOL_FORK_SHARE)
		keep |= BACKING_KEEP_SHADOW;
	if (mode == POOL_FORK_COPY || mode == POOL_FORK_COPY_OR_PRIVATE)
		keep |= BACKING_KEEP_FILE;
	return (enum backing_keep)keep;
}

/* copy_used -- of pages [page, end) those that are in use, into the twin */
static int
copy_used(const struct record *rec, size_t page, size_t end)
{
	const struct run_space *rs = &pool_at(rec->backing.base)->runs;
	size_t first, n;
	int rc = 0;
	for (; rc == 0 && page < end; page = first + n) {
		n = run_next_used(rs, page, &first);
		if (n == 0 || first >= end)
			break;
		n = min_size(n, end - first);
		rc = backing_twin_copy(&rec->twin, &rec->backing,
			first * RUN_PAGE, n * RUN_PAGE);
	}
	return rc;
}

/* fill -- what is not hollow in the pool is reserved in the twin, and copied */
static int
fill(const struct record *rec)
{
	const struct run_space *rs = &pool_at(rec->backing.base)->runs;
	const size_t header = RUN_HEADER_OFF >> RUN_LG_PAGE;
	size_t first, n;
	int rc = 0;
	for (size_t page = 0; rc == 0; page = first + n) {
		n = run_next_held(rs, page, &first);
		if (n == 0)
			break;
		rc = backing_twin_reserve(&rec->twin, &rec->backing,
			first * RUN_PAGE, n * RUN_PAGE);
		/* before the header may be a guard, and nothing else is */
		if (rc == 0 && !rec->twin.whole)
			rc = copy_used(rec, max_size(first, header), first + n);
	}
	return rc;
}

/* make_twin -- path NULL: in private memory */
static int
make_twin(struct record *rec, const char *path)
{
	int rc = backing_twin_open(&rec->twin, &rec->backing, path);
	if (rc == 0)
		rc = fill(rec);
	if (rc != 0)
		backing_twin_drop(&rec->twin, &rec->backing);
	return rc;
}

/* set_give -- the memory is of another kind now; nobody is inside the pool */
static void
set_give(const struct record *rec)
{
	run_space_give(&pool_at(rec->backing.base)->runs, rec->backing.give);
}

/* npieces -- of so many pages or more that are hollow, behind the page map */
static size_t
npieces(const struct run_space *rs, size_t least)
{
	size_t first, n, count = 0;
	for (size_t page = rs->first; page < rs->npages; page = first + n) {
		n = run_next_held(rs, page, &first);
		count += first - page >= least;
	}
	return count;
}

/*
 * blank -- private memory of the process's own in the place of hollow pieces
 *
 * Those of the page map come first, however small: it is written to for pages
 * that are no longer hollow then.  Of the others `most` of `least` pages.
 * Returns whether the process could have all these mappings.
 */
static bool
blank(const struct record *rec, size_t least, size_t most)
{
	struct run_space *rs = &pool_at(rec->backing.base)->runs;
	size_t first, n, done = 0;
	for (size_t page = 0; page < rs->npages; page = first + n) {
		n = run_next_held(rs, page, &first);
		bool map = page < rs->first;
		if (first - page < (map ? 1 : least) || (!map && done == most))
			continue;
		if (backing_blank(&rec->backing, page * RUN_PAGE,
			    (first - page) * RUN_PAGE) != 0)
			return false;
		run_space_filled(rs, page, first);
		done += !map;
	}
	return true;
}

/*
 * release -- private memory in the place of what is hollow in a file that is
 * private now
 *
 * Else the first write to a page there would take one of the file's too.  The
 * kernel gives such memory as it is touched, so nothing has to be reserved.
 * Each piece is a mapping of its own, of which a process can have some ten
 * thousand: small ones stay hollow, and of too many all but the largest.
 */
static void
release(const struct record *rec)
{
	const struct run_space *rs = &pool_at(rec->backing.base)->runs;
	size_t least = BLANK_LEAST, n;
	while ((n = npieces(rs, least)) > BLANK_MOST)
		least *= 2;
	/* refused: the rest stays hollow, too */
	if (blank(rec, least, n) && least > BLANK_LEAST)
		(void)blank(rec, least / 2, BLANK_MOST - n);
}

/* go_private -- copy-on-write where that can be, else a copy in memory */
static int
go_private(struct record *rec)
{
	if (rec->backing.shadow == NULL)
		return make_twin(rec, NULL);
	int rc = backing_go_private(&rec->backing);
	if (rc != 0)
		return rc;
	/* the file is the children's too: its pages are not to be taken away */
	set_give(rec);
	release(rec);
	if (rec->guarded)
		rec->guarded = backing_guard(&rec->backing, true);
	return 0;
}

/*
 * is_underfoot -- does the thread that forks have its stack or its storage in
 * the pool, or will the child begin on a stack there?
 *
 * The child could not get from there to a twin: both processes write to the
 * same stack until it has one, and what has changed since the copy is not in
 * it.  To the copies that the kernel makes each goes without a step.
 */
static bool
is_underfoot(const struct record *rec, const void *stack)
{
	const uintptr_t base = (uintptr_t)rec->backing.base;
	/* the child begins below where its stack ends */
	const uintptr_t at[] = {(uintptr_t)__builtin_frame_address(0),
		os_thread_pointer(), (uintptr_t)stack - 1};
	for (size_t i = 0; i < sizeof(at) / sizeof(*at); i++)
		if (at[i] - base < rec->backing.size)
			return true;
	return false;
}

/* way -- what is done with the pool at this fork */
static enum pool_fork
way(const struct record *rec, const void *stack)
{
	if (rec->backing.shadow != NULL && is_underfoot(rec, stack))
		return POOL_FORK_PRIVATE;
	return rec->at_fork;
}

void
pool_twin_prepare(struct record *rec, const void *stack)
{
	bool file = rec->backing.kind == BACKING_FILE;
	if (rec->backing.is_own || rec->backing.kind == BACKING_REGION)
		return;
	switch (way(rec, stack)) {
	case POOL_FORK_PRIVATE:
		if (go_private(rec) != 0)
			die("remapping failed");
		break;
	case POOL_FORK_COPY:
		if (make_twin(rec, file ? rec->path : NULL) != 0)
			die("pool cloning failed");
		break;
	case POOL_FORK_COPY_OR_PRIVATE:
		if ((!file || make_twin(rec, rec->path) != 0) &&
			go_private(rec) != 0)
			die("remapping failed");
		break;
	case POOL_FORK_SHARE:
	case POOL_FORK_MODES:
		break;
	}
}

void
pool_twin_parent(struct record *rec)
{
	/* else not even a byte is written: its page is the child's as well */
	if (rec->twin.fd >= 0 || rec->twin.memory != NULL)
		backing_twin_drop(&rec->twin, &rec->backing);
}

bool
pool_twin_child(struct record *rec)
{
	if (rec->twin.fd >= 0 || rec->twin.memory != NULL) {
		if (backing_twin_take(&rec->backing, &rec->twin,
			    pool_twin_keep(rec->at_fork)) != 0)
			die("remapping failed");
		if (rec->guarded)
			rec->guarded = backing_guard(&rec->backing, true);
		set_give(rec);
	} else if (!rec->backing.is_own) {
		return false;
	}
	/* nobody else was inside, so this thread goes on in its own heap */
	dir_orphan_all(&pool_at(rec->backing.base)->dir,
		thread_fork_keep(rec->backing.base));
	return true;
}
