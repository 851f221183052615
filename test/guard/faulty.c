/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * faulty.c KIND FAULT -- a program that does one thing wrong
 *
 * KIND   where its pool is: file, region (pages of its own), block (memory that
 *        malloc() has given)
 * FAULT  one of the names at the end; those that begin with "clean" are none
 *
 * The scripts beside it run it under memcheck and with the address sanitizer.
 */
#include <libvmem.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define SIZE    ((size_t)48)
#define LARGE   ((size_t)100000)
#define THREADS 3
#define ROUNDS  200

#define NOINLINE __attribute__((noinline))

static VMEM *pool;
static void *block;
static char *volatile kept; /* what the program still knows */

static NOINLINE void
put(char *p)
{
	*(volatile char *)p = 1;
}

static NOINLINE int
get(const char *p)
{
	return *(const volatile char *)p;
}

/* tell -- a jump that depends on a value */
static NOINLINE void
tell(int value)
{
	if (value != 0)
		(void)write(STDOUT_FILENO, "x", 1);
}

/* make -- an object with its bytes set */
static NOINLINE char *
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

static void
after_realloc(void)
{
	char *p = make(SIZE), *q = vmem_realloc(pool, p, SIZE + 1);
	put(p);
	vmem_free(pool, q);
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

/* a size that is too small is found here, where no size is rounded */
static void
clean_sized(void)
{
	char *p = make(SIZE);
	vmem_free_sized(pool, p, SIZE - 1);
	vmem_free_sized(pool, p, SIZE + 1);
	if (vmem_malloc_usable_size(pool, p) != SIZE)
		abort();
	memset(p, 1, SIZE);
	vmem_free_sized(pool, p, SIZE);
	vmem_free_sized(pool, vmem_malloc(pool, 0), 0);
	vmem_free_sized(pool, vmem_realloc(pool, make(LARGE), SIZE), SIZE);
	struct vmem_stats s;
	if (vmem_stats_get(pool, &s, sizeof(s)) != 0 || s.allocated != 0 ||
		s.refused != 2)
		abort();
}

static int
look(void *ptr, size_t usable, void *arg)
{
	for (size_t i = 0; i < usable; i++)
		tell(get((char *)ptr + i) != 1);
	++*(int *)arg;
	return 0;
}

/* all of an object is open to a walk, and what follows on a reset is as new */
static void
clean_whole(void)
{
	for (int round = 0; round < 5; round++) {
		int n = 0;
		for (size_t size = 1; size < LARGE; size *= 3)
			(void)make(size);
		vmem_free(pool, make(SIZE));
		if (vmem_walk(pool, look, &n) != 0 || n != 11)
			abort();
		if (vmem_thread_flush(pool) != 0 || vmem_reset(pool) != 0 ||
			vmem_check(pool) != 1)
			abort();
		n = 0;
		if (vmem_walk(pool, look, &n) != 0 || n != 0)
			abort();
	}
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

/* no fault of the library's: the pool's memory goes before the pool */
static void
clean_gone(void)
{
	char *p = make(SIZE);
	vmem_free(pool, p);
	(void)munmap(block, VMEM_MIN_POOL);
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

static void
clean(void)
{
	char *p = vmem_realloc(pool, make(SIZE), LARGE);
	if (p == NULL || vmem_malloc_usable_size(pool, p) < LARGE)
		abort();
	memset(p + SIZE, 1, vmem_malloc_usable_size(pool, p) - SIZE);
	p = vmem_realloc(pool, p, 10);
	for (int i = 0; i < 10; i++)
		tell(get(p + i) != 1);
	char *z = vmem_calloc(pool, 3, 1000), *s = vmem_strdup(pool, "text");
	char *large = vmem_calloc(pool, 1, LARGE);
	char *a = vmem_aligned_alloc(pool, 4096, 10);
	for (int i = 0; i < 3000; i++)
		tell(get(z + i));
	for (size_t i = 0; i < LARGE; i++)
		tell(get(large + i));
	tell(strcmp(s, "text") != 0 || (uintptr_t)a % 4096 != 0);
	void *batch[70];
	size_t n = vmem_malloc_batch(pool, 64, 70, batch);
	for (size_t i = 0; i < n; i++) {
		tell((uintptr_t)batch[i] % 64 != 0);
		memset(batch[i], 1, 64);
	}
	vmem_free_batch(pool, batch, n);
	if (vmem_check(pool) != 1 || vmem_trim(pool, 0) < 0)
		abort();
	vmem_stats_print(pool, "J");
	vmem_free(pool, p);
	vmem_free(pool, z);
	vmem_free(pool, s);
	vmem_free(pool, a);
	vmem_free(pool, large);
	if (vmem_check(pool) != 1)
		abort();
}

/* until there is no room, twice; then shrink in the full pool */
static void
clean_full(void)
{
	for (int round = 0; round < 2; round++) {
		char *all = NULL, *p, *last = NULL;
		while ((p = vmem_malloc(pool, LARGE)) != NULL) {
			memcpy(p, &all, sizeof(all));
			all = last = p;
		}
		if (last == NULL || vmem_check(pool) != 1)
			abort();
		all = vmem_realloc(pool, last, LARGE - 1000);
		if (all == NULL)
			abort();
		for (; all != NULL; all = p) {
			memcpy(&p, all, sizeof(p));
			vmem_free(pool, all);
		}
	}
}

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char *shared; /* under the lock */

static void *
work(void *arg)
{
	for (int i = 0; i < ROUNDS; i++) {
		char *p = make((size_t)(i * 37 % 3000 + 1));
		pthread_mutex_lock(&lock);
		char *other = shared;
		shared = p;
		pthread_mutex_unlock(&lock);
		vmem_free(pool, other);
	}
	return arg;
}

static void
clean_threads(void)
{
	pthread_t t[THREADS];
	for (int i = 0; i < THREADS; i++)
		if (pthread_create(&t[i], NULL, work, NULL) != 0)
			abort();
	for (int i = 0; i < THREADS; i++)
		pthread_join(t[i], NULL);
	vmem_free(pool, shared);
	if (vmem_check(pool) != 1)
		abort();
}

/* the child uses what it has inherited */
static void
clean_fork(void)
{
	int status = 1;
	char *p = make(SIZE);
	pid_t pid = fork();
	if (pid == 0) {
		char *q = make(2 * SIZE);
		tell(get(p) != 1 || get(q) != 1);
		vmem_free(pool, q);
		_exit(0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0)
		abort();
	vmem_free(pool, p);
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
	{"after-realloc", after_realloc},
	{"after-reset", after_reset},
	{"unset", unset},
	{"unset-realloc", unset_realloc},
	{"twice", twice},
	{"interior", interior},
	{"leak", leak},
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
