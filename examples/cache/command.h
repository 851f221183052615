/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * command.h -- the memcached text protocol: requests in, answers out
 *
 * A request is a line, and for those that store something a block of data
 * after it.  Nothing here knows of sockets: text comes in, as much as there is,
 * and what is to be sent goes into a buffer.
 *
 * Source  doc/protocol.txt of memcached.
 */
#ifndef CACHE_COMMAND_H
#define CACHE_COMMAND_H

#include "buffer.h"
#include "store.h"

/* a line may have no more bytes; a client asks for some hundred keys at once */
#define COMMAND_LINE_MAX ((size_t)64 * 1024)

/* what is counted for all clients together */
struct counts {
	uint64_t get_hits, get_misses;
	uint64_t set, touch, flush;
	size_t connections, connections_total;
};

/* what the commands work on */
struct cache {
	struct store store;
	struct counts counts;
	size_t value_max; /* bytes of a value */
	size_t pool_size; /* bytes, as it was asked for */
};

/* one client's place in its stream of requests */
struct session {
	struct cache *cache;
	struct buffer *out; /* what it is to receive */
	size_t resume;      /* of the line: keys before it were answered */
	bool quiet;         /* the present request wants no answer */
	bool failed;        /* no memory for an answer: the end */
};

enum outcome {
	COMMAND_DONE,    /* drop `ret_used` bytes, also those still to come */
	COMMAND_PARTIAL, /* not all of it is here: call again with more */
	COMMAND_PAUSED, /* enough to send for now: call again when it is sent */
	COMMAND_QUIT    /* the client goes, or must go */
};

/*
 * command_run -- carry out the first request of `text`
 *
 * text      what the client has sent, from the start of a request
 * ret_used  set when the outcome is COMMAND_DONE: length of the request
 */
enum outcome command_run(struct session *session, const char *text, size_t size,
	size_t *ret_used);

#endif /* CACHE_COMMAND_H */
