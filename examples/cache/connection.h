/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * connection.h -- one client: bytes from its socket, requests, bytes back
 *
 * A client that sends without reading what it gets is not read from any more,
 * once it has enough to receive; so the memory of a connection is bounded:
 * one line and one value in, two values out.
 */
#ifndef CACHE_CONNECTION_H
#define CACHE_CONNECTION_H

#include "command.h"

struct connection {
	int fd;
	struct buffer in;
	struct buffer out;
	struct session session;
	size_t skip;  /* bytes still to come that nobody wants */
	bool paused;  /* there are requests that wait for room in `out` */
	bool closing; /* nothing more is read; what there is gets sent */
	struct connection *next, *previous; /* of the server's list */
};

/* connection_create -- for a non-blocking socket; NULL: no memory */
struct connection *connection_create(struct cache *cache, int fd);

/* connection_delete -- also closes the socket */
void connection_delete(struct connection *connection);

/*
 * connection_work -- read once, answer, write: as much as goes without waiting
 *
 * readable  the socket may have something to read
 * Returns false when the connection is at its end, and is to be deleted.
 */
bool connection_work(struct connection *connection, bool readable);

/* connection_reads, connection_writes -- what the socket is waited for */
bool connection_reads(const struct connection *connection);
bool connection_writes(const struct connection *connection);

#endif /* CACHE_CONNECTION_H */
