/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tiers.c threshold|ratio|full -- where objects are, told by /proc/self/maps
 *
 * The tiers are the mappings of the files under the folders that the
 * environment variables FIRST and SECOND name.
 */
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>

#include "check.h"

#define THRESHOLD ((size_t)4096)
#define NOBJECTS  20000u

struct range {
	uintptr_t from, to;
};

static struct range tier[2];

/* read_maps -- the mappings whose line has the folder */
static struct range
read_maps(const char *folder)
{
	static char text[1 << 18];
	struct range all = {UINTPTR_MAX, 0};
	size_t n = 0;
	ssize_t got;
	int fd = open("/proc/self/maps", O_RDONLY);

	CHECK(fd >= 0 && folder != NULL);
	while ((got = read(fd, text + n, sizeof(text) - 1 - n)) > 0)
		n += (size_t)got;
	text[n] = '\0';
	CHECK(close(fd) == 0);
	for (char *line = text, *end; *line != '\0'; line = end + 1) {
		char *rest;
		uintptr_t from, to;

		end = strchr(line, '\n');
		CHECK(end != NULL);
		*end = '\0';
		/* the shadow that waits for a fork has no access */
		if (strstr(line, folder) == NULL || strstr(line, " rw") == NULL)
			continue;
		from = strtoul(line, &rest, 16);
		to = strtoul(rest + 1, NULL, 16);
		all.from = from < all.from ? from : all.from;
		all.to = to > all.to ? to : all.to;
	}
	CHECK(all.from < all.to);
	return all;
}

/* where -- the number of the tier */
static int
where(const void *p)
{
	for (int i = 0; i < 2; i++)
		if ((uintptr_t)p >= tier[i].from && (uintptr_t)p < tier[i].to)
			return i;
	return -1;
}

static void
threshold(void)
{
	for (size_t size = 1; size < 4 * THRESHOLD; size += 97) {
		int wanted = size >= THRESHOLD;
		void *p = malloc(size), *q = calloc(1, size), *r = NULL;

		CHECK(where(p) == wanted && where(q) == wanted);
		CHECK(posix_memalign(&r, 64, size) == 0 && where(r) == wanted);
		CHECK(malloc_usable_size(p) >= size);
		free(p);
		free(q);
		free(r);
	}
	/* over the border and back, contents and all */
	char *p = malloc(100);

	memset(p, 7, 100);
	p = realloc(p, 2 * THRESHOLD);
	CHECK(where(p) == 1 && p[0] == 7 && p[99] == 7);
	p = realloc(p, 50);
	CHECK(where(p) == 0 && p[0] == 7 && p[49] == 7);
	free(p);
}

static void
ratio(void)
{
	static void *objects[NOBJECTS];
	size_t bytes[2] = {0, 0};

	for (unsigned i = 0; i < NOBJECTS; i++) {
		size_t size = (i * 7919u) % 1000 + 1;

		objects[i] = malloc(size);
		CHECK(where(objects[i]) >= 0);
		bytes[where(objects[i])] += size;
	}
	/* FIRST:SECOND is 1:4 */
	printf("%zu %zu\n", bytes[0], bytes[1]);
	CHECK(bytes[1] > bytes[0] * 39 / 10 && bytes[1] < bytes[0] * 41 / 10);
	for (unsigned i = 0; i < NOBJECTS; i++)
		free(objects[i]);
}

/* fill -- until NULL; returns the bytes, and frees all */
static size_t
fill(size_t size, size_t *ret_in)
{
	void *list = NULL, **p;
	size_t n = 0;

	ret_in[0] = ret_in[1] = 0;
	while (errno = 0, (p = malloc(size)) != NULL) {
		CHECK(where(p) >= 0);
		ret_in[where(p)] += size;
		*p = list;
		list = p;
		n++;
	}
	CHECK(errno == ENOMEM);
	while (list != NULL) {
		p = list;
		list = *p;
		free(p);
	}
	return n * size;
}

/* full -- one tier after the other, whichever comes first */
static void
full(void)
{
	static const size_t sizes[] = {64, 1000, 8000, 100000};

	for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		size_t in[2], all = fill(sizes[i], in);

		/* two of 14 MiB */
		CHECK(all >= (size_t)25 << 20);
		CHECK(in[0] >= (size_t)12 << 20 && in[1] >= (size_t)12 << 20);
	}
	/* not even one of these fits into a tier */
	CHECK(malloc((size_t)15 << 20) == NULL && errno == ENOMEM);
	CHECK(malloc((size_t)12 << 20) != NULL);
}

/* child -- after a fork both have their own in both tiers */
static void
child(void)
{
	char *small = malloc(100), *large = malloc(2 * THRESHOLD);
	pid_t pid;

	CHECK(small != NULL && large != NULL);
	small[0] = large[0] = 1;
	pid = fork();
	small[0] = large[0] = pid == 0 ? 2 : 3;
	threshold();
	if (pid == 0)
		_exit(small[0] == 2 && large[0] == 2 ? 0 : 1);
	CHECK_CHILD(pid);
	CHECK(small[0] == 3 && large[0] == 3);
	free(small);
	free(large);
}

int
main(int argc, char *argv[])
{
	const char *what = argc == 2 ? argv[1] : "";

	tier[0] = read_maps(getenv("FIRST"));
	tier[1] = read_maps(getenv("SECOND"));
	if (strcmp(what, "threshold") == 0)
		threshold();
	else if (strcmp(what, "ratio") == 0)
		ratio();
	else if (strcmp(what, "full") == 0)
		full();
	else if (strcmp(what, "child") == 0)
		child();
	else
		return 2;
	return 0;
}
