/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * holders.c -- what could hold a pool: the list, and its tables
 */
#include "cli/holders.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/command.h"

#define TEXT_SIZE 24

int
holders_add(struct holders *all, const struct holder *one, const char *path)
{
	struct holder *v;
	char *copy = path == NULL ? NULL : strdup(path);

	v = reallocarray(all->v, all->n + 1, sizeof(*v));
	if (v == NULL || (path != NULL && copy == NULL)) {
		if (v != NULL)
			all->v = v;
		free(copy);
		return refuse(STATUS_FAILED, "no memory");
	}
	all->v = v;
	v[all->n] = *one;
	v[all->n++].path = copy;
	return 0;
}

void
holders_fini(struct holders *all)
{
	for (size_t i = 0; i < all->n; i++)
		free(all->v[i].path);
	free(all->v);
	*all = (struct holders){0};
}

/* size_text -- such as 254M or 1.9G; powers of 1024, rounded down */
static const char *
size_text(uint64_t size, char ret_text[TEXT_SIZE])
{
	static const char units[] = "BKMGTPE";
	size_t unit = 0;
	uint64_t whole = size, rest = 0;

	for (; whole >= 1024; whole /= 1024, unit++)
		rest = whole % 1024;
	if (rest == 0 || whole >= 100)
		(void)snprintf(ret_text, TEXT_SIZE, "%" PRIu64 "%c", whole,
			units[unit]);
	else
		(void)snprintf(ret_text, TEXT_SIZE, "%" PRIu64 ".%" PRIu64 "%c",
			whole, rest * 10 / 1024, units[unit]);
	return ret_text;
}

static void
print_head(enum holder_kind kind)
{
	switch (kind) {
	case HOLDER_DAX:
		printf("Device DAX\n  %-24s %8s %8s %5s  %s\n", "NODE", "SIZE",
			"ALIGN", "NUMA", "MODE");
		break;
	case HOLDER_NODE:
		printf("NUMA nodes\n  %-24s %8s %8s %5s\n", "NODE", "SIZE",
			"FREE", "CPUS");
		break;
	case HOLDER_HUGE:
		printf("Huge pages\n  %-24s %8s %8s\n", "DIRECTORY", "FREE",
			"PAGE");
		break;
	case HOLDER_DAX_MOUNT:
	case HOLDER_DIRECTORY:
	case HOLDER_NKINDS:
		printf("%s\n  %-24s %8s  %s\n",
			kind == HOLDER_DAX_MOUNT ? "Mounted with DAX"
						 : "Other directories",
			"DIRECTORY", "FREE", "TYPE");
		break;
	}
}

static void
print_one(const struct holder *one)
{
	char size[TEXT_SIZE], unit[TEXT_SIZE], free_text[TEXT_SIZE];

	(void)size_text(one->size, size);
	(void)size_text(one->unit, unit);
	(void)size_text(one->free, free_text);
	switch (one->kind) {
	case HOLDER_DAX:
		printf("  %-24s %8s %8s %5d  %s\n", one->path, size, unit,
			one->node, one->type);
		break;
	case HOLDER_NODE:
		printf("  %-24d %8s %8s %5u\n", one->node, size, free_text,
			one->ncpus);
		break;
	case HOLDER_HUGE:
		printf("  %-24s %8s %8s\n", one->path, free_text, unit);
		break;
	case HOLDER_DAX_MOUNT:
	case HOLDER_DIRECTORY:
	case HOLDER_NKINDS:
		printf("  %-24s %8s  %s\n", one->path, free_text, one->type);
		break;
	}
}

void
holders_print(const struct holders *all)
{
	for (int kind = 0; kind < HOLDER_NKINDS; kind++) {
		size_t n = 0;

		print_head((enum holder_kind)kind);
		for (size_t i = 0; i < all->n; i++) {
			if ((int)all->v[i].kind != kind)
				continue;
			print_one(&all->v[i]);
			n++;
		}
		if (all->missing[kind] != NULL)
			printf("  %s\n", all->missing[kind]);
		else if (n == 0)
			printf("  none\n");
	}
}
