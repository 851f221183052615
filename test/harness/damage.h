/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * damage.h -- change bytes of a pool's metadata, and see what the check says
 *
 * The pool lies in a memory file that is mapped twice: as the pool, which is
 * read-only while it is checked, so that a write of the check would end the
 * test, and once more to do the damage.
 */
#ifndef HARNESS_DAMAGE_H
#define HARNESS_DAMAGE_H

#include "harness/fields.h"
#include "harness/test.h"

struct field {
	const char *name;
	size_t off, size;
	enum worth worth;
	/* bits; then bytes, words and whole fields: tried and found */
	size_t nbits, nbits_found, nmore, nmore_found;
};

#define FIELD(type, member, worth)                                             \
	{                                                                      \
#type "." #member, offsetof(struct type, member),              \
			sizeof(((struct type *)0)->member), worth, 0, 0, 0, 0  \
	}
#define FIELD_ARRAY(name, worth)                                               \
	{                                                                      \
		name, 0, 0, worth, 0, 0, 0, 0                                  \
	}

struct damage {
	VMEM *vmp;
	char *pool, *twin; /* the same bytes: read-only, and not */
	size_t size;
	struct rng rng;
};

/* damage_open -- a pool, not yet read-only; damage_seal makes it so */
void damage_open(struct damage *d, size_t size, const char *name);
void damage_seal(struct damage *d);

/* damage_name -- what is tried next, for the message when the check crashes */
void damage_name(const char *name);

/* damage_is_found -- what the check says; ends the test when it hangs */
bool damage_is_found(const struct damage *d);

/* damage_twin -- where an address of the pool can be written */
unsigned char *damage_twin(const struct damage *d, const void *in_pool);

/* damage_bits -- flip every `stride`th of n bits behind p, one at a time */
void damage_bits(struct damage *d, struct field *f, const void *p, size_t n,
	size_t stride);

/* damage_bytes -- give the n bytes at p another value, and back */
void damage_bytes(struct damage *d, struct field *f, const void *p,
	const void *bytes, size_t n);

/* damage_fields -- bits, bytes and words of each field of an object */
void damage_fields(
	struct damage *d, struct field *fields, size_t n, const void *object);

/* damage_random -- a bit, a block, or many of them in pages that `skip` allows
 */
bool damage_random(struct damage *d, const bool *skip);

/* damage_report -- a table; adds what matters to *tried and *found */
void damage_report(
	const struct field *fields, size_t n, size_t *tried, size_t *found);

#endif
