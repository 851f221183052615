/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * run_copy.h -- a pool's metadata as it was, at another address
 *
 * What another process works in cannot be verified where it lies: what has been
 * found to be well may be something else when it is used.  So what the check
 * follows is copied first: the fixed metadata, descriptors and heaps, in which
 * each word that is an address of the pool becomes one of the copy.  Objects
 * are not copied; where they would lie the copy has no memory.
 *
 * The copy is of no single moment, and what is found in it need be no damage.
 * A word that only looks like an address, of a slab's bits for instance, is
 * changed too: that can make something seem wrong, but nothing seem well.
 */
#ifndef RUN_RUN_COPY_H
#define RUN_RUN_COPY_H

#include <stdbool.h>
#include <stddef.h>

struct run_copy {
	char *base; /* for the pool's first byte */
	void *map;  /* what base lies in */
	size_t map_bytes;
};

/*
 * run_copy_make -- of the pool at base; false: no memory
 * The pool may change meanwhile, and its bytes may be any.
 */
bool run_copy_make(struct run_copy *ret, const void *base, size_t size);

/* run_copy_drop -- the copy is not needed any more */
void run_copy_drop(struct run_copy *c);

#endif
