/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * holder.c -- a program with pools, to be looked into
 *
 *	holder [-t THREADS] [-f FILE_POOLS] [-r REGION_POOLS] [-m MIB] [-d] [-w]
 *	       [-a] [-n NAME] DIR
 *
 * Fills its pools with objects of many sizes, frees a part, writes the
 * statistics of each into DIR/stats.N and DIR/json.N, prints "ready", and then
 * waits to be killed.  With threads these go on allocating and freeing at full
 * speed meanwhile.  -d: the header of pool 1 is damaged.
 * -w: one word of the map of pages is wrong instead.  -a: it aborts instead of
 * waiting.  -n: one more pool, in private memory, has that name.
 */
#include <libvmem.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define POOLS_MOST 64
#define OBJECTS    ((size_t)4000)
#define MIB        ((size_t)1 << 20)
#define PATH_BYTES 4096
#define FIRST_SEED UINT64_C(88172645463325252)

static VMEM *pools[POOLS_MOST];
static size_t npools;
static FILE *stats;

static uint64_t
next(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* size_of -- mostly small ones, some up to 128 KiB */
static size_t
size_of(uint64_t r)
{
	size_t most = r % 64 == 0 ? 131072 : r % 8 == 0 ? 8192 : 512;
	return 1 + (size_t)(r >> 8) % most;
}

/* one round over the places: free what is there, or allocate */
static void
churn(VMEM *vmp, void **places, uint64_t *state, size_t rounds)
{
	for (size_t i = 0; i < rounds; i++) {
		uint64_t r = next(state);
		void **place = &places[r % OBJECTS];
		if (*place == NULL)
			*place = vmem_malloc(vmp, size_of(next(state)));
		else {
			vmem_free(vmp, *place);
			*place = NULL;
		}
	}
}

static void *
work(void *arg)
{
	uint64_t state = FIRST_SEED + (uintptr_t)arg;
	void **own = calloc(OBJECTS, sizeof(*own));
	VMEM *vmp = pools[(uintptr_t)arg % npools];
	for (;;)
		churn(vmp, own, &state, OBJECTS);
	return NULL;
}

static void
print(const char *text)
{
	(void)fputs(text, stats);
}

/* write_stats -- into DIR/NAME.I */
static void
write_stats(const char *dir, const char *name, size_t i, const char *opts)
{
	char path[PATH_BYTES];
	(void)snprintf(path, sizeof(path), "%s/%s.%zu", dir, name, i);
	stats = fopen(path, "w");
	if (stats == NULL)
		exit(1);
	vmem_stats_print(pools[i - 1], opts);
	(void)fclose(stats);
}

static void
fill(VMEM *vmp, size_t i)
{
	uint64_t state = FIRST_SEED + i;
	void **places = calloc(OBJECTS, sizeof(*places));
	if (places == NULL)
		exit(1);
	churn(vmp, places, &state, OBJECTS * 8);
	free(places);
}

static void
make_pools(const char *dir, size_t nfiles, size_t nregions, size_t size)
{
	for (size_t i = 0; i < nfiles + nregions && i < POOLS_MOST; i++) {
		void *region = MAP_FAILED;
		if (i >= nfiles)
			region = mmap(NULL, size, PROT_READ | PROT_WRITE,
				MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		pools[i] = i < nfiles ? vmem_create(dir, size)
				      : vmem_create_in_region(region, size);
		if (pools[i] == NULL) {
			fprintf(stderr, "holder: %s\n", vmem_errormsg());
			exit(1);
		}
		npools++;
	}
}

/* make_named -- a pool in private memory, which grows to twice the size */
static void
make_named(const char *name, size_t size)
{
	struct vmem_options o;
	if (vmem_options_init(&o, sizeof(o)) != 0)
		exit(1);
	o.source = VMEM_SOURCE_PRIVATE;
	o.size = size;
	o.max_size = 2 * size;
	o.name = name;
	pools[npools] = vmem_create_opts(&o);
	if (pools[npools++] == NULL) {
		fprintf(stderr, "holder: %s\n", vmem_errormsg());
		exit(1);
	}
}

int
main(int argc, char **argv)
{
	const char *name = NULL;
	size_t nthreads = 0, nfiles = 1, nregions = 0, size = 16;
	bool aborts = false, damaged = false, wrong = false;
	for (int c; (c = getopt(argc, argv, "t:f:r:m:n:dwa")) != -1;)
		switch (c) {
		case 't':
			nthreads = strtoul(optarg, NULL, 10);
			break;
		case 'f':
			nfiles = strtoul(optarg, NULL, 10);
			break;
		case 'r':
			nregions = strtoul(optarg, NULL, 10);
			break;
		case 'm':
			size = strtoul(optarg, NULL, 10);
			break;
		case 'n':
			name = optarg;
			break;
		case 'd':
			damaged = true;
			break;
		case 'w':
			wrong = true;
			break;
		case 'a':
			aborts = true;
			break;
		default:
			return 2;
		}
	make_pools(argv[optind], nfiles, nregions, size * MIB);
	if (name != NULL)
		make_named(name, size * MIB);
	vmem_set_funcs(NULL, NULL, NULL, NULL, print);
	for (size_t i = 0; i < npools; i++) {
		fill(pools[i], i + 1);
		write_stats(argv[optind], "stats", i + 1, NULL);
		write_stats(argv[optind], "json", i + 1, "J");
	}
	if (damaged) /* a page behind the guard page is the header's checksum */
		((uint64_t *)(uintptr_t)pools[0])[512 + 1] ^= 1;
	if (wrong) /* the first page is the guard page, and has no descriptor */
		((uint64_t *)(uintptr_t)pools[0])[0x3000 / 8] = 24 << 16;
	for (size_t i = 0; i < nthreads; i++) {
		pthread_t t;
		if (pthread_create(&t, NULL, work, (void *)i) != 0)
			return 1;
	}
	printf("ready\n");
	(void)fflush(stdout);
	if (aborts)
		abort();
	for (;;)
		(void)pause();
}
