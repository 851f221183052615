/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * sample.c -- what the process holds, as a line of figures
 */
#include "soak/soak.h"

#include <dirent.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* one moment of the process and its pools */
struct sample {
	double seconds;
	size_t rss;    /* bytes in memory */
	size_t blocks; /* bytes on disk behind the pools' files */
	size_t mapped, active, allocated, metadata;
	size_t asked;
	size_t descriptors, mappings;
};

static size_t
resident(void)
{
	char text[200];
	unsigned long size, rss;

	must(test_read_file("/proc/self/statm", text, sizeof(text)) > 0);
	must(sscanf(text, "%lu %lu", &size, &rss) == 2);
	return rss * (size_t)sysconf(_SC_PAGESIZE);
}

static size_t
count_entries(const char *dir)
{
	DIR *d = opendir(dir);
	size_t n = 0;

	must(d != NULL);
	while (readdir(d) != NULL)
		n++;
	must(closedir(d) == 0);
	return n;
}

static size_t
count_lines(const char *path)
{
	FILE *in = fopen(path, "re");
	size_t n = 0;
	int c;

	must(in != NULL);
	while ((c = getc(in)) != EOF)
		n += c == '\n';
	must(fclose(in) == 0);
	return n;
}

static void
add_pool(struct sample *x, const struct station *at)
{
	struct vmem_stats stats;
	struct stat st;

	must(vmem_stats_get(at->vmp, &stats, sizeof(stats)) == 0);
	x->mapped += stats.mapped;
	x->active += stats.active;
	x->allocated += stats.allocated;
	x->metadata += stats.metadata;
	if (at->fd >= 0) {
		must(fstat(at->fd, &st) == 0);
		x->blocks += (size_t)st.st_blocks * 512;
	}
}

void
sample_header(FILE *out)
{
	fprintf(out, "seconds,rss,blocks,mapped,active,allocated,metadata,"
		     "asked,fragmentation,descriptors,mappings,operations,"
		     "pools,forks,kills,trims,checks\n");
}

void
sample_write(struct soak *s, FILE *out)
{
	struct sample x = {.seconds = (double)(test_ms() - s->start_ms) / 1000};

	for (unsigned i = 0; i < SOAK_POOLS; i++)
		add_pool(&x, &s->at[i]);
	x.rss = resident();
	x.asked = atomic_load(&s->asked);
	x.descriptors = count_entries("/proc/self/fd");
	x.mappings = count_lines("/proc/self/maps");
	fprintf(out, "%.2f,%zu,%zu,%zu,%zu,%zu,%zu,%zu,%.5f,%zu,%zu,",
		x.seconds, x.rss, x.blocks, x.mapped, x.active, x.allocated,
		x.metadata, x.asked,
		x.active == 0 ? 0 : 1 - (double)x.allocated / (double)x.active,
		x.descriptors, x.mappings);
	fprintf(out, "%zu,%zu,%zu,%zu,%zu,%zu\n", s->noperations, s->npools,
		s->nforks, s->nkills, s->ntrims, s->nchecks);
	must(fflush(out) == 0);
}
