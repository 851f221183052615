/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * token.h -- the words of a text
 *
 * A word is the longest run of ASCII letters, digits and underscores: what
 * `grep -w` takes for one in the C locale.  Letters are folded to lower case,
 * in place.  Words longer than TOKEN_MAX are passed over.
 */
#ifndef INDEX_TOKEN_H
#define INDEX_TOKEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TOKEN_MAX 127

struct token {
	const char *text; /* inside the text read; not terminated */
	uint32_t len;
	uint32_t hash;
	uint32_t line; /* from 1 */
};

struct tokenizer {
	char *at;
	char *end;
	uint32_t line;
};

void token_start(struct tokenizer *tok, char *text, size_t len);

/* token_next -- the next word; false at the end of the text */
bool token_next(struct tokenizer *tok, struct token *ret_token);

#endif /* INDEX_TOKEN_H */
