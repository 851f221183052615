/* SPDX-License-Identifier: BSD-3-Clause */
#include "mem.h"

#include <string.h>

static void *
count(struct mem *mem, void *ptr, size_t size)
{
	if (ptr != NULL) {
		mem->bytes += size;
		mem->objects++;
	}
	return ptr;
}

void *
mem_alloc(struct mem *mem, size_t size)
{
	return count(mem, vmem_malloc(mem->pool, size), size);
}

void *
mem_zalloc(struct mem *mem, size_t nmemb, size_t size)
{
	return count(mem, vmem_calloc(mem->pool, nmemb, size), nmemb * size);
}

void *
mem_resize(struct mem *mem, void *ptr, size_t old_size, size_t size)
{
	void *moved = vmem_realloc(mem->pool, ptr, size);

	if (moved == NULL)
		return NULL;
	mem->bytes += size - old_size;
	if (ptr == NULL)
		mem->objects++;
	return moved;
}

char *
mem_strdup(struct mem *mem, const char *s)
{
	return count(mem, vmem_strdup(mem->pool, s), strlen(s) + 1);
}

void
mem_release(struct mem *mem, void *ptr, size_t size)
{
	if (ptr == NULL)
		return;
	vmem_free(mem->pool, ptr);
	mem->bytes -= size;
	mem->objects--;
}

void
mem_fold(struct mem *sum, struct mem *from)
{
	sum->bytes += from->bytes;
	sum->objects += from->objects;
	from->bytes = 0;
	from->objects = 0;
}
