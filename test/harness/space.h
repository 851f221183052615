/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * space.h -- memory for a page-run space of the inner layers, and its check
 *
 * For unit/ and model/ only: what is here calls inner functions.
 */
#ifndef HARNESS_SPACE_H
#define HARNESS_SPACE_H

#include "base/findings.h"
#include "run/run.h"
#include "tcache/tcache.h"

#include <sys/mman.h>

#include "harness/test.h"

#define SPACE_BYTES (14 * MIB)

/* the address of page 0 is `bias` pages behind a multiple of 2 MiB */
struct space {
	char *map;
	size_t map_size;
	char *base;
	size_t size;
	struct run_space rs;
};

static inline void
space_open(struct space *s, size_t size, size_t bias)
{
	size_t block = TREE_BLOCK_BITS * RUN_PAGE;
	uintptr_t at;

	s->size = size;
	s->map_size = size + 2 * block;
	s->map = mmap(NULL, s->map_size, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	must(s->map != MAP_FAILED);
	at = ((uintptr_t)s->map + block - 1) & ~(block - 1);
	s->base = s->map + (at - (uintptr_t)s->map) + bias * RUN_PAGE;
	run_space_init(&s->rs, s->base, size, true);
}

static inline void
space_close(struct space *s)
{
	must(munmap(s->map, s->map_size) == 0);
}

/* space_map -- write the page map's entry of a page: a granule, or 0 */
static inline void
space_map(const struct space *s, size_t page, uint32_t granule)
{
	run_map(s->base)[page] = run_entry(granule, 0);
}

/*
 * space_nfindings -- what the checks of the runs, and of the heaps when there
 * is a directory, find
 */
static inline size_t
space_nfindings(
	const struct space *s, const struct heap_dir *dir, enum hardening level)
{
	struct findings f = {0};
	struct run_check c;
	int err = 0;

	if (run_check_begin(&c, &s->rs, s->base, s->size, &f, &err)) {
		run_check_all(&c);
		if (dir != NULL)
			dir_check(&c, dir, level);
		run_check_granules(&c);
		run_check_end(&c);
	}
	must(err == 0);
	return f.count;
}

#endif
