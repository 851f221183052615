/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * source.c -- what both kinds of sources have in common
 */
#include "inspect/source.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

#define FIRST_REGIONS ((size_t)64)
#define MOST_REGIONS  ((size_t)1 << 20)

struct source *
source_new(const struct source_ops *ops)
{
	struct source *s = calloc(1, sizeof(*s));
	if (s == NULL)
		(void)fail(ENOMEM, "no memory");
	else
		s->ops = ops;
	return s;
}

void
source_clear_regions(struct source *s)
{
	for (size_t i = 0; i < s->nregions; i++)
		free(s->regions[i].name);
	s->nregions = 0;
}

void
source_close(struct source *s)
{
	if (s == NULL)
		return;
	s->ops->close(s);
	source_clear_regions(s);
	free(s->regions);
	free(s->thread_pointers);
	free(s);
}

int
source_add_region(struct source *s, const struct region *region)
{
	if (s->nregions == s->room) {
		size_t room = s->room == 0 ? FIRST_REGIONS : s->room * 2;
		struct region *more =
			room > MOST_REGIONS
				? NULL
				: realloc(s->regions, room * sizeof(*more));
		if (more == NULL)
			return fail(ENOMEM, "no memory for the regions");
		s->regions = more;
		s->room = room;
	}
	struct region *to = &s->regions[s->nregions];
	*to = *region;
	to->name = strdup(region->name);
	if (to->name == NULL)
		return fail(ENOMEM, "no memory for the regions");
	source_clean_path(to->name);
	s->nregions++;
	return 0;
}

int
source_pid(const struct source *s)
{
	return s->pid;
}

const char *
source_program(const struct source *s)
{
	return s->program;
}

int
source_read(struct source *s, uint64_t from, void *to, size_t size)
{
	if (from + size < from)
		return -EFAULT;
	return size == 0 ? 0 : s->ops->read(s, from, to, size);
}

bool
source_is_served(struct source *s, uint64_t from, uint64_t size)
{
	return s->ops->is_served != NULL && s->ops->is_served(s, from, size);
}

int
source_refresh(struct source *s)
{
	return s->ops->refresh == NULL ? 0 : s->ops->refresh(s);
}

/* upper -- how many regions begin at or before an address */
static size_t
upper(const struct source *s, uint64_t address)
{
	size_t low = 0, high = s->nregions;
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		if (s->regions[mid].low <= address)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

const struct region *
source_region(const struct source *s, uint64_t address)
{
	size_t i = upper(s, address);
	if (i == 0 || s->regions[i - 1].high <= address)
		return NULL;
	return &s->regions[i - 1];
}

bool
source_maps(const struct source *s, uint64_t from, uint64_t size)
{
	uint64_t end = from + size;
	if (size == 0 || end < from)
		return false;
	for (size_t i = upper(s, from); i > 0 && i <= s->nregions; i++) {
		const struct region *r = &s->regions[i - 1];
		if (r->low > from || r->high <= from)
			return false;
		from = r->high;
		if (from >= end)
			return true;
	}
	return false;
}

int
source_why(const struct source *s, int rc, const char *what)
{
	int err = -rc;
	switch (err) {
	case ESRCH:
		return fail(err, "process %d has ended", s->pid);
	case EPERM:
	case EACCES:
		return fail(EPERM, "process %d may not be read", s->pid);
	case EFAULT:
	case EIO:
		return fail(EPROTO, "%s: not to be read", what);
	default:
		return fail_sys(err, "%s", what);
	}
}

void
source_clean_text(char *text)
{
	for (; *text != '\0'; text++)
		if (*text < ' ' || *text > '~')
			*text = '?';
}

/*
 * following -- bytes behind the first one of a character in UTF-8 that is not
 * ASCII; 0: this is none, or a control character
 * Source  the Unicode standard, table 3-7, without U+0080 to U+009F.
 */
static size_t
following(const unsigned char *at)
{
	static const struct {
		unsigned char first, last; /* bytes that it begins with */
		unsigned char low, high;   /* the second byte */
		size_t n;
	} forms[] = {{0xc2, 0xc2, 0xa0, 0xbf, 1}, {0xc3, 0xdf, 0x80, 0xbf, 1},
		{0xe0, 0xe0, 0xa0, 0xbf, 2}, {0xe1, 0xec, 0x80, 0xbf, 2},
		{0xed, 0xed, 0x80, 0x9f, 2}, {0xee, 0xef, 0x80, 0xbf, 2},
		{0xf0, 0xf0, 0x90, 0xbf, 3}, {0xf1, 0xf3, 0x80, 0xbf, 3},
		{0xf4, 0xf4, 0x80, 0x8f, 3}};
	size_t i = 0, n = 1;
	while (i < sizeof(forms) / sizeof(forms[0]) && at[0] > forms[i].last)
		i++;
	if (i == sizeof(forms) / sizeof(forms[0]) || at[0] < forms[i].first ||
		at[1] < forms[i].low || at[1] > forms[i].high)
		return 0;
	while (n < forms[i].n && (at[n + 1] & 0xc0) == 0x80)
		n++;
	return n == forms[i].n ? n : 0;
}

void
source_clean_path(char *path)
{
	for (; *path != '\0'; path++) {
		size_t n = following((unsigned char *)path);
		path += n;
		if (n == 0 && (*path < ' ' || *path > '~'))
			*path = '?';
	}
}
