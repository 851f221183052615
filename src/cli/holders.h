/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * holders.h -- what could hold a pool on this machine
 *
 * Each kind is looked for by a function of its own, which adds what it finds;
 * then all is printed.  A kind that cannot be looked for has a reason instead.
 * Functions return 0, or the exit status after saying why.
 */
#ifndef CLI_HOLDERS_H
#define CLI_HOLDERS_H

#include <stddef.h>
#include <stdint.h>

#define HOLDER_TYPE_SIZE 32

enum holder_kind {
	HOLDER_DAX,       /* a device DAX node */
	HOLDER_NODE,      /* a NUMA node */
	HOLDER_HUGE,      /* a mounted hugetlbfs */
	HOLDER_DAX_MOUNT, /* a file system mounted with DAX */
	HOLDER_DIRECTORY, /* any other file system with room for files */
	HOLDER_NKINDS
};

struct holder {
	enum holder_kind kind;
	char *path;                  /* malloc; NULL for a NUMA node */
	char type[HOLDER_TYPE_SIZE]; /* of the file system; mode of a device */
	uint64_t size;               /* bytes; not of a mount */
	uint64_t free;               /* bytes; not of a device */
	uint64_t unit;               /* bytes: alignment, or size of a page */
	int node;                    /* NUMA node; -1 when not known */
	unsigned ncpus;              /* of a NUMA node */
};

struct holders {
	struct holder *v;
	size_t n;
	const char *missing[HOLDER_NKINDS]; /* why not looked for; or NULL */
};

/* holders_add -- a copy; path is copied, too, NULL for none */
int holders_add(
	struct holders *all, const struct holder *one, const char *path);
void holders_fini(struct holders *all);

int dax_list(struct holders *all);
int numa_list(struct holders *all);
int mount_list(struct holders *all);

/* holders_print -- a table of each kind, to stdout */
void holders_print(const struct holders *all);

/* holders_print_json -- one object, to stdout */
int holders_print_json(const struct holders *all);

#endif
