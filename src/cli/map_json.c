/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * map_json.c -- a heap map as one JSON object
 *
 * Written piece by piece: a large pool has millions of extents.
 */
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>

#include "cli/command.h"
#include "cli/map.h"

static void
print_extent(const struct extent *e, const char *before, FILE *out)
{
	fprintf(out,
		"%s\n{\"page\": %" PRIu64 ", \"pages\": %" PRIu64
		", \"kind\": \"%s\"",
		before, e->page, e->npages, page_kind_name(e->kind));
	if (e->nslots > 0)
		fprintf(out,
			", \"size\": %" PRIu32 ", \"live\": %" PRIu32
			", \"slots\": %" PRIu32,
			e->size, e->nlive, e->nslots);
	fputc('}', out);
}

int
map_json(const struct map_picture *picture, FILE *out)
{
	const struct figures *f = picture->figures;
	json_t *title = json_string(picture->title);

	fprintf(out, "{\"title\": ");
	if (title == NULL || json_dumpf(title, out, JSON_ENCODE_ANY) != 0)
		fprintf(out, "\"\"");
	json_decref(title);
	fprintf(out,
		",\n\"size\": %" PRIu64 ", \"pages\": %" PRIu64
		", \"shown\": %" PRIu64
		", \"page_size\": 4096, \"exact\": %s,\n\"live\": %" PRIu64
		", \"free\": %" PRIu64 ", \"largest_free\": %" PRIu64
		", \"free_pieces\": %" PRIu64 ", \"free_slots\": %" PRIu64
		",\n\"kinds\": {",
		f->size, picture->map->npages, picture->shown,
		picture->torn ? "false" : "true", f->live, f->free,
		f->largest_free, f->nfree_pieces, f->slack);
	for (unsigned kind = 0; kind < PAGE_KINDS; kind++)
		fprintf(out, "%s\"%s\": %" PRIu64, kind == 0 ? "" : ", ",
			page_kind_name((enum page_kind)kind),
			picture->map->pages[kind]);
	fprintf(out, "},\n\"extents\": [");
	for (size_t i = 0; i < picture->map->nextents; i++)
		print_extent(&picture->map->extents[i], i == 0 ? "" : ",", out);
	fprintf(out, "]}\n");
	return 0;
}
