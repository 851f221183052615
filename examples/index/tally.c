/* SPDX-License-Identifier: BSD-3-Clause */
#include "tally.h"

#include <string.h>

#define TALLY_MIN 64 /* entries at first */

static bool
same_word(const struct token *a, const struct token *b)
{
	return a->hash == b->hash && a->len == b->len &&
	       memcmp(a->text, b->text, a->len) == 0;
}

/* entry_for -- where a word is, or would be */
static struct tally_entry *
entry_for(struct tally *tally, const struct token *token)
{
	size_t mask = tally->nentries - 1;
	size_t i = token->hash & mask;

	while (tally->entries[i].token.text != NULL &&
		!same_word(&tally->entries[i].token, token))
		i = (i + 1) & mask;
	return &tally->entries[i];
}

/* grow -- twice the entries; -1 and no change when there is no room */
static int
grow(struct tally *tally, struct mem *mem)
{
	struct tally old = *tally;

	tally->nentries = old.nentries ? old.nentries * 2 : TALLY_MIN;
	tally->entries =
		mem_zalloc(mem, tally->nentries, sizeof(*tally->entries));
	if (tally->entries == NULL) {
		*tally = old;
		return -1;
	}
	for (size_t i = 0; i < old.nentries; i++)
		if (old.entries[i].token.text != NULL)
			*entry_for(tally, &old.entries[i].token) =
				old.entries[i];
	tally_clear(&old, mem);
	return 0;
}

int
tally_count(struct tally *tally, struct mem *mem, char *text, size_t len)
{
	struct tokenizer tok;
	struct token token;

	token_start(&tok, text, len);
	while (token_next(&tok, &token)) {
		if (tally->nused >= tally->nentries / 4 * 3 &&
			grow(tally, mem) != 0)
			return -1;
		struct tally_entry *entry = entry_for(tally, &token);

		if (entry->token.text == NULL) {
			entry->token = token;
			tally->nused++;
		}
		entry->count++;
	}
	return 0;
}

void
tally_clear(struct tally *tally, struct mem *mem)
{
	mem_release(
		mem, tally->entries, tally->nentries * sizeof(*tally->entries));
	*tally = (struct tally){0};
}
