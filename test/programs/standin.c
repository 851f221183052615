/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * standin.c -- what self-test preloads in the place of the library
 *
 * The C library's malloc, with at most $VMMALLOC_POOL_SIZE bytes (a number, or
 * one with K, M or G) in objects at a time; and with the fault that $STANDIN
 * names:
 *
 *   noisy    prints a line when a program starts
 *   deny     has no memory after a while
 *   crash    dies of a signal when it has no memory
 *   dirty    does not clear what calloc gives
 *   hang     waits for ever in a forked child
 *   forked   has no memory in a forked child
 *   litter   leaves a file in $VMMALLOC_POOL_DIR
 */
#define _GNU_SOURCE
#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DENY_AFTER 4000
#define DIRT       0xdb

void *__libc_malloc(size_t size);
void *__libc_memalign(size_t alignment, size_t size);
void *__libc_realloc(void *ptr, size_t size);
void __libc_free(void *ptr);

static const char *fault = "";
static size_t limit = SIZE_MAX;
static atomic_size_t used;
static atomic_size_t ncalls;
static bool is_child;

static bool
fault_is(const char *name)
{
	return strcmp(fault, name) == 0;
}

static void
in_child(void)
{
	is_child = true;
}

static void
leave_file(void)
{
	char path[4096];
	FILE *file;

	(void)snprintf(
		path, sizeof(path), "%s/litter", getenv("VMMALLOC_POOL_DIR"));
	file = fopen(path, "w");
	if (file != NULL)
		(void)fclose(file);
}

__attribute__((constructor)) static void
begin(void)
{
	const char *name = getenv("STANDIN");
	const char *size = getenv("VMMALLOC_POOL_SIZE");
	char *end;

	if (size != NULL) {
		limit = strtoull(size, &end, 10);
		limit <<= *end == 'G' ? 30 : *end == 'M' ? 20 : 0;
		limit <<= *end == 'K' ? 10 : 0;
	}
	(void)pthread_atfork(NULL, NULL, in_child);
	if (name == NULL)
		return;
	fault = name;
	if (fault_is("noisy"))
		(void)!write(STDERR_FILENO, "standin: here\n", 14);
	if (fault_is("litter"))
		leave_file();
}

/* has_room -- may an object of `size` bytes be made */
static bool
has_room(size_t size)
{
	bool has = size <= limit && used <= limit - size;

	if (fault_is("deny") && ++ncalls > DENY_AFTER)
		has = false;
	if (is_child && fault_is("forked"))
		has = false;
	if (is_child && fault_is("hang"))
		for (;;)
			(void)pause();
	if (!has && fault_is("crash"))
		(void)raise(SIGSEGV);
	if (!has)
		errno = ENOMEM;
	return has;
}

void *
malloc(size_t size)
{
	void *ptr = has_room(size) ? __libc_malloc(size) : NULL;

	used += malloc_usable_size(ptr);
	return ptr;
}

void
free(void *ptr)
{
	int saved = errno;

	used -= malloc_usable_size(ptr);
	__libc_free(ptr);
	errno = saved;
}

void *
calloc(size_t n, size_t size)
{
	size_t total = 0;
	void *ptr;

	if (__builtin_mul_overflow(n, size, &total)) {
		errno = ENOMEM;
		return NULL;
	}
	ptr = malloc(total);
	if (ptr != NULL)
		memset(ptr, fault_is("dirty") ? DIRT : 0, total);
	return ptr;
}

void *
realloc(void *ptr, size_t size)
{
	size_t before = malloc_usable_size(ptr);

	if (size > before && !has_room(size - before))
		return NULL;
	ptr = __libc_realloc(ptr, size);
	if (ptr != NULL || size == 0)
		used += malloc_usable_size(ptr) - before;
	return ptr;
}

void *
memalign(size_t alignment, size_t size)
{
	void *ptr = has_room(size) ? __libc_memalign(alignment, size) : NULL;

	used += malloc_usable_size(ptr);
	return ptr;
}

void *
aligned_alloc(size_t alignment, size_t size)
{
	return memalign(alignment, size);
}

int
posix_memalign(void **ret_ptr, size_t alignment, size_t size)
{
	int saved = errno;
	void *ptr = memalign(alignment, size);

	errno = saved;
	if (ptr == NULL)
		return ENOMEM;
	*ret_ptr = ptr;
	return 0;
}
