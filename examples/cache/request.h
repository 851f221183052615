/* SPDX-License-Identifier: BSD-3-Clause */
/* request.h -- what the parts of the protocol have in common; inner header */
#ifndef CACHE_REQUEST_H
#define CACHE_REQUEST_H

#include "command.h"
#include "words.h"

struct request {
	struct word verb;
	const char *at;   /* the rest of the line, from here ... */
	const char *end;  /* ... to here, its end left out */
	const char *text; /* the line and what follows it */
	size_t line_size; /* with the line's end */
	size_t size;      /* of all that is there */
};

/* request_key -- take the next word as a key; false: none, or too long */
bool request_key(struct request *request, struct key *ret_key);

/*
 * request_end -- is this all of the line, but for "noreply" (then the session
 * is quiet until the next request)?
 */
bool request_end(struct session *session, struct request *request);

/* request_bad -- the words of the line are not what they should be */
enum outcome request_bad(struct session *session);

/* request_stores -- is it one of set, add, replace, append, prepend, cas? */
bool request_stores(const struct request *request);

/* request_store -- carry it out, with the block of data after its line */
enum outcome request_store(
	struct session *session, struct request *request, size_t *ret_used);

#endif /* CACHE_REQUEST_H */
