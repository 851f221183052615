/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * holders_json.c -- what could hold a pool, for programs; by jansson
 */
#include <jansson.h>
#include <stdio.h>

#include "cli/command.h"
#include "cli/holders.h"

static const char *const keys[HOLDER_NKINDS] = {
	[HOLDER_DAX] = "device_dax",
	[HOLDER_NODE] = "numa_nodes",
	[HOLDER_HUGE] = "hugetlbfs",
	[HOLDER_DAX_MOUNT] = "dax_mounts",
	[HOLDER_DIRECTORY] = "directories",
};

static json_t *
number(uint64_t value)
{
	return json_integer((json_int_t)value);
}

/* describe -- "o" takes the reference; NULL when there is no memory, or when a
 * path is no UTF-8 */
static json_t *
describe(const struct holder *one)
{
	switch (one->kind) {
	case HOLDER_DAX:
		return json_pack("{ss so so si ss}", "path", one->path, "size",
			number(one->size), "align", number(one->unit),
			"numa_node", one->node, "mode", one->type);
	case HOLDER_NODE:
		return json_pack("{si so so si}", "node", one->node, "size",
			number(one->size), "free", number(one->free), "cpus",
			(int)one->ncpus);
	case HOLDER_HUGE:
		return json_pack("{ss so so so}", "path", one->path, "free",
			number(one->free), "page_size", number(one->unit),
			"free_pages", number(one->free / one->unit));
	case HOLDER_DAX_MOUNT:
	case HOLDER_DIRECTORY:
	case HOLDER_NKINDS:
		break;
	}
	return json_pack("{ss so ss}", "path", one->path, "free",
		number(one->free), "type", one->type);
}

/* list -- those of a kind; null when it was not looked for */
static json_t *
list(const struct holders *all, int kind)
{
	json_t *array;

	if (all->missing[kind] != NULL)
		return json_null();
	array = json_array();
	for (size_t i = 0; i < all->n; i++) {
		json_t *one;

		if ((int)all->v[i].kind != kind)
			continue;
		one = describe(&all->v[i]);
		if (one != NULL) /* else it cannot be told in JSON */
			(void)json_array_append_new(array, one);
	}
	return array;
}

int
holders_print_json(const struct holders *all)
{
	json_t *root = json_object();
	int status = root == NULL;

	for (int kind = 0; kind < HOLDER_NKINDS && status == 0; kind++)
		status = json_object_set_new(root, keys[kind], list(all, kind));
	if (status == 0)
		status = json_dumpf(root, stdout, JSON_INDENT(2));
	json_decref(root);
	if (ferror(stdout) != 0)
		return 0; /* that is told at the end, as of the tables */
	if (status != 0)
		return refuse(STATUS_FAILED, "JSON cannot be written");
	(void)putchar('\n');
	return 0;
}
