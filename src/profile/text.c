/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * text.c -- a profile for people and for flame graphs
 */
#include <errno.h>
#include <inttypes.h>

#include "base/error.h"
#include "base/os.h"
#include "base/sort.h"
#include "profile/export.h"
#include "profile/symbol.h"

/* a name must not break the line into other frames */
static void
frame_name(const struct profile_view *v, uintptr_t pc, char *ret, size_t size)
{
	v->text(pc, ret, size);
	for (; *ret != '\0'; ret++)
		if (*ret == ';' || *ret == ' ' || *ret == '\n')
			*ret = '_';
}

int
export_folded(const struct profile_view *v, struct sink *s)
{
	char name[SYMBOL_MOST];
	for (uint32_t i = 0; i < v->nstacks; i++) {
		const struct profile_stack *k = &v->stacks[i];
		uint64_t bytes = points_round(k->live_bytes);
		if (bytes == 0)
			continue;
		for (uint32_t n = k->nframes; n-- > 0;) {
			frame_name(v, k->frame[n], name, sizeof(name));
			sink_print(s, "%s%s", name, n > 0 ? ";" : "");
		}
		if (k->nframes == 0)
			sink_print(s, "[unknown]");
		sink_print(s, " %" PRIu64 "\n", bytes);
	}
	return 0;
}

static uint64_t
live_bytes(const void *of, uint32_t stack)
{
	const struct profile_view *v = of;
	return v->stacks[stack].live_bytes;
}

/* plural -- what a word has at its end behind a number */
static const char *
plural(uint64_t n)
{
	return n == 1 ? "" : "s";
}

static void
one_stack(const struct profile_view *v, struct sink *s,
	const struct profile_stack *k)
{
	char name[SYMBOL_MOST];
	uint64_t bytes = points_round(k->live_bytes);
	uint64_t objects = points_round(k->nlive);
	sink_print(s,
		"\n%" PRIu64 " byte%s in %" PRIu64 " object%s (%" PRIu64
		" sample%s), allocated at\n",
		bytes, plural(bytes), objects, plural(objects), k->nsamples,
		plural(k->nsamples));
	for (uint32_t i = 0; i < k->nframes; i++) {
		v->text(k->frame[i], name, sizeof(name));
		sink_print(s, "    #%-2u 0x%012zx %s\n", i,
			(size_t)k->frame[i] - 1, name);
	}
	if (k->nframes == 0)
		sink_print(s, "    no stack could be taken\n");
}

int
export_text(const struct profile_view *v, struct sink *s)
{
	size_t size = ((size_t)v->nstacks + 1) * sizeof(uint32_t);
	uint32_t *order = os_map(size);
	uint64_t bytes = 0, objects = 0;
	if (order == NULL)
		return fail(ENOMEM, "no memory to write the profile");
	for (uint32_t i = 0; i < v->nstacks; i++) {
		order[i] = i;
		bytes += v->stacks[i].live_bytes;
		objects += v->stacks[i].nlive;
	}
	/* always the same words: programs read this line */
	sink_print(s,
		"live: %" PRIu64 " bytes in %" PRIu64
		" objects, estimated from samples of one byte in %" PRIu64
		" (%" PRIu64 " taken, %" PRIu64 " lost for want of room)\n",
		points_round(bytes), points_round(objects), v->mean,
		v->nsampled, v->ndropped);
	sort_largest_first(order, v->nstacks, live_bytes, v);
	for (uint32_t i = 0; i < v->nstacks; i++)
		if (v->stacks[order[i]].nsamples > 0)
			one_stack(v, s, &v->stacks[order[i]]);
	os_unmap(order, size);
	return 0;
}
