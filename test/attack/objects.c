/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * objects.c -- live objects, whose bytes are known
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "attack.h"

#define MOST 8192u
#define ENDS 64u /* bytes at either end of an object that are known */

static struct {
	unsigned char *p;
	size_t size;
	unsigned char byte;
} live[MOST];
static size_t nlive;

void
say(const char *word)
{
	char line[64];
	int n = snprintf(line, sizeof(line), "%s\n", word);

	if (write(STDOUT_FILENO, line, (size_t)n) != n)
		abort();
}

static size_t
known(size_t size)
{
	return size < ENDS ? size : ENDS;
}

void
objects_take(size_t n, size_t size)
{
	for (; n > 0; n--) {
		unsigned char *p = heap_take(size);
		bool twice = false;

		for (size_t i = 0; i < nlive; i++)
			twice |= p < live[i].p + live[i].size &&
				 live[i].p < p + size;
		if (twice)
			say("twice");
		if (nlive == MOST)
			abort();
		live[nlive].p = p;
		live[nlive].size = size;
		live[nlive].byte = (unsigned char)(nlive % 251 + 1);
		memset(p, live[nlive].byte, known(size));
		memset(p + size - known(size), live[nlive].byte, known(size));
		nlive++;
	}
}

void
objects_forget(const void *p)
{
	for (size_t i = 0; i < nlive; i++)
		if (live[i].p == p) {
			live[i] = live[--nlive];
			return;
		}
}

bool
objects_holds(const void *p)
{
	for (size_t i = 0; i < nlive; i++)
		if (live[i].p == p)
			return true;
	return false;
}

void
objects_pair(char **ret_first, char **ret_second)
{
	size_t least = SIZE_MAX;

	for (size_t i = 0; i < nlive; i++)
		for (size_t j = 0; j < nlive; j++) {
			size_t d = (size_t)((uintptr_t)live[j].p -
					    (uintptr_t)live[i].p);

			if (i == j || d >= least)
				continue;
			least = d;
			*ret_first = (char *)live[i].p;
			*ret_second = (char *)live[j].p;
		}
}

static bool
is_changed(size_t i)
{
	size_t n = known(live[i].size);

	for (size_t j = 0; j < n; j++)
		if (live[i].p[j] != live[i].byte ||
			live[i].p[live[i].size - 1 - j] != live[i].byte)
			return true;
	return false;
}

void
objects_give(void)
{
	for (size_t i = 0; i < nlive; i++)
		if (is_changed(i)) {
			say("changed");
			break;
		}
	for (size_t i = 0; i < nlive; i++)
		heap_give(live[i].p);
	nlive = 0;
}
