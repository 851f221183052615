/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * apart.c -- two pools, the first one far from where programs have their memory
 *
 *	apart DIR
 */
#include <libvmem.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define PLACE ((void *)0x100000000000)

int
main(int argc, char **argv)
{
	void *region = mmap(PLACE, VMEM_MIN_POOL, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (region == MAP_FAILED ||
		vmem_create_in_region(region, VMEM_MIN_POOL) == NULL ||
		vmem_create(argv[argc - 1], VMEM_MIN_POOL) == NULL)
		return EXIT_FAILURE;
	(void)puts("ready");
	(void)fflush(stdout);
	for (;;)
		(void)pause();
}
