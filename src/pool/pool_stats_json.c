/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * pool_stats_json.c -- the statistics as one JSON object
 */
#include <inttypes.h>

#include "pool/pool_stats.h"

static void
number(struct printer *p, const char *name, uint64_t value, const char *after)
{
	print(p, "\"%s\": %" PRIu64 "%s", name, value, after);
}

static void
bins(struct printer *p, const struct pool_stats *s)
{
	const char *before = "";
	print(p, ",\n\"bins\": [");
	for (unsigned c = 0; c < s->nclasses; c++) {
		const struct class_stats *k = &s->cls[c];
		if (k->nnew == 0 && k->nmalloc == 0)
			continue;
		print(p, "%s\n{", before);
		before = ",";
		number(p, "size", k->size, ", ");
		number(p, "nmalloc", k->nmalloc, ", ");
		number(p, "ndalloc", k->nmalloc - k->nlive, ", ");
		number(p, "live", k->nlive, ", ");
		number(p, "nfills", k->nfills, ", ");
		number(p, "nflushes", k->nflushes, ", ");
		number(p, "newruns", k->nnew, ", ");
		number(p, "reruns", k->nreused, ", ");
		number(p, "curruns", k->nslabs, "}");
	}
	print(p, "]");
}

static void
large(struct printer *p, const struct pool_stats *s)
{
	const char *before = "";
	print(p, ",\n\"large\": [");
	for (unsigned c = 0; c < LARGE_CLASSES; c++) {
		const struct large_stats *k = &s->large[c];
		if (k->nmalloc == 0)
			continue;
		print(p, "%s\n{", before);
		before = ",";
		number(p, "size", large_class_pages(c) * RUN_PAGE, ", ");
		number(p, "nmalloc", k->nmalloc, ", ");
		number(p, "ndalloc", k->nfree, ", ");
		number(p, "live", k->nmalloc - k->nfree, "}");
	}
	print(p, "]");
}

void
stats_json(const struct pool_stats *s, const struct stats_opts *o)
{
	struct printer p = {0};
	print(&p, "{");
	if (o->constants) {
		if (s->name[0] != '\0')
			print(&p, "\"name\": \"%s\", ", s->name);
		number(&p, "page_size", RUN_PAGE, ", ");
		number(&p, "hardening", s->hardening, ",\n");
	}
	number(&p, "allocated", s->small_bytes + s->large_bytes, ", ");
	number(&p, "active", s->small_active + s->large_bytes, ", ");
	number(&p, "mapped", s->held, ", ");
	number(&p, "size", s->size, ", ");
	number(&p, "given_back", s->given, ", ");
	number(&p, "no_memory", s->nrefused, ", ");
	number(&p, "free", s->free, ", ");
	number(&p, "kept", s->cached, ", ");
	number(&p, "metadata", s->meta, ",\n");
	number(&p, "heaps", s->nheaps, ", ");
	number(&p, "threads", s->nprivate, ", ");
	number(&p, "refused", s->nmisuse + s->nlate, ", ");
	number(&p, "reclaims", s->nreclaim, "");
	if (o->merged || o->arenas) {
		if (o->bins)
			bins(&p, s);
		if (o->large)
			large(&p, s);
	}
	print(&p, "}\n");
	print_flush(&p);
}
