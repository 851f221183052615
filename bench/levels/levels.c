/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * levels.c -- what each hardening level costs
 *
 *	bench-levels WORK LEVEL N   do it N times, to be counted by callgrind
 *	bench-levels times          time all, in rounds, and print ratios
 *	bench-levels space          what fits into a pool, in objects' bytes
 *
 * Works, of objects of 64 bytes: "pair" malloc and free at once; "burst" 1,000
 * times malloc, then their frees in the same order; "other" the same, the frees
 * by another thread.
 */
#include <libvmem.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

enum { LEVELS = 4, BURST = 1000, SIZE = 64, ROUNDS = 51, TIMES = 100 };

/*
 * Where a pool lies decides its place in the thread's table; two that meet
 * there cost more.  These do not meet, whatever was mapped before.
 */
#define REGIONS   ((uintptr_t)0x1000400000)
#define POOL_SIZE ((size_t)16 << 20)

static void *objects[BURST];

/* who frees for others, and what it shall free from */
static struct {
	sem_t begin, done;
	VMEM *pool; /* NULL: end */
} other;

static void
pair(VMEM *pool)
{
	for (size_t i = 0; i < BURST; i++)
		vmem_free(pool, vmem_malloc(pool, SIZE));
}

static void
take_all(VMEM *pool)
{
	for (size_t i = 0; i < BURST; i++)
		objects[i] = vmem_malloc(pool, SIZE);
}

static void
give_all(VMEM *pool)
{
	for (size_t i = 0; i < BURST; i++)
		vmem_free(pool, objects[i]);
}

static void
burst(VMEM *pool)
{
	take_all(pool);
	give_all(pool);
}

static void *
free_for_others(void *arg)
{
	(void)arg;
	for (;;) {
		(void)sem_wait(&other.begin);
		if (other.pool == NULL)
			return NULL;
		give_all(other.pool);
		(void)sem_post(&other.done);
	}
}

static void
elsewhere(VMEM *pool)
{
	take_all(pool);
	other.pool = pool;
	(void)sem_post(&other.begin);
	(void)sem_wait(&other.done);
}

static const struct {
	const char *name;
	void (*run)(VMEM *pool);
} works[] = {{"pair", pair}, {"burst", burst}, {"other", elsewhere}};

#define NWORKS (sizeof(works) / sizeof(works[0]))

static VMEM *
open_pool(int level)
{
	struct vmem_options o;
	void *at = (void *)(REGIONS + (size_t)level * POOL_SIZE);
	VMEM *pool;

	if (vmem_options_init(&o, sizeof(o)) != 0)
		exit(1);
	o.source = VMEM_SOURCE_REGION;
	o.addr = mmap(at, POOL_SIZE, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	o.size = POOL_SIZE;
	o.hardening = level;
	pool = vmem_create_opts(&o);
	/* an object that stays, so that no slab becomes empty */
	if (pool == NULL || vmem_malloc(pool, SIZE) == NULL) {
		fprintf(stderr, "bench-levels: %s\n", vmem_errormsg());
		exit(1);
	}
	return pool;
}

/* seconds -- of processors that this process has had, whoever else is there */
static double
seconds(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int
compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* compare_times -- to level 1 in the same round, the median over the rounds */
static void
compare_times(VMEM *const pools[LEVELS], size_t work)
{
	static double ratios[LEVELS][ROUNDS];

	for (size_t round = 0; round < ROUNDS; round++) {
		double took[LEVELS];

		/* each round begins with another level */
		for (size_t i = 0; i < LEVELS; i++) {
			size_t level = (i + round) % LEVELS;
			double start = seconds();

			for (size_t n = 0; n < TIMES; n++)
				works[work].run(pools[level]);
			took[level] = seconds() - start;
		}
		for (size_t level = 0; level < LEVELS; level++)
			ratios[level][round] = took[level] / took[1];
	}
	printf("%s", works[work].name);
	for (size_t level = 0; level < LEVELS; level++) {
		qsort(ratios[level], ROUNDS, sizeof(double), compare);
		printf(" %.2f", ratios[level][ROUNDS / 2]);
	}
	printf("\n");
}

static void
time_all(void)
{
	VMEM *pools[LEVELS];

	for (int level = 0; level < LEVELS; level++)
		pools[level] = open_pool(level);
	for (size_t i = 0; i < NWORKS; i++)
		compare_times(pools, i);
}

/* count -- returns whether there is such a work */
static bool
count(const char *name, int level, size_t n)
{
	VMEM *pool = open_pool(level);

	for (size_t i = 0; i < NWORKS; i++)
		if (strcmp(works[i].name, name) == 0) {
			while (n-- > 0)
				works[i].run(pool);
			return true;
		}
	return false;
}

/* fit -- bytes of objects of low to high bytes that a pool takes, in percent */
static double
fit(int level, size_t low, size_t high)
{
	VMEM *pool = open_pool(level);
	uint64_t state = 1;
	size_t bytes = 0;

	for (;;) {
		/* Knuth's generator: the same sizes at each level */
		state = state * UINT64_C(6364136223846793005) + 1;
		size_t size = low + (size_t)(state >> 33) % (high - low + 1);

		if (vmem_malloc(pool, size) == NULL)
			break;
		bytes += size;
	}
	vmem_delete(pool);
	(void)munmap((void *)pool, POOL_SIZE);
	return 100.0 * (double)bytes / (double)POOL_SIZE;
}

static void
measure_space(void)
{
	static const size_t sizes[][2] = {{16, 16}, {64, 64}, {100, 100},
		{1000, 1000}, {4096, 4096}, {16, 512}, {1, 4096},
		{100000, 100000}};

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		printf("%zu %zu %.1f %.1f\n", sizes[i][0], sizes[i][1],
			fit(1, sizes[i][0], sizes[i][1]),
			fit(LEVELS - 1, sizes[i][0], sizes[i][1]));
}

int
main(int argc, char **argv)
{
	pthread_t thread;
	bool done = true;

	if (sem_init(&other.begin, 0, 0) != 0 ||
		sem_init(&other.done, 0, 0) != 0 ||
		pthread_create(&thread, NULL, free_for_others, NULL) != 0)
		return 1;
	if (argc == 2 && strcmp(argv[1], "times") == 0)
		time_all();
	else if (argc == 2 && strcmp(argv[1], "space") == 0)
		measure_space();
	else if (argc == 4)
		done = count(argv[1], atoi(argv[2]),
			(size_t)strtoul(argv[3], NULL, 10));
	else
		done = false;
	other.pool = NULL;
	(void)sem_post(&other.begin);
	(void)pthread_join(thread, NULL);
	if (!done)
		fprintf(stderr,
			"usage: bench-levels WORK LEVEL N | times | space\n");
	return done ? 0 : 2;
}
