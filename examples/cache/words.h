/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * words.h -- a line of text, taken apart at its blanks
 *
 * The line is never changed and nothing is copied: a word is a piece of it.
 */
#ifndef CACHE_WORDS_H
#define CACHE_WORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct word {
	const char *text; /* no 0 at its end */
	size_t size;      /* 0: there was no more word */
};

/* words_next -- take the next word of the line [*at, end) */
struct word words_next(const char **at, const char *end);

bool word_is(struct word word, const char *text);

/* word_number -- decimal digits and nothing else; false: not so, or > max */
bool word_number(struct word word, uint64_t max, uint64_t *ret_number);

/* word_signed -- the same, with an optional minus sign, to +-max */
bool word_signed(struct word word, uint64_t max, int64_t *ret_number);

#endif /* CACHE_WORDS_H */
