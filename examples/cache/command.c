/* SPDX-License-Identifier: BSD-3-Clause */
#include "answer.h"
#include "request.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* a request that has this much to be sent goes on when that is gone */
#define OUT_ENOUGH ((size_t)64 * 1024)

/* digits of the largest number, and a 0 */
#define NUMBER_SIZE 21

bool
request_key(struct request *request, struct key *ret_key)
{
	struct word word = words_next(&request->at, request->end);

	*ret_key = (struct key){word.text, word.size};
	if (word.size == 0 || word.size > STORE_KEY_MAX)
		return false;
	for (size_t i = 0; i < word.size; i++)
		if ((unsigned char)word.text[i] < ' ' || word.text[i] == 0x7f)
			return false;
	return true;
}

bool
request_end(struct session *session, struct request *request)
{
	struct word word = words_next(&request->at, request->end);

	session->quiet = word_is(word, "noreply");
	if (session->quiet)
		word = words_next(&request->at, request->end);
	return word.size == 0;
}

enum outcome
request_bad(struct session *session)
{
	session->quiet = false; /* no client that works gets here */
	answer(session, "CLIENT_ERROR bad command line format");
	return COMMAND_DONE;
}

/*
 * get, gets -- show the items of all keys of the line
 *
 * A line of some bytes can ask for gigabytes.  When enough is to be sent the
 * place in the line is kept, and the same request is carried on from there.
 */
static enum outcome
run_get(struct session *session, struct request *request)
{
	struct cache *cache = session->cache;
	bool with_unique = word_is(request->verb, "gets");
	bool first = session->resume == 0;
	struct key key;

	if (!first)
		request->at = request->text + session->resume;
	while (session->out->size < OUT_ENOUGH) {
		if (!request_key(request, &key)) {
			session->resume = 0;
			if (key.size > 0)
				return request_bad(session);
			answer(session, first ? "ERROR" : "END");
			return COMMAND_DONE;
		}
		struct item *item = store_find(&cache->store, key);

		if (item != NULL) {
			cache->counts.get_hits++;
			answer_value(session, item, with_unique);
		} else {
			cache->counts.get_misses++;
		}
		first = false;
	}
	session->resume = (size_t)(request->at - request->text);
	return COMMAND_PAUSED;
}

static enum outcome
run_delete(struct session *session, struct request *request)
{
	struct store *store = &session->cache->store;
	struct key key;

	if (!request_key(request, &key) || !request_end(session, request))
		return request_bad(session);
	struct item *item = store_find(store, key);

	if (item != NULL)
		store_remove(store, item);
	answer(session, item != NULL ? "DELETED" : "NOT_FOUND");
	return COMMAND_DONE;
}

static enum outcome
run_touch(struct session *session, struct request *request)
{
	struct store *store = &session->cache->store;
	struct key key;
	int64_t expiry;

	if (!request_key(request, &key))
		return request_bad(session);
	if (!word_signed(words_next(&request->at, request->end), INT64_MAX,
		    &expiry)) {
		answer(session, "CLIENT_ERROR invalid exptime argument");
		return COMMAND_DONE;
	}
	if (!request_end(session, request))
		return request_bad(session);
	session->cache->counts.touch++;
	struct item *item = store_find(store, key);

	if (item != NULL)
		item->deadline = store_deadline(store, expiry);
	answer(session, item != NULL ? "TOUCHED" : "NOT_FOUND");
	return COMMAND_DONE;
}

/* count -- add to the number that an item's value is, or take from it */
static void
count(struct session *session, struct item *item, uint64_t delta, bool down)
{
	struct word digits = {item->value, item->size};
	char text[NUMBER_SIZE];
	uint64_t number;

	if (!word_number(digits, UINT64_MAX, &number)) {
		answer(session, "CLIENT_ERROR cannot increment or decrement "
				"non-numeric value");
		return;
	}
	if (down)
		number = number > delta ? number - delta : 0;
	else
		number += delta; /* goes round */
	int size = snprintf(text, sizeof(text), "%" PRIu64, number);

	if (!store_resize(&session->cache->store, item, (size_t)size)) {
		answer(session, "SERVER_ERROR out of memory in incr");
		return;
	}
	memcpy(item->value, text, (size_t)size);
	answer(session, "%s", text);
}

static enum outcome
run_incr(struct session *session, struct request *request)
{
	struct key key;
	uint64_t delta;

	if (!request_key(request, &key))
		return request_bad(session);
	if (!word_number(words_next(&request->at, request->end), UINT64_MAX,
		    &delta)) {
		answer(session, "CLIENT_ERROR invalid numeric delta argument");
		return COMMAND_DONE;
	}
	if (!request_end(session, request))
		return request_bad(session);
	struct item *item = store_find(&session->cache->store, key);

	if (item == NULL)
		answer(session, "NOT_FOUND");
	else
		count(session, item, delta, word_is(request->verb, "decr"));
	return COMMAND_DONE;
}

static enum outcome
run_flush_all(struct session *session, struct request *request)
{
	struct cache *cache = session->cache;
	struct store *store = &cache->store;
	const char *before = request->at;
	int64_t delay = 0;

	if (!word_signed(
		    words_next(&request->at, request->end), INT64_MAX, &delay))
		request->at = before;
	if (!request_end(session, request))
		return request_bad(session);
	cache->counts.flush++;
	if (delay > 0) {
		store->flush_at = store_deadline(store, delay);
	} else {
		store->flush_at = 0;
		store_clear(store);
	}
	answer(session, "OK");
	return COMMAND_DONE;
}

/* stats, stats reset; of what else memcached tells about there is nothing */
static enum outcome
run_stats(struct session *session, struct request *request)
{
	struct counts *counts = &session->cache->counts;
	struct word what = words_next(&request->at, request->end);

	if (!request_end(session, request) || word_is(what, "noreply"))
		return request_bad(session);
	if (what.size == 0) {
		answer_stats(session);
	} else if (word_is(what, "reset")) {
		*counts = (struct counts){.connections = counts->connections};
		answer(session, "RESET");
	} else {
		answer(session, "END");
	}
	return COMMAND_DONE;
}

static enum outcome
run_version(struct session *session, struct request *request)
{
	if (!request_end(session, request) || session->quiet)
		return request_bad(session);
	answer(session, "VERSION %d.%d.0", VMEM_MAJOR_VERSION,
		VMEM_MINOR_VERSION);
	return COMMAND_DONE;
}

/* verbosity -- we are silent at any level */
static enum outcome
run_verbosity(struct session *session, struct request *request)
{
	struct word level = words_next(&request->at, request->end);

	if (level.size == 0 || !request_end(session, request))
		return request_bad(session);
	if (!word_is(level, "noreply"))
		answer(session, "OK");
	return COMMAND_DONE;
}

static enum outcome
run_quit(struct session *session, struct request *request)
{
	if (!request_end(session, request) || session->quiet)
		return request_bad(session);
	return COMMAND_QUIT;
}

static enum outcome
run_line(struct session *session, struct request *request)
{
	static const struct {
		const char *verb;
		enum outcome (*run)(struct session *, struct request *);
	} commands[] = {
		{"get", run_get},
		{"gets", run_get},
		{"delete", run_delete},
		{"incr", run_incr},
		{"decr", run_incr},
		{"touch", run_touch},
		{"flush_all", run_flush_all},
		{"stats", run_stats},
		{"version", run_version},
		{"verbosity", run_verbosity},
		{"quit", run_quit},
	};

	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (word_is(request->verb, commands[i].verb))
			return commands[i].run(session, request);
	answer(session, "ERROR");
	return COMMAND_DONE;
}

enum outcome
command_run(struct session *session, const char *text, size_t size,
	size_t *ret_used)
{
	size_t longest = size < COMMAND_LINE_MAX ? size : COMMAND_LINE_MAX;
	const char *newline = memchr(text, '\n', longest);

	session->quiet = false;
	if (newline == NULL) {
		if (size < COMMAND_LINE_MAX)
			return COMMAND_PARTIAL;
		answer(session, "CLIENT_ERROR line too long");
		return COMMAND_QUIT;
	}
	struct request request = {.text = text,
		.at = text,
		.end = newline > text && newline[-1] == '\r' ? newline - 1
							     : newline,
		.line_size = (size_t)(newline - text) + 1,
		.size = size};

	request.verb = words_next(&request.at, request.end);
	*ret_used = request.line_size;
	return request_stores(&request)
		       ? request_store(session, &request, ret_used)
		       : run_line(session, &request);
}
