/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * source.h -- memory of another process, or of one that has left a core file
 *
 * Two kinds with the same face.  The list of regions is read once, when the
 * source is opened, or again by source_refresh().
 */
#ifndef INSPECT_SOURCE_H
#define INSPECT_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "inspect/inspect.h"

#define PROGRAM_SIZE 64

/* a piece of the address space */
struct region {
	uint64_t low, high;
	bool writable;
	bool of_file; /* of a file, and what is written stays private */
	char *name;   /* of the file or the kind of memory; never NULL */
};

struct source;

struct source_ops {
	/* read -- all of it, or a negative errno without a message */
	int (*read)(struct source *s, uint64_t from, void *to, size_t size);
	/* refresh -- the regions anew; NULL: they never change */
	int (*refresh)(struct source *s);
	/* is_served -- see source_is_served(); NULL: never */
	bool (*is_served)(struct source *s, uint64_t from, uint64_t size);
	void (*close)(struct source *s);
};

struct source {
	const struct source_ops *ops;
	int pid;
	char program[PROGRAM_SIZE];
	struct region *regions; /* in order of addresses */
	size_t nregions, room;
	bool cut_off; /* a core file that ends before its memory does */
	/* a core file: where its threads' storage was; of a process see stop.h
	 */
	uint64_t *thread_pointers;
	size_t nthreads;
	void *own; /* of the kind */
};

/* source_read -- all of it, or a negative errno without a message */
int source_read(struct source *s, uint64_t from, void *to, size_t size);

/* source_refresh -- the regions anew, when they can change */
int source_refresh(struct source *s);

/* source_maps -- is all of it mapped? */
bool source_maps(const struct source *s, uint64_t from, uint64_t size);

/*
 * source_is_served -- may some of it come by a userfaultfd?  Then to read it
 * may wait for a thread, as a rule one of the process itself.
 */
bool source_is_served(struct source *s, uint64_t from, uint64_t size);

/* source_region -- the region of an address, or NULL */
const struct region *source_region(const struct source *s, uint64_t address);

/* source_why -- the message for a failed source_read(); returns its errno */
int source_why(const struct source *s, int rc, const char *what);

/* for the kinds: source_new() makes one, source_add_region() fills it */
struct source *source_new(const struct source_ops *ops);
int source_add_region(struct source *s, const struct region *region);
void source_clear_regions(struct source *s);

/*
 * source_clean_text -- only what can be shown on any terminal: bytes that are
 * no printable ASCII become '?'
 */
void source_clean_text(char *text);

/* source_clean_path -- the same, but characters in UTF-8 stay as they are */
void source_clean_path(char *path);

#endif
