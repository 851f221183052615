/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * auto_profile.c -- profiles that the environment asks for
 *
 * Source  pool.h says what they are.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/atomic.h"
#include "base/error.h"
#include "base/log.h"
#include "base/os.h"
#include "pool/pool_internal.h"

#define PATH_MOST 4096
#define DECIMAL   10

static size_t mean;             /* 0: no profiles; set once */
static char pattern[PATH_MOST]; /* "": no files; set once */
static pid_t owner;             /* who reads the variable; set once */
static bool loads;
static unsigned nfiles; /* atomic */

/* suffix -- bytes of a K, an M or a G; 0: something else */
static unsigned
suffix_shift(char c)
{
	static const char suffixes[] = "KMG";
	const char *at = c == '\0' ? NULL : strchr(suffixes, c);
	return at == NULL ? 0 : 10 * (unsigned)(at - suffixes + 1);
}

void
auto_profile_init(const char *variable, bool may_load)
{
	const char *text = os_getenv(variable);
	char *end;
	if (text == NULL || *text < '0' || *text > '9')
		return;
	size_t n = strtoul(text, &end, DECIMAL);
	unsigned shift = suffix_shift(*end);
	end += shift != 0;
	if (*end != '\0' && *end != ':')
		return;
	if (n > SIZE_MAX >> shift)
		return;
	mean = n << shift;
	owner = getpid();
	loads = may_load;
	if (*end == ':' && strlen(end + 1) < sizeof(pattern))
		memcpy(pattern, end + 1, strlen(end + 1) + 1);
}

void
auto_profile_begin(void *handle)
{
	if (handle != NULL && mean != 0 &&
		pool_profile_start(handle, mean, loads) != 0)
		LOG(1, "no profile of pool %p", handle);
}

/* expand -- the name of the next file; false: too long */
static bool
expand(char *to, size_t size)
{
	/* relaxed: only has to differ */
	unsigned n = fetch_add_relaxed(&nfiles, 1) + 1;
	size_t used = 0;
	for (const char *p = pattern; *p != '\0' && used < size; p++) {
		int got = 1;
		if (p[0] == '%' && p[1] == 'p')
			got = snprintf(
				to + used, size - used, "%ld", (long)getpid());
		else if (p[0] == '%' && p[1] == 'n')
			got = snprintf(to + used, size - used, "%u", n);
		else
			to[used] = *p;
		p += p[0] == '%' && (p[1] == 'p' || p[1] == 'n');
		used += got > 0 ? (size_t)got : 0;
	}
	if (used >= size)
		return false;
	to[used] = '\0';
	return true;
}

static void
dump(void *handle)
{
	/* not on the stack, which may be the smallest that there is */
	char *path = os_map(PATH_MOST);
	if (path == NULL) {
		(void)fail(ENOMEM, "no memory to write the profile");
		LOG(1, "no profile of pool %p is written", handle);
		return;
	}
	if (expand(path, PATH_MOST) && pool_profile_dump(handle, path) != 0)
		LOG(1, "profile %s is not written", path);
	os_unmap(path, PATH_MOST);
}

/* is_profiled -- does that live pool have one? */
static bool
is_profiled(const void *handle)
{
	return pool_profile_next((const void *)((uintptr_t)handle - 1)) ==
	       handle;
}

void
auto_profile_end(void *handle)
{
	if (pattern[0] != '\0' && handle != NULL && is_profiled(handle))
		dump(handle);
}

void
auto_profile_exit(void)
{
	/* a forked child would write over the parent's */
	if (pattern[0] == '\0' || owner != getpid())
		return;
	for (void *p = NULL; (p = pool_profile_next(p)) != NULL;)
		dump(p);
	pattern[0] = '\0';
}
