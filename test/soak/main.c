/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * main.c -- the pools that live all the time, and the times of it all
 *
 *	soak --seconds N [--dir DIR] [--csv FILE] [--leak BYTES]
 *
 * A line of figures each half second goes to FILE.  --leak loses so many bytes
 * a second, to see that who reads the figures would find it.
 */
#include "soak/soak.h"

#include <fcntl.h>
#include <getopt.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "harness/proc.h"

#define POOL_SIZE ((size_t)96 * MIB)
#define SAMPLE_US 500000u
#define NCREW     3u
/* with those who found pools, keep them, and fork */
#define NTHREADS (NCREW + 3)

static struct soak soak;

struct config {
	size_t seconds, leak;
	const char *dir, *csv;
};

static void
open_station(struct station *at, unsigned i, const char *dir)
{
	struct vmem_options o;

	must(vmem_options_init(&o, sizeof(o)) == 0);
	o.size = POOL_SIZE;
	at->fd = -1;
	switch (i) {
	case 0: /* a file whose space is reserved, and given back when free */
	case 1: /* one that grows */
		at->fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
		must(at->fd >= 0);
		o.source = VMEM_SOURCE_FD;
		o.fd = at->fd;
		if (i == 1) {
			o.size = VMEM_MIN_POOL;
			o.max_size = 2 * POOL_SIZE;
		}
		break;
	case 2:
		o.source = VMEM_SOURCE_PRIVATE;
		at->private = true;
		break;
	default:
		o.source = VMEM_SOURCE_REGION;
		o.give_back = VMEM_GIVE_DONTNEED;
		o.addr = mmap(NULL, o.size, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		must(o.addr != MAP_FAILED);
		at->private = true;
	}
	at->vmp = vmem_create_opts(&o);
	must(at->vmp != NULL);
}

/* close_station -- everything is there, and nothing stays */
static void
close_station(struct station *at)
{
	struct vmem_stats stats;
	void *region = at->private ? (void *)at->vmp : NULL;

	must(vmem_check(at->vmp) == 1);
	for (size_t i = 0; i < SOAK_SLOTS; i++)
		item_free(&soak, at->vmp, at->slots[i]);
	must(vmem_trim(at->vmp, 0) >= 0);
	must(vmem_check(at->vmp) == 1);
	must(vmem_stats_get(at->vmp, &stats, sizeof(stats)) == 0);
	must(soak.leak > 0 || stats.allocated == 0);
	printf("pool %td: %zu KiB stay behind an empty pool\n", at - soak.at,
		(size_t)(stats.mapped / KIB));
	vmem_delete(at->vmp);
	if (at - soak.at == SOAK_POOLS - 1)
		must(munmap(region, POOL_SIZE) == 0);
	must(at->fd < 0 || close(at->fd) == 0);
}

static void
work(size_t idx, struct rng *rng, void *arg)
{
	switch (idx) {
	case 0:
		house_found(rng, arg);
		break;
	case 1:
		house_keep(rng, arg);
		break;
	case 2:
		child_run(rng, arg);
		break;
	default:
		crew_run(idx, rng, arg);
	}
}

static void *
sample(void *arg)
{
	FILE *out = arg;

	sample_header(out);
	while (!deadline_is_over(soak.end)) {
		sample_write(&soak, out);
		must(usleep(SAMPLE_US) == 0 || errno == EINTR);
	}
	return NULL;
}

static void
parse(int argc, char **argv, struct config *ret)
{
	static const struct option options[] = {
		{"seconds", required_argument, NULL, 's'},
		{"dir", required_argument, NULL, 'd'},
		{"csv", required_argument, NULL, 'c'},
		{"leak", required_argument, NULL, 'l'}, {NULL, 0, NULL, 0}};
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 's':
			ret->seconds = strtoul(optarg, NULL, 10);
			break;
		case 'd':
			ret->dir = optarg;
			break;
		case 'c':
			ret->csv = optarg;
			break;
		case 'l':
			ret->leak = strtoul(optarg, NULL, 10);
			break;
		default:
			exit(2);
		}
	}
}

int
main(int argc, char **argv)
{
	struct config config = {60, 0, NULL, "soak.csv"};
	struct proc_count before, after;
	pthread_t sampler;
	FILE *out;

	parse(argc, argv, &config);
	soak.dir = config.dir != NULL ? config.dir : test_dir();
	soak.leak = config.leak;
	out = fopen(config.csv, "we");
	must(out != NULL);
	before = proc_count();
	for (unsigned i = 0; i < SOAK_POOLS; i++)
		open_station(&soak.at[i], i, soak.dir);
	soak.start_ms = test_ms();
	soak.end = deadline_in(config.seconds * 1000);
	must(pthread_create(&sampler, NULL, sample, out) == 0);
	threads_run(NTHREADS, work, &soak, "soak");
	must(pthread_join(sampler, NULL) == 0);
	for (unsigned i = 0; i < SOAK_POOLS; i++)
		close_station(&soak.at[i]);
	must(soak.asked == 0);
	/* not what malloc of libc keeps reserved for threads */
	after = proc_count();
	must(after.nfds == before.nfds);
	must(after.shared_bytes == before.shared_bytes);
	must(fclose(out) == 0);
	printf("%zu operations, %zu pools, %zu forks, %zu kills, %zu trims, "
	       "%zu checks\n",
		soak.noperations, soak.npools, soak.nforks, soak.nkills,
		soak.ntrims, soak.nchecks);
	return 0;
}
