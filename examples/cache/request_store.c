/* SPDX-License-Identifier: BSD-3-Clause */
/* request_store.c -- the requests that bring a block of data */
#include "answer.h"
#include "request.h"

#include <string.h>

/* after the data */
#define DATA_END      "\r\n"
#define DATA_END_SIZE ((size_t)2)

/* what a line announces is skipped when it is too much, up to this */
#define ANNOUNCED_MAX ((uint64_t)INT32_MAX)

/* the line of such a request, taken apart */
struct change {
	struct key key;
	uint32_t flags;
	int64_t expiry;
	size_t size;     /* of the data */
	uint64_t unique; /* of cas */
	const char *data;
};

bool
request_stores(const struct request *request)
{
	static const char *const verbs[] = {
		"set", "add", "replace", "append", "prepend", "cas"};

	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (word_is(request->verb, verbs[i]))
			return true;
	return false;
}

/* parse -- the line's words; when it is wrong, as much of it as is known */
static bool
parse(struct request *request, struct change *change)
{
	bool key_fine = request_key(request, &change->key);
	struct word flags = words_next(&request->at, request->end);
	struct word expiry = words_next(&request->at, request->end);
	struct word size = words_next(&request->at, request->end);
	uint64_t number;

	if (!word_number(size, ANNOUNCED_MAX, &number))
		return false;
	change->size = (size_t)number;
	if (!key_fine || !word_number(flags, UINT32_MAX, &number) ||
		!word_signed(expiry, INT64_MAX, &change->expiry))
		return false;
	change->flags = (uint32_t)number;
	return !word_is(request->verb, "cas") ||
	       word_number(words_next(&request->at, request->end), UINT64_MAX,
		       &change->unique);
}

/* store_whole -- set, add, replace and cas put new bytes in place of the old */
static void
store_whole(struct session *session, const struct change *change)
{
	struct store *store = &session->cache->store;
	struct item *item = store_set(store, change->key, change->size);

	if (item == NULL) {
		answer(session, "SERVER_ERROR out of memory storing object");
		return;
	}
	item->flags = change->flags;
	item->deadline = store_deadline(store, change->expiry);
	if (change->size > 0)
		memcpy(item->value, change->data, change->size);
	answer(session, "STORED");
}

/* store_more -- append and prepend keep the old bytes, flags and expiry */
static void
store_more(struct session *session, const struct change *change,
	struct item *item, bool in_front)
{
	struct cache *cache = session->cache;
	size_t old_size = item->size;
	size_t at = in_front ? 0 : old_size;

	if (old_size + change->size > cache->value_max) {
		answer(session, "SERVER_ERROR object too large for cache");
		return;
	}
	if (!store_resize(&cache->store, item, old_size + change->size)) {
		answer(session, "SERVER_ERROR out of memory storing object");
		return;
	}
	if (change->size > 0) {
		if (in_front)
			memmove(item->value + change->size, item->value,
				old_size);
		memcpy(item->value + at, change->data, change->size);
	}
	answer(session, "STORED");
}

/* carry_out -- the request is whole and right, and its data fit */
static void
carry_out(
	struct session *session, struct word verb, const struct change *change)
{
	struct item *item = NULL;

	session->cache->counts.set++;
	if (word_is(verb, "set")) {
		store_whole(session, change);
		return;
	}
	item = store_find(&session->cache->store, change->key);
	if (word_is(verb, "add")) {
		if (item == NULL)
			store_whole(session, change);
		else
			answer(session, "NOT_STORED");
	} else if (item == NULL) {
		answer(session,
			word_is(verb, "cas") ? "NOT_FOUND" : "NOT_STORED");
	} else if (word_is(verb, "append") || word_is(verb, "prepend")) {
		store_more(session, change, item, word_is(verb, "prepend"));
	} else if (word_is(verb, "cas") && item->unique != change->unique) {
		answer(session, "EXISTS");
	} else {
		store_whole(session, change);
	}
}

/* refuse_large -- the data do not fit; a value that is not true any more goes
 */
static void
refuse_large(
	struct session *session, struct word verb, const struct change *change)
{
	struct store *store = &session->cache->store;
	struct item *item =
		word_is(verb, "set") ? store_find(store, change->key) : NULL;

	if (item != NULL)
		store_remove(store, item);
	answer(session, "SERVER_ERROR object too large for cache");
}

enum outcome
request_store(
	struct session *session, struct request *request, size_t *ret_used)
{
	struct change change = {.size = SIZE_MAX};
	bool fine = parse(request, &change);

	*ret_used = request->line_size;
	if (change.size == SIZE_MAX)
		return request_bad(session);
	/* skip the data even of a wrong line: they are no requests */
	*ret_used += change.size + DATA_END_SIZE;
	if (!fine || !request_end(session, request))
		return request_bad(session);
	if (change.size > session->cache->value_max) {
		refuse_large(session, request->verb, &change);
		return COMMAND_DONE;
	}
	if (request->size < *ret_used)
		return COMMAND_PARTIAL;
	change.data = request->text + request->line_size;
	if (memcmp(change.data + change.size, DATA_END, DATA_END_SIZE) != 0)
		answer(session, "CLIENT_ERROR bad data chunk");
	else
		carry_out(session, request->verb, &change);
	return COMMAND_DONE;
}
