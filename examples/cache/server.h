/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * server.h -- one thread that waits for all sockets at once
 *
 * The loop of the program: who can be read from or written to gets some work
 * done; once a second the store is told the time.
 */
#ifndef CACHE_SERVER_H
#define CACHE_SERVER_H

#include "connection.h"

struct server {
	struct cache *cache;
	size_t connections_max;
	int epoll;
	int listener;
	int signals; /* SIGINT and SIGTERM arrive here */
	struct connection *connections;
};

/*
 * server_init -- listen on a port of the loopback interface
 *
 * port  0: any that is free; the one that it is goes to *ret_port
 * Returns 0, or -1 with errno set and nothing left behind.
 */
int server_init(struct server *server, struct cache *cache,
	size_t connections_max, uint16_t port, uint16_t *ret_port);

/* server_run -- serve until a signal says that it is enough; 0, or -1: errno */
int server_run(struct server *server);

void server_fini(struct server *server);

#endif /* CACHE_SERVER_H */
