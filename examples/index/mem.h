/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * mem.h -- pool memory with a count of what was asked for
 *
 * A thin skin over libvmem: each thread has a `struct mem` of its own, so that
 * counting needs no lock.  A thread may release what another one allocated:
 * its own figures then go below zero (they wrap), and only the sum over all
 * threads means something.  When everything is released the sum is zero again,
 * which the program checks at its end.
 *
 * Threads: a struct mem belongs to one thread; the pool may be shared.
 */
#ifndef INDEX_MEM_H
#define INDEX_MEM_H

#include <libvmem.h>
#include <stddef.h>

struct mem {
	VMEM *pool;
	size_t bytes;   /* asked for and not yet released */
	size_t objects; /* live objects */
};

/* All return NULL when the pool has no room; vmem_errormsg() then says so. */
void *mem_alloc(struct mem *mem, size_t size);
void *mem_zalloc(struct mem *mem, size_t nmemb, size_t size);
void *mem_resize(struct mem *mem, void *ptr, size_t old_size, size_t size);
char *mem_strdup(struct mem *mem, const char *s);

/* mem_release -- free an object of `size` bytes; NULL is fine */
void mem_release(struct mem *mem, void *ptr, size_t size);

/* mem_fold -- add the figures of `from` to `sum` and start `from` anew */
void mem_fold(struct mem *sum, struct mem *from);

#endif /* INDEX_MEM_H */
