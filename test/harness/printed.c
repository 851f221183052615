/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * printed.c -- see printed.h
 */
#include "harness/printed.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_BYTES (1024 * 1024)
#define LINE_BYTES 1024

static char printed[TEXT_BYTES];
static size_t printed_length;

static void
append(const char *s)
{
	size_t n = strlen(s);

	must(printed_length + n < sizeof(printed));
	memcpy(printed + printed_length, s, n + 1);
	printed_length += n;
}

const char *
printed_stats(VMEM *vmp, const char *opts)
{
	printed_length = 0;
	printed[0] = '\0';
	vmem_set_funcs(NULL, NULL, NULL, NULL, append);
	vmem_stats_print(vmp, opts);
	vmem_set_funcs(NULL, NULL, NULL, NULL, NULL);
	return printed;
}

const char *
printed_next_line(const char *line)
{
	const char *end = strchr(line, '\n');

	return end == NULL ? NULL : end + 1;
}

const char *
printed_line(const char *text, const char *start)
{
	for (; text != NULL && *text != '\0'; text = printed_next_line(text))
		if (strncmp(text, start, strlen(start)) == 0)
			return text;
	return NULL;
}

/* squeeze -- the words of a line with one blank between them */
static void
squeeze(const char *line, char *out, size_t size)
{
	size_t n = 0;

	for (; *line != '\0' && *line != '\n' && n + 2 < size; line++) {
		if (!isspace((unsigned char)*line))
			out[n++] = *line;
		else if (n > 0 && out[n - 1] != ' ')
			out[n++] = ' ';
	}
	while (n > 0 && out[n - 1] == ' ')
		n--;
	out[n] = '\0';
}

const char *
printed_table(const char *text, const char *columns)
{
	size_t n = strlen(columns);

	for (; text != NULL && *text != '\0'; text = printed_next_line(text)) {
		char words[LINE_BYTES];
		size_t length;

		squeeze(text, words, sizeof(words));
		length = strlen(words);
		if (length >= n && strcmp(words + length - n, columns) == 0)
			return printed_next_line(text);
	}
	return NULL;
}

size_t
printed_numbers(const char *line, uint64_t *ret_numbers, size_t max)
{
	char words[LINE_BYTES], *word = words, *end;
	size_t n = 0;

	squeeze(line, words, sizeof(words));
	if (!isdigit((unsigned char)*word)) {
		word = strchr(word, ' ');
		if (word == NULL)
			return 0;
		word++;
	}
	while (n < max && isdigit((unsigned char)*word)) {
		ret_numbers[n++] = strtoull(word, &end, 10);
		if (*end != ' ')
			break;
		word = end + 1;
	}
	return n;
}
