/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * bench-growth -- what a pool's size costs
 *
 * Pools of 14 MiB to 8 TiB in regions that the kernel gives memory to when it
 * is touched: how long it takes to make one, how much of it that touches, and
 * how long allocations take, small and large, when it is empty and when objects
 * lie all over.  Times are the least of several, memory is what the process
 * grows by.
 */
#include <libvmem.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define KIB ((size_t)1024)
#define MIB (1024 * KIB)
#define GIB (1024 * MIB)
#define TIB (1024 * GIB)

enum {
	TIMES = 5,
	PAIRS = 2000,   /* measured together */
	PLACES = 20000, /* objects all over, at most */
	LARGE_MIB = 1,  /* a large object */
	NS_PER_US = 1000,
};

static const size_t sizes[] = {14 * MIB, GIB, 64 * GIB, 8 * TIB};

/* the figures of a size, each the least of all times */
struct figures {
	double create_us;
	double touched_kib;
	double delete_us;
	double small_ns; /* a pair of 64 bytes */
	double first_large_us;
	double large_ns;     /* a pair of 1 MiB, empty pool */
	double scattered_ns; /* the same among objects all over */
};

static double
now_ns(void)
{
	struct timespec time;

	(void)clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

/* resident_kib -- of the whole process */
static double
resident_kib(void)
{
	FILE *statm = fopen("/proc/self/statm", "r");
	long pages = 0;

	if (statm != NULL && fscanf(statm, "%*d %ld", &pages) != 1)
		pages = 0;
	if (statm != NULL)
		(void)fclose(statm);
	return (double)pages * (double)sysconf(_SC_PAGESIZE) / 1024;
}

static void
least(double *figure, double value)
{
	if (*figure <= 0 || value < *figure)
		*figure = value;
}

static void
fail(const char *what)
{
	fprintf(stderr, "bench-growth: %s: %s\n", what, vmem_errormsg());
	exit(1);
}

/* pairs -- nanoseconds of a malloc and free */
static double
pairs(VMEM *pool, size_t size)
{
	double start = now_ns();

	for (int i = 0; i < PAIRS; i++) {
		void *object = vmem_malloc(pool, size);

		if (object == NULL)
			fail("malloc");
		vmem_free(pool, object);
	}
	return (now_ns() - start) / PAIRS;
}

/* scattered -- pairs of large objects in a pool that is half full, in pieces
 * that are too small for them: all of the heap below its middle has to be
 * passed by */
static double
scattered(VMEM *pool, size_t pool_size)
{
	static void *places[PLACES];
	size_t piece = LARGE_MIB * MIB / 2;
	size_t n = pool_size / 2 / piece;
	double ns;

	if (n > PLACES)
		n = PLACES;
	for (size_t i = 0; i < n; i++) {
		places[i] = vmem_malloc(pool, piece);
		if (places[i] == NULL)
			fail("malloc of a piece");
	}
	for (size_t i = 0; i < n; i += 2)
		vmem_free(pool, places[i]);
	ns = pairs(pool, LARGE_MIB * MIB);
	for (size_t i = 1; i < n; i += 2)
		vmem_free(pool, places[i]);
	return ns;
}

static void
measure(size_t size, struct figures *figures)
{
	void *region = mmap(NULL, size, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	double before = resident_kib();
	double start = now_ns();
	double end;
	void *object;
	VMEM *pool;

	if (region == MAP_FAILED) {
		perror("bench-growth: mmap");
		exit(1);
	}
	pool = vmem_create_in_region(region, size);
	end = now_ns();
	if (pool == NULL)
		fail("create");
	least(&figures->create_us, (end - start) / NS_PER_US);
	least(&figures->touched_kib, resident_kib() - before);

	start = now_ns();
	object = vmem_malloc(pool, LARGE_MIB * MIB);
	end = now_ns();
	vmem_free(pool, object);
	least(&figures->first_large_us, (end - start) / NS_PER_US);
	(void)pairs(pool, 64);
	least(&figures->small_ns, pairs(pool, 64));
	least(&figures->large_ns, pairs(pool, LARGE_MIB * MIB));
	least(&figures->scattered_ns, scattered(pool, size));

	start = now_ns();
	vmem_delete(pool);
	least(&figures->delete_us, (now_ns() - start) / NS_PER_US);
	(void)munmap(region, size);
}

/* available -- bytes of memory that can be had */
static size_t
available(void)
{
	FILE *meminfo = fopen("/proc/meminfo", "r");
	char line[128];
	size_t kib = 0;

	while (meminfo != NULL && fgets(line, sizeof(line), meminfo) != NULL)
		if (sscanf(line, "MemAvailable: %zu", &kib) == 1)
			break;
	if (meminfo != NULL)
		(void)fclose(meminfo);
	return kib * KIB;
}

static void
print_size(size_t size)
{
	static const char *const units[] = {"MiB", "GiB", "TiB"};
	size_t value = size / MIB;
	int unit = 0;

	for (; value % 1024 == 0; unit++)
		value /= 1024;
	printf("%6zu %s", value, units[unit]);
}

int
main(void)
{
	printf("pools in sparse regions; the least of %d times.  large: %d "
	       "MiB; scattered: among up\nto %d pieces of half that size, "
	       "every "
	       "second one freed\n\n%10s%11s%11s%11s%11s%12s%11s%11s\n%10s%11s"
	       "%11s%11s%11s%12s%11s%11s\n",
		TIMES, LARGE_MIB, PLACES, "pool", "create", "touched",
		"pair 64 B", "1st large", "pair large", "scattered", "delete",
		"", "us", "KiB", "ns", "us", "ns", "ns", "us");
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct figures figures = {0};

		/* about two thousandths of a pool are metadata */
		if (available() < sizes[i] / 1024 * 3) {
			print_size(sizes[i]);
			printf("    left out: too little memory for its "
			       "metadata\n");
			continue;
		}
		for (int j = 0; j < (sizes[i] < TIB ? TIMES : 1); j++)
			measure(sizes[i], &figures);
		print_size(sizes[i]);
		printf("%11.1f%11.0f%11.1f%11.1f%12.0f%11.0f%11.1f\n",
			figures.create_us, figures.touched_kib,
			figures.small_ns, figures.first_large_us,
			figures.large_ns, figures.scattered_ns,
			figures.delete_us);
		(void)fflush(stdout);
	}
	return 0;
}
