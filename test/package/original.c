/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * original.c DIRECTORY -- a program of the original's time: it knows the
 * original's header alone, and prints what a caller can rely on
 *
 * original.sh compiles and links it with the original, and runs it on that and
 * on ours: what it prints must be the same.
 */
#include <errno.h>
#include <libvmem.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include <wchar.h>

#define MIB ((size_t)1 << 20)

enum { THREADS = 4, OBJECTS = 1000, LARGEST = 3000 };

/* leave_out -- statistics differ, and may */
static void
leave_out(const char *text)
{
	(void)text;
}

#define SHOW(call)                                                             \
	do {                                                                   \
		const void *result_;                                           \
		errno = 0;                                                     \
		result_ = (call);                                              \
		printf("%s: %s, %s\n", #call,                                  \
			result_ == NULL ? "NULL" : "a pointer",                \
			strerror(errno));                                      \
	} while (0)

/* SHOW_TEXT -- and the message, where the original has its own for it */
#define SHOW_TEXT(call)                                                        \
	do {                                                                   \
		SHOW(call);                                                    \
		printf("    %s\n", vmem_errormsg());                           \
	} while (0)

/* show_refusals -- pools that there cannot be */
static void
show_refusals(const char *dir, void *region)
{
	SHOW_TEXT(vmem_create("/no/such/directory", VMEM_MIN_POOL));
	SHOW(vmem_create("/dev/null/under", VMEM_MIN_POOL));
	SHOW_TEXT(vmem_create(dir, VMEM_MIN_POOL - 1));
	SHOW_TEXT(vmem_create(dir, 0));
	SHOW_TEXT(vmem_create_in_region(region, VMEM_MIN_POOL - 1));
	SHOW_TEXT(vmem_create_in_region((char *)1, 16 * MIB));
	SHOW_TEXT(vmem_create_in_region((char *)1, 1));
	/* one after the other: the old library has one text for both */
	puts(vmem_check_version(VMEM_MAJOR_VERSION + 1, 0));
	puts(vmem_check_version(VMEM_MAJOR_VERSION - 1, 0));
}

/* show_calls -- each function of the family, on an empty pool */
static void
show_calls(VMEM *pool)
{
	char *object = vmem_malloc(pool, 100);
	unsigned char *zeroes = vmem_calloc(pool, 100, 7);
	char *copy = vmem_strdup(pool, "a line");
	wchar_t *wide = vmem_wcsdup(pool, L"a wide line");
	void *aligned = vmem_aligned_alloc(pool, 4096, 100);
	size_t sum = 0;

	for (size_t i = 0; i < 700; i++)
		sum += zeroes[i];
	printf("calloc: %zu\nstrdup: %s\nwcsdup: %ls\n", sum, copy, wide);
	printf("aligned: %zu\n", (size_t)((uintptr_t)aligned % 4096));
	printf("usable: %d %d\n", vmem_malloc_usable_size(pool, object) >= 100,
		vmem_malloc_usable_size(pool, NULL) == 0);
	memset(object, 'x', 100);
	object = vmem_realloc(pool, object, 100000);
	printf("realloc: %c%c\n", object[0], object[99]);
	object = vmem_realloc(pool, object, 10);
	printf("realloc: %c%c\n", object[0], object[9]);
	printf("calloc of nothing: %d\n", vmem_calloc(pool, 0, 8) != NULL);
	printf("malloc of nothing: %d\n", vmem_malloc(pool, 0) != NULL);
	SHOW(vmem_realloc(pool, NULL, 50));
	SHOW(vmem_realloc(pool, vmem_malloc(pool, 10), 0));
	vmem_free(pool, NULL);
	vmem_free(pool, object);
	vmem_free(pool, zeroes);
	vmem_free(pool, copy);
	vmem_free(pool, wide);
	vmem_free(pool, aligned);
	SHOW(vmem_malloc(pool, 64 * MIB));
	SHOW(vmem_malloc(pool, SIZE_MAX));
	SHOW(vmem_calloc(pool, SIZE_MAX / 2, 4));
	SHOW(vmem_aligned_alloc(pool, 3, 100));
	SHOW(vmem_aligned_alloc(pool, 0, 100));
	SHOW(vmem_aligned_alloc(pool, 64, SIZE_MAX - 10));
}

/* show_full -- a pool that is filled, emptied and filled once more */
static void
show_full(VMEM *pool)
{
	for (int round = 0; round < 2; round++) {
		void **last = NULL;
		size_t n = 0;

		for (;;) {
			void **object = vmem_malloc(pool, 1000);

			if (object == NULL)
				break;
			*object = last;
			last = object;
			n++;
		}
		printf("full: %s, %s\n", strerror(errno),
			n * 1000 > VMEM_MIN_POOL / 3 ? "enough" : "little");
		while (last != NULL) {
			void **next = *last;

			vmem_free(pool, last);
			last = next;
		}
	}
}

static void *
work(void *arg)
{
	VMEM *pool = arg;
	char *objects[OBJECTS] = {NULL};
	unsigned seed = 1;
	uintptr_t nwrong = 0;

	for (size_t i = 0; i < (size_t)20 * OBJECTS; i++) {
		char **place = &objects[i % OBJECTS];

		seed = seed * 1103515245 + 12345;
		if (*place != NULL)
			nwrong += **place != (char)(i % OBJECTS);
		vmem_free(pool, *place);
		*place = vmem_malloc(pool, seed / 65536 % LARGEST + 1);
		if (*place != NULL)
			**place = (char)(i % OBJECTS);
	}
	for (size_t i = 0; i < OBJECTS; i++)
		vmem_free(pool, objects[i]);
	return (void *)nwrong;
}

static void
show_threads(VMEM *pool)
{
	pthread_t threads[THREADS];
	uintptr_t nwrong = 0;

	for (size_t i = 0; i < THREADS; i++)
		if (pthread_create(&threads[i], NULL, work, pool) != 0)
			exit(1);
	for (size_t i = 0; i < THREADS; i++) {
		void *result;

		(void)pthread_join(threads[i], &result);
		nwrong += (uintptr_t)result;
	}
	printf("threads: %ju wrong\n", (uintmax_t)nwrong);
}

/* show_fork -- the child shares the objects, and may look at them */
static void
show_fork(VMEM *pool)
{
	char *object = vmem_strdup(pool, "for both");
	int status;
	pid_t child;

	(void)fflush(stdout);
	child = fork();
	if (child == 0)
		_exit(strcmp(object, "for both") == 0 ? 7 : 1);
	(void)waitpid(child, &status, 0);
	printf("fork: %d\n", WEXITSTATUS(status));
	vmem_free(pool, object);
}

static void
show_pool(const char *what, VMEM *pool)
{
	if (pool == NULL) {
		printf("%s: no pool: %s\n", what, vmem_errormsg());
		exit(1);
	}
	printf("%s\n", what);
	show_calls(pool);
	show_full(pool);
	show_threads(pool);
	show_fork(pool);
	printf("check: %d\n", vmem_check(pool));
	vmem_stats_print(pool, "gablm");
	vmem_delete(pool);
}

int
main(int argc, char **argv)
{
	size_t size = 64 * MIB;
	void *region;

	if (argc != 2)
		return 2;
	printf("version: %s, %s\n",
		vmem_check_version(VMEM_MAJOR_VERSION, VMEM_MINOR_VERSION)
			? "no"
			: "yes",
		vmem_check_version(VMEM_MAJOR_VERSION, 0) ? "no" : "yes");
	vmem_set_funcs(NULL, NULL, NULL, NULL, leave_out);
	region = mmap(NULL, size, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (region == MAP_FAILED)
		return 1;
	show_refusals(argv[1], region);
	show_pool("in a directory", vmem_create(argv[1], VMEM_MIN_POOL));
	show_pool("in a region", vmem_create_in_region(region, size));
	show_pool("in it again", vmem_create_in_region(region, size));
	return 0;
}
