/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * bench-check -- how fast vmem_check() goes over a heap
 *
 * A pool is filled with objects of one kind, then half of them, chosen at
 * random, are freed.  "used" is the bytes of live objects; the figure is the
 * median of the rounds.  The objects are not written to, as the check does not
 * read them.
 */
#include <libvmem.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>

#define MIB    ((size_t)1024 * 1024)
#define GIB    (1024 * MIB)
#define REGION (2 * GIB)
#define SEED   UINT64_C(0x9e3779b97f4a7c15)

enum { ROUNDS = 11 };

struct kind {
	const char *name;
	size_t low, high; /* sizes, uniform */
};

static const struct kind kinds[] = {
	{"64 bytes", 64, 64},
	{"256 bytes", 256, 256},
	{"16 to 4096 bytes", 16, 4096},
	{"4 to 32 KiB", 4096, 32768},
	{"64 to 1024 KiB", 65536, 1048576},
};

static uint64_t state = SEED;

/* random_below -- xorshift64*, by Vigna */
static size_t
random_below(size_t limit)
{
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return (size_t)((state * UINT64_C(0x2545f4914f6cdd1d)) >> 32) % limit;
}

static void
die(const char *what)
{
	fprintf(stderr, "bench-check: %s: %s\n", what, vmem_errormsg());
	exit(1);
}

static double
seconds(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static int
compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void
measure(VMEM *pool, const char *name, const char *what)
{
	double took[ROUNDS];
	struct vmem_stats s;
	double used;

	for (int i = 0; i < ROUNDS; i++) {
		double begin = seconds();

		if (vmem_check(pool) != 1)
			die("check");
		took[i] = seconds() - begin;
	}
	if (vmem_stats_get(pool, &s, sizeof(s)) != 0)
		die("statistics");
	qsort(took, ROUNDS, sizeof(took[0]), compare);
	used = (double)s.allocated / (double)GIB;
	printf("%-18s %-6s %6.2f GiB used %8.2f ms %8.1f GiB/s (%.1f..%.1f)\n",
		name, what, used, took[ROUNDS / 2] * 1e3,
		used / took[ROUNDS / 2], used / took[ROUNDS - 1],
		used / took[0]);
}

static void
run(const struct kind *k, void *region, void **objects)
{
	VMEM *pool = vmem_create_in_region(region, REGION);
	size_t n = 0, spread = k->high - k->low + 1;

	if (pool == NULL)
		die("create");
	while ((objects[n] = vmem_malloc(
			pool, k->low + random_below(spread))) != NULL)
		n++;
	measure(pool, k->name, "full");
	for (size_t i = 0; i < n; i++)
		if (random_below(2) == 0)
			vmem_free(pool, objects[i]);
	measure(pool, k->name, "half");
	vmem_delete(pool);
}

static void *
map(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED)
		die("mmap");
	return p;
}

int
main(void)
{
	void **objects = map(REGION / 16 * sizeof(void *));

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		void *region = map(REGION);

		run(&kinds[i], region, objects);
		(void)munmap(region, REGION);
	}
	return 0;
}
