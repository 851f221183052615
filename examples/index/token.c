/* SPDX-License-Identifier: BSD-3-Clause */
#include "token.h"

/* FNV-1a, 32 bits: http://www.isthe.com/chongo/tech/comp/fnv/ */
#define FNV_START 2166136261u
#define FNV_PRIME 16777619u

/* fold -- the lower-case form of a character of words, 0 for any other */
static char
fold(char c)
{
	if (c >= 'A' && c <= 'Z')
		return (char)(c - 'A' + 'a');
	if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_')
		return c;
	return 0;
}

void
token_start(struct tokenizer *tok, char *text, size_t len)
{
	tok->at = text;
	tok->end = text + len;
	tok->line = 1;
}

/* skip -- go to the next character of a word; false at the end */
static bool
skip(struct tokenizer *tok)
{
	while (tok->at < tok->end && fold(*tok->at) == 0) {
		if (*tok->at == '\n')
			tok->line++;
		tok->at++;
	}
	return tok->at < tok->end;
}

bool
token_next(struct tokenizer *tok, struct token *ret_token)
{
	while (skip(tok)) {
		char *start = tok->at;
		uint32_t hash = FNV_START;
		char c;

		while (tok->at < tok->end && (c = fold(*tok->at)) != 0) {
			*tok->at++ = c;
			hash = (hash ^ (unsigned char)c) * FNV_PRIME;
		}
		if (tok->at - start > TOKEN_MAX)
			continue;
		ret_token->text = start;
		ret_token->len = (uint32_t)(tok->at - start);
		ret_token->hash = hash;
		ret_token->line = tok->line;
		return true;
	}
	return false;
}
