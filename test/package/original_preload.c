/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * original_preload.c DIRECTORY -- a program that was linked with the original's
 * libvmmalloc: says whether its heap is in a file of the directory
 */
#include <libvmmalloc.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int
main(int argc, char **argv)
{
	uintptr_t object = (uintptr_t)malloc(100);
	FILE *maps = fopen("/proc/self/maps", "r");
	char line[4096];

	if (argc != 2 || maps == NULL)
		return 2;
	while (fgets(line, sizeof(line), maps) != NULL) {
		char *dash;
		uintptr_t from = strtoul(line, &dash, 16);

		if (object < from || object >= strtoul(dash + 1, NULL, 16))
			continue;
		printf("heap: %s\n",
			strstr(line, argv[1]) != NULL ? "in the pool" : line);
	}
	return 0;
}
