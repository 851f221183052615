/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * object_late.c -- a library that allocates when it begins and ends, whichever
 * of it and the preload library comes first
 */
#include <stdlib.h>

#include "check.h"

static char *kept[100];

__attribute__((constructor)) static void
begin(void)
{
	for (size_t i = 0; i < 100; i++)
		CHECK((kept[i] = calloc(i + 1, 50)) != NULL);
}

__attribute__((destructor)) static void
end(void)
{
	for (size_t i = 0; i < 100; i++) {
		CHECK((kept[i] = realloc(kept[i], 100 * (i + 1))) != NULL);
		CHECK(kept[i][i] == 0);
		free(kept[i]);
		CHECK((kept[i] = malloc(10 * (i + 1))) != NULL);
	}
	free(calloc(1000, 1000));
}
