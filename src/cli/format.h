/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * format.h -- numbers and names for people
 */
#ifndef CLI_FORMAT_H
#define CLI_FORMAT_H

#include <stdint.h>

#define FORMAT_SIZE 16 /* bytes of text */

/* format_bytes -- three or four digits and a unit: 14.0M, 512K, 8 */
const char *format_bytes(char text[FORMAT_SIZE], uint64_t bytes);

/* format_count -- the same with powers of 1000: 1.2k, 3.4M */
const char *format_count(char text[FORMAT_SIZE], double count);

/* plural -- what a word has at its end behind a number: "" or "s" */
const char *plural(uint64_t n);

/*
 * format_names -- text with names of files in UTF-8, for a terminal: bytes that
 * are not ASCII become '?' where the locale has another encoding
 */
void format_names(char *text);

/* percent -- of a whole, 0 when there is none */
double percent(uint64_t part, uint64_t whole);

#endif
