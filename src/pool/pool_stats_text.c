/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * pool_stats_text.c -- the statistics as text
 *
 * In the order and with the words that scripts know from jemalloc 3.  A pool
 * is one arena here.
 */
#include <inttypes.h>

#include "base/os.h"
#include "pool/pool_stats.h"

#define VERSION    "1.2.0"
#define HUGE_BYTES ((size_t)4 << 20) /* what the tables call huge */

#ifdef VMEM_DEBUG
#define ASSERTIONS "enabled"
#else
#define ASSERTIONS "disabled"
#endif

static void
constants(struct printer *p, const struct pool_stats *s)
{
	print(p, "Version: %s\n", VERSION);
	print(p, "Assertions %s\n", ASSERTIONS);
	print(p, "Run-time option settings:\n");
	print(p, "  opt.hardening: %" PRIu32 "\n", s->hardening);
	if (s->name[0] != '\0')
		print(p, "  opt.name: %s\n", s->name);
	print(p, "CPUs: %u\n", os_ncpus());
	print(p, "Arenas: 1\n");
	print(p, "Pointer size: %zu\n", sizeof(void *));
	print(p, "Quantum size: 16\n");
	print(p, "Page size: %zu\n", RUN_PAGE);
	if (s->decay_ms >= 0)
		print(p, "Decay time: %" PRId32 " ms\n", s->decay_ms);
	else
		print(p, "Decay time: none\n");
	print(p, "Chunk size: %" PRIu64 "\n", s->size);
}

struct row {
	uint64_t bytes, nmalloc, nfree;
};

static void
row(struct printer *p, const char *name, struct row r)
{
	print(p,
		"%-8s %12" PRIu64 " %12" PRIu64 " %12" PRIu64 " %12" PRIu64
		"\n",
		name, r.bytes, r.nmalloc, r.nfree, r.nmalloc);
}

static void
totals(struct printer *p, const struct pool_stats *s, uint64_t active)
{
	struct row small = {s->small_bytes, 0, 0};
	struct row large = {0, 0, 0}, huge = {0, 0, 0};
	for (unsigned c = 0; c < s->nclasses; c++) {
		small.nmalloc += s->cls[c].nmalloc;
		small.nfree += s->cls[c].nmalloc - s->cls[c].nlive;
	}
	for (unsigned c = 0; c < LARGE_CLASSES; c++) {
		bool big = large_class_pages(c) * RUN_PAGE > HUGE_BYTES;
		struct row *r = big ? &huge : &large;
		r->nmalloc += s->large[c].nmalloc;
		r->nfree += s->large[c].nfree;
		r->bytes += s->large[c].bytes;
	}
	struct row total = {s->small_bytes + s->large_bytes,
		small.nmalloc + large.nmalloc + huge.nmalloc,
		small.nfree + large.nfree + huge.nfree};
	print(p, "%-8s %12s %12s %12s %12s\n", "", "allocated", "nmalloc",
		"ndalloc", "nrequests");
	row(p, "small:", small);
	row(p, "large:", large);
	row(p, "huge:", huge);
	row(p, "total:", total);
	print(p, "%-8s %12" PRIu64 "\n", "active:", active);
	print(p, "%-8s %12" PRIu64 "\n", "mapped:", s->held);
}

static void
bins(struct printer *p, const struct pool_stats *s)
{
	print(p, "bins:     bin  size regs pgs    allocated      nmalloc"
		 "      ndalloc    nrequests       nfills     nflushes"
		 "      newruns       reruns      curruns\n");
	for (unsigned c = 0; c < s->nclasses; c++) {
		const struct class_stats *k = &s->cls[c];
		if (k->nnew == 0 && k->nmalloc == 0)
			continue;
		print(p, "%13u %5" PRIu32 " %4" PRIu32 " %3" PRIu32, c, k->size,
			k->nslots, k->npages);
		print(p,
			" %12" PRIu64 " %12" PRIu64 " %12" PRIu64 " %12" PRIu64,
			k->nlive * k->size, k->nmalloc, k->nmalloc - k->nlive,
			k->nmalloc);
		print(p,
			" %12" PRIu64 " %12" PRIu64 " %12" PRIu64 " %12" PRIu64
			" %12" PRIu64 "\n",
			k->nfills, k->nflushes, k->nnew, k->nreused, k->nslabs);
	}
}

static void
large(struct printer *p, const struct pool_stats *s)
{
	print(p, "large:   size pages      nmalloc      ndalloc    nrequests"
		 "      curruns\n");
	for (unsigned c = 0; c < LARGE_CLASSES; c++) {
		const struct large_stats *k = &s->large[c];
		size_t npages = large_class_pages(c);
		if (k->nmalloc == 0)
			continue;
		print(p,
			"%13zu %5zu %12" PRIu64 " %12" PRIu64 " %12" PRIu64
			" %12" PRIu64 "\n",
			npages * RUN_PAGE, npages, k->nmalloc, k->nfree,
			k->nmalloc, k->nmalloc - k->nfree);
	}
}

static void
tables(struct printer *p, const struct pool_stats *s,
	const struct stats_opts *o, uint64_t active)
{
	print(p, "assigned threads: %" PRIu32 "\n", s->nprivate);
	totals(p, s, active);
	if (o->bins)
		bins(p, s);
	if (o->large)
		large(p, s);
}

void
stats_text(const struct pool_stats *s, const struct stats_opts *o)
{
	struct printer p = {0};
	uint64_t active = s->small_active + s->large_bytes;
	print(&p, "___ Begin jemalloc statistics ___\n");
	if (o->constants)
		constants(&p, s);
	print(&p,
		"Allocated: %" PRIu64 ", active: %" PRIu64 ", mapped: %" PRIu64
		"\n",
		s->small_bytes + s->large_bytes, active, s->held);
	print(&p,
		"Free: %" PRIu64 ", kept: %" PRIu64 ", metadata: %" PRIu64
		", heaps: %" PRIu32 ", refused: %" PRIu64 ", reclaims: %" PRIu64
		"\n",
		s->free, s->cached, s->meta, s->nheaps, s->nmisuse + s->nlate,
		s->nreclaim);
	print(&p,
		"Size: %" PRIu64 ", given back: %" PRIu64
		", no memory: %" PRIu64 "\n",
		s->size, s->given, s->nrefused);
	if (o->merged) {
		print(&p, "\nMerged arenas stats:\n");
		tables(&p, s, o, active);
	}
	if (o->arenas) {
		print(&p, "\narenas[0]:\n");
		tables(&p, s, o, active);
	}
	print(&p, "--- End jemalloc statistics ---\n");
	print_flush(&p);
}
