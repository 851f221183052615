/* SPDX-License-Identifier: BSD-3-Clause */
#include "memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define MIB           ((size_t)1024 * 1024)
#define DEFAULT_CACHE (32 * MIB)

enum { PAGE = 4096, HELD_STEP = 1 << 16 /* pages looked at at once */ };

bool
memory_is_file(const struct memory *memory)
{
	return memory->kind != MEMORY_REGION;
}

/* open_file -- a file without a name */
static int
open_file(const struct memory *memory, size_t size)
{
	char name[256];
	int fd = open(memory->dir, O_TMPFILE | O_RDWR | O_EXCL, 0600);

	if (fd < 0) {
		/* hugetlbfs of older kernels */
		(void)snprintf(
			name, sizeof(name), "%s/bench.XXXXXX", memory->dir);
		fd = mkstemp(name);
		if (fd < 0)
			return -1;
		(void)unlink(name);
	}
	if (ftruncate(fd, (off_t)size) != 0) {
		(void)close(fd);
		return -1;
	}
	return fd;
}

int
memory_map(const struct memory *memory, size_t size, size_t align,
	struct extent *ret_extent)
{
	int flags = memory_is_file(memory) ? MAP_SHARED
					   : MAP_PRIVATE | MAP_ANONYMOUS;
	char *hint = mmap(NULL, size + align, PROT_NONE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	size_t gap;
	char *base;
	int fd = -1;

	if (hint == MAP_FAILED)
		return -1;
	gap = (align - (uintptr_t)hint % align) % align;
	if (memory_is_file(memory) && (fd = open_file(memory, size)) < 0)
		goto unmap;
	base = mmap(hint + gap, size, PROT_READ | PROT_WRITE,
		flags | MAP_FIXED | MAP_NORESERVE, fd, 0);
	if (fd >= 0)
		(void)close(fd);
	if (base == MAP_FAILED)
		goto unmap;
	if (gap > 0)
		(void)munmap(hint, gap);
	if (align > gap)
		(void)munmap(base + size, align - gap);
	*ret_extent = (struct extent){base, size};
	return 0;
unmap:
	(void)munmap(hint, size + align);
	return -1;
}

void
memory_unmap(struct extent extent)
{
	if (extent.base != NULL)
		(void)munmap(extent.base, extent.size);
}

int
memory_map_again(struct extent *kept, const struct memory *memory, size_t size,
	size_t align, struct extent *ret_extent)
{
	*ret_extent = *kept;
	*kept = (struct extent){NULL, 0};
	if (ret_extent->size == size)
		return 0;
	memory_unmap(*ret_extent);
	return memory_map(memory, size, align, ret_extent);
}

void
memory_keep(struct extent *kept, struct extent extent)
{
	memory_unmap(*kept);
	*kept = extent;
}

int
memory_give_back(const struct memory *memory, void *base, size_t size)
{
	return madvise(base, size,
		memory_is_file(memory) ? MADV_REMOVE : MADV_DONTNEED);
}

void
memory_page_out(const struct memory *memory)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	size_t length = memory_is_file(memory) ? strlen(memory->dir) : 0;
	char line[512];

	while (maps != NULL && length > 0 &&
		fgets(line, sizeof(line), maps) != NULL) {
		unsigned long low;
		unsigned long high;
		int path = 0;
		void *base;

		if (sscanf(line, "%lx-%lx %*s %*s %*s %*s %n", &low, &high,
			    &path) < 2 ||
			path == 0 ||
			strncmp(line + path, memory->dir, length) != 0)
			continue;
		base = (void *)low; /* NOLINT(performance-no-int-to-ptr) */
		/* what is dirty is written first, and then found clean */
		(void)msync(base, high - low, MS_SYNC);
		(void)madvise(base, high - low, MADV_PAGEOUT);
	}
	if (maps != NULL)
		(void)fclose(maps);
}

double
memory_used(const struct memory *memory)
{
	struct statvfs info;

	if (!memory_is_file(memory) || statvfs(memory->dir, &info) != 0)
		return 0;
	return (double)(info.f_blocks - info.f_bfree) * (double)info.f_frsize;
}

size_t
memory_held(struct extent extent)
{
	static unsigned char in_core[HELD_STEP];
	size_t held = 0;

	for (size_t done = 0; done < extent.size;) {
		size_t size = extent.size - done;

		if (size > (size_t)HELD_STEP * PAGE)
			size = (size_t)HELD_STEP * PAGE;
		if (mincore(extent.base + done, size, in_core) == 0)
			for (size_t i = 0; i < (size + PAGE - 1) / PAGE; i++)
				held += in_core[i] & 1 ? PAGE : 0;
		done += size;
	}
	return held;
}

size_t
memory_resident(void)
{
	FILE *statm = fopen("/proc/self/statm", "r");
	size_t pages = 0;

	if (statm == NULL)
		return 0;
	if (fscanf(statm, "%*u %zu", &pages) != 1)
		pages = 0;
	(void)fclose(statm);
	return pages * (size_t)sysconf(_SC_PAGESIZE);
}

size_t
memory_cache_size(void)
{
	/* sysconf(3) multiplies by processors that a virtual machine lacks */
	FILE *file =
		fopen("/sys/devices/system/cpu/cpu0/cache/index3/size", "r");
	size_t kib = 0;

	if (file == NULL)
		return DEFAULT_CACHE;
	if (fscanf(file, "%zuK", &kib) != 1)
		kib = 0;
	(void)fclose(file);
	return kib > 0 ? kib * 1024 : DEFAULT_CACHE;
}
