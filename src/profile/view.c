/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * view.c -- a copy of a profile's stacks, and the way to a file
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/os.h"
#include "profile/export.h"
#include "profile/symbol.h"

#define STACKS_BYTES (PROFILE_STACKS * sizeof(struct profile_stack))
#define MAPS_BYTES   ((size_t)4 << 20)

enum profile_format
profile_format_of(const char *path)
{
	size_t n = strlen(path);
	static const char folded[] = ".folded", text[] = ".txt";
	if (n >= sizeof(folded) &&
		strcmp(path + n - (sizeof(folded) - 1), folded) == 0)
		return PROFILE_FOLDED;
	if (n >= sizeof(text) &&
		strcmp(path + n - (sizeof(text) - 1), text) == 0)
		return PROFILE_TEXT;
	return PROFILE_PPROF;
}

int
profile_view_open(struct profile_view *ret, struct profile *p)
{
	size_t size = STACKS_BYTES + MAPS_BYTES;
	struct profile_stack *copy = os_map(size);
	if (copy == NULL)
		return fail(ENOMEM, "no memory for a copy of the profile");
	memset(ret, 0, sizeof(*ret));
	ret->memory = copy;
	ret->memory_size = size;
	ret->stacks = copy;
	ret->maps = (char *)copy + STACKS_BYTES;
	ret->name = symbol_name;
	ret->text = symbol_text;
	lock_acquire(&p->lock, RANK_PROFILE);
	ret->mean = p->mean;
	ret->nsampled = p->nsampled;
	ret->ndropped = p->ndropped;
	ret->nstacks = p->nstacks;
	memcpy(copy, p->stacks, p->nstacks * sizeof(*copy));
	lock_release(&p->lock, RANK_PROFILE);
	return 0;
}

void
profile_view_names(struct profile_view *v)
{
	char *text = (char *)v->memory + STACKS_BYTES;
	size_t n = 0;
	int fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
	/* without it addresses are in no file, which a reader can cope with */
	while (fd >= 0 && n < MAPS_BYTES - 1) {
		ssize_t got = read(fd, text + n, MAPS_BYTES - 1 - n);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		n += (size_t)got;
	}
	text[n] = '\0';
	if (fd >= 0)
		(void)close(fd);
}

void
profile_view_close(struct profile_view *v)
{
	os_unmap(v->memory, v->memory_size);
}

int
profile_write(const struct profile_view *v, enum profile_format format, int fd)
{
	static int (*const export[])(
		const struct profile_view *v, struct sink *s) = {
		[PROFILE_PPROF] = export_pprof,
		[PROFILE_FOLDED] = export_folded,
		[PROFILE_TEXT] = export_text,
	};
	/* too large for the smallest stacks, on which a pool may be deleted */
	struct sink *s = os_map(sizeof(*s));
	if (s == NULL)
		return fail(ENOMEM, "no memory to write the profile");
	sink_open(s, fd, format == PROFILE_PPROF);
	int rc = export[format](v, s);
	int err = sink_close(s);
	os_unmap(s, sizeof(*s));
	if (rc == 0 && err != 0)
		rc = fail_sys(-err, "write");
	return rc;
}
