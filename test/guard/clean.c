/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * clean.c -- what is no fault, and must not be reported
 */
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "faulty.h"

/* a size that is too small is found here, where no size is rounded */
void
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
void
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

/* no fault of the library's: the pool's memory goes before the pool */
void
clean_gone(void)
{
	char *p = make(SIZE);
	vmem_free(pool, p);
	(void)munmap(block, VMEM_MIN_POOL);
	pool = NULL;
}

void
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
void
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

void
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

/* pools in memory of which no byte has a value yet, one in an object of another
 */
static void
nest(void)
{
	size_t size = 3 * VMEM_MIN_POOL;
	void *mem = aligned_alloc(65536, size), *object;
	VMEM *outer = vmem_create_in_region(mem, size), *inner;
	if (outer == NULL ||
		(object = vmem_aligned_alloc(outer, 65536, VMEM_MIN_POOL)) ==
			NULL ||
		(inner = vmem_create_in_region(object, VMEM_MIN_POOL)) == NULL)
		abort();
	vmem_free(inner, vmem_malloc(inner, SIZE));
	if (vmem_check(inner) != 1 || vmem_check(outer) != 1)
		abort();
	vmem_delete(inner);
	vmem_free(outer, object);
	vmem_delete(outer);
	free(mem);
}

/* the child uses what it has inherited */
void
clean_fork(void)
{
	nest();
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

static void
make_all(char **all, size_t step)
{
	for (size_t i = 0; i < ROUNDS; i++)
		all[i] = make(i * step % 9000 + 1);
}

static void
free_all(char **all)
{
	for (size_t i = 0; i < ROUNDS; i++) {
		/* what another process has made becomes known by a call */
		(void)vmem_malloc_usable_size(pool, all[i]);
		tell(get(all[i]) != 1);
		vmem_free(pool, all[i]);
	}
}

/* the child changes the pool's pages; each frees what the other has made */
void
clean_fork_share(void)
{
	int status = 1, to_child[2], to_parent[2];
	char *mine[ROUNDS], *other[ROUNDS];
	make_all(mine, 61);
	free_all(mine);
	make_all(mine, 61);
	if (pipe(to_child) != 0 || pipe(to_parent) != 0)
		abort();
	pid_t pid = fork();
	if (pid < 0)
		abort();
	const int *to = pid == 0 ? to_parent : to_child;
	const int *from = pid == 0 ? to_child : to_parent;
	if (pid == 0)
		free_all(mine);
	for (size_t round = 0; round < 5; round++) {
		make_all(mine, 67 + round);
		if (write(to[1], mine, sizeof(mine)) != sizeof(mine) ||
			read(from[0], other, sizeof(other)) != sizeof(other))
			abort();
		free_all(other);
	}
	if (pid == 0)
		_exit(vmem_check(pool) != 1);
	struct vmem_stats s;
	if (waitpid(pid, &status, 0) != pid || status != 0 ||
		vmem_check(pool) != 1 ||
		vmem_stats_get(pool, &s, sizeof(s)) != 0 || s.allocated != 0)
		abort();
}
