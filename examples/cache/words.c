/* SPDX-License-Identifier: BSD-3-Clause */
#include "words.h"

#include <string.h>

struct word
words_next(const char **at, const char *end)
{
	const char *start = *at;

	while (start < end && *start == ' ')
		start++;
	*at = start;
	while (*at < end && **at != ' ')
		(*at)++;
	return (struct word){start, (size_t)(*at - start)};
}

bool
word_is(struct word word, const char *text)
{
	return word.size == strlen(text) &&
	       memcmp(word.text, text, word.size) == 0;
}

bool
word_number(struct word word, uint64_t max, uint64_t *ret_number)
{
	uint64_t number = 0;

	if (word.size == 0)
		return false;
	for (size_t i = 0; i < word.size; i++) {
		unsigned digit = (unsigned char)word.text[i] - (unsigned)'0';

		if (digit > 9 || number > max / 10 ||
			(number == max / 10 && digit > max % 10))
			return false;
		number = 10 * number + digit;
	}
	*ret_number = number;
	return true;
}

bool
word_signed(struct word word, uint64_t max, int64_t *ret_number)
{
	bool negative = word.size > 0 && word.text[0] == '-';
	uint64_t number;

	if (negative) {
		word.text++;
		word.size--;
	}
	if (!word_number(word, max, &number))
		return false;
	*ret_number = negative ? -(int64_t)number : (int64_t)number;
	return true;
}
