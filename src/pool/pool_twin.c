/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * pool_twin.c -- pools that parent and child of a fork must not share
 *
 * For the library whose one pool holds the process's heap.  Either the parent's
 * mapping becomes private before its first fork, and the kernel does the rest
 * at this and all later ones; or each child gets a twin with the pages in use.
 */
#include "base/assert.h"
#include "base/os.h"
#include "pool/pool_internal.h"

enum backing_keep
pool_twin_keep(enum pool_fork mode)
{
	unsigned keep = BACKING_KEEP_NOTHING;
	if (mode == POOL_FORK_PRIVATE || mode == POOL_FORK_COPY_OR_PRIVATE)
		keep |= BACKING_KEEP_SHADOW;
	if (mode == POOL_FORK_COPY || mode == POOL_FORK_COPY_OR_PRIVATE)
		keep |= BACKING_KEEP_FILE;
	return (enum backing_keep)keep;
}

/* copy_used -- every page in use into the twin */
static int
copy_used(const struct record *rec)
{
	const struct run_space *rs = &pool_at(rec->backing.base)->runs;
	size_t first, n;
	int rc = 0;
	/* the first page may be guarded, and holds nothing */
	for (size_t page = 1; rc == 0; page = first + n) {
		n = run_next_used(rs, page, &first);
		if (n == 0)
			break;
		rc = backing_twin_copy(&rec->twin, &rec->backing,
			first * RUN_PAGE, n * RUN_PAGE);
	}
	return rc;
}

/* reserve -- what the pool believes to be reserved, in the twin */
static int
reserve(const struct record *rec)
{
	const struct run_space *rs = &pool_at(rec->backing.base)->runs;
	const struct backing *b = &rec->backing;
	size_t low = rs->reserved_low, high = rs->reserved_high;
	size_t from = rs->meta_pages;
	int rc = backing_twin_reserve(&rec->twin, b, 0, low * RUN_PAGE);
	return rc != 0 ? rc
		       : backing_twin_reserve(&rec->twin, b, from * RUN_PAGE,
				 (high - from) * RUN_PAGE);
}

/* make_twin -- path NULL: in private memory */
static int
make_twin(struct record *rec, const char *path)
{
	int rc = backing_twin_open(&rec->twin, &rec->backing, path);
	if (rc == 0)
		rc = reserve(rec);
	if (rc == 0 && !rec->twin.whole)
		rc = copy_used(rec);
	if (rc != 0)
		backing_twin_drop(&rec->twin, &rec->backing);
	return rc;
}

/* go_private -- copy-on-write where that can be, else a copy in memory */
static int
go_private(struct record *rec)
{
	if (rec->backing.shadow == NULL)
		return make_twin(rec, NULL);
	int rc = backing_go_private(&rec->backing);
	if (rc == 0 && rec->guarded)
		rec->guarded = backing_guard(&rec->backing, true);
	return rc;
}

void
pool_twin_prepare(struct record *rec)
{
	bool file = rec->backing.kind == BACKING_FILE;
	rec->twin = (struct backing_twin){.fd = -1};
	if (rec->backing.is_own || rec->backing.kind == BACKING_REGION)
		return;
	switch (rec->at_fork) {
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
	} else if (!rec->backing.is_own) {
		return false;
	}
	dir_orphan_all(&pool_at(rec->backing.base)->dir);
	return true;
}
