/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * paper.c -- text for a terminal
 *
 * Source  https://no-color.org.
 */
#include "cli/paper.h"

#include <stdlib.h>
#include <string.h>

void
paper_end(struct paper *paper)
{
	if (paper->at > 0)
		fputc('\n', paper->out);
	paper->at = 0;
}

/* gap -- blanks before a piece, or a new line where both have no room */
static void
gap(struct paper *paper, size_t blanks, size_t columns)
{
	if (paper->at == 0)
		return;
	if (columns + blanks > paper->width - paper->at) {
		paper_end(paper);
		return;
	}
	fprintf(paper->out, "%*s", (int)blanks, "");
	paper->at += blanks;
}

void
paper_piece(struct paper *paper, size_t columns)
{
	gap(paper, 2, columns);
	paper->at += columns;
}

static void
put_word(struct paper *paper, const char *word, size_t len)
{
	gap(paper, 1, len);
	for (size_t n; len > 0; word += n, len -= n) {
		n = len < paper->width ? len : paper->width;
		/* not in the middle of a character */
		while (n > 1 && n < len && (word[n] & 0xc0) == 0x80)
			n--;
		gap(paper, 0, n);
		(void)fwrite(word, 1, n, paper->out);
		paper->at += n;
	}
}

void
paper_words(struct paper *paper, const char *text)
{
	for (size_t len; *text != '\0'; text += len) {
		text += strspn(text, " ");
		len = strcspn(text, " ");
		if (len > 0)
			put_word(paper, text, len);
	}
	paper_end(paper);
}

bool
colours_fit(void)
{
	const char *never = getenv("NO_COLOR"), *kind = getenv("TERM");

	return (never == NULL || *never == '\0') &&
	       (kind == NULL || strcmp(kind, "dumb") != 0);
}
