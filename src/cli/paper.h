/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * paper.h -- text for a terminal: lines of a width, with or without colours
 */
#ifndef CLI_PAPER_H
#define CLI_PAPER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* a file that is written to in lines of at most so many columns */
struct paper {
	FILE *out;
	size_t width;
	size_t at; /* columns of this line that are taken */
};

/*
 * paper_words -- a text, broken at its blanks, and the line ended
 * A word that is longer than a line is broken where the line ends.
 */
void paper_words(struct paper *paper, const char *text);

/*
 * paper_piece -- room for what the caller writes next, so many columns in one
 * piece: behind a gap of two, or on a new line where this one has not enough
 */
void paper_piece(struct paper *paper, size_t columns);

/* paper_end -- of a line, unless it is empty */
void paper_end(struct paper *paper);

/*
 * colours_fit -- the user has not forbidden colours, by NO_COLOR, and the
 * terminal knows more than letters
 */
bool colours_fit(void);

#endif
