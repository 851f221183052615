/* SPDX-License-Identifier: BSD-3-Clause */
#include "index.h"
#include "tally.h"

#include <string.h>

#define BUCKETS_MIN 256 /* of a shard, at first */
#define DOCS_MIN    256

/* shard_of -- by the hash's high bits; the low ones choose the bucket */
static struct shard *
shard_of(struct index *ix, uint32_t hash)
{
	return &ix->shards[(hash >> 16) % NSHARDS];
}

static struct word **
bucket_of(const struct shard *shard, uint32_t hash)
{
	return &shard->buckets[hash & (shard->nbuckets - 1)];
}

static size_t
word_size(const struct word *word)
{
	return sizeof(*word) + word->len;
}

struct index *
index_create(struct mem *mem)
{
	struct index *ix = mem_zalloc(mem, 1, sizeof(*ix));

	if (ix == NULL)
		return NULL;
	(void)pthread_mutex_init(&ix->docs_lock, NULL);
	for (size_t i = 0; i < NSHARDS; i++) {
		struct shard *shard = &ix->shards[i];

		(void)pthread_mutex_init(&shard->lock, NULL);
		shard->buckets =
			mem_zalloc(mem, BUCKETS_MIN, sizeof(struct word *));
		if (shard->buckets == NULL) {
			index_destroy(ix, mem);
			return NULL;
		}
		shard->nbuckets = BUCKETS_MIN;
	}
	return ix;
}

static void
word_release(struct word *word, struct mem *mem)
{
	mem_release(
		mem, word->postings, word->capacity * sizeof(struct posting));
	mem_release(mem, word, word_size(word));
}

static void
shard_destroy(struct shard *shard, struct mem *mem)
{
	if (shard->buckets == NULL)
		return; /* index_create() had no room for this one */
	for (size_t i = 0; i < shard->nbuckets; i++) {
		struct word *word = shard->buckets[i];

		while (word != NULL) {
			struct word *next = word->next;

			word_release(word, mem);
			word = next;
		}
	}
	mem_release(
		mem, shard->buckets, shard->nbuckets * sizeof(struct word *));
	(void)pthread_mutex_destroy(&shard->lock);
}

static void
name_release(char *name, struct mem *mem)
{
	if (name != NULL)
		mem_release(mem, name, strlen(name) + 1);
}

void
index_destroy(struct index *ix, struct mem *mem)
{
	for (size_t i = 0; i < NSHARDS; i++)
		shard_destroy(&ix->shards[i], mem);
	for (size_t i = 0; i < ix->ndocs; i++)
		name_release(ix->docs[i], mem);
	mem_release(mem, ix->docs, ix->docs_capacity * sizeof(char *));
	(void)pthread_mutex_destroy(&ix->docs_lock);
	mem_release(mem, ix, sizeof(*ix));
}

/* word_find -- the link that points to a word, or to NULL at the chain's end */
static struct word **
word_find(const struct shard *shard, const char *text, uint32_t len,
	uint32_t hash)
{
	struct word **link = bucket_of(shard, hash);

	for (; *link != NULL; link = &(*link)->next)
		if ((*link)->hash == hash && (*link)->len == len &&
			memcmp((*link)->text, text, len) == 0)
			break;
	return link;
}

/* shard_grow -- twice the buckets; when there is no room, chains get longer */
static void
shard_grow(struct shard *shard, struct mem *mem)
{
	struct shard old = *shard;
	struct word **buckets =
		mem_zalloc(mem, old.nbuckets * 2, sizeof(struct word *));

	if (buckets == NULL)
		return;
	shard->buckets = buckets;
	shard->nbuckets = old.nbuckets * 2;
	for (size_t i = 0; i < old.nbuckets; i++) {
		struct word *word = old.buckets[i];

		while (word != NULL) {
			struct word *next = word->next;
			struct word **bucket = bucket_of(shard, word->hash);

			word->next = *bucket;
			*bucket = word;
			word = next;
		}
	}
	mem_release(mem, old.buckets, old.nbuckets * sizeof(struct word *));
}

/* word_new -- a word without postings, in its bucket */
static struct word *
word_new(struct shard *shard, struct mem *mem, const struct token *token)
{
	struct word *word = mem_alloc(mem, sizeof(*word) + token->len);

	if (word == NULL)
		return NULL;
	if (shard->nwords >= shard->nbuckets)
		shard_grow(shard, mem);
	struct word **bucket = bucket_of(shard, token->hash);

	*word = (struct word){
		.next = *bucket, .hash = token->hash, .len = token->len};
	memcpy(word->text, token->text, token->len);
	*bucket = word;
	shard->nwords++;
	return word;
}

/* word_reserve -- room for one more posting; grows by a half */
static int
word_reserve(struct word *word, struct mem *mem)
{
	if (word->npostings < word->capacity)
		return 0;
	uint32_t capacity = word->capacity + word->capacity / 2 + 1;
	struct posting *postings = mem_resize(mem, word->postings,
		word->capacity * sizeof(*postings),
		capacity * sizeof(*postings));

	if (postings == NULL)
		return -1;
	word->postings = postings;
	word->capacity = capacity;
	return 0;
}

/* word_insert -- documents come nearly in order: look from the end */
static void
word_insert(struct word *word, struct posting posting)
{
	uint32_t i = word->npostings++;

	for (; i > 0 && word->postings[i - 1].doc > posting.doc; i--)
		word->postings[i] = word->postings[i - 1];
	word->postings[i] = posting;
}

/* post -- add one word of a document; -1 and no change when there is no room */
static int
post(struct index *ix, struct mem *mem, const struct tally_entry *entry,
	uint32_t doc)
{
	const struct token *token = &entry->token;
	struct shard *shard = shard_of(ix, token->hash);
	int result = -1;

	pthread_mutex_lock(&shard->lock);
	struct word **link =
		word_find(shard, token->text, token->len, token->hash);
	struct word *word = *link;

	if (word == NULL)
		word = word_new(shard, mem, token);
	if (word != NULL && word_reserve(word, mem) == 0) {
		word_insert(
			word, (struct posting){doc, entry->count, token->line});
		shard->npostings++;
		result = 0;
	} else if (word != NULL && word->npostings == 0) {
		link = word_find(shard, token->text, token->len, token->hash);
		*link = word->next;
		shard->nwords--;
		word_release(word, mem);
	}
	pthread_mutex_unlock(&shard->lock);
	return result;
}

/* unpost -- take back what post() did */
static void
unpost(struct index *ix, struct mem *mem, const struct token *token,
	uint32_t doc)
{
	struct shard *shard = shard_of(ix, token->hash);

	pthread_mutex_lock(&shard->lock);
	struct word **link =
		word_find(shard, token->text, token->len, token->hash);
	struct word *word = *link;
	uint32_t i = word->npostings;

	while (word->postings[i - 1].doc != doc)
		i--;
	memmove(&word->postings[i - 1], &word->postings[i],
		(word->npostings - i) * sizeof(struct posting));
	word->npostings--;
	shard->npostings--;
	if (word->npostings == 0) {
		*link = word->next;
		shard->nwords--;
		word_release(word, mem);
	}
	pthread_mutex_unlock(&shard->lock);
}

/* post_all -- all words of a document, or none */
static int
post_all(struct index *ix, struct mem *mem, const struct tally *tally,
	uint32_t doc)
{
	size_t i;

	for (i = 0; i < tally->nentries; i++)
		if (tally->entries[i].token.text != NULL &&
			post(ix, mem, &tally->entries[i], doc) != 0)
			break;
	if (i == tally->nentries)
		return 0;
	while (i-- > 0)
		if (tally->entries[i].token.text != NULL)
			unpost(ix, mem, &tally->entries[i].token, doc);
	return -1;
}

/* doc_add -- a number for a document, and its name */
static int
doc_add(struct index *ix, struct mem *mem, const char *name, uint32_t *ret_doc)
{
	char *copy = mem_strdup(mem, name);

	if (copy == NULL)
		return -1;
	pthread_mutex_lock(&ix->docs_lock);
	if (ix->ndocs == ix->docs_capacity) {
		size_t capacity =
			ix->ndocs == 0 ? DOCS_MIN : ix->docs_capacity * 2;
		char **docs = mem_resize(mem, ix->docs,
			ix->docs_capacity * sizeof(*docs),
			capacity * sizeof(*docs));

		if (docs == NULL) {
			pthread_mutex_unlock(&ix->docs_lock);
			name_release(copy, mem);
			return -1;
		}
		ix->docs = docs;
		ix->docs_capacity = capacity;
	}
	*ret_doc = (uint32_t)ix->ndocs;
	ix->docs[ix->ndocs++] = copy;
	pthread_mutex_unlock(&ix->docs_lock);
	return 0;
}

/* doc_remove -- the number stays unused */
static void
doc_remove(struct index *ix, struct mem *mem, uint32_t doc)
{
	pthread_mutex_lock(&ix->docs_lock);
	char *name = ix->docs[doc];

	ix->docs[doc] = NULL;
	pthread_mutex_unlock(&ix->docs_lock);
	name_release(name, mem);
}

int
index_add(struct index *ix, struct mem *mem, const char *name, char *text,
	size_t len)
{
	struct tally tally = {0};
	uint32_t doc;
	int result = -1;

	if (tally_count(&tally, mem, text, len) == 0 &&
		doc_add(ix, mem, name, &doc) == 0) {
		result = post_all(ix, mem, &tally, doc);
		if (result != 0)
			doc_remove(ix, mem, doc);
	}
	tally_clear(&tally, mem);
	return result;
}

static void
word_trim(struct word *word, struct mem *mem)
{
	size_t size = word->capacity * sizeof(struct posting);
	size_t used = word->npostings * sizeof(struct posting);
	struct posting *postings;

	if (used == size)
		return;
	postings = mem_resize(mem, word->postings, size, used);
	if (postings == NULL)
		return;
	word->postings = postings;
	word->capacity = word->npostings;
}

void
index_trim(struct index *ix, struct mem *mem)
{
	for (size_t i = 0; i < NSHARDS; i++) {
		struct shard *shard = &ix->shards[i];

		for (size_t j = 0; j < shard->nbuckets; j++)
			for (struct word *w = shard->buckets[j]; w; w = w->next)
				word_trim(w, mem);
	}
}

size_t
index_nwords(const struct index *ix)
{
	size_t n = 0;

	for (size_t i = 0; i < NSHARDS; i++)
		n += ix->shards[i].nwords;
	return n;
}

size_t
index_npostings(const struct index *ix)
{
	size_t n = 0;

	for (size_t i = 0; i < NSHARDS; i++)
		n += ix->shards[i].npostings;
	return n;
}

const struct word *
index_lookup(
	const struct index *ix, const char *text, uint32_t len, uint32_t hash)
{
	const struct shard *shard = &ix->shards[(hash >> 16) % NSHARDS];

	return *word_find(shard, text, len, hash);
}
