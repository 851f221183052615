/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * vmem-cache -- a key-value server whose values are in a memory pool
 *
 *     vmem-cache --dir /mnt/cxl --size 64G --port 11211
 *
 * Clients of memcached can talk to it.  Keys and all that is needed to find
 * them stay in DRAM; the values, which are nearly everything, do not.
 *
 * Read store.h first, then store.c: that is where the pool is used.  command.h
 * has the protocol, connection.h one client, server.h all of them.
 */
#include "options.h"
#include "server.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum status { STATUS_FINE = 0, STATUS_DAMAGED = 1, STATUS_FAILED = 2 };

/* serve -- from the first client to the signal that ends us */
static enum status
serve(struct cache *cache, const struct options *options)
{
	struct server server;
	uint16_t port;

	if (server_init(&server, cache, options->connections_max, options->port,
		    &port) != 0) {
		fprintf(stderr, "vmem-cache: port %u: %s\n",
			(unsigned)options->port, strerror(errno));
		return STATUS_FAILED;
	}
	printf("vmem-cache: 127.0.0.1:%u, values in %s\n", (unsigned)port,
		options->dir);
	(void)fflush(stdout); /* who started us waits for the port */
	int rc = server_run(&server);

	if (rc != 0)
		fprintf(stderr, "vmem-cache: %s\n", strerror(errno));
	server_fini(&server);
	return rc == 0 ? STATUS_FINE : STATUS_FAILED;
}

/* check -- is the pool in order, and empty when all items are gone? */
static enum status
check(VMEM *pool, struct store *store)
{
	int full = vmem_check(pool);

	store_fini(store);
	if (full == 1 && vmem_check(pool) == 1 && store->nbytes == 0)
		return STATUS_FINE;
	fprintf(stderr, "vmem-cache: the pool is not in order: %s\n",
		vmem_errormsg());
	return STATUS_DAMAGED;
}

int
main(int argc, char **argv)
{
	struct options options;
	struct cache cache = {0};

	options_parse(argc, argv, &options);
	VMEM *pool = vmem_create(options.dir, options.size);

	if (pool == NULL) {
		fprintf(stderr, "vmem-cache: no pool in %s: %s\n", options.dir,
			vmem_errormsg());
		return STATUS_FAILED;
	}
	cache.value_max = options.value_max;
	cache.pool_size = options.size;
	enum status status = STATUS_FAILED;

	if (store_init(&cache.store, pool))
		status = serve(&cache, &options);
	else
		fprintf(stderr, "vmem-cache: %s\n", strerror(errno));
	if (status == STATUS_FINE) {
		printf("vmem-cache: %zu items, %zu bytes at the end; "
		       "%llu evicted\n",
			cache.store.nitems, cache.store.nbytes,
			(unsigned long long)cache.store.nevicted);
		status = check(pool, &cache.store);
	}
	vmem_delete(pool);
	return (int)status;
}
