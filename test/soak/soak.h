/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * soak.h -- a process that does everything at once, for as long as it is told
 *
 *	crew.c     threads that come and go, and exchange objects of all sizes
 *	house.c    pools that come and go; checks, trims, statistics, profiles
 *	child.c    forked children, most of them killed at a random moment
 *	sample.c   what the process holds, as a line of figures
 *	main.c     the pools that live all the time, and the times of it all
 *
 * Any fault ends the process by `must`.
 */
#ifndef SOAK_SOAK_H
#define SOAK_SOAK_H

#include "harness/test.h"

#include <stdatomic.h>
#include <stdio.h>

#include "harness/threads.h"

#define SOAK_POOLS   4u
#define SOAK_SLOTS   2000u /* of a pool */
#define SOAK_TIDE_MS 5000u /* from much to little memory and back */

/* an object says itself what it is */
struct item {
	size_t size; /* of it all */
	uint64_t tag;
	unsigned char payload[];
};

/* a pool that lives all the time, and who has its objects */
struct station {
	VMEM *vmp;
	int fd;       /* of its file, or -1 */
	bool private; /* a forked child has its own copy */
	_Atomic(struct item *) slots[SOAK_SLOTS];
};

struct soak {
	struct station at[SOAK_POOLS];
	const char *dir; /* where the pools' files are, which have no names */
	size_t leak;     /* bytes a second that are lost on purpose */
	uint64_t start_ms;
	struct deadline end;
	atomic_size_t asked; /* bytes of all objects in slots and hands */
	atomic_size_t noperations, npools, nforks, nkills, ntrims, nchecks;
};

/* item_new -- NULL when the pool has no room */
struct item *item_new(struct soak *s, VMEM *vmp, struct rng *rng);
/* item_free -- compare and free; NULL may be given */
void item_free(struct soak *s, VMEM *vmp, struct item *item);

/* threads: each runs until the end */
void crew_run(size_t idx, struct rng *rng, struct soak *s);
void house_found(struct rng *rng, struct soak *s);
void house_keep(struct rng *rng, struct soak *s);
void child_run(struct rng *rng, struct soak *s);

/* soak_wait -- for 0 to most_us microseconds */
void soak_wait(struct rng *rng, size_t most_us);

/* sample_header, sample_write -- lines of comma separated figures */
void sample_header(FILE *out);
void sample_write(struct soak *s, FILE *out);

#endif
