/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * memory.h -- the kinds of memory that pools are made of
 */
#ifndef BENCH_MEMORY_H
#define BENCH_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

enum memory_kind {
	MEMORY_TMPFS,  /* a file in a folder in tmpfs */
	MEMORY_REGION, /* anonymous memory */
	MEMORY_HUGE,   /* a file in a folder of hugetlbfs */
	MEMORY_SLOW,   /* a file on a block device, its pages written out */
	MEMORY_KINDS
};

struct memory {
	enum memory_kind kind;
	const char *name;
	const char *dir; /* NULL: a region, or this kind is not here */
};

/* a piece of memory; base NULL: where it is, is not known */
struct extent {
	char *base;
	size_t size;
};

/* memory_is_file -- is it a file's, and not anonymous? */
bool memory_is_file(const struct memory *memory);

/*
 * memory_map -- a piece of this kind, for a contender that takes memory
 *
 * align   a power of two, at least a page (2 MiB where pages are huge)
 * Returns 0, or -1 with errno set.
 */
int memory_map(const struct memory *memory, size_t size, size_t align,
	struct extent *ret_extent);

void memory_unmap(struct extent extent);

/*
 * memory_map_again -- as memory_map(), or the piece that was kept, if it is of
 * this size
 *
 * A region is its caller's, and stays when a pool in it is deleted: the next
 * pool is made in the same, as mimalloc's and jemalloc's are made in arenas
 * whose memory they keep.
 */
int memory_map_again(struct extent *kept, const struct memory *memory,
	size_t size, size_t align, struct extent *ret_extent);

/* memory_keep -- for the next memory_map_again() */
void memory_keep(struct extent *kept, struct extent extent);

/* memory_give_back -- keep the addresses and give the pages to the system;
 * -1: it cannot be done */
int memory_give_back(const struct memory *memory, void *base, size_t size);

/* memory_page_out -- write the pages of all mapped files of this kind out, so
 * that a touch reads them in */
void memory_page_out(const struct memory *memory);

/* memory_used -- bytes taken on the file system; 0 when it is no file's */
double memory_used(const struct memory *memory);

/* memory_held -- bytes of anonymous memory that have pages behind them */
size_t memory_held(struct extent extent);

/* memory_resident -- bytes of memory of the whole process */
size_t memory_resident(void);

/* memory_cache_size -- bytes of the last-level cache; 32 MiB when unknown */
size_t memory_cache_size(void);

#endif
