/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * own.c -- a program with a malloc of its own, which libc uses as well, and
 * with a function of libc's that works from its constructor on, as those of the
 * thread sanitizer
 */
#include <dlfcn.h>
#include <stdint.h>
#include <stdlib.h>

#include "check.h"

static char heap[1 << 22];
static size_t used;

void *
malloc(size_t size)
{
	char *p = heap + used + 16;

	used += 16 + (size + 15) / 16 * 16;
	if (used > sizeof(heap))
		return NULL;
	memcpy(p - sizeof(size), &size, sizeof(size));
	return p;
}

void
free(void *ptr)
{
	CHECK(ptr == NULL || (uintptr_t)ptr - (uintptr_t)heap < sizeof(heap));
}

void *
calloc(size_t nmemb, size_t size)
{
	return malloc(nmemb * size);
}

void *
realloc(void *ptr, size_t size)
{
	char *fresh = malloc(size);
	size_t old = 0;

	if (ptr != NULL)
		memcpy(&old, (char *)ptr - sizeof(old), sizeof(old));
	if (fresh != NULL && ptr != NULL)
		memcpy(fresh, ptr, old < size ? old : size);
	return fresh;
}

static int (*real_ftruncate)(int fd, off_t length);

__attribute__((constructor)) static void
find(void)
{
	*(void **)&real_ftruncate = dlsym(RTLD_NEXT, "ftruncate");
}

int
ftruncate(int fd, off_t length)
{
	return real_ftruncate(fd, length);
}

int
main(void)
{
	char *text = strdup("text"), *line = NULL;
	size_t size = 0;
	FILE *f = popen("echo hello", "r");

	CHECK((uintptr_t)text - (uintptr_t)heap < sizeof(heap));
	CHECK(f != NULL && getline(&line, &size, f) == 6);
	CHECK((uintptr_t)line - (uintptr_t)heap < sizeof(heap));
	CHECK(pclose(f) == 0);
	for (int i = 0; i < 3; i++) {
		pid_t pid = fork();

		if (pid == 0)
			_exit(strcmp(text, "text"));
		CHECK_CHILD(pid);
	}
	free(line);
	free(text);
	return 0;
}
