/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * profile.h -- who allocated what lives: a sample of the objects of a pool
 *
 * Of all bytes that are allocated one in `mean` is chosen at random, and the
 * object that it belongs to is kept with the call stack, until it is freed. The
 * chance of an object depends on its size alone, so what a stack has allocated
 * follows from its samples: each counts for 1 / (1 - exp(-size / mean))
 * objects.
 *
 * All of it is in one mapping of the process's own memory, which a reader from
 * outside copies as it is; everything in it is an index or an address of the
 * process.  A profile has a number, 1 to PROFILE_MOST, by which the layers
 * above know it.
 *
 * Objects are found by address in an open table.  Who frees one looks there
 * without a lock: the object is alive until the free is done, so its slot
 * stays, and no slot in front of it becomes empty.  All changes are made under
 * the profile's lock.
 *
 * Source  the estimator is the one of tcmalloc and of Go's heap profiles.
 */
#ifndef PROFILE_PROFILE_H
#define PROFILE_PROFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/atomic.h"
#include "base/compiler.h"
#include "base/lock.h"

#define PROFILE_MOST   255u /* profiles at a time */
#define PROFILE_DEPTH  32u  /* frames of a stack that are kept */
#define PROFILE_STACKS ((size_t)1 << 14)
#define PROFILE_NONE   UINT32_MAX
#define PROFILE_MAGIC  UINT64_C(0x31464f52504d4556) /* "VEMPROF1" */

/* what is counted in parts of an object: 1024 are one */
#define PROFILE_LG_POINT 10u

/* one call stack, and what the samples taken there stand for */
struct profile_stack {
	uint64_t hash;
	uint32_t next;              /* with the same bucket, or PROFILE_NONE */
	uint32_t nframes;           /* innermost first */
	uint64_t nlive, live_bytes; /* in 1/1024 */
	uint64_t nalloc, alloc_bytes;
	uint64_t nsamples;              /* samples of live objects */
	uintptr_t frame[PROFILE_DEPTH]; /* return addresses */
};

/* one live object of the sample */
struct profile_object {
	uintptr_t address; /* 0: none, 1: none any more; atomic */
	uint64_t size;     /* as it was asked for, at least 1 */
	uint32_t stack;
	uint32_t reserved;
};

/* the beginning of the mapping; all but the first part under the lock */
struct profile {
	uint64_t magic;
	uint64_t bytes; /* of the mapping; set once, as all up to `lock` */
	uint64_t uid;   /* never used twice in a process */
	uint64_t mean;
	uint64_t lg_objects; /* slots of the table of objects */
	uint64_t stack_size; /* sizeof(struct profile_stack) */
	struct profile_stack *stacks;
	struct profile_object *objects;
	struct lock lock; /* RANK_PROFILE */
	uint32_t nstacks;
	uint64_t changes; /* atomic: odd while something is changed */
	uint64_t random;
	uint64_t nobjects; /* samples of live objects */
	uint64_t nsampled; /* samples ever taken */
	uint64_t ndropped; /* of these, for which there was no room */
	uint32_t bucket[PROFILE_STACKS];
};

/*
 * profile_create -- a profile with nothing in it
 * mean        bytes between two samples; 1: every object
 * pool_bytes  size of the pool, which bounds the number of objects
 * Returns its number, or a negative errno.
 */
int profile_create(size_t mean, size_t pool_bytes);

/* profile_delete -- nobody uses it any more */
void profile_delete(unsigned number);

/* profile_at -- the profile of a number; NULL for 0 */
struct profile *profile_at(unsigned number);

/* where the thread is on its way to the next sample */
struct profile_clock {
	uint64_t uid;  /* of the profile that `left` was drawn for */
	uint64_t left; /* bytes; the sample is taken when they are used up */
	bool busy;     /* the thread is walking its stack: no samples */
};

extern TLS_INITIAL_EXEC struct profile_clock profile_clock
	__attribute__((visibility("hidden")));

/* profile_due_slow -- profile_due() when more than the clock is needed */
bool profile_due_slow(struct profile *p, uint64_t size);

/* profile_due -- is an object of that size in the sample?  Moves the clock. */
static inline bool
profile_due(struct profile *p, uint64_t size)
{
	struct profile_clock *c = &profile_clock;
	if (likely(c->uid == p->uid) && likely(size < c->left)) {
		c->left -= size;
		return false;
	}
	return profile_due_slow(p, size);
}

/* profile_insert -- an object that is due, with its stack */
void profile_insert(struct profile *p, const void *object, uint64_t size,
	void *const *frames, unsigned nframes);

/* profile_remove -- an object is about to be freed: forget it if it is there */
void profile_remove(struct profile *p, const void *object);

/*
 * profile_clear -- all objects are about to be freed; nobody allocates or frees
 * one meanwhile
 */
void profile_clear(struct profile *p);

/*
 * profile_stack_init -- make ready to walk stacks; outside of all locks
 * may_load  memory may be allocated, and a library loaded
 * Returns whether it is; without that profile_stack() finds nothing.
 */
bool profile_stack_init(bool may_load);

/*
 * profile_stack -- the callers of the function that calls this one
 * Returns how many, at most PROFILE_DEPTH.  Outside of all locks.
 */
unsigned profile_stack(void **ret_frames);

/* profile_random, profile_interval, profile_weight -- see random.c */
uint64_t profile_random(uint64_t *state);
uint64_t profile_interval(uint64_t *state, uint64_t mean);
uint64_t profile_weight(uint64_t size, uint64_t mean);

/*
 * What an exporter writes from: stacks that nobody changes any more, and what
 * their addresses mean.
 */
struct profile_view {
	uint64_t mean;
	uint64_t nsampled, ndropped;
	const struct profile_stack *stacks;
	uint32_t nstacks;
	const char *maps; /* the text of the process's /proc/PID/maps */
	/*
	 * the function that a return address leads into: its length, 0 when
	 * that is not known; and the same, or else FILE+0xOFFSET
	 */
	size_t (*name)(uintptr_t pc, char *ret, size_t size);
	void (*text)(uintptr_t pc, char *ret, size_t size);
	void *memory; /* what profile_view_close() frees */
	size_t memory_size;
};

enum profile_format {
	PROFILE_PPROF,  /* protobuf in gzip */
	PROFILE_FOLDED, /* a line a stack, live bytes: flame graphs */
	PROFILE_TEXT    /* the live objects by stack, largest first */
};

/* profile_format_of -- by the end of a name: .folded, .txt, else pprof */
enum profile_format profile_format_of(const char *path);

/*
 * profile_view_open -- copy what an exporter needs; nobody deletes the profile
 * meanwhile.  Returns 0 or -ENOMEM.  profile_view_names() adds what the
 * addresses mean; it reads a file, so no longer inside the pool.
 */
int profile_view_open(struct profile_view *ret, struct profile *p);
void profile_view_names(struct profile_view *v);
void profile_view_close(struct profile_view *v);

/* profile_write -- to a descriptor; returns 0 or a negative errno */
int profile_write(
	const struct profile_view *v, enum profile_format format, int fd);

#endif
