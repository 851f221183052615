/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * bench-fill -- how much a pool holds
 *
 * Pools in regions of three sizes are filled until an allocation gives NULL.
 * "payload" is what was asked for, as a part of the region.  The objects are
 * not written to: the sizes are what counts.
 */
#include <errno.h>
#include <libvmem.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define MIB  ((size_t)1024 * 1024)
#define SEED UINT64_C(0x9e3779b97f4a7c15)

enum { ROUNDS = 5, SIZE_MIN = 8 };

struct object {
	void *ptr;
	size_t size;
};

/* a pool and what is in it */
struct fill {
	VMEM *pool;
	void *region;
	size_t region_size;
	struct object *objects; /* region_size / SIZE_MIN of them at most */
	size_t nobjects;
	size_t payload; /* bytes asked for */
	uint64_t random;
};

static const size_t region_sizes[] = {14 * MIB, 64 * MIB, 256 * MIB};
enum { NREGIONS = sizeof(region_sizes) / sizeof(region_sizes[0]) };

/* random_below -- xorshift64*, by Vigna */
static size_t
random_below(struct fill *fill, size_t limit)
{
	uint64_t x = fill->random;

	x ^= x >> 12;
	x ^= x << 25;
	x ^= x >> 27;
	fill->random = x;
	return (size_t)((x * UINT64_C(0x2545f4914f6cdd1d)) >> 32) % limit;
}

static void *
map(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (memory == MAP_FAILED) {
		fprintf(stderr, "bench-fill: %zu bytes: %s\n", size,
			strerror(errno));
		exit(1);
	}
	return memory;
}

static void
fill_begin(struct fill *fill, size_t size)
{
	*fill = (struct fill){.region_size = size, .random = SEED};
	fill->region = map(size);
	fill->objects = map(size / SIZE_MIN * sizeof(struct object));
	fill->pool = vmem_create_in_region(fill->region, size);
	if (fill->pool == NULL) {
		fprintf(stderr, "bench-fill: %s\n", vmem_errormsg());
		exit(1);
	}
}

static void
fill_end(struct fill *fill)
{
	if (vmem_check(fill->pool) != 1) {
		fprintf(stderr, "bench-fill: check: %s\n", vmem_errormsg());
		exit(1);
	}
	vmem_delete(fill->pool);
	(void)munmap(fill->objects,
		fill->region_size / SIZE_MIN * sizeof(struct object));
	(void)munmap(fill->region, fill->region_size);
}

/* fill_up -- uniform random sizes until there is no room */
static void
fill_up(struct fill *fill, size_t size_min, size_t size_max)
{
	for (;;) {
		size_t size =
			size_min + random_below(fill, size_max - size_min + 1);
		void *ptr = vmem_malloc(fill->pool, size);

		if (ptr == NULL)
			return;
		fill->objects[fill->nobjects++] = (struct object){ptr, size};
		fill->payload += size;
	}
}

/* fill_halve -- free each object with a chance of one half */
static void
fill_halve(struct fill *fill)
{
	size_t nkept = 0;

	for (size_t i = 0; i < fill->nobjects; i++) {
		struct object object = fill->objects[i];

		if (random_below(fill, 2) == 0) {
			fill->objects[nkept++] = object;
			continue;
		}
		vmem_free(fill->pool, object.ptr);
		fill->payload -= object.size;
	}
	fill->nobjects = nkept;
}

/* what a measurement gives: a part of the region, or a number */
struct figure {
	double part;
	size_t number;
};

static struct figure
figure_of(const struct fill *fill)
{
	return (struct figure){
		(double)fill->payload / (double)fill->region_size,
		fill->nobjects};
}

/* largest -- the largest object that fits into a pool with nothing in it */
static size_t
largest(struct fill *fill)
{
	size_t low = 0; /* fits */
	size_t high = fill->region_size;

	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;
		void *ptr = vmem_malloc(fill->pool, middle);

		if (ptr != NULL)
			low = middle;
		else
			high = middle;
		vmem_free(fill->pool, ptr);
	}
	return low;
}

struct measurement {
	const char *name;
	size_t size_min;
	size_t size_max;
	bool churn; /* free half and refill, some rounds */
};

static struct figure
measure(const struct measurement *what, size_t region_size)
{
	struct fill fill;
	struct figure figure;

	fill_begin(&fill, region_size);
	if (what->size_min == 0) {
		size_t size = largest(&fill);

		figure = (struct figure){
			(double)size / (double)region_size, size};
		fill_end(&fill);
		return figure;
	}
	fill_up(&fill, what->size_min, what->size_max);
	for (int round = 0; what->churn && round < ROUNDS; round++) {
		fill_halve(&fill);
		fill_up(&fill, what->size_min, what->size_max);
	}
	figure = figure_of(&fill);
	fill_end(&fill);
	return figure;
}

static const struct measurement measurements[] = {
	{"16-4096, first fill", 16, 4096, false},
	{"16-4096, churned", 16, 4096, true},
	{"16-1024, first fill", 16, 1024, false},
	{"16-1024, churned", 16, 1024, true},
	{"8 KiB-32 KiB, first fill", 8192, 32768, false},
	{"8 KiB-32 KiB, churned", 8192, 32768, true},
	{"8 bytes", 8, 8, false},
	{"64 bytes", 64, 64, false},
	{"4 KiB", 4096, 4096, false},
	{"largest object", 0, 0, false},
};

int
main(void)
{
	size_t nmeasurements = sizeof(measurements) / sizeof(measurements[0]);

	printf("payload in %% of a region, and number of objects (bytes for "
	       "the largest object);\nchurned: %d times half of them freed at "
	       "random and refilled\n\n%-26s",
		ROUNDS, "");
	for (size_t j = 0; j < NREGIONS; j++)
		printf("%16zu MiB", region_sizes[j] / MIB);
	printf("\n");
	for (size_t i = 0; i < nmeasurements; i++) {
		printf("%-26s", measurements[i].name);
		for (size_t j = 0; j < NREGIONS; j++) {
			struct figure figure =
				measure(&measurements[i], region_sizes[j]);

			printf("%7.2f %12zu", 100 * figure.part, figure.number);
			(void)fflush(stdout);
		}
		printf("\n");
	}
	return 0;
}
