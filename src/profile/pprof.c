/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * pprof.c -- a profile as a protocol buffer
 *
 * Messages are small and are put together in a buffer, because their length
 * comes first.  Strings are numbered as they are written.
 *
 * Source  profile.proto of pprof; the encoding of protocol buffers.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/error.h"
#include "base/os.h"
#include "profile/export.h"
#include "profile/symbol.h"

/* fields of the messages, by their numbers in profile.proto */
enum {
	PROFILE_SAMPLE_TYPE = 1,
	PROFILE_SAMPLE = 2,
	PROFILE_MAPPING = 3,
	PROFILE_LOCATION = 4,
	PROFILE_FUNCTION = 5,
	PROFILE_STRING = 6,
	PROFILE_TIME_NANOS = 9,
	PROFILE_PERIOD_TYPE = 11,
	PROFILE_PERIOD = 12,
	PROFILE_DEFAULT_TYPE = 14,
	TYPE_TYPE = 1,
	TYPE_UNIT = 2,
	SAMPLE_LOCATION = 1,
	SAMPLE_VALUE = 2,
	MAPPING_ID = 1,
	MAPPING_START = 2,
	MAPPING_LIMIT = 3,
	MAPPING_OFFSET = 4,
	MAPPING_FILE = 5,
	LOCATION_ID = 1,
	LOCATION_MAPPING = 2,
	LOCATION_ADDRESS = 3,
	LOCATION_LINE = 4,
	LINE_FUNCTION = 1,
	FUNCTION_ID = 1,
	FUNCTION_NAME = 2,
	FUNCTION_SYSTEM_NAME = 3
};

#define WIRE_VARINT  0u
#define WIRE_BYTES   2u
#define MESSAGE_MOST ((size_t)1024) /* of the small ones; all have bounds */
#define HEXADECIMAL  16
#define NS           UINT64_C(1000000000)

struct message {
	size_t n;
	unsigned char bytes[MESSAGE_MOST];
};

struct writer {
	const struct profile_view *v;
	struct sink *s;
	uint64_t nstrings;
	uintptr_t *pcs; /* all return addresses, sorted, each once */
	size_t npcs, pcs_size;
};

static void
put_number(struct message *m, uint64_t value)
{
	for (; value >= 0x80; value >>= 7)
		m->bytes[m->n++] = (unsigned char)(value | 0x80);
	m->bytes[m->n++] = (unsigned char)value;
}

static void
put_field(struct message *m, unsigned field, uint64_t value)
{
	put_number(m, field << 3 | WIRE_VARINT);
	put_number(m, value);
}

static void
put_bytes(struct message *m, unsigned field, const void *bytes, size_t n)
{
	put_number(m, field << 3 | WIRE_BYTES);
	put_number(m, n);
	memcpy(m->bytes + m->n, bytes, n);
	m->n += n;
}

/* emit_bytes -- a field of the outermost message */
static void
emit_bytes(struct writer *w, unsigned field, const void *bytes, size_t n)
{
	struct message head = {0};
	put_number(&head, field << 3 | WIRE_BYTES);
	put_number(&head, n);
	sink_put(w->s, head.bytes, head.n);
	sink_put(w->s, bytes, n);
}

static void
emit_message(struct writer *w, unsigned field, const struct message *m)
{
	emit_bytes(w, field, m->bytes, m->n);
}

static void
emit_number(struct writer *w, unsigned field, uint64_t value)
{
	struct message m = {0};
	put_field(&m, field, value);
	sink_put(w->s, m.bytes, m.n);
}

/* emit_string -- returns its number */
static uint64_t
emit_string(struct writer *w, const char *text, size_t n)
{
	emit_bytes(w, PROFILE_STRING, text, n);
	return w->nstrings++;
}

static void
emit_type(struct writer *w, unsigned field, uint64_t type, uint64_t unit)
{
	struct message m = {0};
	put_field(&m, TYPE_TYPE, type);
	put_field(&m, TYPE_UNIT, unit);
	emit_message(w, field, &m);
}

static void
emit_types(struct writer *w)
{
	static const char *const names[] = {"", "count", "bytes",
		"alloc_objects", "alloc_space", "inuse_objects", "inuse_space",
		"space"};
	enum { EMPTY, COUNT, BYTES, ALLOC_N, ALLOC, INUSE_N, INUSE, SPACE };
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		(void)emit_string(w, names[i], strlen(names[i]));
	emit_type(w, PROFILE_SAMPLE_TYPE, ALLOC_N, COUNT);
	emit_type(w, PROFILE_SAMPLE_TYPE, ALLOC, BYTES);
	emit_type(w, PROFILE_SAMPLE_TYPE, INUSE_N, COUNT);
	emit_type(w, PROFILE_SAMPLE_TYPE, INUSE, BYTES);
	emit_type(w, PROFILE_PERIOD_TYPE, SPACE, BYTES);
	emit_number(w, PROFILE_PERIOD, w->v->mean);
	emit_number(w, PROFILE_DEFAULT_TYPE, INUSE);
	struct timespec now = {0};
	(void)clock_gettime(CLOCK_REALTIME, &now);
	emit_number(w, PROFILE_TIME_NANOS,
		(uint64_t)now.tv_sec * NS + (uint64_t)now.tv_nsec);
}

/* sift -- one step of the heap sort: the largest comes to the front */
static void
sift(uintptr_t *a, size_t i, size_t n)
{
	for (size_t child; (child = 2 * i + 1) < n; i = child) {
		child += child + 1 < n && a[child + 1] > a[child];
		if (a[i] >= a[child])
			return;
		uintptr_t t = a[i];
		a[i] = a[child];
		a[child] = t;
	}
}

/* collect -- all addresses, sorted, each once; false: no memory */
static bool
collect(struct writer *w)
{
	const struct profile_view *v = w->v;
	w->pcs_size =
		((size_t)v->nstacks * PROFILE_DEPTH + 1) * sizeof(w->pcs[0]);
	uintptr_t *a = w->pcs = os_map(w->pcs_size);
	size_t n = 0, unique = 0;
	if (a == NULL)
		return false;
	for (uint32_t i = 0; i < v->nstacks; i++)
		for (uint32_t k = 0; k < v->stacks[i].nframes; k++)
			a[n++] = v->stacks[i].frame[k];
	for (size_t i = n / 2; i-- > 0;)
		sift(a, i, n);
	for (size_t i = n; i-- > 1;) {
		uintptr_t t = a[0];
		a[0] = a[i];
		a[i] = t;
		sift(a, 0, i);
	}
	for (size_t i = 0; i < n; i++)
		if (i == 0 || a[i] != a[unique - 1])
			a[unique++] = a[i];
	w->npcs = unique;
	return true;
}

/* location_id -- of an address that collect() has found */
static uint64_t
location_id(const struct writer *w, uintptr_t pc)
{
	size_t low = 0, high = w->npcs;
	while (high - low > 1) {
		size_t mid = (low + high) / 2;
		if (w->pcs[mid] <= pc)
			low = mid;
		else
			high = mid;
	}
	return low + 1;
}

/* a line of /proc/PID/maps */
struct mapping {
	uintptr_t start, limit, offset;
	bool code;
	const char *file;
	size_t file_length;
};

/* next_mapping -- parse the line at *text and step behind it; false at the end
 */
static bool
next_mapping(const char **text, struct mapping *m)
{
	const char *line = *text, *end = strchr(line, '\n');
	char *at;
	if (end == NULL)
		return false;
	*text = end + 1;
	memset(m, 0, sizeof(*m));
	m->start = strtoul(line, &at, HEXADECIMAL);
	m->limit = strtoul(at + 1, &at, HEXADECIMAL);
	m->code = strlen(at) > 4 && at[3] == 'x';
	m->offset = strtoul(at + 6, &at, HEXADECIMAL);
	m->file = memchr(at, '/', (size_t)(end - at));
	if (m->file != NULL)
		m->file_length = (size_t)(end - m->file);
	return true;
}

static void
emit_mappings(struct writer *w)
{
	const char *text = w->v->maps;
	struct mapping k;
	for (uint64_t id = 1; next_mapping(&text, &k);) {
		struct message m = {0};
		if (!k.code)
			continue;
		put_field(&m, MAPPING_ID, id++);
		put_field(&m, MAPPING_START, k.start);
		put_field(&m, MAPPING_LIMIT, k.limit);
		put_field(&m, MAPPING_OFFSET, k.offset);
		if (k.file != NULL)
			put_field(&m, MAPPING_FILE,
				emit_string(w, k.file, k.file_length));
		emit_message(w, PROFILE_MAPPING, &m);
	}
}

/* mapping_id -- of the code that an address lies in, or 0 */
static uint64_t
mapping_id(const struct writer *w, uintptr_t pc)
{
	const char *text = w->v->maps;
	struct mapping k;
	for (uint64_t id = 1; next_mapping(&text, &k); id += k.code)
		if (k.code && pc - k.start < k.limit - k.start)
			return id;
	return 0;
}

static void
emit_location(struct writer *w, uint64_t id, uintptr_t pc)
{
	struct message m = {0}, line = {0}, function = {0};
	char name[SYMBOL_MOST];
	size_t n = w->v->name(pc, name, sizeof(name));
	put_field(&m, LOCATION_ID, id);
	put_field(&m, LOCATION_MAPPING, mapping_id(w, pc - 1));
	put_field(&m, LOCATION_ADDRESS, pc - 1);
	if (n > 0) {
		uint64_t string = emit_string(w, name, n);
		put_field(&function, FUNCTION_ID, id);
		put_field(&function, FUNCTION_NAME, string);
		put_field(&function, FUNCTION_SYSTEM_NAME, string);
		emit_message(w, PROFILE_FUNCTION, &function);
		put_field(&line, LINE_FUNCTION, id);
		put_bytes(&m, LOCATION_LINE, line.bytes, line.n);
	}
	emit_message(w, PROFILE_LOCATION, &m);
}

static void
emit_sample(struct writer *w, const struct profile_stack *stack)
{
	const uint64_t values[] = {stack->nalloc, stack->alloc_bytes,
		stack->nlive, stack->live_bytes};
	struct message m = {0}, packed = {0};
	for (uint32_t i = 0; i < stack->nframes; i++)
		put_number(&packed, location_id(w, stack->frame[i]));
	put_bytes(&m, SAMPLE_LOCATION, packed.bytes, packed.n);
	packed.n = 0;
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
		put_number(&packed, points_round(values[i]));
	put_bytes(&m, SAMPLE_VALUE, packed.bytes, packed.n);
	emit_message(w, PROFILE_SAMPLE, &m);
}

int
export_pprof(const struct profile_view *v, struct sink *s)
{
	struct writer w = {.v = v, .s = s};
	if (!collect(&w))
		return fail(ENOMEM, "no memory to write the profile");
	emit_types(&w);
	emit_mappings(&w);
	for (size_t i = 0; i < w.npcs; i++)
		emit_location(&w, i + 1, w.pcs[i]);
	for (uint32_t i = 0; i < v->nstacks; i++)
		emit_sample(&w, &v->stacks[i]);
	os_unmap(w.pcs, w.pcs_size);
	return 0;
}
