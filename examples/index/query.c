/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * query.c -- the documents that have all of several words
 *
 * The rarest word gives the candidates; each of them is looked for in the
 * other words' lists by bisection.
 */
#include "index.h"
#include "token.h"

#include <string.h>

#define QUERY_WORDS 16  /* at most; more are left out */
#define QUERY_LEN   512 /* bytes */

/* posting_find -- the posting of a document in a word's list; NULL: not in */
static const struct posting *
posting_find(const struct word *word, uint32_t doc)
{
	uint32_t low = 0;
	uint32_t high = word->npostings;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (word->postings[middle].doc < doc)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == word->npostings || word->postings[low].doc != doc)
		return NULL;
	return &word->postings[low];
}

/* words_of -- how many words, looked up; 0 when one of them is nowhere */
static size_t
words_of(const struct index *ix, const char *query,
	const struct word **ret_words)
{
	char text[QUERY_LEN];
	struct tokenizer tok;
	struct token token;
	size_t n = 0;

	(void)strncpy(text, query, sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	token_start(&tok, text, strlen(text));
	while (n < QUERY_WORDS && token_next(&tok, &token)) {
		ret_words[n] =
			index_lookup(ix, token.text, token.len, token.hash);
		if (ret_words[n++] == NULL)
			return 0;
	}
	return n;
}

/* match -- does a document have all words?  Then the hit it makes. */
static bool
match(const struct word **words, size_t nwords, uint32_t doc,
	struct hit *ret_hit)
{
	struct hit hit = {.doc = doc};

	for (size_t i = 0; i < nwords; i++) {
		const struct posting *posting = posting_find(words[i], doc);

		if (posting == NULL)
			return false;
		hit.score += posting->count;
		if (i == 0)
			hit.line = posting->line;
	}
	*ret_hit = hit;
	return true;
}

static bool
better(const struct hit *a, const struct hit *b)
{
	return a->score != b->score ? a->score > b->score : a->doc < b->doc;
}

/* sift -- restore the heap (the worst hit on top) below position i */
static void
sift(struct hit *hits, size_t i, size_t n)
{
	for (;;) {
		size_t worst = i;
		size_t child = 2 * i + 1;

		if (child < n && better(&hits[worst], &hits[child]))
			worst = child;
		if (child + 1 < n && better(&hits[worst], &hits[child + 1]))
			worst = child + 1;
		if (worst == i)
			return;
		struct hit hit = hits[i];

		hits[i] = hits[worst];
		hits[worst] = hit;
		i = worst;
	}
}

/* sort -- heap sort: qsort(3) would take memory outside of the pool */
static void
sort(struct hit *hits, size_t n)
{
	for (size_t i = n / 2; i-- > 0;)
		sift(hits, i, n);
	for (size_t end = n; end-- > 1;) {
		struct hit worst = hits[0];

		hits[0] = hits[end];
		hits[end] = worst;
		sift(hits, 0, end);
	}
}

int
index_query(const struct index *ix, struct mem *mem, const char *query,
	struct hits *ret_hits)
{
	const struct word *words[QUERY_WORDS];
	size_t nwords = words_of(ix, query, words);
	struct hits hits = {0};

	*ret_hits = hits;
	if (nwords == 0)
		return 0;
	const struct word *rarest = words[0];

	for (size_t i = 1; i < nwords; i++)
		if (words[i]->npostings < rarest->npostings)
			rarest = words[i];
	hits.capacity = rarest->npostings;
	hits.hits = mem_alloc(mem, hits.capacity * sizeof(struct hit));
	if (hits.hits == NULL)
		return -1;
	for (uint32_t i = 0; i < rarest->npostings; i++)
		if (match(words, nwords, rarest->postings[i].doc,
			    &hits.hits[hits.nhits]))
			hits.nhits++;
	sort(hits.hits, hits.nhits);
	*ret_hits = hits;
	return 0;
}

void
hits_release(struct hits *hits, struct mem *mem)
{
	mem_release(mem, hits->hits, hits->capacity * sizeof(struct hit));
	*hits = (struct hits){0};
}
