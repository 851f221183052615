/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * contender.h -- the allocators that are compared, behind one table
 *
 * Each is called in the same way: through the table, to a function of
 * contender.c that jumps through one more pointer to the allocator.  None has
 * a shorter way than another.  mimalloc and jemalloc are loaded with
 * dlopen(3), privately: malloc of the process stays the C library's.
 */
#ifndef BENCH_CONTENDER_H
#define BENCH_CONTENDER_H

#include <stddef.h>

enum { CONTENDERS_MAX = 5 };

struct contender {
	const char *name;
	char version[64];
	void *(*alloc)(void *pool, size_t size);
	void (*free)(void *pool, void *ptr);
	void *pool; /* ours only */
};

/*
 * contenders_init -- find the allocators that this machine has
 *
 * ret     filled; the first one is ours
 * dir     folder for the pool that is a file
 * size    bytes of each of our two pools
 * Returns how many; 0 when there is no pool of ours.  What is not here is left
 *         out with a word on standard error.  May start the program anew, with
 *         argv and a larger space for thread-local variables.
 */
size_t contenders_init(struct contender ret[CONTENDERS_MAX], const char *dir,
	size_t size, char **argv);

void contenders_fini(struct contender *contenders, size_t ncontenders);

#endif /* BENCH_CONTENDER_H */
