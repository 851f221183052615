/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * format.c -- numbers and names for people
 */
#include "cli/format.h"

#include <langinfo.h>
#include <stdio.h>
#include <string.h>

#define TEN     9.95 /* from here on no digit behind the point */
#define HUNDRED 100.0

static const char *
format(char text[FORMAT_SIZE], double value, double step, const char *units)
{
	size_t unit = 0;

	while (value >= step - 0.5 && units[unit + 1] != '\0') {
		value /= step;
		unit++;
	}
	if (unit == 0)
		(void)snprintf(text, FORMAT_SIZE, "%.0f", value);
	else
		(void)snprintf(text, FORMAT_SIZE, "%.*f%c", value < TEN * 10,
			value, units[unit]);
	return text;
}

const char *
format_bytes(char text[FORMAT_SIZE], uint64_t bytes)
{
	return format(text, (double)bytes, 1024, " KMGTPE");
}

const char *
format_count(char text[FORMAT_SIZE], double count)
{
	return format(text, count, 1000, " kMGTPE");
}

const char *
plural(uint64_t n)
{
	return n == 1 ? "" : "s";
}

double
percent(uint64_t part, uint64_t whole)
{
	return whole == 0 ? 0 : HUNDRED * (double)part / (double)whole;
}

void
format_names(char *text)
{
	if (strcmp(nl_langinfo(CODESET), "UTF-8") == 0)
		return;
	for (; *text != '\0'; text++)
		if ((unsigned char)*text >= 0x80)
			*text = '?';
}
