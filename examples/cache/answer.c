/* SPDX-License-Identifier: BSD-3-Clause */
#include "answer.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

/* no line of ours is longer: a key, and some numbers and words */
#define ANSWER_MAX ((size_t)512)

static void
put(struct session *session, const void *data, size_t size)
{
	if (!session->failed && !buffer_append(session->out, data, size))
		session->failed = true;
}

void
answer(struct session *session, const char *format, ...)
{
	char line[ANSWER_MAX];
	va_list args;

	if (session->quiet)
		return;
	va_start(args, format);
	int length = vsnprintf(line, sizeof(line), format, args);

	va_end(args);
	put(session, line, (size_t)length);
	put(session, "\r\n", 2);
}

void
answer_value(struct session *session, const struct item *item, bool with_unique)
{
	int key_size = (int)item->key_size;

	if (with_unique)
		answer(session, "VALUE %.*s %" PRIu32 " %" PRIu32 " %" PRIu64,
			key_size, item->key, item->flags, item->size,
			item->unique);
	else
		answer(session, "VALUE %.*s %" PRIu32 " %" PRIu32, key_size,
			item->key, item->flags, item->size);
	if (item->size > 0)
		put(session, item->value, item->size);
	put(session, "\r\n", 2);
}

static void
figure(struct session *session, const char *name, uint64_t value)
{
	answer(session, "STAT %s %" PRIu64, name, value);
}

void
answer_stats(struct session *session)
{
	const struct cache *cache = session->cache;
	const struct counts *counts = &cache->counts;
	const struct store *store = &cache->store;

	figure(session, "pid", (uint64_t)getpid());
	figure(session, "uptime", (uint64_t)store->now - 1);
	figure(session, "time", (uint64_t)(store->epoch + store->now));
	answer(session, "STAT version %d.%d.0", VMEM_MAJOR_VERSION,
		VMEM_MINOR_VERSION);
	figure(session, "pointer_size", 8 * sizeof(void *));
	figure(session, "threads", 1);
	figure(session, "curr_connections", counts->connections);
	figure(session, "total_connections", counts->connections_total);
	figure(session, "cmd_get", counts->get_hits + counts->get_misses);
	figure(session, "cmd_set", counts->set);
	figure(session, "cmd_touch", counts->touch);
	figure(session, "cmd_flush", counts->flush);
	figure(session, "get_hits", counts->get_hits);
	figure(session, "get_misses", counts->get_misses);
	figure(session, "curr_items", store->nitems);
	figure(session, "total_items", store->nstored);
	figure(session, "bytes", store->nbytes);
	figure(session, "limit_maxbytes", cache->pool_size);
	figure(session, "evictions", store->nevicted);
	figure(session, "expired", store->nexpired);
	answer(session, "END");
}
