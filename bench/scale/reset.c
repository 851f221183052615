/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * bench-reset [DIR] -- vmem_reset() beside vmem_delete() and vmem_create()
 *
 * DIR  a directory on tmpfs (default: /dev/shm)
 *
 * A pool gets its objects, then all of them go, in either way, in turn; only
 * that is timed.  For each kind of pool and number of objects there is the
 * least, middle and largest quotient of the two times of a round.  A region is
 * memory of the process that was used before, as it is when a program makes its
 * pool there again and again.
 */
#include <libvmem.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>

#define MIB ((size_t)1024 * 1024)

enum { ROUNDS = 11, FEW = 100 };

static const char *dir = "/dev/shm";
static char *region; /* NULL: in a file */

struct load {
	const char *name;
	size_t count; /* 0: none */
	size_t size;  /* bytes of an object */
};

static const struct load loads[] = {
	{"no object", 0, 0},
	{"100 objects of 256 bytes", FEW, 256},
	{"full, of 256 bytes", SIZE_MAX, 256},
	{"full, of 256 KiB", SIZE_MAX, MIB / 4},
};

static void
die(const char *what)
{
	fprintf(stderr, "bench-reset: %s: %s\n", what, vmem_errormsg());
	exit(1);
}

static double
now(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static VMEM *
make(size_t size)
{
	VMEM *pool = region != NULL ? vmem_create_in_region(region, size)
				    : vmem_create(dir, size);

	if (pool == NULL)
		die("create");
	return pool;
}

static void
put(VMEM *pool, const struct load *load)
{
	for (size_t i = 0; i < load->count; i++)
		if (vmem_malloc(pool, load->size) == NULL)
			return;
}

static int
compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void
run(size_t size, const struct load *load)
{
	double quotient[ROUNDS], reset[ROUNDS];
	VMEM *pool = make(size);

	for (unsigned i = 0; i < ROUNDS; i++) {
		put(pool, load);
		double t0 = now();
		if (vmem_reset(pool) != 0)
			die("reset");
		double t1 = now();
		put(pool, load);
		double t2 = now();
		vmem_delete(pool);
		pool = make(size);
		double t3 = now();
		reset[i] = t1 - t0;
		quotient[i] = (t3 - t2) / (t1 - t0);
	}
	vmem_delete(pool);
	qsort(quotient, ROUNDS, sizeof(quotient[0]), compare);
	qsort(reset, ROUNDS, sizeof(reset[0]), compare);
	printf("%-7s %5zu MiB  %-25s %9.1f %9.1f %9.1f times  (reset %.1f "
	       "us)\n",
		region != NULL ? "region" : "tmpfs", size / MIB, load->name,
		quotient[0], quotient[ROUNDS / 2], quotient[ROUNDS - 1],
		reset[ROUNDS / 2] * 1e6);
}

int
main(int argc, char **argv)
{
	static const size_t sizes[] = {14 * MIB, 256 * MIB, 2048 * MIB};

	if (argc > 1)
		dir = argv[1];
	printf("vmem_delete() and vmem_create() take so many times as long as "
	       "vmem_reset()\n(least, middle, largest of %d rounds)\n\n",
		ROUNDS);
	for (unsigned kind = 0; kind < 2; kind++)
		for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
			if (kind == 1) {
				region = mmap(NULL, sizes[i],
					PROT_READ | PROT_WRITE,
					MAP_PRIVATE | MAP_ANONYMOUS |
						MAP_NORESERVE,
					-1, 0);
				if (region == MAP_FAILED)
					die("mmap");
			}
			for (size_t j = 0; j < sizeof(loads) / sizeof(loads[0]);
				j++)
				run(sizes[i], &loads[j]);
			if (region != NULL)
				(void)munmap(region, sizes[i]);
		}
	return 0;
}
