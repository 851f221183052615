/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * heap.c -- the heap under attack: a pool, or malloc
 */
#include "attack.h"

#include <libvmem.h>
#include <malloc.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define POOL_SIZE ((size_t)64 << 20)

/* where the header of a pool is, and where the page map begins behind it */
#define HEADER_OFFSET   4096
#define METADATA_OFFSET 12288

static VMEM *pool; /* NULL: malloc */
static VMEM *other;
static size_t nrefused;
static bool told_in_thread;

static VMEM *
open_pool(int level)
{
	struct vmem_options o;
	void *region = mmap(NULL, POOL_SIZE, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (region == MAP_FAILED || vmem_options_init(&o, sizeof(o)) != 0)
		abort();
	o.source = VMEM_SOURCE_REGION;
	o.addr = region;
	o.size = POOL_SIZE;
	o.hardening = level;
	return vmem_create_opts(&o);
}

/* forget_message -- make the thread's message one that misuse does not give */
static void
forget_message(void)
{
	if (vmem_create(NULL, 1) != NULL)
		abort();
}

bool
heap_open(const char *name)
{
	static const char prefix[] = "level-";

	if (strcmp(name, "malloc") == 0)
		return true;
	if (strncmp(name, prefix, sizeof(prefix) - 1) != 0)
		return false;
	pool = open_pool(name[sizeof(prefix) - 1] - '0');
	other = open_pool(1);
	forget_message();
	return pool != NULL && other != NULL;
}

void *
heap_take(size_t size)
{
	void *p = pool != NULL ? vmem_malloc(pool, size) : malloc(size);

	if (p == NULL)
		exit(3);
	return p;
}

void
heap_give(void *p)
{
	if (pool != NULL)
		vmem_free(pool, p);
	else
		free(p);
}

static void *
give(void *p)
{
	heap_give(p);
	told_in_thread |= pool != NULL && vmem_errormsg()[0] != '\0';
	return NULL;
}

void
heap_give_elsewhere(void *p)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, give, p) != 0 ||
		pthread_join(thread, NULL) != 0)
		abort();
}

size_t
heap_usable(void *p)
{
	return pool != NULL ? vmem_malloc_usable_size(pool, p)
			    : malloc_usable_size(p);
}

bool
heap_has_told(void)
{
	struct vmem_stats stats;
	bool told;

	if (pool == NULL)
		return false;
	told = told_in_thread || strncmp(vmem_errormsg(), "size 1 ", 7) != 0;
	if (vmem_stats_get(pool, &stats, sizeof(stats)) != 0)
		abort();
	told |= stats.refused > nrefused;
	nrefused = stats.refused;
	told_in_thread = false;
	forget_message();
	return told;
}

bool
heap_is_damaged(void)
{
	return pool != NULL && vmem_check(pool) != 1;
}

void *
heap_header(void)
{
	return pool == NULL ? NULL : (char *)pool + HEADER_OFFSET;
}

void *
heap_metadata(void)
{
	return pool == NULL ? NULL : (char *)pool + METADATA_OFFSET;
}

void *
heap_other_object(size_t size)
{
	return pool == NULL ? NULL : vmem_malloc(other, size);
}
