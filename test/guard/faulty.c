/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * faulty.c KIND FAULT -- a program that does one thing wrong
 *
 * KIND   where its pool is: file, region (pages of its own), block (memory that
 *        malloc() has given)
 * FAULT  one of the names at the end; those that begin with "clean" are none,
 * and in clean.c
 *
 * The scripts beside it run it under memcheck and with the address sanitizer.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "faulty.h"

#define NOINLINE __attribute__((noinline))

VMEM *pool;
void *block;
char *volatile kept;

NOINLINE void
put(char *p)
{
	*(volatile char *)p = 1;
}

NOINLINE int
get(const char *p)
{
	return *(const volatile char *)p;
}

NOINLINE void
tell(int value)
{
	if (value != 0)
		(void)write(STDOUT_FILENO, "x", 1);
}

NOINLINE char *
make(size_t size)
{
	char *p = vmem_malloc(pool, size);
	if (p == NULL)
		abort();
	return memset(p, 1, size);
}

static void
overflow(void)
{
	char *p = make(SIZE);
	put(p + SIZE);
	vmem_free(pool, p);
}

static void
overflow_odd(void)
{
	char *p = make(SIZE - 5);
	put(p + SIZE - 5);
	vmem_free(pool, p);
}

static void
overflow_large(void)
{
	char *p = make(LARGE);
	put(p + LARGE);
	vmem_free(pool, p);
}

/* what lies behind is written over far; the pool must bear it */
static void
overflow_far(void)
{
	char *p = make(SIZE), *q = make(SIZE);
	for (size_t i = 0; i < 2 * SIZE; i++)
		put(p + SIZE + i);
	vmem_free(pool, vmem_realloc(pool, p, 2 * SIZE));
	vmem_free(pool, q);
}

static void
underflow(void)
{
	char *p = make(SIZE), *q = make(SIZE);
	put((p < q ? q : p) - 1);
	vmem_free(pool, p);
	vmem_free(pool, q);
}

static void
after_free(void)
{
	char *p = make(SIZE);
	vmem_free(pool, p);
	put(p + 3);
}

/* another one of that size must not lie there yet */
static void
after_reuse(void)
{
	char *p = make(SIZE);
	vmem_free(pool, p);
	for (int i = 0; i < ROUNDS; i++)
		vmem_free(pool, make(SIZE));
	kept = make(SIZE);
	put(p + 3);
}

static void
twice_reuse(void)
{
	char *p = make(SIZE);
	vmem_free(pool, p);
	kept = make(SIZE);
	vmem_free(pool, p);
}

static void
after_realloc(void)
{
	char *p = make(SIZE), *q = vmem_realloc(pool, p, SIZE + 1);
	put(p);
	vmem_free(pool, q);
}

/* made by one thread, freed by another, used by a third */
static void *
first_thread(void *arg)
{
	kept = make(SIZE);
	return arg;
}

static void *
second_thread(void *arg)
{
	vmem_free(pool, kept);
	return arg;
}

static void
run_thread(void *(*run)(void *arg))
{
	pthread_t t;
	if (pthread_create(&t, NULL, run, NULL) != 0)
		abort();
	pthread_join(t, NULL);
}

static void
after_threads(void)
{
	run_thread(first_thread);
	run_thread(second_thread);
	put(kept + SIZE - 1);
}

/* what a reset frees is freed, also what a thread had freed before */
static void
after_reset(void)
{
	char *p = make(SIZE), *large = make(LARGE);
	vmem_free(pool, make(SIZE));
	kept = large;
	if (vmem_reset(pool) != 0)
		abort();
	put(p + 3);
}

static void
unset(void)
{
	char *p = vmem_malloc(pool, SIZE);
	tell(get(p + 3));
	vmem_free(pool, p);
}

/* what realloc() adds is not set, what it keeps is */
static void
unset_realloc(void)
{
	char *p = vmem_realloc(pool, make(SIZE), 2 * SIZE);
	tell(get(p + SIZE - 1) == 2);
	tell(get(p + SIZE));
	vmem_free(pool, p);
}

static void
twice(void)
{
	char *p = make(SIZE);
	vmem_free(pool, p);
	vmem_free(pool, p);
}

static void
interior(void)
{
	char *p = make(SIZE);
	vmem_free(pool, p + SIZE / 3);
	vmem_free(pool, p);
}

static void
wild(void)
{
	static char none[SIZE];
	vmem_free(pool, none);
}

static void
realloc_freed(void)
{
	char *p = make(SIZE);
	vmem_free(pool, p);
	kept = vmem_realloc(pool, p, LARGE);
}

/* by two functions, one of which is called again and again */
static NOINLINE void
lose_one(size_t size)
{
	(void)make(size);
}

static void
leak_many(void)
{
	for (int i = 0; i < ROUNDS; i++)
		lose_one(SIZE);
	(void)make(SIZE);
	vmem_free(pool, make(LARGE));
	vmem_delete(pool);
	pool = NULL;
	puts("written when the process ends");
}

static void
leak(void)
{
	kept = make(4);
	vmem_delete(pool);
	pool = NULL;
}

/* the same place twice: both are leaks */
static void
leak_again(void)
{
	(void)make(4);
	if (block == NULL)
		abort();
	vmem_delete(pool);
	pool = vmem_create_in_region(block, VMEM_MIN_POOL);
	(void)make(5);
	vmem_delete(pool);
	pool = NULL;
}

/* one of two is known when the process ends, and the pool is there still */
static void
leak_exit(void)
{
	kept = make(SIZE);
	(void)make(SIZE);
	(void)make(LARGE);
	pool = NULL;
}

static void
after_delete(void)
{
	char *p = make(SIZE);
	vmem_free(pool, p);
	vmem_delete(pool);
	pool = NULL;
	tell(get(p));
}

static const struct {
	const char *name;
	void (*run)(void);
} faults[] = {
	{"overflow", overflow},
	{"overflow-odd", overflow_odd},
	{"overflow-large", overflow_large},
	{"overflow-far", overflow_far},
	{"underflow", underflow},
	{"after-free", after_free},
	{"after-reuse", after_reuse},
	{"twice-reuse", twice_reuse},
	{"after-realloc", after_realloc},
	{"after-threads", after_threads},
	{"after-reset", after_reset},
	{"unset", unset},
	{"unset-realloc", unset_realloc},
	{"twice", twice},
	{"interior", interior},
	{"wild", wild},
	{"realloc-freed", realloc_freed},
	{"leak", leak},
	{"leak-many", leak_many},
	{"leak-again", leak_again},
	{"leak-exit", leak_exit},
	{"after-delete", after_delete},
	{"clean", clean},
	{"clean-sized", clean_sized},
	{"clean-whole", clean_whole},
	{"clean-full", clean_full},
	{"clean-gone", clean_gone},
	{"clean-threads", clean_threads},
	{"clean-fork", clean_fork},
	{"clean-fork-share", clean_fork_share},
};

/* make_pool -- of that kind */
static VMEM *
make_pool(const char *kind)
{
	if (strcmp(kind, "file") == 0)
		return vmem_create("/tmp", VMEM_MIN_POOL);
	if (strcmp(kind, "region") == 0) {
		block = mmap(NULL, VMEM_MIN_POOL, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (block == MAP_FAILED)
			return NULL;
	} else if (posix_memalign(&block, 4096, VMEM_MIN_POOL) != 0) {
		return NULL;
	}
	return vmem_create_in_region(block, VMEM_MIN_POOL);
}

int
main(int argc, char **argv)
{
	if (argc != 3 || (pool = make_pool(argv[1])) == NULL)
		return 2;
	size_t i = 0;
	while (strcmp(faults[i].name, argv[2]) != 0)
		if (++i == sizeof(faults) / sizeof(faults[0]))
			return 2;
	faults[i].run();
	if (pool != NULL)
		vmem_delete(pool);
	if (strcmp(argv[1], "block") == 0)
		free(block);
	return 0;
}
