/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * spark.c -- a row of numbers as a line of small bars
 */
#include "cli/spark.h"

#include <string.h>

#define STEPS 8

/* a bar of 0 to 8 eighths: from below, and from the left */
static const char *const upright[2][STEPS + 1] = {
	{" ", ".", ".", ":", "-", "=", "+", "*", "#"},
	{" ", "\u2581", "\u2582", "\u2583", "\u2584", "\u2585", "\u2586",
		"\u2587", "\u2588"},
};
static const char *const lying[2][STEPS + 1] = {
	{" ", " ", " ", " ", "#", "#", "#", "#", "#"},
	{" ", "\u258f", "\u258e", "\u258d", "\u258c", "\u258b", "\u258a",
		"\u2589", "\u2588"},
};

void
history_add(struct history *h, double value)
{
	if (h->n == HISTORY_LENGTH) {
		memmove(h->value, h->value + 1,
			(HISTORY_LENGTH - 1) * sizeof(h->value[0]));
		h->n--;
	}
	h->value[h->n++] = value;
}

static size_t
append(char *text, size_t size, size_t at, const char *what)
{
	size_t n = strlen(what);

	if (at + n + 1 > size)
		return at;
	memcpy(text + at, what, n + 1);
	return at + n;
}

static size_t
eighths(double share)
{
	if (!(share > 0))
		return 0;
	return share >= 1 ? STEPS : (size_t)(share * STEPS + 0.5);
}

void
spark_text(char *text, size_t size, const struct history *h, size_t width,
	double most, bool wide)
{
	size_t n = h->n < width ? h->n : width, at = 0;
	const double *from = h->value + h->n - n;

	text[0] = '\0';
	for (size_t i = 0; most <= 0 && i < n; i++)
		if (from[i] > most)
			most = from[i];
	for (size_t i = n; i < width; i++)
		at = append(text, size, at, " ");
	for (size_t i = 0; i < n; i++) {
		size_t step = most > 0 ? eighths(from[i] / most) : 0;

		/* that there is something is always shown */
		if (step == 0 && from[i] > 0)
			step = 1;
		at = append(text, size, at, upright[wide][step]);
	}
}

void
spark_bar(char *text, size_t size, size_t width, double share, bool wide)
{
	size_t at = 0;

	text[0] = '\0';
	for (size_t i = 0; i < width; i++)
		at = append(text, size, at,
			lying[wide]
			     [eighths(share * (double)width - (double)i)]);
}
